/*
 * A ragged batch: the valid tokens of all samples end to end, never padded. Padding would be
 * counted work nobody asked for, and it hides errors; every kernel takes total tokens and offsets
 * instead.
 */
#ifndef HEADROOM_MODELS_BATCH_H
#define HEADROOM_MODELS_BATCH_H

#include <stdint.h>

struct batch {
    int n_samples, n_tokens;
    const int32_t *tokens;  /* [n_tokens] vocabulary indices */
    const int32_t *offsets; /* [n_samples + 1]; sample i owns tokens offsets[i] .. offsets[i+1]-1 */
    const int32_t *labels;  /* [n_samples] 0 .. classes-1 */
    const int32_t *ids; /* [n_samples] index of the input in its split: keys per-input randomness */
};

#endif
