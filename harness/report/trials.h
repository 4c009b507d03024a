/*
 * An entry for each trial: what was run, by which command, what came of it, and what its log says.
 */
#ifndef HEADROOM_HARNESS_REPORT_TRIALS_H
#define HEADROOM_HARNESS_REPORT_TRIALS_H

#include "harness/report/trial_index.h"
#include "harness/store/store.h"
#include "models/base/text.h"

/* Trials beyond that have no entry; the page says how many there are. */
enum { TRIALS_MOST = 2000 };

/* Appends the entries of all current trials, and adds them to the index, which is sorted then. Logs
 * are those in the folder logs/ beside the database `db`; a trial without one has none. */
bool trials_append(struct text *out, struct store *store, const char *db, struct trial_index *index,
                   struct error *error);

#endif
