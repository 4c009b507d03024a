/*
 * The log of a trial: logs/KEY.log beside the database, KEY being the first digits of the trial's
 * key, as checkpoints have it. Attempts are appended, each under a line that says which trial,
 * when, and by which process. Only the process that has claimed the trial opens it, so whoever
 * comes second touches nothing; what a process says before that goes to a file of its own, which
 * its sweep holds.
 */
#ifndef HEADROOM_HARNESS_TRIAL_TRIAL_LOG_H
#define HEADROOM_HARNESS_TRIAL_TRIAL_LOG_H

#include "models/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Set by a sweep for its trials; one that is run by hand talks to whoever started it. */
#define TRIAL_LOG_VARIABLE "HEADROOM_WRITES_LOG"

/* The folder of the logs of a database, and one of them; false if it does not fit. */
bool trial_log_folder(const char *db, char *out, size_t size);
bool trial_log_path(const char *db, const char *key, char *out, size_t size);

/* From here on stdout and stderr of this process are its trial's log, in a folder that is made if
 * it is missing. What stderr, a file, holds so far moves there, and the file is empty then. */
bool trial_log_open(const char *db, const char *key, int64_t id, struct error *error);

/* What the attempt said last: the last line of a log unless it is the first of an attempt; "" if
 * there is none. */
void trial_log_last_line(const char *path, char *out, size_t size);

#endif
