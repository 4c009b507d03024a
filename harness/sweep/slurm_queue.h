/*
 * Asking Slurm: what of a sweep is in its queue, how what is not there any more ended, and taking
 * more jobs in. Its programs are asked, not its library: they are on every cluster, of every
 * version.
 */
#ifndef HEADROOM_HARNESS_SWEEP_SLURM_QUEUE_H
#define HEADROOM_HARNESS_SWEEP_SLURM_QUEUE_H

#include "harness/sweep/shard.h"
#include "models/base/text.h"

enum { SLURM_JOB_SIZE = 24 };

/* Of an element, or of the job behind them. */
struct slurm_state {
    bool queued;              /* waits or runs; otherwise what is known of its last end */
    char state[24];           /* Slurm's word: PENDING, RUNNING, TIMEOUT; "" if nothing is known */
    char job[SLURM_JOB_SIZE]; /* the number of the array, or of the job */
    char reason[48];          /* why it waits, or the node that it runs on */
};

struct slurm_states {
    struct slurm_state element[SHARDS_MAX + 1]; /* by number, from 1; 0 is the job behind them */
};

/* Runs a program and takes its standard output; an error where it cannot be started, or ends badly:
 * then with what it said. */
bool slurm_ask(const char *const *arguments, struct text *out, struct error *error);

/* What squeue says of this user's jobs of that name; and, where sacct answers, how those that are
 * not there ended in the last 30 days. An error if squeue does not answer. */
bool slurm_queue_read(const char *name, struct slurm_states *out, struct error *error);

/* Submits a script; `array` ("1,3-5") and `after` (":12:15", jobs that must have ended) may be
 * NULL. The job's number comes out. */
bool slurm_queue_submit(const char *script, const char *array, const char *after,
                        char job[SLURM_JOB_SIZE], struct error *error);

#endif
