/*
 * The rows of a SELECT as a table of the page: one that opens, sorts and filters (report.js), and
 * whose rows lead to their trials.
 */
#ifndef HEADROOM_HARNESS_REPORT_ROWS_H
#define HEADROOM_HARNESS_REPORT_ROWS_H

#include "harness/report/trial_index.h"
#include "harness/store/store.h"
#include "models/base/text.h"

/* More rows than that are for other programs (`headroom export`): a page of a hundred thousand is
 * no page. */
enum { ROWS_MOST = 1000 };

struct rows_wanted {
    const char *id;     /* of the element, a word */
    const char *title;  /* a few words */
    const char *note;   /* what the columns mean; NULL: nothing */
    const char *sql;    /* one SELECT of views */
    const char *source; /* what `headroom export` has all of it by */
};

/* Appends the table, and nothing where there is no row; *n_rows is how many there are. The cell
 * `arm` links to a trial of the row's workload, arm and, if it has one, seed; trial_id to that
 * trial. */
bool rows_append(struct text *out, struct store *store, const struct trial_index *trials,
                 const struct rows_wanted *wanted, size_t *n_rows, struct error *error);

#endif
