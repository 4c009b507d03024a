/*
 * Results of other databases taken into this one: what machines found that each ran a part of a sweep,
 * or old results in one place. Trials are known by workload and key, so that merging the same file
 * again changes nothing. A result keeps the environment, host and time it was made with; the tables
 * that the program works out are not merged but made again (comparison.h).
 */
#ifndef HEADROOM_HARNESS_STORE_STORE_MERGE_H
#define HEADROOM_HARNESS_STORE_STORE_MERGE_H

#include "harness/store/store.h"

struct merge_options {
    bool replace;     /* where both have a result that differs, or define a workload otherwise, what
                         comes in counts, and what was here stays as an earlier result */
    bool checkpoints; /* copy the files as well */
    void (*tell)(void *context, const char *text); /* hears of each thing that is kept out */
    void *context;
};

struct merge_result {
    int64_t n_taken; /* results that were not here */
    int64_t n_here;  /* that were here already, with the same numbers */
    int64_t n_open;  /* trials without a result there: planned, or they died */
    int64_t n_timed; /* timings of another environment, beside those that were here */
    int64_t n_replaced;
    int64_t n_conflicts;         /* kept out: a result with other numbers is here */
    int64_t n_dependent;         /* kept out: they start from one of these */
    int64_t n_refused_workloads; /* kept out: here they are defined otherwise */
    int64_t n_benches;
    int64_t n_waiting;     /* results in the source's pending/, which are not in its tables */
    int n_checkpoints;     /* copied */
    int n_bad_checkpoints; /* missing, damaged, or in the way of another file */
};

/* Refuses, before anything is written, what cannot be merged into the file at `into`: what is no
 * Headroom database, of another version than this program knows, or that file itself. */
bool store_merge_check(const char *into, const char *path, struct error *error);

/* Merges one file in one transaction. The file is never written; one of an earlier version of the
 * schema, or whose last writer was killed, is read from a copy in TMPDIR. Memory does not grow with it.
 * False with the database as it was; only a checkpoint that cannot be written comes after that. */
bool store_merge(struct store *store, const char *path, const struct merge_options *options,
                 struct merge_result *result, struct error *error);

#endif
