/*
 * The test inputs that passes are timed and counted over: a seeded sample, because files may be
 * sorted by class or length, in an order that is the same for every arm and every batch size.
 */
#ifndef HEADROOM_HARNESS_TRIAL_SAMPLED_INPUTS_H
#define HEADROOM_HARNESS_TRIAL_SAMPLED_INPUTS_H

#include "models/base/error.h"
#include "workloads/data/batch_buffer.h"

struct sampled_inputs {
    const struct split *split; /* borrowed */
    int32_t *order;            /* [n] */
    int n;
};

/* At most `most` inputs of a split, by `seed`. */
bool sampled_inputs_new(const struct split *split, int most, uint64_t seed,
                        struct sampled_inputs *out, struct error *error);
void sampled_inputs_free(struct sampled_inputs *inputs);

/* Batch number i: the next `size` inputs (at most BATCH_SIZE_MAX) of the cycle, wrapping around. */
struct batch sampled_inputs_batch(const struct sampled_inputs *inputs, struct batch_buffer *buffer,
                                  int size, int i);

#endif
