/*
 * Results that could not be stored yet, in files of their own beside the database; see store_pending.c.
 */
#ifndef HEADROOM_HARNESS_STORE_STORE_PENDING_H
#define HEADROOM_HARNESS_STORE_STORE_PENDING_H

#include "harness/store/store.h"

/* Keeps what a trial of this store found in pending/KEY.db: one of `training` and `profiling`, the
 * other is NULL. It does not touch the store's own database, so that it can be called while that is
 * waited for. */
bool store_pending_write(const struct store *store, const struct trial_row *row,
                         const struct training_result *training,
                         const struct profiling_result *profiling, struct error *error);

/* Removes that file: the result is stored. */
void store_pending_forget(const struct store *store, const char *key);

/* Stores what earlier trials left in pending/ for trials that have no result yet, and removes the
 * files. A file that cannot be used stays; false with an error that names the first. */
bool store_pending_take(struct store *store, int *n_taken, struct error *error);

#endif
