/*
 * The readable end of a sweep: what was found, per workload and arm, from the database's views
 * alone, so that `headroom report` can print it again from the file.
 */
#ifndef HEADROOM_HARNESS_STORE_REPORT_H
#define HEADROOM_HARNESS_STORE_REPORT_H

#include "harness/store/store.h"

#include <stdio.h>

/* Tables of results, comparisons of arms, warnings, and the trials without result with their
 * reasons; of all workloads, or of those in a JSON list of names: ["offsets","topic"]. */
bool report_write(struct store *store, const char *workloads, FILE *out, struct error *error);

/* Any SELECT as an aligned table: first column to the left, the others to the right. Prints
 * nothing, not even names, where there is no row. *n_rows (may be NULL): how many there were. */
bool report_table(struct store *store, const char *sql, FILE *out, size_t *n_rows,
                  struct error *error);

#endif
