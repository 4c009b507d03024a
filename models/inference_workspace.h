/*
 * The workspace of the forward pass, and how its two files move rows in it: inline, because they do
 * so for every head and row.
 */
#ifndef HEADROOM_MODELS_INFERENCE_WORKSPACE_H
#define HEADROOM_MODELS_INFERENCE_WORKSPACE_H

#include "models/batch.h"
#include "models/cpu/gemm.h"
#include "models/parameters.h"

#include <string.h>

struct inference {
    const struct parameters *p;
    struct arena arena;
    float *x, *norm;                    /* [T][D] residual stream, LayerNorm output */
    float *rows, *back;                 /* [T][D] gathered input rows, rows on their way back */
    float *qkv, *context;               /* [T][3W], [T][W]; head by head they hold one head */
    float *hidden;                      /* [T][F] */
    float *scores;                      /* ATTENTION_SCRATCH */
    float *pooled, *logits;             /* [B][D], [B][C] */
    float *saved, *shared;              /* the policy's scratch of one layer, and of all */
    float *gates[MODEL_LAYERS_MAX];     /* [rows][H] */
    float *decisions[MODEL_LAYERS_MAX]; /* [rows][decision_floats] */
    int32_t *offsets, *chunk_offsets;   /* [B + 1] of the batch and of the chunk at hand */
    int chunk_tokens;                   /* most tokens of a chunk */
    int mode;                           /* see inference_set_mode */
    int first, first_row;               /* sample and gate row that the chunk at hand starts at */
    int32_t *chosen;                    /* [B] samples that run the head at hand */
    int32_t *queries;                   /* [T] tokens that do, if tokens choose */
};

/* Gates of the chunk at hand in layer l, [rows][heads]. */
static inline float *inference_chunk_gates(const struct inference *inf, int l) {
    return inf->gates[l] + (size_t)inf->first_row * (size_t)inf->p->config.heads.value[l];
}

/* Copies the rows of the n samples in inf->chosen end to end; returns how many rows. */
static inline int inference_gather(const struct inference *inf, const struct batch *batch,
                                   struct work *work, int n, const float *from, float *to) {
    size_t dim = (size_t)inf->p->config.dim;
    int rows = 0;
    for (int i = 0; i < n; i++) {
        int first = batch->offsets[inf->chosen[i]];
        int length = batch->offsets[inf->chosen[i] + 1] - first;
        memcpy(to + (size_t)rows * dim, from + (size_t)first * dim,
               (size_t)length * dim * sizeof *to);
        rows += length;
    }
    work_move(work, 2 * (uint64_t)rows * dim);
    return rows;
}

/* to += from, n floats. */
static inline void inference_add(size_t n, const float *from, float *to) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) to[i] += from[i];
}

#endif
