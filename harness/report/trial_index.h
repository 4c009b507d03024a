/*
 * The trials that have an entry in the page, so that rows and points link to what is there and to
 * nothing else.
 */
#ifndef HEADROOM_HARNESS_REPORT_TRIAL_INDEX_H
#define HEADROOM_HARNESS_REPORT_TRIAL_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trial_entry {
    char *workload, *arm;
    int64_t seed, id;
    bool training;
};

/* Starts zeroed. */
struct trial_index {
    struct trial_entry *entries; /* as they were added until trial_index_sort */
    size_t n, capacity;
};

/* False: memory ran out. */
bool trial_index_add(struct trial_index *index, const char *workload, const char *arm, int64_t seed,
                     int64_t id, bool training);
void trial_index_sort(struct trial_index *index);
void trial_index_free(struct trial_index *index);

/* The training of an arm with this seed, or without one (NULL) its first trial, trainings first; 0:
 * the page has none. An arm's controls, "arm (static)", are of its training. */
int64_t trial_index_find(const struct trial_index *index, const char *workload, const char *arm,
                         const int64_t *seed);
bool trial_index_has(const struct trial_index *index, int64_t id);

#endif
