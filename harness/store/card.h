/*
 * The card of a data set: can it test an attention method at all? One page of markdown about a
 * workload whose arms are models without attention, of one head and of all heads. All that it says
 * is in the views (attention_gain, paired_difference, accuracy_vs_budget, data_set); what more seeds
 * or inputs would change follows from the variance components of the comparison (statistics.h).
 */
#ifndef HEADROOM_HARNESS_STORE_CARD_H
#define HEADROOM_HARNESS_STORE_CARD_H

#include "harness/store/store.h"

#include <stdio.h>

/* Error where the database has no results of all heads for the workload. `name` is what the page
 * calls the data. comparison_update comes first. */
bool card_write(struct store *store, const char *workload, const char *name, FILE *out,
                struct error *error);

#endif
