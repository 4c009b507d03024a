/*
 * The forward pass of deployment: only the chosen heads run. For each head the rows of the inputs
 * that chose it are gathered, projected by that head's slab, attended and added back through its
 * block of W_O; Q, K, V, map and O of a head that an input did not choose are not computed. Where
 * every input chose every head the wide path runs all slabs as one product. Where tokens choose
 * (inference_heads.c), Q, map rows and O are computed for the tokens that chose the head and K and
 * V for all tokens of the inputs they belong to. All memory is sized at creation.
 *
 * A device that can skip what an input did not choose (device.h, device_chosen) runs the heads where
 * they are: nothing is gathered, and decisions that are made there come to the host with the
 * logits, once.
 */
#ifndef HEADROOM_MODELS_INFERENCE_H
#define HEADROOM_MODELS_INFERENCE_H

#include "models/batch.h"
#include "models/device.h"
#include "models/parameters.h"
#include "models/trainer.h"
#include "models/work.h"

struct inference;

/* On a device with memory of its own, of a copy of the parameters as they are now. */
bool inference_new_on(const struct device *d, const struct parameters *parameters,
                      const struct trainer_limits *limits, struct inference **out,
                      struct error *error);
static inline bool inference_new(const struct parameters *parameters,
                                 const struct trainer_limits *limits, struct inference **out,
                                 struct error *error) {
    return inference_new_on(device_cpu(), parameters, limits, out, error);
}
void inference_free(struct inference *inference);

/* Takes up the values that the parameters have now; on a host device there is nothing to do. */
void inference_load(struct inference *inference);

/* The mode of the runs that follow: 0, at first, is the policy's own, i > 0 its modes[i - 1]. */
void inference_set_mode(struct inference *inference, int mode);

/* Runs the batch. work (may be NULL) books what is executed. decisions (may be NULL) replaces the
 * policy's own decisions: for each layer [rows][decision_floats], NULL where the layer decides.
 * Rows are inputs, or tokens where the policy gates tokens. */
void inference_run(struct inference *inference, const struct batch *batch, struct work *work,
                   const float *const *decisions);

/* Results of the last run: logits [B][C]; gates [rows][H] and decisions [rows][decision_floats] of
 * a layer (NULL where the layer has no gates; without gates every head of the layer runs). */
const float *inference_logits(const struct inference *inference);
const float *inference_gates(const struct inference *inference, int layer);
const float *inference_decisions(const struct inference *inference, int layer);

/* What one input of the last run executed in a layer. */
struct heads_used {
    int run;                   /* heads that any of its tokens chose: their K and V exist */
    int64_t token_heads;       /* (token, head) pairs chosen; n run where inputs choose */
    int64_t token_heads_gated; /* of these, with a gate other than 1 */
};
struct heads_used inference_heads_used(const struct inference *inference, int layer, int sample);
int inference_heads_run(const struct inference *inference, int layer, int sample); /* its `run` */

/* True if any token of input `sample` of the last run chose the head. */
bool inference_head_ran(const struct inference *inference, int layer, int head, int sample);

/* How often a pass was recorded so far. On a device that can, one whose inputs have the lengths of an
 * earlier one is recorded the second time and repeated from then on, with the same bits, unless
 * somebody is told of phases or products, or the host must look at something in its middle. */
int inference_recordings(const struct inference *inference);

/* Whether passes may be repeated from recordings; true of a new one. Who counts what the hardware
 * executes says false: CUPTI counts by changing kernels, and those in a recording are as they were. */
void inference_set_repeats(struct inference *inference, bool repeats);

/* Bytes of workspace reserved in the device's memory. */
int64_t inference_bytes(const struct inference *inference);

/* Bytes of its own copy of the parameters in the device's memory; 0 on a host. */
int64_t inference_parameter_bytes(const struct inference *inference);

#endif
