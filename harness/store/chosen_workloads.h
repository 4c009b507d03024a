/*
 * A connection that sees some of the workloads of a file, for figures of them: what it asks then costs as
 * much as they have trials, whatever else the file holds.
 */
#ifndef HEADROOM_HARNESS_STORE_CHOSEN_WORKLOADS_H
#define HEADROOM_HARNESS_STORE_CHOSEN_WORKLOADS_H

#include "harness/store/store.h"

/* Until store_release the views of this connection are of these workloads alone: a JSON list of names. What a
 * method declares is still what all results say, so that it looks the same in every choice. To be called
 * before anything else is kept. */
bool chosen_workloads_keep(struct store *store, const char *workloads, struct error *error);

#endif
