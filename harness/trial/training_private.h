/*
 * What the parts of a training share: training.c, which makes a trial of it, stage.c, which trains
 * one model, and post_hoc.c, for methods that remove heads from a trained model.
 */
#ifndef HEADROOM_HARNESS_TRIAL_TRAINING_PRIVATE_H
#define HEADROOM_HARNESS_TRIAL_TRAINING_PRIVATE_H

#include "harness/trial/card_use.h"
#include "harness/trial/evaluation.h"
#include "harness/measure/memory.h"
#include "harness/measure/phase_timer.h"
#include "harness/trial/training.h"
#include "models/optimizer.h"
#include "models/head_gates.h"
#include "models/policy.h"
#include "models/trainer.h"
#include "workloads/data/batch_buffer.h"

/* A stretch of training of one model under one schedule. A plain trial is one stage; a post-hoc
 * method has one with all heads and one with those that stay. */
struct stage {
    struct model_config model;
    int epochs;           /* 0: the weights stay as they are given */
    int epochs_before;    /* of this seed: data order, dropout and noise go on from there */
    double learning_rate; /* peak */
    bool gradients;       /* a trainer is needed although nothing is trained */
};

/* Sums over the steps of an epoch. */
struct epoch_sums {
    double loss, regulariser, budget, entropy, seconds;
    int64_t n_budget, n_entropy;
};

/* Where a stage stands: what its next step needs besides weights and moments. */
struct stage_position {
    int64_t epoch, step; /* epochs that are done, and steps of the one at hand */
    int64_t best;        /* the epoch, from 0, whose weights are the best; -1: none yet */
    struct epoch_sums sums;
};

/* What a stage reserves, by purpose. */
struct stage_arenas {
    int64_t bytes, host_bytes; /* of all, and of those in the host's memory */
    int n;
    struct memory_result rows[9 + CARD_HELD_ROWS]; /* on a card named "device memory, ..." */
};

/* Everything one trial holds while it runs. */
struct run {
    const struct experiment *trial;
    const struct training_context *context;
    const struct device *device;
    struct card_use card;
    struct dataset *data;
    struct model_config dense;
    struct batch_buffer *buffer;
    int32_t *order; /* [n_train] */
    int64_t steps_per_epoch;
    struct rng order_rng, noise;
    int n_epochs;               /* of all stages */
    bool diverged;              /* a loss was not finite: the settings are at fault, nothing else */
    struct stage_arenas arenas; /* of the stage that needed most */
    struct memory_phase stretch; /* training, then evaluation */
    struct phase_timer timer;    /* of everything that train_seconds counts */
    struct head_gates kept;      /* of a post-hoc method: the base's heads that are left */
    double started;              /* on the one clock, and earlier by what earlier attempts took */
    double epoch_started;        /* the epoch at hand, later by what saving took */
    double saved;                /* when it left behind where it stands, or began */
    bool has_state;              /* the stage at hand has a file */
    int n_stages;                /* that were begun */
    /* of the stage at hand */
    struct stage stage;
    struct stage_position at;
    int64_t total_steps;
    struct parameters *parameters, *best; /* in the host's memory */
    struct trainer *trainer;              /* NULL: nothing to differentiate */
    struct optimizer *optimizer;          /* NULL: nothing to train */
    struct evaluator *evaluator;          /* over `parameters` */
};

/* Makes the model, with the initial weights of the seed, and what trains it, in place of those of
 * the stage before. */
bool stage_start(struct run *run, const struct stage *stage, struct error *error);
void stage_free(struct run *run);

/* All epochs: appends their rows, adds up steps, seconds and FLOPs, and keeps the best validation
 * epoch among those that end after `select_after` of the stage's steps in `best`. A stage without
 * epochs keeps the weights it has. */
bool stage_train(struct run *run, struct training_result *out, struct error *error);

/* Whether the process was asked to end, with an error that says so. */
bool stage_must_stop(const struct run *run, struct error *error);

/* The training split in the order of one epoch of this seed, into run->order. */
void stage_shuffle(struct run *run, int epoch);

/* Nominal work of one pass over the first n inputs of the order, forward and backward: three
 * forward passes' products, all heads of the stage's model, no recomputation (BFC-1). */
uint64_t stage_train_flops(const struct run *run, int n);

void copy_values(const struct parameters *from, struct parameters *to);

/* Methods that start from a base's weights (BASE_WEIGHTS): trains or scores `model` from them, asks
 * the policy which heads stay, removes the others and trains what is left. */
bool post_hoc_train(struct run *run, const struct model_config *model, struct training_result *out,
                    struct error *error);

/* How many epochs that will be. */
int post_hoc_epochs(const struct model_config *model);

/* Gives the heads in an evaluation of the pruned model their places in the base. */
void post_hoc_original_heads(const struct head_gates *kept, struct evaluation_result *result);

#endif
