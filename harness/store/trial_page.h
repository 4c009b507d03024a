/*
 * What a database says of single trials and of machines, for people who look at one of them: the
 * rows behind the views, with texts as they were stored.
 */
#ifndef HEADROOM_HARNESS_STORE_TRIAL_PAGE_H
#define HEADROOM_HARNESS_STORE_TRIAL_PAGE_H

#include "harness/store/store.h"

/* For each callback: [n] values by the names of their columns, as store_query_cells has them. */
typedef bool trial_page_row(void *context, size_t n, const char *const *names,
                            const struct cell *cells);

/* The current trials, workload by workload and arm by arm, at most `limit`. First id, key,
 * workload, arm, kind, seed, status, config and warnings (a line each; NULL: none); then what a
 * page of it lists, as far as it is known. */
bool trial_page_trials(struct store *store, int64_t limit, trial_page_row *row, void *context,
                       struct error *error);
enum {
    TRIAL_ID,
    TRIAL_KEY,
    TRIAL_WORKLOAD,
    TRIAL_ARM,
    TRIAL_KIND,
    TRIAL_SEED,
    TRIAL_STATUS,
    TRIAL_CONFIG,
    TRIAL_WARNINGS,
    TRIAL_LISTED
};

/* The epochs of a training: train_loss, validation_loss, validation_accuracy,
 * validation_mean_heads. */
bool trial_page_epochs(struct store *store, int64_t trial_id, trial_page_row *row, void *context,
                       struct error *error);

/* Everything known of the machines of current trials with a result: machine, name, value,
 * why_unknown; the names of a machine stand together. */
bool trial_page_machines(struct store *store, trial_page_row *row, void *context,
                         struct error *error);

#endif
