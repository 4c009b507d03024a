/*
 * The products of chosen heads on tensor cores. Who chose what is read where it lies, by the blocks
 * that it concerns: one whose input did not choose the head ends at once, and a sum over heads
 * leaves those out that were not chosen. So the host needs not know, rows need not be brought
 * together, and what an input chose changes no bit of another's.
 *
 * A block makes a tile of WM x WN warps of ROWS x COLS sums, walking along the depth with STAGES - 1
 * parts on their way into shared memory (mma.cuh). Sums of a tile have one owner and one order,
 * whatever its shape. 64 rows by 48 columns of a warp are as many sums as registers hold; a head of
 * 96 has a slab of 6 times 48.
 */
#include "models/cuda/attention_rows.cuh"
#include "models/cuda/chosen_kernels.h"
#include "models/cuda/mma.cuh"

namespace {

typedef __nv_bfloat16 bf16;

/* Rows of tiles in shared memory are 16 bytes longer than they must be, an odd number of 16 bytes:
 * eight of a column then lie in different banks. */
enum { DEPTH = 32, STAGES = 3, ROWS = 64, COLS = 48, PART = 8, LD_DEEP = DEPTH + PART };

/* Numbers in memory, row by row; those beyond its end are 0. */
struct part_of {
    const bf16 *at;
    size_t ld;
    int rows, cols;
};

/* TRANSPOSED: the right factor lies column by column, as the left one lies row by row. */
template <int WM, int WN, bool TRANSPOSED> struct block_tile {
    static constexpr int ROWS_OF = WM * ROWS, COLS_OF = WN * COLS, THREADS = WM * WN * WARP;
    static constexpr int LD_RIGHT = TRANSPOSED ? (int)LD_DEEP : COLS_OF + PART;
    static constexpr int LEFT = ROWS_OF * LD_DEEP;
    static constexpr int STAGE = LEFT + (TRANSPOSED ? COLS_OF : (int)DEPTH) * LD_RIGHT;
    static constexpr int BYTES = STAGES * STAGE * (int)sizeof(bf16);
};

/* Starts the copy of a tile of ROWS_OF x COLS_OF numbers. */
template <int ROWS_OF, int COLS_OF, int THREADS>
__device__ inline void tile_copy(bf16 *to, const part_of &from) {
    constexpr int ACROSS = COLS_OF / PART;
    for (int i = (int)threadIdx.x; i < ROWS_OF * ACROSS; i += THREADS) {
        const int row = i / ACROSS, col = i % ACROSS * PART;
        copy_start<16>(to + row * (COLS_OF + PART) + col, from.at + (size_t)row * from.ld + col,
                       row < from.rows && col < from.cols);
    }
}

/* sum += a b of a warp, DEPTH deep; a and b are where its rows and columns begin in the tiles. */
template <int LD_RIGHT, bool TRANSPOSED>
__device__ inline void tile_multiply(float sum[ROWS / 16][COLS / 8][4], const bf16 *a,
                                     const bf16 *b) {
    const int lane = (int)threadIdx.x % WARP;
    a += lane % 16 * LD_DEEP + lane / 16 * 8;
    b += TRANSPOSED ? (lane / 16 * 8 + lane % 8) * LD_RIGHT + lane / 8 % 2 * 8
                    : lane % 16 * LD_RIGHT + lane / 16 * 8;
#pragma unroll
    for (int k = 0; k < DEPTH; k += 16) {
        mma_operand left[ROWS / 16];
#pragma unroll
        for (int m = 0; m < ROWS / 16; m++) left[m] = mma_load(a + 16 * m * LD_DEEP + k);
#pragma unroll
        for (int n = 0; n < COLS / 16; n++) {
            const mma_operand right = TRANSPOSED ? mma_load(b + 16 * n * LD_RIGHT + k)
                                                 : mma_load_transposed(b + k * LD_RIGHT + 16 * n);
#pragma unroll
            for (int m = 0; m < ROWS / 16; m++) {
                mma_add(sum[m][2 * n], left[m], right.at[0], right.at[1]);
                mma_add(sum[m][2 * n + 1], left[m], right.at[2], right.at[3]);
            }
        }
    }
}

/* The sums of a block over so many parts of the depth; left(i) and right(i) say where they are.
 * Shared memory is free again when it returns. */
template <typename T, bool TRANSPOSED, typename Left, typename Right>
__device__ inline void block_multiply(float sum[ROWS / 16][COLS / 8][4], bf16 *tiles, int parts,
                                      int warp_row, int warp_col, const Left &left,
                                      const Right &right) {
    const auto part_copy = [&](int i) {
        bf16 *to = tiles + i % STAGES * T::STAGE;
        tile_copy<T::ROWS_OF, DEPTH, T::THREADS>(to, left(i));
        if constexpr (TRANSPOSED)
            tile_copy<T::COLS_OF, DEPTH, T::THREADS>(to + T::LEFT, right(i));
        else
            tile_copy<DEPTH, T::COLS_OF, T::THREADS>(to + T::LEFT, right(i));
    };
#pragma unroll
    for (int i = 0; i < STAGES - 1; i++) {
        if (i < parts) part_copy(i);
        copy_group();
    }
    for (int i = 0; i < parts; i++) {
        copy_wait<STAGES - 2>();
        __syncthreads(); /* part i is there, and part i - 1 has been read */
        if (i + STAGES - 1 < parts) part_copy(i + STAGES - 1);
        copy_group();
        const bf16 *a = tiles + i % STAGES * T::STAGE + warp_row * LD_DEEP;
        const bf16 *b = tiles + i % STAGES * T::STAGE + T::LEFT +
                        (TRANSPOSED ? warp_col * T::LD_RIGHT : warp_col);
        tile_multiply<T::LD_RIGHT, TRANSPOSED>(sum, a, b);
    }
    copy_wait<0>();
    __syncthreads();
}

/* Tokens of one input that a block works on. */
struct block_rows {
    int token, rows; /* the first; none: rows <= 0 */
};

__device__ inline block_rows rows_of(const chosen_products &call, int sample, int first, int most) {
    const int token = call.offsets[sample] + first;
    return {token, min(most, call.offsets[sample + 1] - token)};
}

/* Rounds a warp's sums and writes them, 16 bytes at a time, by way of its own shared memory. */
__device__ inline void put_rounded(const float sum[ROWS / 16][COLS / 8][4], bf16 *own, bf16 *to,
                                   size_t ld, int rows, int cols, const float *bias) {
    enum { LD = COLS + PART, ACROSS = COLS / PART };
    const int lane = (int)threadIdx.x % WARP;
#pragma unroll
    for (int n = 0; n < COLS / 8; n++) {
        const int col = 8 * n + lane % 4 * 2;
        const float first = col < cols ? bias[col] : 0.0f;
        const float second = col < cols ? bias[col + 1] : 0.0f;
#pragma unroll
        for (int m = 0; m < ROWS / 16; m++)
#pragma unroll
            for (int i = 0; i < 2; i++)
                *reinterpret_cast<uint32_t *>(own + (16 * m + lane / 4 + 8 * i) * LD + col) =
                    mma_pack(sum[m][n][2 * i] + first, sum[m][n][2 * i + 1] + second);
    }
    __syncwarp();
    for (int i = lane; i < ROWS * ACROSS; i += WARP) {
        const int row = i / ACROSS, col = i % ACROSS * PART;
        if (row < rows && col < cols)
            *reinterpret_cast<uint4 *>(to + (size_t)row * ld + col) =
                *reinterpret_cast<const uint4 *>(own + row * LD + col);
    }
}

/* Blocks: columns of a slab, then heads, which read the same rows, then rows, then inputs. */
template <int WM, int WN>
__global__ void __launch_bounds__(block_tile<WM, WN, true>::THREADS)
    project(const chosen_products call, int row_tiles, int col_tiles) {
    typedef block_tile<WM, WN, true> t;
    extern __shared__ float4 shared[];
    bf16 *tiles = reinterpret_cast<bf16 *>(shared);
    const int slab = 3 * call.head_dim, warp = (int)threadIdx.x / WARP;
    int at = (int)blockIdx.x;
    const int column = at % col_tiles * t::COLS_OF;
    at /= col_tiles;
    const int h = at % call.heads;
    at /= call.heads;
    const int b = at / row_tiles;
    if (call.gates[(size_t)b * (size_t)call.heads + (size_t)h] == 0.0f) return;
    const block_rows own = rows_of(call, b, at % row_tiles * t::ROWS_OF, t::ROWS_OF);
    if (own.rows <= 0) return; /* a shorter input than the longest */
    const size_t dim = (size_t)call.dim;
    const size_t first_row = (size_t)h * (size_t)slab + (size_t)column; /* of W_QKV */
    const bf16 *norm = static_cast<const bf16 *>(call.norm) + (size_t)own.token * dim;
    const bf16 *weight = static_cast<const bf16 *>(call.qkv_weight) + first_row * dim;
    const int row = warp / WN * ROWS, col = warp % WN * COLS;
    float sum[ROWS / 16][COLS / 8][4] = {};
    block_multiply<t, true>(
        sum, tiles, (call.dim + DEPTH - 1) / DEPTH, row, col,
        [&](int i) -> part_of {
            return {norm + i * DEPTH, dim, own.rows, call.dim - i * DEPTH};
        },
        [&](int i) -> part_of {
            return {weight + i * DEPTH, dim, slab - column, call.dim - i * DEPTH};
        });
    const size_t ld = (size_t)call.heads * (size_t)slab;
    bf16 *to = static_cast<bf16 *>(call.qkv) + (size_t)(own.token + row) * ld + first_row + col;
    put_rounded(sum, tiles + warp * ROWS * (COLS + PART), to, ld, own.rows - row,
                slab - column - col, call.qkv_bias + first_row + col);
}

/* x += bias + a warp's sums. What is read is asked for before anything is written. */
__device__ inline void add_sums(const float sum[ROWS / 16][COLS / 8][4], float *x, size_t ld,
                                int rows, int cols, const float *bias) {
    const int lane = (int)threadIdx.x % WARP;
#pragma unroll
    for (int m = 0; m < ROWS / 16; m++)
#pragma unroll
        for (int i = 0; i < 2; i++) {
            const int row = 16 * m + lane / 4 + 8 * i;
            float2 value[COLS / 8];
            if (row >= rows) continue;
            float *at = x + (size_t)row * ld + lane % 4 * 2;
#pragma unroll
            for (int n = 0; n < COLS / 8; n++)
                if (8 * n < cols) value[n] = *reinterpret_cast<const float2 *>(at + 8 * n);
#pragma unroll
            for (int n = 0; n < COLS / 8; n++) {
                if (8 * n >= cols) continue;
                value[n].x += sum[m][n][2 * i] + bias[8 * n + lane % 4 * 2];
                value[n].y += sum[m][n][2 * i + 1] + bias[8 * n + lane % 4 * 2 + 1];
                *reinterpret_cast<float2 *>(at + 8 * n) = value[n];
            }
        }
}

/* Blocks: columns of x, then rows, then inputs. */
template <int WM, int WN>
__global__ void __launch_bounds__(block_tile<WM, WN, false>::THREADS)
    add_outputs(const chosen_products call, int row_tiles, int col_tiles) {
    typedef block_tile<WM, WN, false> t;
    extern __shared__ float4 shared[];
    __shared__ int chosen[CHOSEN_HEADS_MAX];
    const int column = (int)blockIdx.x % col_tiles * t::COLS_OF, at = (int)blockIdx.x / col_tiles;
    const int b = at / row_tiles, warp = (int)threadIdx.x / WARP;
    const block_rows own = rows_of(call, b, at % row_tiles * t::ROWS_OF, t::ROWS_OF);
    if (own.rows <= 0) return;
    int n = 0;
    for (int h = 0; h < call.heads; h++) {
        if (call.gates[(size_t)b * (size_t)call.heads + (size_t)h] == 0.0f) continue;
        if (threadIdx.x == 0) chosen[n] = h;
        n++;
    }
    __syncthreads();
    const int d = call.head_dim, deep = (d + DEPTH - 1) / DEPTH; /* parts of a head */
    const size_t dim = (size_t)call.dim, width = (size_t)call.heads * (size_t)d;
    const bf16 *context = static_cast<const bf16 *>(call.context) + (size_t)own.token * width;
    const bf16 *weight = static_cast<const bf16 *>(call.o_weight) + column;
    const int row = warp / WN * ROWS, col = warp % WN * COLS;
    float sum[ROWS / 16][COLS / 8][4] = {};
    block_multiply<t, false>(
        sum, reinterpret_cast<bf16 *>(shared), n * deep, row, col,
        [&](int i) -> part_of {
            const int k = i % deep * DEPTH, number = chosen[i / deep] * d + k;
            return {context + number, width, own.rows, d - k};
        },
        [&](int i) -> part_of {
            const int k = i % deep * DEPTH;
            const size_t number = (size_t)(chosen[i / deep] * d + k);
            return {weight + number * dim, dim, d - k, call.dim - column};
        });
    float *x = call.x + (size_t)(own.token + row) * dim + column + col;
    add_sums(sum, x, dim, own.rows - row, call.dim - column - col, call.o_bias + column + col);
}

int tiles_of(int n, int size) {
    return (n + size - 1) / size;
}

template <int WM, int WN, bool QKV> int blocks_of(const chosen_products &call) {
    typedef block_tile<WM, WN, QKV> t;
    const int cols =
        QKV ? call.heads * tiles_of(3 * call.head_dim, t::COLS_OF) : tiles_of(call.dim, t::COLS_OF);
    return call.samples * tiles_of(call.longest, t::ROWS_OF) * cols;
}

template <int WM, int WN, bool QKV>
cudaError_t start(const chosen_products &call, cudaStream_t stream) {
    typedef block_tile<WM, WN, QKV> t;
    const int rows = tiles_of(call.longest, t::ROWS_OF);
    const int cols = tiles_of(QKV ? 3 * call.head_dim : call.dim, t::COLS_OF);
    const dim3 grid((unsigned)blocks_of<WM, WN, QKV>(call));
    if constexpr (QKV)
        return attention_start(project<WM, WN>, grid, t::THREADS, t::BYTES, stream, call, rows,
                               cols);
    else
        return attention_start(add_outputs<WM, WN>, grid, t::THREADS, t::BYTES, stream, call, rows,
                               cols);
}

/* Blocks, if all were chosen, from which on large ones fill a card: a quarter of them still does. */
enum { MANY = 512 };

/* Large tiles read less, small ones are more. */
template <int WN> cudaError_t start_qkv(const chosen_products &call, cudaStream_t stream) {
    if (call.longest > ROWS && blocks_of<2, WN, true>(call) >= MANY)
        return start<2, WN, true>(call, stream);
    if (blocks_of<1, WN, true>(call) >= MANY) return start<1, WN, true>(call, stream);
    return start<1, 2, true>(call, stream);
}

} // namespace

cudaError_t chosen_qkv_launch(const struct chosen_products *call, cudaStream_t stream) {
    const int slab = 3 * call->head_dim;
    /* Whichever leaves fewer columns of its last tile empty. */
    if (tiles_of(slab, 6 * COLS) * 6 <= tiles_of(slab, 4 * COLS) * 4)
        return start_qkv<6>(*call, stream);
    return start_qkv<4>(*call, stream);
}

cudaError_t chosen_output_launch(const struct chosen_products *call, cudaStream_t stream) {
    if (call->longest > ROWS && blocks_of<2, 2, false>(*call) >= MANY)
        return start<2, 2, false>(*call, stream);
    return start<1, 2, false>(*call, stream);
}
