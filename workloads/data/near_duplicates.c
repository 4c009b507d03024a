/*
 * As in overlap.c all inputs are sorted, here by a sorted copy of their tokens, so that those of
 * equal words stand side by side and are counted exactly.
 */
#include "workloads/data/near_duplicates.h"

#include <stdlib.h>
#include <string.h>

struct bag {
    int32_t *tokens; /* sorted */
    int32_t n_tokens, label;
    bool test;
};

static int compare_tokens(const void *a, const void *b) {
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;
    return (left > right) - (left < right);
}

static int compare_bags(const void *a, const void *b) {
    const struct bag *left = a, *right = b;
    if (left->n_tokens != right->n_tokens) return left->n_tokens < right->n_tokens ? -1 : 1;
    return memcmp(left->tokens, right->tokens, (size_t)left->n_tokens * sizeof *left->tokens);
}

/* Adds the inputs of a split, whose sorted tokens go to *tokens. */
static struct bag *add_split(const struct split *split, bool test, int32_t **tokens,
                             struct bag *out) {
    for (int i = 0; i < split->n; i++) {
        int32_t n = split->offsets[i + 1] - split->offsets[i];
        memcpy(*tokens, split->tokens + split->offsets[i], (size_t)n * sizeof **tokens);
        qsort(*tokens, (size_t)n, sizeof **tokens, compare_tokens);
        *out++ = (struct bag){*tokens, n, split->labels[i], test};
        *tokens += n;
    }
    return out;
}

/* Whether an input of training among these n has the label. */
static bool is_taught(const struct bag *bags, size_t n, int32_t label) {
    for (size_t i = 0; i < n; i++)
        if (!bags[i].test && bags[i].label == label) return true;
    return false;
}

static void count(const struct bag *bags, size_t n, struct near_duplicates *out) {
    size_t n_test = 0;
    for (size_t i = 0; i < n; i++) n_test += bags[i].test;
    if (n_test == 0 || n_test == n) return;
    for (size_t i = 0; i < n; i++) {
        if (!bags[i].test) continue;
        out->inputs++;
        out->contradicted += !is_taught(bags, n, bags[i].label);
    }
}

bool near_duplicates_find(const struct dataset *data, struct near_duplicates *out,
                          struct error *error) {
    const struct split *splits[] = {&data->train, &data->validation, &data->test};
    size_t n = 0, n_tokens = 0;
    for (int s = 0; s < 3; s++) {
        n += (size_t)splits[s]->n;
        n_tokens += (size_t)splits[s]->offsets[splits[s]->n];
    }
    struct bag *bags = malloc(n * sizeof *bags), *end = bags;
    int32_t *tokens = malloc(n_tokens * sizeof *tokens), *next = tokens;
    bool ok = (bags && tokens) || error_set(error, "out of memory while comparing %zu texts", n);
    *out = (struct near_duplicates){0};
    if (ok) {
        for (int s = 0; s < 3; s++) end = add_split(splits[s], s == 2, &next, end);
        qsort(bags, n, sizeof *bags, compare_bags);
        for (size_t first = 0, last; first < n; first = last) {
            for (last = first; last < n && compare_bags(bags + first, bags + last) == 0;) last++;
            count(bags + first, last - first, out);
        }
    }
    free(tokens);
    free(bags);
    return ok;
}
