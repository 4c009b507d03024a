/*
 * Launches of the attention kernels: of all heads and inputs of a chunk, forward and backward, and
 * of the heads that inputs or tokens chose. All pointers are to device memory; operands are float
 * or bfloat16 throughout one call.
 */
#ifndef HEADROOM_MODELS_CUDA_ATTENTION_KERNELS_H
#define HEADROOM_MODELS_CUDA_ATTENTION_KERNELS_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The heads of a chunk: qkv [tokens][heads][3][head_dim], context [tokens][heads][head_dim],
 * log_sum [heads][tokens]. Given gates [samples][heads], forward: those that are 0 leave out the
 * head of the input, others scale what it makes. */
struct chunk_attention {
    bool bf16, wgmma; /* wgmma: the card has what attention_wgmma_kernels.h wants */
    int samples, tokens, heads, head_dim;
    int longest;            /* input, tokens */
    const int32_t *offsets; /* [samples + 1] */
    const void *qkv;
    void *context;      /* of the backward pass: read */
    float *log_sum;     /* forward: NULL where it is not kept */
    const float *gates; /* NULL: all heads, as they are */
    /* of the backward pass */
    const void *dcontext;
    float *delta; /* [heads][tokens], written and read */
    void *dqkv;
};

cudaError_t attention_forward_launch(const struct chunk_attention *call, cudaStream_t stream);
cudaError_t attention_backward_launch(const struct chunk_attention *call, cudaStream_t stream);

/* struct head_segment of models/device.h, which C++ cannot read. */
struct packed_head {
    int head, token, length, key, query, n_queries;
};

/* Heads that were chosen: rows of q [3][head_dim], or, where kv is given, q [head_dim] and kv
 * [2][head_dim]; context [queries][head_dim]. */
struct packed_attention {
    bool bf16, wgmma, by_query; /* by_query: gates are of queries, not of segments */
    int n_segments, head_dim;
    int longest; /* most queries of a segment */
    const struct packed_head *segment;
    const void *q, *kv;
    const float *gate;
    void *context;
};

cudaError_t attention_packed_launch(const struct packed_attention *call, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
