/*
 * Suggestions by edit distance; see closest_name.h. A word longer than every setting's name
 * resembles none of them and is not measured, so that the row of the recurrence fits on the stack.
 */
#include "models/base/closest_name.h"

#include <stdint.h>
#include <string.h>

enum { NAME_MAX_LENGTH = 63 };

/* Levenshtein distance by its recurrence, one row at a time; row[j] belongs to b's first j
 * letters. */
static size_t edit_distance(const char *a, const char *b) {
    size_t length_a = strlen(a), length_b = strlen(b), row[NAME_MAX_LENGTH + 1];
    if (length_a > NAME_MAX_LENGTH || length_b > NAME_MAX_LENGTH) return SIZE_MAX;
    for (size_t j = 0; j <= length_b; j++) row[j] = j;
    for (size_t i = 1; i <= length_a; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length_b; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[length_b];
}

const char *closest_name(const char *word, const char *const *candidates, size_t n) {
    const char *closest = NULL;
    /* A change of every letter is no likeness, so short words get fewer than two edits. */
    size_t length = strlen(word), limit = length < 3 ? length : 3;
    for (size_t i = 0; i < n; i++) {
        size_t distance = edit_distance(word, candidates[i]);
        if (distance < limit) {
            limit = distance;
            closest = candidates[i];
        }
    }
    return closest;
}
