/*
 * A shuffled order, cut short.
 */
#include "harness/trial/sampled_inputs.h"

#include "harness/config/sections.h"
#include "models/base/rng.h"

#include <stdlib.h>

bool sampled_inputs_new(const struct split *split, int most, uint64_t seed,
                        struct sampled_inputs *out, struct error *error) {
    struct rng rng = rng_stream(seed, RNG_SPLIT);
    *out = (struct sampled_inputs){split, malloc((size_t)split->n * sizeof *out->order), 0};
    if (!out->order) return error_set(error, "out of memory for the order of %d inputs", split->n);
    for (int32_t i = 0; i < split->n; i++) out->order[i] = i;
    rng_shuffle(&rng, 1, out->order, (size_t)split->n);
    out->n = most < split->n ? most : split->n;
    return true;
}

void sampled_inputs_free(struct sampled_inputs *inputs) {
    free(inputs->order);
}

struct batch sampled_inputs_batch(const struct sampled_inputs *inputs, struct batch_buffer *buffer,
                                  int size, int i) {
    int32_t index[BATCH_SIZE_MAX];
    for (int j = 0; j < size; j++) index[j] = inputs->order[((int64_t)i * size + j) % inputs->n];
    return batch_gather(buffer, inputs->split, index, size);
}
