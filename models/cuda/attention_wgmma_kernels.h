/*
 * Launches of the attention kernels of compute capability 9.0, for what attention_mma_kernels.h
 * takes, in heads of more than 32 numbers: what shorter rows would leave empty is more than is won.
 */
#ifndef HEADROOM_MODELS_CUDA_ATTENTION_WGMMA_KERNELS_H
#define HEADROOM_MODELS_CUDA_ATTENTION_WGMMA_KERNELS_H

#include "models/cuda/attention_mma_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whether the kernels were compiled for this card. */
bool attention_wgmma_is_there(void);

static inline bool attention_wgmma_takes(bool there, int head_dim) {
    return there && head_dim > 32;
}

cudaError_t attention_wgmma_forward_launch(const struct chunk_attention *call, cudaStream_t stream);
cudaError_t attention_wgmma_packed_launch(const struct packed_attention *call, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
