/*
 * The readable end of a sweep: what was found, per workload and arm, from the database's views
 * alone, so that `headroom report` can print it again from the file.
 */
#ifndef HEADROOM_HARNESS_STORE_REPORT_H
#define HEADROOM_HARNESS_STORE_REPORT_H

#include "harness/store/store.h"
#include "harness/table/format.h"
#include "models/base/text.h"

#include <stdio.h>

/* What to report on, as JSON; NULL: everything. */
struct report_choice {
    const char *workloads; /* ["offsets", "topic"] */
    const char *arms;      /* [["offsets", "fixed-8"], ...], of these workloads */
};

/* Writes both lists: the workloads of these names (n_names 0: of all), and, with a filter, their
 * arms whose workload/arm it matches, a POSIX extended regular expression. A list that would hold
 * everything stays NULL. A name that the database does not hold is an error, and so is a filter
 * that nothing matches. */
bool report_choose(struct store *store, const char *const *names, size_t n_names,
                   const char *filter, struct text *workloads, struct text *arms,
                   struct error *error);

/* Arms that are not compared yet are compared first (comparison.h). For people (TABLE_ALIGNED,
 * TABLE_MARKDOWN): tables of results, comparisons of arms, warnings, and the trials without result
 * with their reasons. TABLE_CSV: the arms, a row each. TABLE_JSON: an object of all parts, arrays
 * of rows. */
bool report_write_chosen(struct store *store, const struct report_choice *choice,
                         enum table_format format, FILE *out, struct error *error);

/* The same for a terminal, of all arms of these workloads (NULL: of all). */
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
