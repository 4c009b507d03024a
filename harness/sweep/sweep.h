/*
 * Running a plan. Each trial is its own process, `PROGRAM trial ID --db PATH`, so that a crash, a
 * leak or a memory limit costs one row; the process commits its own results. The sweep only starts
 * processes, watches them, and writes the end of those that could not. It never computes.
 */
#ifndef HEADROOM_HARNESS_SWEEP_SWEEP_H
#define HEADROOM_HARNESS_SWEEP_SWEEP_H

#include "harness/sweep/plan.h"

#include <stdio.h>

struct sweep_options {
    const char *program; /* runs `trial ID --db PATH`; NULL: this executable */
    const char *db;      /* path of the store's file */
    int jobs;            /* trainings at the same time, on each card as well; 0: see places.h */
    int cards;       /* that there are; negative: none, 0: to be asked for if a trial wants one */
    int timeout;     /* seconds per trial; 0: none */
    int64_t memory;  /* bytes per trial; 0: no bound */
    bool no_ceiling; /* profiles measure none: `trial --no-ceiling` */
    int save_every;  /* minutes: `trial --save-every` */
    int stall;       /* seconds without progress after which a trial is ended; 0: never */
    FILE *talk;      /* progress; data does not go here */
};

struct sweep_result {
    int n_ok, n_failed;      /* of the trials this sweep started */
    int n_skipped;           /* absent data, or no checkpoint to start from */
    int n_elsewhere;         /* run by other processes, or waiting for what these run */
    int n_left;              /* planned and not started, after an interruption */
    char first_failure[768]; /* which trial failed first, and why; "" */
    bool interrupted;        /* SIGINT or SIGTERM */
    double cores_used; /* share of the cores' time that went into trials while some were queued;
                           negative where none had to wait or only one ran at a time */
};

/* Runs every selected trial of the plan that is not ok: trainings in parallel, longest first, then
 * profiles, of which only one runs at any moment: those of a workload take turns. Failed trials do
 * not stop it. False where trials want a card that is not there, before anything has run, and if
 * the store or a process could not be used: then nothing more is started, and what runs comes to
 * its end. SIGINT, SIGTERM and SIGHUP, unless they are ignored, end it in order: running trials
 * become `interrupted`. After that these signals stay blocked, so that another one does not turn
 * the exit status of this process into its death. */
bool sweep_run(struct store *store, const struct plan *plan, const struct sweep_options *options,
               struct sweep_result *result, struct error *error);

#endif
