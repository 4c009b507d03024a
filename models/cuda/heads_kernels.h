/*
 * Launches of the kernels that carry rows between a chunk's tokens and packed rows of the heads
 * that were chosen. All pointers are to device memory.
 */
#ifndef HEADROOM_MODELS_CUDA_HEADS_KERNELS_H
#define HEADROOM_MODELS_CUDA_HEADS_KERNELS_H

#include "models/cuda/attention_kernels.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* rows[key ..] = the `length` rows of x from `token` on, of each segment; rows are of row_bytes. */
cudaError_t gather_inputs_launch(int n_segments, int longest, const struct packed_head *segment,
                                 size_t row_bytes, const void *x, void *rows, cudaStream_t stream);

/* rows[i] = x[token[i]] */
cudaError_t gather_tokens_launch(int n, const int32_t *token, size_t row_bytes, const void *x,
                                 void *rows, cudaStream_t stream);

/* rows[..][cols] += bias[head * stride ..] of each segment's rows: those of its keys, or of its
 * queries. */
struct packed_bias {
    bool bf16, queries;
    int n_segments, longest, cols, stride;
    const struct packed_head *segment;
    const float *bias;
    void *rows;
};

cudaError_t head_bias_launch(const struct packed_bias *call, cudaStream_t stream);

/* x[token][dim] += its rows of back, those of head 0 first. query_token[i]: whose row i is; NULL:
 * rows of a segment are those of its tokens. row_of: workspace of [n_heads][tokens]. */
struct packed_rows {
    int n_heads, n_segments, tokens, dim;
    const struct packed_head *segment;
    const int32_t *query_token;
    const float *back;
    int32_t *row_of;
    float *x;
};

cudaError_t scatter_launch(const struct packed_rows *call, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
