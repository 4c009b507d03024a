/*
 * Launches of the attention kernels that use tensor cores, and what they take: bfloat16, in heads
 * of 16 to 128 numbers of which eight are always together on 16 bytes. attention_kernels.h has the
 * calls, and its launches choose.
 */
#ifndef HEADROOM_MODELS_CUDA_ATTENTION_MMA_KERNELS_H
#define HEADROOM_MODELS_CUDA_ATTENTION_MMA_KERNELS_H

#include "models/cuda/attention_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

static inline bool attention_mma_takes(bool bf16, int head_dim, const void *a, const void *b) {
    return bf16 && head_dim >= 16 && head_dim <= 128 && head_dim % 8 == 0 &&
           ((uintptr_t)a | (uintptr_t)b) % 16 == 0;
}

cudaError_t attention_mma_forward_launch(const struct chunk_attention *call, cudaStream_t stream);
cudaError_t attention_mma_packed_launch(const struct packed_attention *call, cudaStream_t stream);
cudaError_t attention_mma_backward_launch(const struct chunk_attention *call, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
