/*
 * Sums over the rows of an array, column by column: gradients of biases, and the second half of
 * those of LayerNorm's weights. In two passes, each in a fixed order, so that they have the same
 * bits every time: blocks sum up ranges of rows, and then the ranges are added up. What one pass
 * with atomic additions would not need is a write and a read of parts x cols numbers: at most a row
 * for every 64 of the array's.
 *
 * The second pass is too little for a card, and nobody waits for it: it is put off and done for many
 * arrays in one launch (cuda_sums.c).
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

/* Puts off n sums of partial[n][parts][cols], which begin where the table's memory is free. */
static inline void put_off(struct cuda_column_sums *sums, int n, int parts, int cols,
                           float *const *out) {
    for (int i = 0; i < n; i++) {
        sums->sum[sums->n++] = {sums->memory + sums->used, out[i], parts, cols, sums->blocks};
        sums->blocks += (uint32_t)(cols + 31) / 32;
        sums->used += (size_t)parts * (size_t)cols;
    }
}

/* out[cols] += the sum over rows of `element`. */
template <typename Element>
static cudaError_t sum_columns(cudaStream_t stream, const Element &element, int rows, int cols,
                               struct cuda_column_sums *sums, float *out) {
    if (rows == 0 || cols == 0) return cudaSuccess;
    int part_rows = (rows + CUDA_COLUMN_PARTS - 1) / CUDA_COLUMN_PARTS;
    if (part_rows < COLUMN_ROWS) part_rows = COLUMN_ROWS;
    int parts = (rows + part_rows - 1) / part_rows;
    float *partial = sums->memory + sums->used;
    dim3 grid((unsigned)(cols + COLUMNS - 1) / COLUMNS, (unsigned)parts);
    column_parts<<<grid, dim3(32, COLUMN_LANES), 0, stream>>>(element, rows, cols, part_rows,
                                                              partial);
    put_off(sums, 1, parts, cols, &out);
    return cudaGetLastError();
}

#endif
