/*
 * From tokens to the loss and back: the mean over each input's tokens, and softmax cross-entropy
 * with its sums in double. Inputs differ in length, so each has blocks of its own.
 */
#include "models/cuda/number.cuh"
#include "models/cuda/stage_kernels.h"

#include <math_constants.h>

enum { POOL_LANES = 8, POOL_COLUMNS = 128, LOSS_ROWS = 4, SUM_THREADS = 256 };

/* Four columns of one input to a thread in x; threads in y take turns at its tokens. */
template <typename T>
static __global__ void __launch_bounds__(32 * POOL_LANES)
    pool_samples(int dim, const int32_t *offsets, const T *x, float *pooled, bool whole) {
    __shared__ quad shared[POOL_LANES][32];
    int sample = (int)blockIdx.x, c = (int)blockIdx.y * POOL_COLUMNS + 4 * (int)threadIdx.x;
    int first = offsets[sample], end = offsets[sample + 1], left = dim - c;
    quad sum = {};
    if (left > 0)
        for (int i = first + (int)threadIdx.y; i < end; i += POOL_LANES) {
            quad q = load_quad(x + (size_t)i * (size_t)dim + c, left, whole);
#pragma unroll
            for (int j = 0; j < 4; j++) sum.at[j] += q.at[j];
        }
    shared[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y != 0 || left <= 0) return;
    float scale = 1.0f / (float)(end - first);
    for (int lane = 1; lane < POOL_LANES; lane++)
#pragma unroll
        for (int j = 0; j < 4; j++) sum.at[j] += shared[lane][threadIdx.x].at[j];
#pragma unroll
    for (int j = 0; j < 4; j++) sum.at[j] *= scale;
    store_quad(pooled + (size_t)sample * (size_t)dim + c, sum, left, whole);
}

template <typename T>
static __global__ void __launch_bounds__(256)
    widen_rows(int rows, int dim, const T *x, float *y, bool whole) {
    int row = tile_row();
    if (row >= rows) return;
    size_t at = (size_t)row * (size_t)dim;
    for (int c = tile_first(); c < dim; c += tile_step())
        store_quad(y + at + c, load_quad(x + at + c, dim - c, whole), dim - c, whole);
}

template <typename T>
static __global__ void __launch_bounds__(256)
    spread_rows(int tokens, int dim, const int32_t *sample, const int32_t *offsets,
                const float *dpooled, T *dx, bool whole) {
    int token = tile_row();
    if (token >= tokens) return;
    int row = sample ? sample[token] : token;
    float scale = sample ? 1.0f / (float)(offsets[row + 1] - offsets[row]) : 1.0f;
    const float *up = dpooled + (size_t)row * (size_t)dim;
    T *to = dx + (size_t)token * (size_t)dim;
    for (int c = tile_first(); c < dim; c += tile_step()) {
        int left = dim - c;
        quad q = load_quad(to + c, left, whole), u = load_quad(up + c, left, whole);
#pragma unroll
        for (int j = 0; j < 4; j++) q.at[j] += u.at[j] * scale;
        store_quad(to + c, q, left, whole);
    }
}

/* The largest number of a warp and, of equal ones, the first's index, in every lane. */
static __device__ __forceinline__ void warp_largest(float *value, int *index) {
#pragma unroll
    for (int lane = 16; lane > 0; lane /= 2) {
        float other = __shfl_xor_sync(0xFFFFFFFFu, *value, lane);
        int at = __shfl_xor_sync(0xFFFFFFFFu, *index, lane);
        if (other > *value || (other == *value && at < *index)) {
            *value = other;
            *index = at;
        }
    }
}

/* A warp to an input. */
static __global__ void __launch_bounds__(32 * LOSS_ROWS)
    softmax_rows(int samples, int classes, const int32_t *labels, float *logits, double *loss,
                 int32_t *correct) {
    int sample = (int)(blockIdx.x * LOSS_ROWS + threadIdx.y);
    if (sample >= samples) return;
    float *row = logits + (size_t)sample * (size_t)classes, max = -CUDART_INF_F;
    int label = labels[sample], best = classes;
    float own = row[label];
    double sum = 0.0;
    for (int c = (int)threadIdx.x; c < classes; c += 32)
        if (row[c] > max) {
            max = row[c];
            best = c;
        }
    warp_largest(&max, &best);
    __syncwarp(); /* all lanes have read their `own` before it is overwritten */
    for (int c = (int)threadIdx.x; c < classes; c += 32) {
        float e = expf(row[c] - max);
        row[c] = e;
        sum += (double)e;
    }
    sum = warp_sum(sum);
    for (int c = (int)threadIdx.x; c < classes; c += 32) row[c] = (float)((double)row[c] / sum);
    if (threadIdx.x != 0) return;
    loss[sample] = log(sum) - ((double)own - (double)max);
    correct[sample] = best == label;
}

/* One block, so that the order is always the same. */
static __global__ void __launch_bounds__(SUM_THREADS)
    add_losses(int samples, const double *loss, const int32_t *correct, double *loss_sum,
               int64_t *correct_sum) {
    __shared__ double losses[SUM_THREADS];
    __shared__ int counts[SUM_THREADS];
    int own = (int)threadIdx.x, count = 0;
    double sum = 0.0;
    for (int i = own; i < samples; i += SUM_THREADS) {
        sum += loss[i];
        count += correct[i];
    }
    losses[own] = sum;
    counts[own] = count;
    __syncthreads();
    for (int half = SUM_THREADS / 2; half > 0; half /= 2) {
        if (own < half) {
            losses[own] += losses[own + half];
            counts[own] += counts[own + half];
        }
        __syncthreads();
    }
    if (own != 0) return;
    *loss_sum += losses[0];
    *correct_sum += counts[0];
}

static __global__ void __launch_bounds__(256)
    subtract_labels(int samples, int classes, const int32_t *labels, float scale, float *p,
                    bool whole) {
    int sample = tile_row();
    if (sample >= samples) return;
    float *row = p + (size_t)sample * (size_t)classes;
    int label = labels[sample];
    for (int c = tile_first(); c < classes; c += tile_step()) {
        quad q = load_quad(row + c, classes - c, whole);
#pragma unroll
        for (int j = 0; j < 4; j++) q.at[j] = (q.at[j] - (c + j == label ? 1.0f : 0.0f)) * scale;
        store_quad(row + c, q, classes - c, whole);
    }
}

template <typename T>
static cudaError_t pool(cudaStream_t stream, int samples, int dim, const int32_t *offsets,
                        const T *x, float *pooled) {
    dim3 grid((unsigned)samples, (unsigned)(dim + POOL_COLUMNS - 1) / POOL_COLUMNS);
    pool_samples<<<grid, dim3(32, POOL_LANES), 0, stream>>>(dim, offsets, x, pooled,
                                                            are_whole(dim, x, pooled));
    return cudaGetLastError();
}

template <typename T>
static cudaError_t widen(cudaStream_t stream, int rows, int dim, const T *x, float *y) {
    row_tiles tiles = tiles_of(rows, dim);
    widen_rows<<<tiles.grid, tiles.block, 0, stream>>>(rows, dim, x, y, are_whole(dim, x, y));
    return cudaGetLastError();
}

template <typename T>
static cudaError_t pool_gradient(cudaStream_t stream, int tokens, int dim, const int32_t *sample,
                                 const int32_t *offsets, const float *dpooled, T *dx) {
    row_tiles tiles = tiles_of(tokens, dim);
    spread_rows<<<tiles.grid, tiles.block, 0, stream>>>(tokens, dim, sample, offsets, dpooled, dx,
                                                        are_whole(dim, dpooled, dx));
    return cudaGetLastError();
}

cudaError_t cuda_launch_pool(cudaStream_t stream, bool bf16, int samples, int dim,
                             const int32_t *offsets, const void *x, float *pooled) {
    if (samples == 0) return cudaSuccess;
    return bf16 ? pool(stream, samples, dim, offsets, static_cast<const __nv_bfloat16 *>(x), pooled)
                : pool(stream, samples, dim, offsets, static_cast<const float *>(x), pooled);
}

cudaError_t cuda_launch_widen(cudaStream_t stream, bool bf16, int rows, int dim, const void *x,
                              float *pooled) {
    if (rows == 0) return cudaSuccess;
    return bf16 ? widen(stream, rows, dim, static_cast<const __nv_bfloat16 *>(x), pooled)
                : widen(stream, rows, dim, static_cast<const float *>(x), pooled);
}

cudaError_t cuda_launch_pool_gradient(cudaStream_t stream, bool bf16, int tokens, int dim,
                                      const int32_t *sample, const int32_t *offsets,
                                      const float *dpooled, void *dx) {
    if (tokens == 0) return cudaSuccess;
    return bf16 ? pool_gradient(stream, tokens, dim, sample, offsets, dpooled,
                                static_cast<__nv_bfloat16 *>(dx))
                : pool_gradient(stream, tokens, dim, sample, offsets, dpooled,
                                static_cast<float *>(dx));
}

cudaError_t cuda_launch_loss(cudaStream_t stream, int samples, int classes, const int32_t *labels,
                             float *logits, void *scratch, double *loss, int64_t *correct) {
    if (samples == 0) return cudaSuccess;
    double *losses = static_cast<double *>(scratch);
    int32_t *counts = reinterpret_cast<int32_t *>(losses + samples);
    unsigned blocks = (unsigned)(samples + LOSS_ROWS - 1) / LOSS_ROWS;
    softmax_rows<<<blocks, dim3(32, LOSS_ROWS), 0, stream>>>(samples, classes, labels, logits,
                                                             losses, counts);
    add_losses<<<1, SUM_THREADS, 0, stream>>>(samples, losses, counts, loss, correct);
    return cudaGetLastError();
}

cudaError_t cuda_launch_loss_gradient(cudaStream_t stream, int samples, int classes,
                                      const int32_t *labels, float scale, float *probability) {
    if (samples == 0) return cudaSuccess;
    row_tiles tiles = tiles_of(samples, classes);
    subtract_labels<<<tiles.grid, tiles.block, 0, stream>>>(
        samples, classes, labels, scale, probability, are_whole(classes, probability));
    return cudaGetLastError();
}
