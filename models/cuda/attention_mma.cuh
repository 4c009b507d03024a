/*
 * What the attention kernels on tensor cores are made of (Dao, FlashAttention-2, arXiv 2307.08691).
 * A warp owns 16 rows (or twice 16) of one side, which it keeps as operands in registers, and a
 * block of WARPS walks together over the other side, in pairs of tiles of TILE rows: K and V, or Q
 * and dout. While one pair is multiplied the next is on its way into shared memory. Scores are made
 * STEP columns at a time and never leave registers: a product's sums, rounded to bfloat16, are the
 * next product's operand (mma.cuh).
 *
 * W is the head's width rounded up to what is instantiated; what lies beyond the width, and rows
 * beyond the end, are zero in tiles and operands.
 */
#ifndef HEADROOM_MODELS_CUDA_ATTENTION_MMA_CUH
#define HEADROOM_MODELS_CUDA_ATTENTION_MMA_CUH

#include "models/cuda/attention_rows.cuh"
#include "models/cuda/mma.cuh"

typedef __nv_bfloat16 bf16;

enum { WARPS = 4, THREADS = WARPS * WARP, TILE = 64 };

/* Rows of tiles are 16 bytes further apart than they are wide, an odd number of 16 bytes, so that
 * the eight rows of a small matrix meet eight different groups of banks. */
template <int W> struct mma_tile {
    static constexpr int STRIDE = W + 8, SIZE = TILE * STRIDE, PAIR = 2 * SIZE;
    static constexpr int BYTES = 2 * PAIR * (int)sizeof(bf16); /* of two pairs */
};

/* Starts the copy of TILE rows. Four threads share a row (where it has so many 16 bytes), so that a
 * thread's addresses are one apart from constants, and memory is read 64 bytes at a time. */
template <int W> __device__ inline void tile_copy(bf16 *to, const matrix_rows<bf16> from) {
    constexpr int SHARE = W >= 32 ? 4 : W / 8, AT_ONCE = THREADS / SHARE;
    const int row = (int)threadIdx.x / SHARE, col = (int)threadIdx.x % SHARE * 8;
    const bf16 *at = from.at + (size_t)row * from.ld + col;
    to += row * mma_tile<W>::STRIDE + col;
#pragma unroll
    for (int r = 0; r < TILE; r += AT_ONCE)
#pragma unroll
        for (int c = 0; c < W; c += 8 * SHARE)
            copy_start<16>(to + r * mma_tile<W>::STRIDE + c, at + (size_t)r * from.ld + c,
                           row + r < from.rows && col + c < from.cols);
}

/* 16 rows of an operand, out of memory into the registers of a warp. */
template <int W>
__device__ inline void rows_get(mma_operand own[W / 16], const matrix_rows<bf16> from) {
    const int lane = (int)threadIdx.x % WARP;
#pragma unroll
    for (int k = 0; k < W / 16; k++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int row = lane / 4 + i % 2 * 8, col = 16 * k + lane % 4 * 2 + i / 2 * 8;
            own[k].at[i] =
                row < from.rows && col < from.cols
                    ? *reinterpret_cast<const uint32_t *>(from.at + (size_t)row * from.ld + col)
                    : 0;
        }
}

/* s += own b^T: STEP rows of the tile b, as columns of s. */
template <int W, int M, int STEP>
__device__ inline void mma_scores(float s[M][STEP / 8][4], const mma_operand own[M][W / 16],
                                  const bf16 *b) {
    const int lane = (int)threadIdx.x % WARP;
    b += (lane / 16 * 8 + lane % 8) * mma_tile<W>::STRIDE + lane / 8 % 2 * 8;
#pragma unroll
    for (int k = 0; k < W / 16; k++)
#pragma unroll
        for (int n = 0; n < STEP / 16; n++) {
            const mma_operand x = mma_load(b + 16 * n * mma_tile<W>::STRIDE + 16 * k);
#pragma unroll
            for (int m = 0; m < M; m++) {
                mma_add(s[m][2 * n], own[m][k], x.at[0], x.at[1]);
                mma_add(s[m][2 * n + 1], own[m][k], x.at[2], x.at[3]);
            }
        }
}

/* sum += map b: the map's STEP columns times as many rows of the tile b. */
template <int W, int M, int STEP>
__device__ inline void mma_weighted_sum(float sum[M][W / 8][4], const float map[M][STEP / 8][4],
                                        const bf16 *b) {
    const int lane = (int)threadIdx.x % WARP;
    b += lane % 16 * mma_tile<W>::STRIDE + lane / 16 * 8;
#pragma unroll
    for (int k = 0; k < STEP / 16; k++) {
        mma_operand weight[M];
#pragma unroll
        for (int m = 0; m < M; m++)
#pragma unroll
            for (int i = 0; i < 4; i++)
                weight[m].at[i] = mma_pack(map[m][2 * k + i / 2][i % 2 * 2],
                                           map[m][2 * k + i / 2][i % 2 * 2 + 1]);
#pragma unroll
        for (int n = 0; n < W / 16; n++) {
            const mma_operand x = mma_load_transposed(b + 16 * k * mma_tile<W>::STRIDE + 16 * n);
#pragma unroll
            for (int m = 0; m < M; m++) {
                mma_add(sum[m][2 * n], weight[m], x.at[0], x.at[1]);
                mma_add(sum[m][2 * n + 1], weight[m], x.at[2], x.at[3]);
            }
        }
    }
}

/* Writes a warp's 16 rows, rows l / 4 and l / 4 + 8 of lane l times their factors. */
template <int W>
__device__ inline void rows_put(bf16 *to, size_t ld, int rows, int cols, const float sum[W / 8][4],
                                const float factor[2]) {
    const int lane = (int)threadIdx.x % WARP;
#pragma unroll
    for (int i = 0; i < 2; i++)
#pragma unroll
        for (int n = 0; n < W / 8; n++) {
            const int row = lane / 4 + 8 * i, col = 8 * n + lane % 4 * 2;
            if (row < rows && col < cols)
                *reinterpret_cast<uint32_t *>(to + (size_t)row * ld + col) =
                    mma_pack(sum[n][2 * i] * factor[i], sum[n][2 * i + 1] * factor[i]);
        }
}

/* Over the four lanes that share a row, which all get the same bits. Called by whole warps. */
__device__ inline float quad_sum(float value) {
    value += __shfl_xor_sync(~0u, value, 1);
    return value + __shfl_xor_sync(~0u, value, 2);
}

__device__ inline float quad_max(float value) {
    value = fmaxf(value, __shfl_xor_sync(~0u, value, 1));
    return fmaxf(value, __shfl_xor_sync(~0u, value, 2));
}

/* Calls launch<W>(...) with the width that is instantiated for head_dim. */
#define MMA_BY_WIDTH(launch, head_dim, ...)                                                        \
    ((head_dim) <= 16   ? launch<16>(__VA_ARGS__)                                                  \
     : (head_dim) <= 32 ? launch<32>(__VA_ARGS__)                                                  \
     : (head_dim) <= 64 ? launch<64>(__VA_ARGS__)                                                  \
     : (head_dim) <= 96 ? launch<96>(__VA_ARGS__)                                                  \
                        : launch<128>(__VA_ARGS__))

#endif
