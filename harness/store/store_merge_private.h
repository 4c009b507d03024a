/*
 * What the files of store_merge.h share. A source is attached as `source`, and its trials stand in
 * temp.arrival with what became of each: id there, workload_id here, key without what follows a dot,
 * earlier (1: something did), and here, the id of the row that has its result here; NULL: none.
 */
#ifndef HEADROOM_HARNESS_STORE_STORE_MERGE_PRIVATE_H
#define HEADROOM_HARNESS_STORE_STORE_MERGE_PRIVATE_H

#include "harness/measure/temporary.h"
#include "harness/store/store_merge.h"
#include "harness/store/store_private.h"

struct merge {
    struct store *store;
    const char *path; /* of the source */
    const struct merge_options *options;
    struct merge_result *result;
    struct text take_sql; /* takes a trial as a row; "" until the first is taken */
};

/* Attaches the source, or a copy of it in a temporary folder, so that it cannot be written. */
bool merge_source_attach(struct store *store, const char *path, struct temporary *copy,
                         struct error *error);

/* After SQLite found a damaged page: was it one of the source's? Then the error says so. */
void merge_source_blame(const char *path, struct error *error);

/* Takes the source's workloads: temp.incoming gets their ids there and here; 0: the workload is kept
 * out, because here its name is another one's. */
bool merge_workloads(struct merge *merge, struct error *error);

/* Whether two results of a trial differ in a number that the computation determines: predictions,
 * accuracies, FLOPs, but no times and not where either was not measured. `what`, "" if not: the first. */
bool merge_differ(struct store *store, int64_t there, int64_t here, char *what, size_t size,
                  struct error *error);

/* Copies the checkpoints of all results that the source and this database share. */
bool merge_checkpoints(struct merge *merge, struct error *error);

/* How many results of unfinished trials wait in pending/ beside the source. */
bool merge_count_waiting(struct merge *merge, struct error *error);

#endif
