/*
 * Sums over the rows of an array, column by column: gradients of biases, and the second half of
 * those of LayerNorm's weights. In two passes, each in a fixed order, so that they have the same
 * bits every time: blocks sum up ranges of rows, and then the ranges are added up. What one pass
 * with atomic additions would not need is a write and a read of parts x cols numbers: at most a row
 * for every 64 of the array's.
 */
#ifndef HEADROOM_MODELS_CUDA_COLUMNS_CUH
#define HEADROOM_MODELS_CUDA_COLUMNS_CUH

#include "models/cuda/number.cuh"
#include "models/cuda/stage_kernels.h"

enum { COLUMNS = 128, COLUMN_LANES = 8, COLUMN_ROWS = 64 }; /* rows: least of a part */

/* partial[part][cols]. Element(row, col) gives the numbers of four columns of a row. */
template <typename Element>
static __global__ void __launch_bounds__(256)
    column_parts(Element element, int rows, int cols, int part_rows, float *partial) {
    __shared__ float shared[COLUMN_LANES][COLUMNS];
    int col = (int)blockIdx.x * COLUMNS + 4 * (int)threadIdx.x;
    int first = (int)blockIdx.y * part_rows;
    int end = rows - first < part_rows ? rows : first + part_rows;
    quad sum = {};
    if (col < cols)
#pragma unroll 4
        for (int row = first + (int)threadIdx.y; row < end; row += COLUMN_LANES) {
            quad q = element(row, col);
#pragma unroll
            for (int j = 0; j < 4; j++) sum.at[j] += q.at[j];
        }
#pragma unroll
    for (int j = 0; j < 4; j++) shared[threadIdx.y][4 * threadIdx.x + j] = sum.at[j];
    __syncthreads();
    int own = (int)(threadIdx.y * blockDim.x + threadIdx.x);
    col = (int)blockIdx.x * COLUMNS + own;
    if (own >= COLUMNS || col >= cols) return;
    float total = 0.0f;
    for (int lane = 0; lane < COLUMN_LANES; lane++) total += shared[lane][own];
    partial[(size_t)blockIdx.y * (size_t)cols + col] = total;
}

/* Where sums over rows are added to, [cols] each. */
struct column_sums {
    float *out[3];
};

/* out[n][col] += sum of its parts; n = blockIdx.y. */
static __global__ void __launch_bounds__(256)
    column_totals(int parts, int cols, const float *partial, column_sums sums) {
    __shared__ float shared[COLUMN_LANES][32];
    int col = (int)(blockIdx.x * 32 + threadIdx.x);
    float *out = blockIdx.y == 0 ? sums.out[0] : blockIdx.y == 1 ? sums.out[1] : sums.out[2];
    float sum = 0.0f;
    if (col < cols)
#pragma unroll 8
        for (int part = (int)threadIdx.y; part < parts; part += COLUMN_LANES)
            sum += partial[((size_t)blockIdx.y * parts + part) * (size_t)cols + col];
    shared[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y != 0 || col >= cols) return;
    for (int lane = 1; lane < COLUMN_LANES; lane++) sum += shared[lane][threadIdx.x];
    out[col] += sum;
}

/* Adds partial[n][parts][cols] up. */
static cudaError_t add_parts(cudaStream_t stream, int n, int parts, int cols, const float *partial,
                             const column_sums &sums) {
    column_totals<<<dim3((unsigned)(cols + 31) / 32, (unsigned)n), dim3(32, COLUMN_LANES), 0,
                    stream>>>(parts, cols, partial, sums);
    return cudaGetLastError();
}

/* out[cols] += the sum over rows of `element`. scratch: cuda_column_scratch(cols) bytes. */
template <typename Element>
static cudaError_t sum_columns(cudaStream_t stream, const Element &element, int rows, int cols,
                               void *scratch, float *out) {
    if (rows == 0 || cols == 0) return cudaSuccess;
    int part_rows = (rows + CUDA_COLUMN_PARTS - 1) / CUDA_COLUMN_PARTS;
    if (part_rows < COLUMN_ROWS) part_rows = COLUMN_ROWS;
    int parts = (rows + part_rows - 1) / part_rows;
    float *partial = static_cast<float *>(scratch);
    dim3 grid((unsigned)(cols + COLUMNS - 1) / COLUMNS, (unsigned)parts);
    column_parts<<<grid, dim3(32, COLUMN_LANES), 0, stream>>>(element, rows, cols, part_rows,
                                                              partial);
    return add_parts(stream, 1, parts, cols, partial, {{out, nullptr, nullptr}});
}

#endif
