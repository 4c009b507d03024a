/*
 * LayerNorm, a warp to a row. The row is read again for the variance and for the result, from the
 * cache: the variance is that of the centred values, as on the CPU. The gradients of weight and bias
 * are column sums (columns.cuh) in a pass of their own over x and dy.
 */
#include "models/cuda/columns.cuh"

enum { NORM_ROWS = 8 }; /* of a block */

static __device__ __forceinline__ int norm_row() {
    return (int)(blockIdx.x * NORM_ROWS + threadIdx.y);
}

static dim3 norm_grid(int rows) {
    return dim3((unsigned)(rows + NORM_ROWS - 1) / NORM_ROWS);
}

/* y = (x - mu) inv weight + bias of one row. */
template <typename T>
static __device__ __forceinline__ void write_row(int dim, const float *in, const float *weight,
                                                 const float *bias, float mu, float inv, T *out,
                                                 bool whole) {
    for (int c = 4 * (int)threadIdx.x; c < dim; c += 128) {
        int left = dim - c;
        quad q = load_quad(in + c, left, whole), w = load_quad(weight + c, left, whole),
             b = load_quad(bias + c, left, whole);
#pragma unroll
        for (int j = 0; j < 4; j++) q.at[j] = (q.at[j] - mu) * inv * w.at[j] + b.at[j];
        store_quad(out + c, q, left, whole);
    }
}

template <typename T>
static __global__ void __launch_bounds__(32 * NORM_ROWS)
    norm_rows(int rows, int dim, const float *x, const float *weight, const float *bias, float eps,
              T *y, float *mean, float *rstd, bool whole) {
    int row = norm_row();
    if (row >= rows) return;
    const float *in = x + (size_t)row * (size_t)dim;
    float sum = 0.0f, square = 0.0f;
    for (int c = 4 * (int)threadIdx.x; c < dim; c += 128) {
        quad q = load_quad(in + c, dim - c, whole);
#pragma unroll
        for (int j = 0; j < 4; j++) sum += q.at[j];
    }
    float mu = warp_sum(sum) / (float)dim;
    for (int c = 4 * (int)threadIdx.x; c < dim; c += 128) {
        quad q = load_quad(in + c, dim - c, whole);
#pragma unroll
        for (int j = 0; j < 4; j++)
            if (j < dim - c) square += (q.at[j] - mu) * (q.at[j] - mu);
    }
    float inv = 1.0f / sqrtf(warp_sum(square) / (float)dim + eps);
    write_row(dim, in, weight, bias, mu, inv, y + (size_t)row * (size_t)dim, whole);
    if (threadIdx.x != 0) return;
    if (mean) mean[row] = mu;
    if (rstd) rstd[row] = inv;
}

template <typename T>
static __global__ void __launch_bounds__(32 * NORM_ROWS)
    norm_rows_again(int rows, int dim, const float *x, const float *weight, const float *bias,
                    const float *mean, const float *rstd, T *y, bool whole) {
    int row = norm_row();
    if (row >= rows) return;
    size_t at = (size_t)row * (size_t)dim;
    write_row(dim, x + at, weight, bias, mean[row], rstd[row], y + at, whole);
}

/* With g = dy * weight and xhat = (x - mean) * rstd: dx += rstd (g - mean(g) - xhat mean(g xhat)). */
template <typename T>
static __global__ void __launch_bounds__(32 * NORM_ROWS)
    norm_rows_gradient(int rows, int dim, const float *x, const float *weight, const float *mean,
                       const float *rstd, const T *dy, float *dx, bool whole) {
    int row = norm_row();
    if (row >= rows) return;
    const float *in = x + (size_t)row * (size_t)dim;
    const T *up = dy + (size_t)row * (size_t)dim;
    float *down = dx + (size_t)row * (size_t)dim;
    float mu = mean[row], inv = rstd[row], sum = 0.0f, dot = 0.0f;
    for (int c = 4 * (int)threadIdx.x; c < dim; c += 128) { /* beyond the row the weight reads 0 */
        int left = dim - c;
        quad q = load_quad(in + c, left, whole), w = load_quad(weight + c, left, whole),
             u = load_quad(up + c, left, whole);
#pragma unroll
        for (int j = 0; j < 4; j++) {
            float g = u.at[j] * w.at[j];
            sum += g;
            dot += g * ((q.at[j] - mu) * inv);
        }
    }
    sum = warp_sum(sum) / (float)dim;
    dot = warp_sum(dot) / (float)dim;
    for (int c = 4 * (int)threadIdx.x; c < dim; c += 128) {
        int left = dim - c;
        quad q = load_quad(in + c, left, whole), w = load_quad(weight + c, left, whole),
             u = load_quad(up + c, left, whole), d = load_quad(down + c, left, whole);
#pragma unroll
        for (int j = 0; j < 4; j++)
            d.at[j] += inv * (u.at[j] * w.at[j] - sum - (q.at[j] - mu) * inv * dot);
        store_quad(down + c, d, left, whole);
    }
}

/* What a row adds to the gradients of weight and bias. */
template <typename T> struct norm_element {
    const float *x, *mean, *rstd;
    const T *dy;
    int dim;
    bool whole;
    __device__ __forceinline__ void operator()(int row, int col, quad q[2]) const {
        size_t at = (size_t)row * (size_t)dim + col;
        float mu = mean[row], inv = rstd[row];
        quad in = load_quad(x + at, dim - col, whole);
        q[1] = load_quad(dy + at, dim - col, whole);
#pragma unroll
        for (int j = 0; j < 4; j++) q[0].at[j] = q[1].at[j] * ((in.at[j] - mu) * inv);
    }
};

template <typename T>
static cudaError_t norm(cudaStream_t stream, int rows, int dim, const float *x, const float *weight,
                        const float *bias, float eps, T *y, float *mean, float *rstd) {
    bool whole = are_whole(dim, x, weight, bias, y);
    norm_rows<<<norm_grid(rows), dim3(32, NORM_ROWS), 0, stream>>>(rows, dim, x, weight, bias, eps,
                                                                   y, mean, rstd, whole);
    return cudaGetLastError();
}

template <typename T>
static cudaError_t norm_again(cudaStream_t stream, int rows, int dim, const float *x,
                              const float *weight, const float *bias, const float *mean,
                              const float *rstd, T *y) {
    bool whole = are_whole(dim, x, weight, bias, y);
    norm_rows_again<<<norm_grid(rows), dim3(32, NORM_ROWS), 0, stream>>>(rows, dim, x, weight, bias,
                                                                         mean, rstd, y, whole);
    return cudaGetLastError();
}

template <typename T>
static cudaError_t norm_gradient(cudaStream_t stream, int rows, int dim, const float *x,
                                 const float *weight, const float *mean, const float *rstd,
                                 const T *dy, void *scratch, float *dweight, float *dbias,
                                 float *dx) {
    bool whole = are_whole(dim, x, weight, dy, dx);
    norm_rows_gradient<<<norm_grid(rows), dim3(32, NORM_ROWS), 0, stream>>>(
        rows, dim, x, weight, mean, rstd, dy, dx, whole);
    norm_element<T> element = {x, mean, rstd, dy, dim, are_whole(dim, x, dy)};
    return sum_columns<2>(stream, element, rows, dim, scratch, dweight, dbias);
}

cudaError_t cuda_launch_norm(cudaStream_t stream, bool bf16, int rows, int dim, const float *x,
                             const float *weight, const float *bias, float eps, void *y,
                             float *mean, float *rstd) {
    if (rows == 0) return cudaSuccess;
    return bf16
               ? norm(stream, rows, dim, x, weight, bias, eps, static_cast<__nv_bfloat16 *>(y),
                      mean, rstd)
               : norm(stream, rows, dim, x, weight, bias, eps, static_cast<float *>(y), mean, rstd);
}

cudaError_t cuda_launch_norm_again(cudaStream_t stream, bool bf16, int rows, int dim,
                                   const float *x, const float *weight, const float *bias,
                                   const float *mean, const float *rstd, void *y) {
    if (rows == 0) return cudaSuccess;
    return bf16 ? norm_again(stream, rows, dim, x, weight, bias, mean, rstd,
                             static_cast<__nv_bfloat16 *>(y))
                : norm_again(stream, rows, dim, x, weight, bias, mean, rstd,
                             static_cast<float *>(y));
}

cudaError_t cuda_launch_norm_gradient(cudaStream_t stream, bool bf16, int rows, int dim,
                                      const float *x, const float *weight, const float *mean,
                                      const float *rstd, const void *dy, void *scratch,
                                      float *dweight, float *dbias, float *dx) {
    if (rows == 0) return cudaSuccess;
    return bf16 ? norm_gradient(stream, rows, dim, x, weight, mean, rstd,
                                static_cast<const __nv_bfloat16 *>(dy), scratch, dweight, dbias, dx)
                : norm_gradient(stream, rows, dim, x, weight, mean, rstd,
                                static_cast<const float *>(dy), scratch, dweight, dbias, dx);
}
