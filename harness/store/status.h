/*
 * How a sweep stands, from its database alone: also while it runs, and from another machine.
 */
#ifndef HEADROOM_HARNESS_STORE_STATUS_H
#define HEADROOM_HARNESS_STORE_STATUS_H

#include "harness/store/store.h"

#include <stdio.h>

/* When what is planned will have ended, as far as it can be told. Work is expected FLOPs and a
 * constant for each trial, as for the line of progress of a sweep. Speed is that of the trials that
 * ended well since the oldest of those to come was planned, on hosts that run trials now, and of
 * the epochs that running trainings have told. As many trainings go on beside each other as run
 * now; profiles come after them, one at a time. Only trials of the current plan count, and all of
 * it. */
struct expected_end {
    double training_seconds;     /* from now on; 0: none is left, negative: cannot be known */
    double profiling_seconds;    /* after these */
    int n_trainings, n_profiles; /* to come */
    int n_slots;                 /* trainings beside each other */
    const char *reason;          /* why one of the two is negative; "" */
};

/* now: seconds since 1970, which ages are counted to. */
bool status_expected_end(struct store *store, int64_t now, struct expected_end *out,
                         struct error *error);

/* How many trainings of the current plan are ok, and how many ended without a result. */
bool status_count_trainings(struct store *store, int *n_ok, int *n_failed, struct error *error);

/* Counts by workload, the expected end, what runs and how far it is, and what ended without a
 * result. */
bool status_write(struct store *store, int64_t now, FILE *out, struct error *error);

#endif
