/*
 * Where an unfinished training stands, in files beside its checkpoint, so that a trial that was
 * ended goes on from there and not from its first step. There is one file for each stage that was
 * at work when something was left behind; a trial that goes on does everything between them again,
 * from the same seed, and takes what a stage had come to from its file. As nothing random is kept
 * from step to step (counters make all of it, models/base/philox.h), weights, moments and a few
 * numbers are all there is, and the bits are those of a training that nobody interrupted.
 *
 * A file is a checkpoint like the others (models/checkpoint.h). It is of one trial, one data set and
 * one code: what was left by another program is not gone on with.
 */
#ifndef HEADROOM_HARNESS_TRIAL_STAGE_STATE_H
#define HEADROOM_HARNESS_TRIAL_STAGE_STATE_H

#include "harness/trial/training_private.h"

/* Writes the file of the stage at hand, whole or not at all. What goes wrong is told to the log: a
 * disk that is full is no reason to end a training. */
void stage_state_save(struct run *run, const struct training_result *out);

/* Puts the stage where its file says, and the sums of the trial so far; leaves everything as it is
 * where there is none, or one that is not of this trial and program. Error, with the file removed,
 * if it is damaged: weights may be half read. */
bool stage_state_restore(struct run *run, struct training_result *out, struct error *error);

#endif
