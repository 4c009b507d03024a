/*
 * One training step: forward pass, loss and all gradients, handwritten. Every head is computed,
 * also where its gate is zero, because dL/da of a masked head is what lets it come back. All memory
 * is sized at creation from the largest batch; a step allocates nothing.
 */
#ifndef HEADROOM_MODELS_TRAINER_H
#define HEADROOM_MODELS_TRAINER_H

#include "models/batch.h"
#include "models/device.h"
#include "models/parameters.h"
#include "models/phase.h"

struct trainer;

struct trainer_limits {
    int samples, tokens, length; /* of the largest batch; `length` of its longest sample */
};

/* On a device with memory of its own the trainer has its own copy of the parameters, and the
 * caller's are only read by trainer_load and written by trainer_store; but the tensors of a policy
 * without a form for the device are the caller's own everywhere. */
bool trainer_new_on(const struct device *d, struct parameters *parameters,
                    const struct trainer_limits *limits, uint64_t seed, struct trainer **out,
                    struct error *error);
static inline bool trainer_new(struct parameters *parameters, const struct trainer_limits *limits,
                               uint64_t seed, struct trainer **out, struct error *error) {
    return trainer_new_on(device_cpu(), parameters, limits, seed, out, error);
}
void trainer_free(struct trainer *trainer);

/* Takes up the caller's values, before the first step and whenever they were changed; and hands
 * them back. Nothing to do where the device works in the host's memory. */
void trainer_load(struct trainer *trainer);
void trainer_store(const struct trainer *trainer);

/* Loss and gradients of one step in training mode (dropout, noise), chunk by chunk (batch.h).
 * Returns the mean cross-entropy over the batch; step->regulariser and the sums come back filled,
 * trainer_gradients holds those of (cross-entropy + regulariser). The random numbers are a function
 * of the trainer's seed and step->step: the same call gives the same bits. */
double trainer_step(struct trainer *trainer, const struct batch *batch, struct policy_step *step);

/* The same in two: what a step asks of the device, and the wait for its loss and sums. An optimiser
 * that is asked between them has its work queued behind the gradients, and the device never waits
 * for the host to have heard of the loss. */
void trainer_begin(struct trainer *trainer, const struct batch *batch, struct policy_step *step);
double trainer_end(struct trainer *trainer, struct policy_step *step);

/* The same loss without gradients: what finite differences are taken of. */
double trainer_loss(struct trainer *trainer, const struct batch *batch, struct policy_step *step);

/* How many inputs of the batch the model gets right as it is trained at step->progress: the same
 * forward pass, with the gates of training, but without dropout; no phase of a training. The sums
 * of `step` come back filled. Where what is deployed is what was trained, it is the accuracy of
 * inference. */
int trainer_correct(struct trainer *trainer, const struct batch *batch, struct policy_step *step);

/* Who hears of the steps' phases (forward, backward) from now on; borrowed, NULL: nobody. */
void trainer_set_phases(struct trainer *trainer, const struct phases *phases);

/* What the steps read, and the gradients of the last one, where an optimiser on the same device
 * takes them. Values are read by trainer_store alone: here rows may be late (optimizer.h). */
struct parameters *trainer_parameters(const struct trainer *trainer);
const struct parameters *trainer_gradients(const struct trainer *trainer);

/* Bytes of gradients, activations and workspace, in the device's memory. */
int64_t trainer_bytes(const struct trainer *trainer);

/* Bytes of activations alone: what is kept between the two passes. */
int64_t trainer_activation_bytes(const struct trainer *trainer);

#endif
