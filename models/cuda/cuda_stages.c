/*
 * The stages of a pass that are one launch or two: which arrays are bfloat16, and where scratch
 * lies. models/device.h says what each owes.
 */
#include "models/cuda/cuda_chunk.h"
#include "models/cuda/cuda_device.h"
#include "models/cuda/stage_kernels.h"

static bool in_bf16(const struct device *d, enum element element) {
    return element == OPERANDS && cuda_is_bf16(d);
}

static void *scratch_of(const struct device *d) {
    return cuda_state_of(d)->scratch;
}

void cuda_norm(const struct device *d, int rows, int dim, const float *x, const float *weight,
               const float *bias, double eps, void *y, float *mean, float *rstd) {
    cuda_check(d,
               cuda_launch_norm(cuda_stream_of(d), cuda_is_bf16(d), rows, dim, x, weight, bias,
                                (float)eps, y, mean, rstd),
               "LayerNorm");
}

void cuda_norm_again(const struct device *d, int rows, int dim, const float *x, const float *weight,
                     const float *bias, const float *mean, const float *rstd, void *y) {
    cuda_check(d,
               cuda_launch_norm_again(cuda_stream_of(d), cuda_is_bf16(d), rows, dim, x, weight,
                                      bias, mean, rstd, y),
               "LayerNorm");
}

void cuda_norm_gradient(const struct device *d, int rows, int dim, const float *x,
                        const float *weight, const float *mean, const float *rstd, const void *dy,
                        float *dweight, float *dbias, float *dx) {
    cuda_check(d,
               cuda_launch_norm_gradient(cuda_stream_of(d), cuda_is_bf16(d), rows, dim, x, weight,
                                         mean, rstd, dy, scratch_of(d), dweight, dbias, dx),
               "the gradient of LayerNorm");
}

void cuda_bias(const struct device *d, int rows, int cols, const float *bias, void *x,
               enum element element) {
    cuda_check(d, cuda_launch_bias(cuda_stream_of(d), in_bf16(d, element), rows, cols, bias, x),
               "a bias");
}

void cuda_bias_gradient(const struct device *d, int rows, int cols, const void *dx,
                        enum element element, float *dbias) {
    cuda_check(d,
               cuda_launch_bias_gradient(cuda_stream_of(d), in_bf16(d, element), rows, cols, dx,
                                         scratch_of(d), dbias),
               "the gradient of a bias");
}

void cuda_residual(const struct device *d, const struct device_chunk *chunk, int dim,
                   const float *bias, const struct device_dropout *dropout, void *branch,
                   const float *x, float *out) {
    struct cuda_mask mask = cuda_mask_of(chunk, dropout);
    cuda_check(d,
               cuda_launch_residual(cuda_stream_of(d), cuda_is_bf16(d), chunk->batch.n_tokens, dim,
                                    bias, &mask, branch, x, out),
               "the end of a sublayer");
}

void cuda_residual_gradient(const struct device *d, const struct device_chunk *chunk, int dim,
                            const struct device_dropout *dropout, const float *dx, void *branch,
                            float *dbias) {
    struct cuda_mask mask = cuda_mask_of(chunk, dropout);
    cuda_check(d,
               cuda_launch_residual_gradient(cuda_stream_of(d), cuda_is_bf16(d),
                                             chunk->batch.n_tokens, dim, &mask, dx, branch,
                                             scratch_of(d), dbias),
               "the gradient of a sublayer's end");
}

void cuda_gelu(const struct device *d, int rows, int cols, const float *bias, void *pre, void *y) {
    cuda_check(d, cuda_launch_gelu(cuda_stream_of(d), cuda_is_bf16(d), rows, cols, bias, pre, y),
               "GELU");
}

void cuda_gelu_gradient(const struct device *d, size_t n, const void *pre, void *y, void *dy) {
    cuda_check(d, cuda_launch_gelu_gradient(cuda_stream_of(d), cuda_is_bf16(d), n, pre, y, dy),
               "the gradient of GELU");
}

void cuda_pool(const struct device *d, const struct device_chunk *chunk, bool by_token, int dim,
               const void *x, enum element element, float *pooled) {
    const struct batch *batch = &chunk->batch;
    bool bf16 = in_bf16(d, element);
    cuda_check(d,
               by_token
                   ? cuda_launch_widen(cuda_stream_of(d), bf16, batch->n_tokens, dim, x, pooled)
                   : cuda_launch_pool(cuda_stream_of(d), bf16, batch->n_samples, dim,
                                      cuda_chunk_of(chunk)->offsets, x, pooled),
               "the pool");
}

void cuda_pool_gradient(const struct device *d, const struct device_chunk *chunk, bool by_token,
                        int dim, const float *dpooled, void *dx, enum element element) {
    const struct cuda_chunk *on_card = cuda_chunk_of(chunk);
    cuda_check(d,
               cuda_launch_pool_gradient(
                   cuda_stream_of(d), in_bf16(d, element), chunk->batch.n_tokens, dim,
                   by_token ? NULL : on_card->sample, on_card->offsets, dpooled, dx),
               "the gradient of the pool");
}

void cuda_loss(const struct device *d, const struct device_chunk *chunk, int classes, float *logits,
               struct device_sums *sums) {
    cuda_check(d,
               cuda_launch_loss(cuda_stream_of(d), chunk->batch.n_samples, classes,
                                cuda_chunk_of(chunk)->labels, logits, scratch_of(d), &sums->loss,
                                &sums->correct),
               "the loss");
}

void cuda_loss_gradient(const struct device *d, const struct device_chunk *chunk, int classes,
                        float scale, float *probability) {
    cuda_check(d,
               cuda_launch_loss_gradient(cuda_stream_of(d), chunk->batch.n_samples, classes,
                                         cuda_chunk_of(chunk)->labels, scale, probability),
               "the gradient of the loss");
}
