/*
 * The readable end of a sweep: what was found, per workload and arm, from the database's views
 * alone, so that `headroom report` can print it again from the file.
 */
#ifndef HEADROOM_HARNESS_STORE_REPORT_H
#define HEADROOM_HARNESS_STORE_REPORT_H

#include "harness/store/store.h"

#include <stdio.h>

/* Tables of results, comparisons of arms, warnings, and the trials without result with their
 * reasons; of all workloads, or of those in a JSON list of names: ["offsets","topic"]. Arms that
 * are not compared yet are compared first (comparison.h). */
bool report_write(struct store *store, const char *workloads, FILE *out, struct error *error);

/* One line if results are of other code than this program's (code_hash.h), or start from such, of
 * all workloads or of those; nothing else. */
bool report_older_code(struct store *store, const char *workloads, FILE *out, struct error *error);

/* Every current trial with its status and reason; nothing, not even names, where there is none. */
bool report_trials(struct store *store, FILE *out, struct error *error);

/* One figure of merit of a finished trial, for the talk of a sweep: "accuracy 0.935, heads 2.10"
 * or, of a profile, its median pass, "1230.0 us at batch 1". "" where there is none. */
bool report_outcome(struct store *store, int64_t trial_id, char *out, size_t size,
                    struct error *error);

#endif
