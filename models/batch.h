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

/* One past the last sample that goes into the chunk from `first` on: as many as fit into
 * max_tokens, at least one. */
static inline int batch_chunk_end(const struct batch *batch, int first, int max_tokens) {
    const int32_t *offsets = batch->offsets;
    int end = first + 1;
    while (end < batch->n_samples && offsets[end + 1] - offsets[first] <= max_tokens) end++;
    return end;
}

/* That chunk. offsets[n_samples + 1] is storage for its own offsets, which start from 0. */
static inline struct batch batch_chunk(const struct batch *batch, int first, int max_tokens,
                                       int32_t *offsets) {
    const int32_t *from = batch->offsets + first;
    int n = batch_chunk_end(batch, first, max_tokens) - first;
    for (int i = 0; i <= n; i++) offsets[i] = from[i] - from[0];
    return (struct batch){
        n, offsets[n], batch->tokens + from[0], offsets, batch->labels + first, batch->ids + first};
}

#endif
