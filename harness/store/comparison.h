/*
 * The table `comparison`: every two arms of a workload, input by input (statistics.h), from the
 * stored predictions. Whoever shows differences calls this first: it does nothing where all is
 * there.
 */
#ifndef HEADROOM_HARNESS_STORE_COMPARISON_H
#define HEADROOM_HARNESS_STORE_COMPARISON_H

#include "harness/store/store.h"

/* Makes the comparisons of those workloads whose trainings have changed since theirs were made.
 * A reader makes them in a TEMP table, which its views see in place of the file's. */
bool comparison_update(struct store *store, struct error *error);

#endif
