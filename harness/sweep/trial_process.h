/*
 * The process of one trial, as the sweep that started it sees it: starting, whether it makes
 * progress, and what to say when it has ended. It dies with its parent (PR_SET_PDEATHSIG) and
 * stands in a process group of its own, so that Ctrl-C reaches it only through the parent, which
 * then knows why it ended.
 */
#ifndef HEADROOM_HARNESS_SWEEP_TRIAL_PROCESS_H
#define HEADROOM_HARNESS_SWEEP_TRIAL_PROCESS_H

#include "harness/measure/memory_bound.h"
#include "harness/sweep/plan.h"
#include "harness/sweep/sweep.h"

#include <signal.h>
#include <sys/types.h>

struct trial_process {
    const struct plan_trial *trial;
    int place; /* PLACE_CPU, or the card that it sees */
    pid_t pid;
    int talk;          /* a file in memory: what it says until it has a log of its own */
    char log[600];     /* path of that log */
    off_t log_size;    /* before this attempt */
    double started;    /* moved by its pauses, so that now - started is how long it ran */
    double stopped_at; /* waiting for its turn since then; 0: running */
    bool held;         /* stopped by somebody else */
    long oom_kills;    /* of the machine when it started */
    int64_t memory;    /* bytes that it is held to; 0: none */
    char group[MEMORY_GROUP_SIZE]; /* of control, by which it is; "": by a limit of its own */
    double looked_at;              /* when its progress was looked at last, and what there was: */
    double cpu_seconds, others_cpu_seconds;
    off_t written;
    double idle;            /* seconds without progress up to then */
    int timed_out, stalled; /* seconds after which it was killed for that; 0: it was not */
};

/* Starts `PROGRAM trial ID --db PATH`, with the signals of `watched` not blocked. On a card it sees
 * that one alone. */
bool trial_process_start(struct trial_process *out, const struct sweep_options *options,
                         const struct plan_trial *trial, int place, const sigset_t *watched,
                         struct error *error);

/* What wait4 says of one that has not ended. A profile that stops waits for its turn (turn.h),
 * which is no time that it runs; any other was stopped from outside. */
void trial_process_changed(struct trial_process *process, int status);

/* Gives a profile that waits its turn. */
void trial_process_continue(struct trial_process *process);

/* How long it has run. */
double trial_process_seconds(const struct trial_process *process);

/* Processor seconds that it has used so far. */
double trial_process_cpu_seconds(const struct trial_process *process);

/* Kills it if it has run for longer than options->timeout, or if for options->stall seconds neither
 * it nor a process that it started used the processor or wrote anything. Time in which this process
 * was not running either does not count, nor does waiting for a turn. */
void trial_process_watch(struct trial_process *process, const struct sweep_options *options);

/* Seconds that one which ran for so long has to end when it is told to: as long as what a kill would
 * lose, which is what it did since it last saved (every so many minutes; 0: all), since a large
 * model's state takes its time to be written; and 5 at least. */
double trial_process_grace(double ran, int save_every);

/* Status and reason of a trial whose process ended so, for one that did not say them itself. */
const char *trial_process_verdict(const struct trial_process *process, int status, bool stopped,
                                  char *reason, size_t size);

/* Whether this attempt wrote into the log. */
bool trial_process_has_log(const struct trial_process *process);

/* Frees what an ended one held. */
void trial_process_close(struct trial_process *process);

#endif
