/*
 * One training trial from its resolved configuration to its results: data, model, epochs, the
 * choice of the reported weights on the validation slice, the checkpoint, and one look at the test
 * split.
 */
#ifndef HEADROOM_HARNESS_TRIAL_TRAINING_H
#define HEADROOM_HARNESS_TRIAL_TRAINING_H

#include "harness/config/experiment.h"
#include "harness/config/trial_key.h"
#include "harness/record/results.h"
#include "harness/trial/saved_model.h"
#include "models/device.h"
#include "workloads/data/dataset.h"

#include <stdio.h>

struct training_context {
    const struct device *device; /* that computes; NULL: the CPU */
    const char *checkpoint;      /* path that the best weights are written to */
    const char *trial;           /* identity stored in the checkpoint: the train key */
    FILE *log;                   /* one line per epoch; NULL: silent */
    struct trained base;         /* what the arm's base trained */
    int candidate, n_candidates; /* which of them this is, from 1; 0: nothing is tuned */
    /* Hears after each epoch how far the training is, in no timed region; NULL: nobody. */
    void (*hear)(void *hearer, const struct training_progress *progress);
    void *hearer;
    /* Whether the process was asked to end, which a training does at its next step; NULL: never.
     * With that, and every save_seconds, it leaves behind where it stands (stage_state.h). */
    bool (*must_stop)(void *hearer);
    double save_seconds; /* 0: at a stop alone */
    const char *states;  /* path that the files' names begin with; NULL: nothing is left behind */
    /* What was planned, which the data must be of; NULL: whatever the data are. */
    const struct trial_identity *identity;
};

/* `trial` has exactly one arm and one seed. The same trial gives the same bits on the same machine
 * and binary, timings apart. After an error `out` holds nothing but `diverged`. */
bool training_run(const struct experiment *trial, const struct training_context *context,
                  struct training_result *out, struct error *error);
void training_result_free(struct training_result *result);

/* Removes what unfinished attempts left behind under this name (context.states). */
void training_forget(const char *states);

/* The data of a trial, which must be those it was planned for (`identity` may be NULL). They are
 * compared after they were read, so that a change at any time since the plan is seen. */
bool trial_data(const struct experiment *trial, const struct trial_identity *identity,
                struct dataset **out, struct error *error);

/* The resolved model of the trial's arm over a loaded data set (before a base has its say), and the
 * full model (H heads in every layer) that savings are held against. */
bool trial_models(const struct experiment *trial, const struct dataset *data,
                  struct model_config *model, struct model_config *dense, struct error *error);

#endif
