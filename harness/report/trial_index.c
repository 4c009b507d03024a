/*
 * A sorted array: it is filled once and then only asked.
 */
#include "harness/report/trial_index.h"

#include <stdlib.h>
#include <string.h>

bool trial_index_add(struct trial_index *index, const char *workload, const char *arm, int64_t seed,
                     int64_t id, bool training) {
    if (index->n == index->capacity) {
        size_t capacity = index->capacity ? 2 * index->capacity : 64;
        struct trial_entry *grown = realloc(index->entries, capacity * sizeof *grown);
        if (!grown) return false;
        index->entries = grown;
        index->capacity = capacity;
    }
    struct trial_entry entry = {strdup(workload), strdup(arm), seed, id, training};
    index->entries[index->n++] = entry;
    return entry.workload && entry.arm;
}

static int compare_names(const struct trial_entry *a, const char *workload, const char *arm) {
    int order = strcmp(a->workload, workload);
    return order ? order : strcmp(a->arm, arm);
}

/* By name, trainings first, then by seed and number. */
static int compare(const void *left, const void *right) {
    const struct trial_entry *a = left, *b = right;
    int order = compare_names(a, b->workload, b->arm);
    if (order) return order;
    if (a->training != b->training) return a->training ? -1 : 1;
    if (a->seed != b->seed) return a->seed < b->seed ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

void trial_index_sort(struct trial_index *index) {
    if (index->n > 0) qsort(index->entries, index->n, sizeof *index->entries, compare);
}

void trial_index_free(struct trial_index *index) {
    for (size_t i = 0; i < index->n; i++) {
        free(index->entries[i].workload);
        free(index->entries[i].arm);
    }
    free(index->entries);
    *index = (struct trial_index){0};
}

static int64_t find(const struct trial_index *index, const char *workload, const char *arm,
                    const int64_t *seed) {
    size_t low = 0, high = index->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_names(&index->entries[middle], workload, arm) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < index->n; low++) {
        const struct trial_entry *entry = &index->entries[low];
        if (compare_names(entry, workload, arm) != 0) break;
        if (!seed || (entry->training && entry->seed == *seed)) return entry->id;
    }
    return 0;
}

int64_t trial_index_find(const struct trial_index *index, const char *workload, const char *arm,
                         const int64_t *seed) {
    int64_t id = find(index, workload, arm, seed);
    const char *control = strrchr(arm, '(');
    if (id || !control || control - arm < 2 || control[-1] != ' ') return id;
    char *trained = strndup(arm, (size_t)(control - arm) - 1);
    if (trained) id = find(index, workload, trained, seed);
    free(trained);
    return id;
}

bool trial_index_has(const struct trial_index *index, int64_t id) {
    for (size_t i = 0; i < index->n; i++)
        if (index->entries[i].id == id) return true;
    return false;
}
