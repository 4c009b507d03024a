/*
 * A trial with its candidates: each is trained with the trial's own seed (same data order, same
 * initial values), and the validation slice chooses one, whose weights and results are the trial's.
 * The test split has no say. What the others cost is stored with them.
 */
#ifndef HEADROOM_HARNESS_TRIAL_TUNING_H
#define HEADROOM_HARNESS_TRIAL_TUNING_H

#include "harness/trial/training.h"

/* As training_run, with every candidate of the trial's arm; a trial that tunes nothing is just
 * that. A candidate that diverges is out and says so; if all do the trial has failed, and so it
 * has by any other error. */
bool tuning_run(const struct experiment *trial, const struct training_context *context,
                struct training_result *out, struct error *error);

/* The candidate to keep: that with the highest validation accuracy, among equals that with the
 * lowest loss. With a target (a share of `heads`, the heads H of the full model) only those compete
 * whose mean heads / H are nearest to it: as near as the nearest, or at most 1 / (2 H) further. -1
 * if none has a result. */
int tuning_choose(const struct candidate_result *candidates, int n, double target, int heads);

#endif
