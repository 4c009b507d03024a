/*
 * One training step: forward pass, loss and all gradients, handwritten. Every head is computed,
 * also where its gate is zero, because dL/da of a masked head is what lets it come back. All memory
 * is sized at creation from the largest batch; a step allocates nothing.
 */
#ifndef HEADROOM_MODELS_TRAINER_H
#define HEADROOM_MODELS_TRAINER_H

#include "models/batch.h"
#include "models/parameters.h"
#include "models/phase.h"

struct trainer;

struct trainer_limits {
    int samples, tokens, length; /* of the largest batch; `length` of its longest sample */
};

bool trainer_new(struct parameters *parameters, const struct trainer_limits *limits, uint64_t seed,
                 struct trainer **out, struct error *error);
void trainer_free(struct trainer *trainer);

/* Loss and gradients of one step in training mode (dropout, noise), chunk by chunk (batch.h).
 * Returns the mean cross-entropy over the batch; step->regulariser and the sums come back filled,
 * trainer_gradients holds those of (cross-entropy + regulariser). The random numbers are a function
 * of the trainer's seed and step->step: the same call gives the same bits. */
double trainer_step(struct trainer *trainer, const struct batch *batch, struct policy_step *step);

/* The same loss without gradients: what finite differences are taken of. */
double trainer_loss(struct trainer *trainer, const struct batch *batch, struct policy_step *step);

/* How many inputs of the batch the model gets right as it is trained at step->progress: the same
 * forward pass, with the gates of training, but without dropout; no phase of a training. The sums
 * of `step` come back filled. Where what is deployed is what was trained, it is the accuracy of
 * inference. */
int trainer_correct(struct trainer *trainer, const struct batch *batch, struct policy_step *step);

/* Who hears of the steps' phases (forward, backward) from now on; borrowed, NULL: nobody. */
void trainer_set_phases(struct trainer *trainer, const struct phases *phases);

const struct parameters *trainer_gradients(const struct trainer *trainer);

/* Bytes of gradients, activations and workspace. */
int64_t trainer_bytes(const struct trainer *trainer);

/* Bytes of activations alone: what is kept between the two passes. */
int64_t trainer_activation_bytes(const struct trainer *trainer);

#endif
