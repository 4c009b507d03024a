/*
 * Where an unfinished training stands, in files beside its checkpoint, so that a trial that was
 * ended goes on from there and not from its first step. There is one file for each stage that was
 * at work when something was left behind; a trial that goes on does everything between them again,
 * from the same seed, and takes what a stage had come to from its file. As nothing random is kept
 * from step to step (counters make all of it, models/base/philox.h), weights, moments and a few
 * numbers are all there is, and the bits are those of a training that nobody interrupted.
 *
 * A file is a checkpoint like the others (models/checkpoint.h), of 16 bytes for each parameter. It
 * is of one trial, one data set, one code and one kind of machine, and has a digest: what another
 * program or processor left, or a disk has damaged, is told, removed and not gone on with.
 */
#ifndef HEADROOM_HARNESS_TRIAL_STAGE_STATE_H
#define HEADROOM_HARNESS_TRIAL_STAGE_STATE_H

#include "harness/trial/training_private.h"

/* Writes the file of the stage at hand, whole or not at all; a stage without an optimiser trains
 * nothing and has none. No phase is timed meanwhile. What goes wrong is told to the log: a disk that
 * is full is no reason to end a training. */
void stage_state_save(struct run *run, const struct training_result *out);

/* Puts the stage where its file says, and the sums of the trial so far. Leaves everything as it is
 * where there is none that can be used; the log has the reason. */
void stage_state_restore(struct run *run, struct training_result *out);

#endif
