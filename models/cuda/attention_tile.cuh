/*
 * What the attention kernels are made of. A block owns ROWS rows (queries, or keys in the gradient
 * of K and V) and walks over the other side in tiles of COLS. Eight lanes share a row, four rows
 * (or two) share a lane: a thread keeps R x 4 scores, those of columns lane, lane + 8, lane + 16
 * and lane + 24, and R x W / 8 sums of the result. Rows of the map go through shared memory from
 * one inner product to the next, among these eight lanes alone, so a __syncwarp is enough.
 *
 * W is the head's width rounded up to what is instantiated; a wider head is cut into columns of W:
 * scores are summed over all cuts, and each cut of the result has a block of its own, which makes
 * the scores again. That costs (cuts + 1) / 2 times the products, and keeps any width right.
 *
 * Operands in bfloat16 of the usual widths go to tensor cores instead (attention_mma.cuh).
 */
#ifndef HEADROOM_MODELS_CUDA_ATTENTION_TILE_CUH
#define HEADROOM_MODELS_CUDA_ATTENTION_TILE_CUH

#include "models/cuda/attention_rows.cuh"
#include "models/cuda/number.cuh"

enum { LANES = 8, COLS = 32, MAP_STRIDE = COLS + 4 };

/* One width of tiles in shared memory. Rows are 4 floats further apart than they are wide, so that
 * eight lanes that read 16 bytes of as many rows meet eight different groups of banks. */
template <int W> struct tile {
    static constexpr int STRIDE = W + 4;
    static constexpr int VECTOR = W >= 32 ? 4 : W >= 16 ? 2 : 1;
    static constexpr int GROUPS = W >= LANES ? W / (LANES * VECTOR) : 1;
    static constexpr int OWN = GROUPS * VECTOR; /* columns of a result row that a lane sums */
};

/* Fills N rows of a tile, zero where the operand ends. Neighbouring threads read neighbours. */
template <int W, int N, int THREADS, typename T>
__device__ inline void tile_load(float *to, const matrix_rows<T> from) {
    for (int i = (int)threadIdx.x; i < N * (W / 4); i += THREADS) {
        const int row = i / (W / 4), col = i % (W / 4) * 4;
        numbers<4> value = {{0.0f, 0.0f, 0.0f, 0.0f}};
        if (row < from.rows) {
            const T *at = from.at + (size_t)row * from.ld + col;
            if (from.aligned && col + 4 <= from.cols) {
                value = operands_get<4>(at);
            } else {
#pragma unroll
                for (int c = 0; c < 4; c++)
                    if (col + c < from.cols) value.at[c] = operand_get(at[c]);
            }
        }
        *reinterpret_cast<float4 *>(to + row * tile<W>::STRIDE + col) =
            make_float4(value.at[0], value.at[1], value.at[2], value.at[3]);
    }
}

/* s[i][j] += <row i of a, row lane + 8 j of b>; a points to the thread's first row. */
template <int W, int R>
__device__ inline void tile_products(const float *a, const float *b, int lane, float s[R][4]) {
    constexpr int STRIDE = tile<W>::STRIDE;
#pragma unroll 4
    for (int c = 0; c < W; c += 4) {
        float4 x[R], y[4];
#pragma unroll
        for (int i = 0; i < R; i++) x[i] = *reinterpret_cast<const float4 *>(a + i * STRIDE + c);
#pragma unroll
        for (int j = 0; j < 4; j++)
            y[j] = *reinterpret_cast<const float4 *>(b + (lane + LANES * j) * STRIDE + c);
#pragma unroll
        for (int i = 0; i < R; i++)
#pragma unroll
            for (int j = 0; j < 4; j++) {
                s[i][j] = fmaf(x[i].x, y[j].x, s[i][j]);
                s[i][j] = fmaf(x[i].y, y[j].y, s[i][j]);
                s[i][j] = fmaf(x[i].z, y[j].z, s[i][j]);
                s[i][j] = fmaf(x[i].w, y[j].w, s[i][j]);
            }
    }
}

/* out[i] += sum over j < COLS of map[i][j] times row j of b, in the lane's own columns. Where W is
 * 4, half of the lanes sum what lies between two rows, which nobody stores. */
template <int W, int R>
__device__ inline void tile_weighted_sum(const float *map, const float *b, int lane,
                                         float out[R][tile<W>::OWN]) {
    typedef tile<W> t;
#pragma unroll 2
    for (int j = 0; j < COLS; j += 4) {
        numbers<4> weight[R];
#pragma unroll
        for (int i = 0; i < R; i++) weight[i] = operands_get<4>(map + i * MAP_STRIDE + j);
#pragma unroll
        for (int k = 0; k < 4; k++)
#pragma unroll
            for (int g = 0; g < t::GROUPS; g++) {
                const numbers<t::VECTOR> value = operands_get<t::VECTOR>(
                    b + (j + k) * t::STRIDE + t::VECTOR * (lane + LANES * g));
#pragma unroll
                for (int i = 0; i < R; i++)
#pragma unroll
                    for (int v = 0; v < t::VECTOR; v++)
                        out[i][g * t::VECTOR + v] =
                            fmaf(weight[i].at[k], value.at[v], out[i][g * t::VECTOR + v]);
            }
    }
}

/* Writes a lane's columns of one result row, times `factor`; `cols` numbers of it are there. */
template <int W, typename T>
__device__ inline void tile_store(T *to, int cols, bool aligned, int lane, float factor,
                                  const float own[tile<W>::OWN]) {
    typedef tile<W> t;
#pragma unroll
    for (int g = 0; g < t::GROUPS; g++) {
        const int col = t::VECTOR * (lane + LANES * g);
        float value[t::VECTOR];
#pragma unroll
        for (int v = 0; v < t::VECTOR; v++) value[v] = own[g * t::VECTOR + v] * factor;
        if (aligned && col + t::VECTOR <= cols) {
            operands_put<t::VECTOR>(to + col, value);
        } else {
#pragma unroll
            for (int v = 0; v < t::VECTOR; v++)
                if (col + v < cols) operand_put(to + col + v, value[v]);
        }
    }
}

/* Over the eight lanes of a row, which all get the same bits. Called by whole warps. */
__device__ inline float row_sum(float value) {
#pragma unroll
    for (int mask = 1; mask < LANES; mask *= 2) value += __shfl_xor_sync(~0u, value, mask);
    return value;
}

__device__ inline float row_max(float value) {
#pragma unroll
    for (int mask = 1; mask < LANES; mask *= 2)
        value = fmaxf(value, __shfl_xor_sync(~0u, value, mask));
    return value;
}

/* Calls launch<T, W>(call, stream) with the width that is instantiated for head_dim. */
#define ATTENTION_BY_WIDTH(launch, T, head_dim, ...)                                               \
    ((head_dim) <= 4    ? launch<T, 4>(__VA_ARGS__)                                                \
     : (head_dim) <= 8  ? launch<T, 8>(__VA_ARGS__)                                                \
     : (head_dim) <= 16 ? launch<T, 16>(__VA_ARGS__)                                               \
     : (head_dim) <= 32 ? launch<T, 32>(__VA_ARGS__)                                               \
     : (head_dim) <= 64 ? launch<T, 64>(__VA_ARGS__)                                               \
     : (head_dim) <= 96 ? launch<T, 96>(__VA_ARGS__)                                               \
                        : launch<T, 128>(__VA_ARGS__))

#endif
