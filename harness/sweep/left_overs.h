/*
 * What killed processes leave: drafts and candidates of checkpoints beside a database, where a
 * training stood that has its result, and temporary folders. A trial that runs again writes its own
 * anew; one that never does would leave them for ever.
 */
#ifndef HEADROOM_HARNESS_SWEEP_LEFT_OVERS_H
#define HEADROOM_HARNESS_SWEEP_LEFT_OVERS_H

#include "harness/store/store.h"

/* Removes what no living process can be writing: nothing where that cannot be known. Returns how
 * many files and folders there were. */
int left_overs_remove(struct store *store, const char *db);

#endif
