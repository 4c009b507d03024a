/*
 * Launches of the kernels of all stages but attention, in embed_kernels.cu, norm_kernels.cu,
 * elementwise_kernels.cu and loss_kernels.cu. models/device.h says what the stages owe; here the arrays
 * have plain types, and `bf16` says that what is `void` is bfloat16 instead of float32. Nothing to
 * do is no launch. `scratch` is the device's own (cuda_state).
 */
#ifndef HEADROOM_MODELS_CUDA_STAGE_KERNELS_H
#define HEADROOM_MODELS_CUDA_STAGE_KERNELS_H

#include "models/base/rng.h"

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A dropout mask as kernels draw it: element (token, i) is word e % 4 of the block at
 * (chunk[token] << 48 | counter, e - e % 4), e = row[token] * dim + i; dropped below the threshold,
 * else multiplied by `scale`. */
struct cuda_mask {
    bool drops;
    struct rng rng;
    uint64_t counter;
    uint32_t threshold;
    float scale;
    const int32_t *chunk, *row; /* [T] */
};

/* Sums over the rows of arrays, column by column, whose second pass is put off (columns.cuh). */
enum { CUDA_COLUMN_SUMS = 64 };
struct cuda_column_sum {
    const float *partial; /* [parts][cols] */
    float *out;           /* [cols], to be added to */
    int parts, cols;
    uint32_t first_block; /* of the launch */
};
struct cuda_column_sums {
    float *memory; /* of partial sums; who puts a sum off has seen to it that there is room */
    size_t used;   /* floats */
    int n;
    uint32_t blocks; /* of all */
    struct cuda_column_sum sum[CUDA_COLUMN_SUMS];
};
/* Adds all of them up. */
cudaError_t cuda_launch_column_sums(cudaStream_t stream, const struct cuda_column_sums *sums);

/* Ranges of rows that a sum over columns is cut into, at most, and the floats that it needs. */
enum { CUDA_COLUMN_PARTS = 128 };
static inline size_t cuda_column_floats(size_t cols) {
    return CUDA_COLUMN_PARTS * cols;
}

/* ---- copy_kernels.cu ---- */
/* One of the two is page-locked memory of the host; both begin on a multiple of 16 bytes. */
cudaError_t cuda_launch_copy(cudaStream_t stream, size_t bytes, const void *from, void *to);

/* ---- embed_kernels.cu ---- */
enum { CUDA_EMBED_TABLES = 4 };
struct cuda_embed_table {
    const float *values; /* NULL: there is none */
    const int32_t *row;  /* [T] */
};
struct cuda_embed {
    struct cuda_embed_table table[CUDA_EMBED_TABLES]; /* added in this order; the first is there */
};
/* Of one table, as in models/chunk_plan.h. */
struct cuda_embed_sums {
    int n_pieces, n_sums;
    const int32_t *order, *piece_row, *piece_slot, *piece_first, *sum_row, *sum_first;
    uint8_t *touched; /* [rows] 1 where one is summed; NULL: nobody asks */
};
cudaError_t cuda_launch_embed(cudaStream_t stream, int tokens, int dim,
                              const struct cuda_embed *embed, const struct cuda_mask *mask,
                              float *x);
cudaError_t cuda_launch_drop(cudaStream_t stream, int tokens, int dim, const struct cuda_mask *mask,
                             float *x);
cudaError_t cuda_launch_embed_sums(cudaStream_t stream, int dim, const struct cuda_embed_sums *sums,
                                   const float *dx, void *scratch, float *g);

/* ---- norm_kernels.cu ---- */
struct cuda_norm_of {
    const float *weight, *bias;
    float eps, *mean, *rstd; /* NULL: not kept */
};
cudaError_t cuda_launch_norm(cudaStream_t stream, bool bf16, int rows, int dim, const float *x,
                             const struct cuda_norm_of *of, void *y);
/* out = x + drop(branch + bias), and y, the LayerNorm of it. */
cudaError_t cuda_launch_residual_norm(cudaStream_t stream, bool bf16, int tokens, int dim,
                                      const float *bias, const struct cuda_mask *mask,
                                      const void *branch, const float *x, float *out,
                                      const struct cuda_norm_of *of, void *y);
/* branch NULL: no sublayer ends before. Puts off three sums of at most so many parts. */
enum { CUDA_NORM_PARTS = 384 };
static inline size_t cuda_norm_floats(size_t dim) {
    return (size_t)3 * CUDA_NORM_PARTS * dim;
}
cudaError_t cuda_launch_norm_gradient(cudaStream_t stream, bool bf16, int rows, int dim,
                                      const float *x, const struct cuda_norm_of *of, const void *dy,
                                      struct cuda_column_sums *sums, float *dweight, float *dbias,
                                      float *dx, const struct cuda_mask *mask, void *branch,
                                      float *dbranch_bias);

/* ---- elementwise_kernels.cu ---- */
cudaError_t cuda_launch_bias(cudaStream_t stream, bool bf16, int rows, int cols, const float *bias,
                             void *x);
cudaError_t cuda_launch_bias_gradient(cudaStream_t stream, bool bf16, int rows, int cols,
                                      const void *dx, struct cuda_column_sums *sums, float *dbias);
cudaError_t cuda_launch_residual(cudaStream_t stream, bool bf16, int tokens, int dim,
                                 const float *bias, const struct cuda_mask *mask,
                                 const void *branch, const float *x, float *out);
cudaError_t cuda_launch_residual_gradient(cudaStream_t stream, bool bf16, int tokens, int dim,
                                          const struct cuda_mask *mask, const float *dx,
                                          void *branch, struct cuda_column_sums *sums,
                                          float *dbias);
cudaError_t cuda_launch_gelu(cudaStream_t stream, bool bf16, int rows, int cols, const float *bias,
                             void *pre, void *y);
/* y NULL: not made again. */
cudaError_t cuda_launch_gelu_gradient(cudaStream_t stream, bool bf16, size_t n, const void *pre,
                                      void *y, void *dy);

/* ---- loss_kernels.cu ---- */
cudaError_t cuda_launch_pool(cudaStream_t stream, bool bf16, int samples, int dim,
                             const int32_t *offsets, const void *x, float *pooled);
/* pooled[rows][dim] = x */
cudaError_t cuda_launch_widen(cudaStream_t stream, bool bf16, int rows, int dim, const void *x,
                              float *pooled);
/* sample and offsets NULL: rows of dpooled are tokens. */
cudaError_t cuda_launch_pool_gradient(cudaStream_t stream, bool bf16, int tokens, int dim,
                                      const int32_t *sample, const int32_t *offsets,
                                      const float *dpooled, void *dx);
/* scratch: cuda_loss_scratch(samples) bytes */
static inline size_t cuda_loss_scratch(size_t samples) {
    return samples * (sizeof(double) + sizeof(int32_t));
}
cudaError_t cuda_launch_loss(cudaStream_t stream, int samples, int classes, const int32_t *labels,
                             float *logits, void *scratch, double *loss, int64_t *correct);
cudaError_t cuda_launch_loss_gradient(cudaStream_t stream, int samples, int classes,
                                      const int32_t *labels, float scale, float *probability);

#ifdef __cplusplus
}
#endif

#endif
