/*
 * The stages of a pass that are a launch or two: which arrays are bfloat16, and where scratch
 * lies. models/device.h says what each owes.
 */
#include "models/cuda/cuda_chunk.h"
#include "models/cuda/cuda_device.h"
#include "models/cuda/cuda_sums.h"
#include "models/cuda/stage_kernels.h"

static bool in_bf16(const struct device *d, enum element element) {
    return element == OPERANDS && cuda_is_bf16(d);
}

static void *scratch_of(const struct device *d) {
    return cuda_state_of(d)->scratch;
}

static struct cuda_norm_of norm_of(const struct device_norm *norm) {
    return (struct cuda_norm_of){norm->weight, norm->bias, (float)norm->eps, norm->mean,
                                 norm->rstd};
}

void cuda_norm(const struct device *d, int rows, int dim, const float *x,
               const struct device_norm *norm) {
    struct cuda_norm_of of = norm_of(norm);
    cuda_check(d, cuda_launch_norm(cuda_stream_of(d), cuda_is_bf16(d), rows, dim, x, &of, norm->y),
               "LayerNorm");
}

void cuda_norm_gradient(const struct device *d, const struct device_chunk *chunk, int dim,
                        const float *x, const struct device_norm *norm, const void *dy,
                        float *dweight, float *dbias, float *dx, const struct device_end *before) {
    struct cuda_norm_of of = norm_of(norm);
    struct cuda_mask mask = cuda_mask_of(chunk, before ? &before->dropout : NULL);
    float *out[] = {dweight, dbias, before ? before->dbias : NULL};
    struct cuda_column_sums *sums =
        cuda_sums_for(d, cuda_norm_floats((size_t)dim), before ? 3 : 2, out);
    cuda_check(d,
               cuda_launch_norm_gradient(cuda_stream_of(d), cuda_is_bf16(d), chunk->batch.n_tokens,
                                         dim, x, &of, dy, sums, dweight, dbias, dx, &mask,
                                         before ? before->branch : NULL,
                                         before ? before->dbias : NULL),
               "the gradient of LayerNorm");
}

void cuda_bias(const struct device *d, int rows, int cols, const float *bias, void *x,
               enum element element) {
    cuda_check(d, cuda_launch_bias(cuda_stream_of(d), in_bf16(d, element), rows, cols, bias, x),
               "a bias");
}

void cuda_bias_gradient(const struct device *d, int rows, int cols, const void *dx,
                        enum element element, float *dbias) {
    struct cuda_column_sums *sums = cuda_sums_for(d, cuda_column_floats((size_t)cols), 1, &dbias);
    cuda_check(d,
               cuda_launch_bias_gradient(cuda_stream_of(d), in_bf16(d, element), rows, cols, dx,
                                         sums, dbias),
               "the gradient of a bias");
}

void cuda_residual(const struct device *d, const struct device_chunk *chunk, int dim,
                   const float *bias, const struct device_dropout *dropout, void *branch,
                   const float *x, float *out, const struct device_norm *next) {
    struct cuda_mask mask = cuda_mask_of(chunk, dropout);
    cudaStream_t stream = cuda_stream_of(d);
    int tokens = chunk->batch.n_tokens;
    bool bf16 = cuda_is_bf16(d);
    if (next) {
        struct cuda_norm_of of = norm_of(next);
        cuda_check(d,
                   cuda_launch_residual_norm(stream, bf16, tokens, dim, bias, &mask, branch, x, out,
                                             &of, next->y),
                   "the end of a sublayer");
        return;
    }
    cuda_check(d, cuda_launch_residual(stream, bf16, tokens, dim, bias, &mask, branch, x, out),
               "the end of a sublayer");
}

void cuda_residual_gradient(const struct device *d, const struct device_chunk *chunk, int dim,
                            const float *dx, const struct device_end *end) {
    struct cuda_mask mask = cuda_mask_of(chunk, &end->dropout);
    float *out = end->dbias;
    struct cuda_column_sums *sums = cuda_sums_for(d, cuda_column_floats((size_t)dim), 1, &out);
    cuda_check(d,
               cuda_launch_residual_gradient(cuda_stream_of(d), cuda_is_bf16(d),
                                             chunk->batch.n_tokens, dim, &mask, dx, end->branch,
                                             sums, end->dbias),
               "the gradient of a sublayer's end");
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
