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

/* The engine works on chunks of whole samples with about this many tokens: their activations stay
 * in cache and memory does not grow with the batch. Measured: models/cpu/README.md. */
enum { BATCH_CHUNK_TOKENS = 512 };

/* Tokens that a chunk can have when the longest sample has `length` and the batch `tokens`. */
static inline int batch_chunk_tokens(int tokens, int length) {
    int most = length > BATCH_CHUNK_TOKENS ? length : BATCH_CHUNK_TOKENS;
    return tokens < most ? tokens : most;
}

/* The samples from `first` on that fit into max_tokens, at least one. offsets[n_samples + 1] is
 * storage for the chunk's own offsets, which start from 0. */
static inline struct batch batch_chunk(const struct batch *batch, int first, int max_tokens,
                                       int32_t *offsets) {
    const int32_t *from = batch->offsets + first;
    int n = 0;
    offsets[0] = 0;
    while (first + n < batch->n_samples && (n == 0 || from[n + 1] - from[0] <= max_tokens)) {
        n++;
        offsets[n] = from[n] - from[0];
    }
    return (struct batch){
        n, offsets[n], batch->tokens + from[0], offsets, batch->labels + first, batch->ids + first};
}

#endif
