/*
 * Launches of the kernels that multiply heads by their gates in training, and of their gradient.
 * All pointers are to device memory.
 */
#ifndef HEADROOM_MODELS_CUDA_GATE_KERNELS_H
#define HEADROOM_MODELS_CUDA_GATE_KERNELS_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* gates [rows][heads] of inputs, or, by_token, of tokens; context [tokens][heads][head_dim]. */
struct gate_rows {
    bool bf16, by_token;
    int samples, tokens, heads, head_dim;
    const int32_t *offsets, *sample; /* [samples + 1]; [tokens] whose token it is */
    const float *gates;
    const void *context;
};

/* gated = gate * context */
cudaError_t gate_launch(const struct gate_rows *call, void *gated, cudaStream_t stream);

/* dgates[row][head] = sum of context * dcontext over the row, then dcontext *= gate. */
cudaError_t gate_gradient_launch(const struct gate_rows *call, void *dcontext, float *dgates,
                                 cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
