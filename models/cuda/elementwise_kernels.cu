/*
 * What goes on between products, number by number: biases, the end of a sublayer, GELU where a
 * product does not make it itself (cuda_epilogues.c); and their gradients. Each is one pass over
 * memory; sums over rows take a second, small one (columns.cuh). Arithmetic is float32, results are
 * rounded once when they are written.
 */
#include "models/cuda/columns.cuh"
#include "models/cuda/dropout.cuh"

static constexpr float two_root = 1.5957691216f; /* 2 sqrt(2 / pi) */

template <typename T>
static __global__ void __launch_bounds__(256)
    add_bias(int rows, int cols, const float *bias, T *x, bool whole) {
    int row = tile_row();
    if (row >= rows) return;
    T *at = x + (size_t)row * (size_t)cols;
    for (int c = tile_first(); c < cols; c += tile_step()) {
        int left = cols - c;
        quad q = load_quad(at + c, left, whole), b = load_quad(bias + c, left, whole);
#pragma unroll
        for (int j = 0; j < 4; j++) q.at[j] += b.at[j];
        store_quad(at + c, q, left, whole);
    }
}

template <typename T>
static __global__ void __launch_bounds__(256)
    end_sublayer(int tokens, int dim, const float *bias, cuda_mask mask, const T *branch,
                 const float *x, float *out, bool whole) {
    int token = tile_row();
    if (token >= tokens) return;
    size_t row = (size_t)token * (size_t)dim;
    for (int c = tile_first(); c < dim; c += tile_step()) {
        int left = dim - c;
        quad q = load_quad(branch + row + c, left, whole), b = load_quad(bias + c, left, whole),
             in = load_quad(x + row + c, left, whole);
#pragma unroll
        for (int j = 0; j < 4; j++) q.at[j] += b.at[j];
        drop_quad(mask, token, dim, c, q);
#pragma unroll
        for (int j = 0; j < 4; j++) q.at[j] += in.at[j];
        store_quad(out + row + c, q, left, whole);
    }
}

/* x S(2u), S = sigmoid, as models/cpu/gelu.c has it. */
static __device__ __forceinline__ float sigmoid_of(float x) {
    return 1.0f / (1.0f + expf(-two_root * x * (1.0f + 0.044715f * x * x)));
}

/* The backward pass reads `pre` as it was kept, so y is that of the rounded number. y may be pre. */
template <typename T>
static __global__ void __launch_bounds__(256)
    gelu_rows(int rows, int cols, const float *bias, T *pre, T *y, bool whole) {
    int row = tile_row();
    if (row >= rows) return;
    size_t at = (size_t)row * (size_t)cols;
    for (int c = tile_first(); c < cols; c += tile_step()) {
        int left = cols - c;
        quad q = load_quad(pre + at + c, left, whole), b = load_quad(bias + c, left, whole);
#pragma unroll
        for (int j = 0; j < 4; j++) q.at[j] = rounded(q.at[j] + b.at[j], pre);
        store_quad(pre + at + c, q, left, whole);
#pragma unroll
        for (int j = 0; j < 4; j++) q.at[j] *= sigmoid_of(q.at[j]);
        store_quad(y + at + c, q, left, whole);
    }
}

/* d/dx [x S(v)] = S + x S (1 - S) v', v = 2u, v' = two_root (1 + 3 * 0.044715 x^2). y: made again,
 * or NULL. */
template <typename T>
static __global__ void __launch_bounds__(256)
    gelu_slopes(size_t n, const T *pre, T *y, T *dy, bool aligned) {
    size_t step = 4 * (size_t)gridDim.x * blockDim.x;
    for (size_t i = 4 * ((size_t)blockIdx.x * blockDim.x + threadIdx.x); i < n; i += step) {
        int left = n - i < 4 ? (int)(n - i) : 4;
        bool whole = aligned && left == 4;
        quad q = load_quad(pre + i, left, whole), d = load_quad(dy + i, left, whole);
#pragma unroll
        for (int j = 0; j < 4; j++) {
            float x = q.at[j], s = sigmoid_of(x);
            float slope = two_root * (1.0f + 0.134145f * x * x);
            q.at[j] = x * s;
            d.at[j] *= s + x * s * (1.0f - s) * slope;
        }
        if (y) store_quad(y + i, q, left, whole);
        store_quad(dy + i, d, left, whole);
    }
}

template <typename T> struct plain_element {
    const T *x;
    int cols;
    bool whole;
    __device__ __forceinline__ quad operator()(int row, int col) const {
        return load_quad(x + (size_t)row * (size_t)cols + col, cols - col, whole);
    }
};

/* Writes the branch while its columns are summed. */
template <typename T> struct branch_element {
    const float *dx;
    T *branch;
    cuda_mask mask;
    int dim;
    bool whole;
    __device__ __forceinline__ quad operator()(int row, int col) const {
        size_t at = (size_t)row * (size_t)dim + col;
        quad q = load_quad(dx + at, dim - col, whole);
        drop_quad(mask, row, dim, col, q);
        store_quad(branch + at, q, dim - col, whole);
        return q;
    }
};

/* The sum that a block is part of: later ones have the larger numbers. */
static __device__ __forceinline__ int sum_of(const cuda_column_sums &sums, uint32_t block) {
    int low = 0, high = sums.n - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (sums.sum[middle].first_block <= block)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* 32 columns of one of the sums: out[col] += its parts. */
static __global__ void __launch_bounds__(256)
    column_totals(const __grid_constant__ cuda_column_sums sums) {
    __shared__ float shared[COLUMN_LANES][32];
    const cuda_column_sum &own = sums.sum[sum_of(sums, blockIdx.x)];
    int col = (int)((blockIdx.x - own.first_block) * 32 + threadIdx.x);
    float sum = 0.0f;
    if (col < own.cols)
#pragma unroll 8
        for (int part = (int)threadIdx.y; part < own.parts; part += COLUMN_LANES)
            sum += own.partial[(size_t)part * (size_t)own.cols + col];
    shared[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y != 0 || col >= own.cols) return;
    for (int lane = 1; lane < COLUMN_LANES; lane++) sum += shared[lane][threadIdx.x];
    own.out[col] += sum;
}

template <typename T>
static cudaError_t bias_rows(cudaStream_t stream, int rows, int cols, const float *bias, T *x) {
    row_tiles tiles = tiles_of(rows, cols);
    add_bias<<<tiles.grid, tiles.block, 0, stream>>>(rows, cols, bias, x, are_whole(cols, bias, x));
    return cudaGetLastError();
}

template <typename T>
static cudaError_t residual(cudaStream_t stream, int tokens, int dim, const float *bias,
                            const cuda_mask *mask, const T *branch, const float *x, float *out) {
    row_tiles tiles = tiles_of(tokens, dim);
    end_sublayer<<<tiles.grid, tiles.block, 0, stream>>>(tokens, dim, bias, *mask, branch, x, out,
                                                         are_whole(dim, bias, branch, x, out));
    return cudaGetLastError();
}

template <typename T>
static cudaError_t gelu(cudaStream_t stream, int rows, int cols, const float *bias, T *pre, T *y) {
    row_tiles tiles = tiles_of(rows, cols);
    gelu_rows<<<tiles.grid, tiles.block, 0, stream>>>(rows, cols, bias, pre, y,
                                                      are_whole(cols, bias, pre, y));
    return cudaGetLastError();
}

template <typename T>
static cudaError_t gelu_gradient(cudaStream_t stream, size_t n, const T *pre, T *y, T *dy) {
    size_t blocks = (n + 1023) / 1024, most = 1u << 20;
    gelu_slopes<<<(unsigned)(blocks < most ? blocks : most), 256, 0, stream>>>(
        n, pre, y, dy, are_whole(4, pre, y, dy));
    return cudaGetLastError();
}

template <typename T>
static cudaError_t residual_gradient(cudaStream_t stream, int tokens, int dim,
                                     const cuda_mask *mask, const float *dx, T *branch,
                                     struct cuda_column_sums *sums, float *dbias) {
    branch_element<T> element = {dx, branch, *mask, dim, are_whole(dim, dx, branch)};
    return sum_columns(stream, element, tokens, dim, sums, dbias);
}

cudaError_t cuda_launch_column_sums(cudaStream_t stream, const struct cuda_column_sums *sums) {
    if (sums->blocks == 0) return cudaSuccess;
    column_totals<<<sums->blocks, dim3(32, COLUMN_LANES), 0, stream>>>(*sums);
    return cudaGetLastError();
}

cudaError_t cuda_launch_bias(cudaStream_t stream, bool bf16, int rows, int cols, const float *bias,
                             void *x) {
    if (rows == 0 || cols == 0) return cudaSuccess;
    return bf16 ? bias_rows(stream, rows, cols, bias, static_cast<__nv_bfloat16 *>(x))
                : bias_rows(stream, rows, cols, bias, static_cast<float *>(x));
}

cudaError_t cuda_launch_bias_gradient(cudaStream_t stream, bool bf16, int rows, int cols,
                                      const void *dx, struct cuda_column_sums *sums, float *dbias) {
    if (bf16) {
        const __nv_bfloat16 *from = static_cast<const __nv_bfloat16 *>(dx);
        plain_element<__nv_bfloat16> element = {from, cols, are_whole(cols, from)};
        return sum_columns(stream, element, rows, cols, sums, dbias);
    }
    const float *from = static_cast<const float *>(dx);
    plain_element<float> element = {from, cols, are_whole(cols, from)};
    return sum_columns(stream, element, rows, cols, sums, dbias);
}

cudaError_t cuda_launch_residual(cudaStream_t stream, bool bf16, int tokens, int dim,
                                 const float *bias, const struct cuda_mask *mask,
                                 const void *branch, const float *x, float *out) {
    if (tokens == 0) return cudaSuccess;
    return bf16 ? residual(stream, tokens, dim, bias, mask,
                           static_cast<const __nv_bfloat16 *>(branch), x, out)
                : residual(stream, tokens, dim, bias, mask, static_cast<const float *>(branch), x,
                           out);
}

cudaError_t cuda_launch_residual_gradient(cudaStream_t stream, bool bf16, int tokens, int dim,
                                          const struct cuda_mask *mask, const float *dx,
                                          void *branch, struct cuda_column_sums *sums,
                                          float *dbias) {
    return bf16 ? residual_gradient(stream, tokens, dim, mask, dx,
                                    static_cast<__nv_bfloat16 *>(branch), sums, dbias)
                : residual_gradient(stream, tokens, dim, mask, dx, static_cast<float *>(branch),
                                    sums, dbias);
}

cudaError_t cuda_launch_gelu(cudaStream_t stream, bool bf16, int rows, int cols, const float *bias,
                             void *pre, void *y) {
    if (rows == 0 || cols == 0) return cudaSuccess;
    return bf16
               ? gelu(stream, rows, cols, bias, static_cast<__nv_bfloat16 *>(pre),
                      static_cast<__nv_bfloat16 *>(y))
               : gelu(stream, rows, cols, bias, static_cast<float *>(pre), static_cast<float *>(y));
}

cudaError_t cuda_launch_gelu_gradient(cudaStream_t stream, bool bf16, size_t n, const void *pre,
                                      void *y, void *dy) {
    if (n == 0) return cudaSuccess;
    return bf16 ? gelu_gradient(stream, n, static_cast<const __nv_bfloat16 *>(pre),
                                static_cast<__nv_bfloat16 *>(y), static_cast<__nv_bfloat16 *>(dy))
                : gelu_gradient(stream, n, static_cast<const float *>(pre), static_cast<float *>(y),
                                static_cast<float *>(dy));
}
