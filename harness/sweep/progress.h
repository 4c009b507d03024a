/*
 * What a sweep says while it runs. On a terminal the last line is redrawn (bar, time left, running
 * arms and how far each is); elsewhere every finished trial is one plain line. The time left weighs
 * trials by their expected FLOPs and a constant cost of each: finished FLOPs per busy second so far
 * is the rate of what remains.
 */
#ifndef HEADROOM_HARNESS_SWEEP_PROGRESS_H
#define HEADROOM_HARNESS_SWEEP_PROGRESS_H

#include "harness/record/results.h"

#include <stdbool.h>
#include <stdio.h>

struct progress {
    FILE *out;
    bool terminal;
    const char *phase; /* "training", "profiling" */
    int n_total, n_done, slots;
    double flops_left; /* of trials that have not ended */
    double flops_done, busy_seconds;
};

/* Starts a phase of n trials in `slots` parallel processes. */
void progress_start(struct progress *progress, FILE *out, const char *phase, int n, int slots,
                    double flops);

/* One trial ended after `seconds`; `text` says how ("ok offsets/heads-8/1 ..."). Failed trials do
 * not enter the rate: they say nothing about how long a whole one takes. */
void progress_trial(struct progress *progress, bool ok, double flops, double seconds,
                    const char *text);

/* One trial of the phase will not be started. */
void progress_skip(struct progress *progress, double flops);

/* Redraws the bar with what runs now ("a, b"); busy_seconds: how long all of them have run. Nothing
 * where there is no terminal. */
void progress_draw(struct progress *progress, const char *running, double busy_seconds);

/* How far a training is, behind its name: " (epoch 3 of 16, loss 0.412, 81.2%, 6.20 heads)". What
 * is not known is left out. */
void progress_format_training(const struct training_progress *training, char *out, size_t size);

/* Removes the bar. */
void progress_clear(struct progress *progress);

/* Seconds left, or a negative number while no trial has finished. */
double progress_eta(const struct progress *progress, double busy_seconds);

/* "45 s", "3 min", "2 h 05 min"; "?" for a negative number. */
void progress_format_seconds(double seconds, char *out, size_t size);

#endif
