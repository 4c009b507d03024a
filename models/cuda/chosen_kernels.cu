/*
 * The products of chosen heads on tensor cores. Who chose what is read where it lies, by the blocks
 * that it concerns: one whose input did not choose the head ends at once, and a sum over heads
 * leaves those out that were not chosen. So the host needs not know, rows need not be brought
 * together, and what an input chose changes no bit of another's.
 *
 * A block makes a tile of sums, walking along the depth with the next part on its way into shared
 * memory (mma.cuh). A sum has one owner and one order, whatever the tile's shape, so an input's bits
 * do not depend on its batch either. Tiles of 128 rows by 144 columns, half a slab of a head of 96,
 * need 64 by 48 sums of a warp, as many as registers hold; where rows are few, smaller ones keep
 * more of the card at work.
 */
#include "models/cuda/attention_rows.cuh"
#include "models/cuda/chosen_kernels.h"
#include "models/cuda/mma.cuh"

namespace {

typedef __nv_bfloat16 bf16;

/* Rows of tiles in shared memory are 16 bytes longer than they must be, an odd number of 16 bytes:
 * eight of a column then lie in different banks. */
enum { DEPTH = 64, STAGES = 2, COLS = 48, PART = 8, LD_DEEP = DEPTH + PART };

/* Numbers in memory, row by row; those beyond its end are 0. */
struct part_of {
    const bf16 *at;
    size_t ld;
    int rows, cols;
};

/* WM x WN warps, each with M times 16 rows. TRANSPOSED: the right factor lies column by column, as
 * the left one lies row by row. */
template <int WM, int WN, int M, bool TRANSPOSED> struct block_tile {
    static constexpr int ROWS = 16 * M; /* of a warp */
    static constexpr int ROWS_OF = WM * ROWS, COLS_OF = WN * COLS, THREADS = WM * WN * WARP;
    /* Blocks that share a multiprocessor's registers. */
    static constexpr int AT_ONCE = (M > 2 ? 384 : 640) / THREADS;
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
template <int M, int LD_RIGHT, bool TRANSPOSED>
__device__ inline void tile_multiply(float sum[M][COLS / 8][4], const bf16 *a, const bf16 *b) {
    const int lane = (int)threadIdx.x % WARP;
    a += lane % 16 * LD_DEEP + lane / 16 * 8;
    b += TRANSPOSED ? (lane / 16 * 8 + lane % 8) * LD_RIGHT + lane / 8 % 2 * 8
                    : lane % 16 * LD_RIGHT + lane / 16 * 8;
#pragma unroll
    for (int k = 0; k < DEPTH; k += 16) {
        mma_operand left[M];
#pragma unroll
        for (int m = 0; m < M; m++) left[m] = mma_load(a + 16 * m * LD_DEEP + k);
#pragma unroll
        for (int n = 0; n < COLS / 16; n++) {
            const mma_operand right = TRANSPOSED ? mma_load(b + 16 * n * LD_RIGHT + k)
                                                 : mma_load_transposed(b + k * LD_RIGHT + 16 * n);
#pragma unroll
            for (int m = 0; m < M; m++) {
                mma_add(sum[m][2 * n], left[m], right.at[0], right.at[1]);
                mma_add(sum[m][2 * n + 1], left[m], right.at[2], right.at[3]);
            }
        }
    }
}

/* The sums of a block over so many parts of the depth; left(i) and right(i) say where they are.
 * begin() gives the sums what they begin with, which arrives while the first parts do. Shared memory
 * is free again when it returns. */
template <typename T, int M, bool TRANSPOSED, typename Begin, typename Left, typename Right>
__device__ inline void block_multiply(float sum[M][COLS / 8][4], bf16 *tiles, int parts,
                                      int warp_row, int warp_col, const Begin &begin,
                                      const Left &left, const Right &right) {
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
    begin();
    for (int i = 0; i < parts; i++) {
        copy_wait<STAGES - 2>();
        __syncthreads(); /* part i is there, and part i - 1 has been read */
        if (i + STAGES - 1 < parts) part_copy(i + STAGES - 1);
        copy_group();
        const bf16 *a = tiles + i % STAGES * T::STAGE + warp_row * LD_DEEP;
        const bf16 *b = tiles + i % STAGES * T::STAGE + T::LEFT +
                        (TRANSPOSED ? warp_col * T::LD_RIGHT : warp_col);
        tile_multiply<M, T::LD_RIGHT, TRANSPOSED>(sum, a, b);
    }
    copy_wait<0>();
    __syncthreads();
}

/* Every row of a warp's sums begins with the bias. It comes by way of the cache that nobody writes
 * to: what may have been written is fetched anew after every write. */
template <int M>
__device__ inline void begin_with(float sum[M][COLS / 8][4], const float *bias, int cols) {
    bias += (int)threadIdx.x % 4 * 2;
#pragma unroll
    for (int n = 0; n < COLS / 8; n++) {
        float2 value = {};
        if (8 * n < cols) value = __ldg(reinterpret_cast<const float2 *>(bias + 8 * n));
#pragma unroll
        for (int m = 0; m < M; m++) {
            sum[m][n][0] = sum[m][n][2] = value.x;
            sum[m][n][1] = sum[m][n][3] = value.y;
        }
    }
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
template <int M>
__device__ inline void put_rounded(const float sum[M][COLS / 8][4], bf16 *own, bf16 *to, size_t ld,
                                   int rows, int cols) {
    enum { LD = COLS + PART, ACROSS = COLS / PART };
    const int lane = (int)threadIdx.x % WARP;
#pragma unroll
    for (int m = 0; m < M; m++)
#pragma unroll
        for (int i = 0; i < 2; i++)
#pragma unroll
            for (int n = 0; n < COLS / 8; n++)
                *reinterpret_cast<uint32_t *>(own + (16 * m + lane / 4 + 8 * i) * LD + 8 * n +
                                              lane % 4 * 2) =
                    mma_pack(sum[m][n][2 * i], sum[m][n][2 * i + 1]);
    __syncwarp();
    for (int i = lane; i < 16 * M * ACROSS; i += WARP) {
        const int row = i / ACROSS, col = i % ACROSS * PART;
        if (row < rows && col < cols)
            *reinterpret_cast<uint4 *>(to + (size_t)row * ld + col) =
                *reinterpret_cast<const uint4 *>(own + row * LD + col);
    }
}

/* Blocks: columns of a slab, then heads, which read the same rows, then rows, then inputs. */
template <int WM, int WN, int M>
__global__ void __launch_bounds__(block_tile<WM, WN, M, true>::THREADS,
                                  block_tile<WM, WN, M, true>::AT_ONCE)
    project(const chosen_products call, int row_tiles, int col_tiles) {
    typedef block_tile<WM, WN, M, true> t;
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
    const int row = warp / WN * t::ROWS, col = warp % WN * COLS;
    float sum[M][COLS / 8][4];
    block_multiply<t, M, true>(
        sum, tiles, (call.dim + DEPTH - 1) / DEPTH, row, col,
        [&] { begin_with<M>(sum, call.qkv_bias + first_row + col, slab - column - col); },
        [&](int i) -> part_of {
            return {norm + i * DEPTH, dim, own.rows, call.dim - i * DEPTH};
        },
        [&](int i) -> part_of {
            return {weight + i * DEPTH, dim, slab - column, call.dim - i * DEPTH};
        });
    const size_t ld = (size_t)call.heads * (size_t)slab;
    bf16 *to = static_cast<bf16 *>(call.qkv) + (size_t)(own.token + row) * ld + first_row + col;
    put_rounded<M>(sum, tiles + warp * t::ROWS * (COLS + PART), to, ld, own.rows - row,
                   slab - column - col);
}

/* Calls each(m, n, i, offset) for the pairs of x that a lane has sums of: [m][n][2 i] and the next. */
template <int M, typename Each>
__device__ inline void each_pair(size_t ld, int rows, int cols, const Each &each) {
    const int row = (int)threadIdx.x % WARP / 4, col = (int)threadIdx.x % 4 * 2;
#pragma unroll
    for (int m = 0; m < M; m++)
#pragma unroll
        for (int i = 0; i < 2; i++)
#pragma unroll
            for (int n = 0; n < COLS / 8; n++)
                if (row + 16 * m + 8 * i < rows && 8 * n < cols)
                    each(m, n, i, (size_t)(row + 16 * m + 8 * i) * ld + (size_t)(8 * n + col));
}

/* Blocks: columns of x, then rows, then inputs. */
template <int WM, int WN, int M>
__global__ void __launch_bounds__(block_tile<WM, WN, M, false>::THREADS,
                                  block_tile<WM, WN, M, false>::AT_ONCE)
    add_outputs(const chosen_products call, int row_tiles, int col_tiles) {
    typedef block_tile<WM, WN, M, false> t;
    extern __shared__ float4 shared[];
    __shared__ int chosen[CHOSEN_HEADS_MAX];
    const int column = (int)blockIdx.x % col_tiles * t::COLS_OF, at = (int)blockIdx.x / col_tiles;
    const int b = at / row_tiles, warp = (int)threadIdx.x / WARP;
    const block_rows own = rows_of(call, b, at % row_tiles * t::ROWS_OF, t::ROWS_OF);
    if (own.rows <= 0) return;
    const float *gates = call.gates + (size_t)b * (size_t)call.heads;
    int n = 0;
    for (int h = 0; h < call.heads; h++) {
        if (__ldg(gates + h) == 0.0f) continue;
        if (threadIdx.x == 0) chosen[n] = h;
        n++;
    }
    __syncthreads();
    const int d = call.head_dim, deep = (d + DEPTH - 1) / DEPTH; /* parts of a head */
    const size_t dim = (size_t)call.dim, width = (size_t)call.heads * (size_t)d;
    const bf16 *context = static_cast<const bf16 *>(call.context) + (size_t)own.token * width;
    const bf16 *weight = static_cast<const bf16 *>(call.o_weight) + column;
    const int row = warp / WN * t::ROWS, col = warp % WN * COLS;
    const size_t place = (size_t)(column + col);
    float sum[M][COLS / 8][4];
    block_multiply<t, M, false>(
        sum, reinterpret_cast<bf16 *>(shared), n * deep, row, col,
        [&] {
            const float *x = call.x + (size_t)(own.token + row) * dim + place;
            float2 value[M][2][COLS / 8];
            each_pair<M>(dim, own.rows - row, call.dim - (int)place,
                         [&](int m, int n, int i, size_t at) {
                             value[m][i][n] = *reinterpret_cast<const float2 *>(x + at);
                         });
            begin_with<M>(sum, call.o_bias + place, call.dim - (int)place);
            each_pair<M>(dim, own.rows - row, call.dim - (int)place,
                         [&](int m, int n, int i, size_t) {
                             sum[m][n][2 * i] += value[m][i][n].x;
                             sum[m][n][2 * i + 1] += value[m][i][n].y;
                         });
        },
        [&](int i) -> part_of {
            const int k = i % deep * DEPTH, number = chosen[i / deep] * d + k;
            return {context + number, width, own.rows, d - k};
        },
        [&](int i) -> part_of {
            const int k = i % deep * DEPTH;
            const size_t number = (size_t)(chosen[i / deep] * d + k);
            return {weight + number * dim, dim, d - k, call.dim - column};
        });
    /* Where results go is found again: registers are better used meanwhile. */
    const block_rows after = rows_of(call, b, at % row_tiles * t::ROWS_OF, t::ROWS_OF);
    float *x = call.x + (size_t)(after.token + row) * dim + place;
    each_pair<M>(dim, after.rows - row, call.dim - (int)place,
                 [&](int m, int n, int i, size_t offset) {
                     *reinterpret_cast<float2 *>(x + offset) =
                         make_float2(sum[m][n][2 * i], sum[m][n][2 * i + 1]);
                 });
}

int tiles_of(int n, int size) {
    return (n + size - 1) / size;
}

template <int WM, int WN, int M, bool QKV> int blocks_of(const chosen_products &call) {
    typedef block_tile<WM, WN, M, QKV> t;
    const int cols =
        QKV ? call.heads * tiles_of(3 * call.head_dim, t::COLS_OF) : tiles_of(call.dim, t::COLS_OF);
    return call.samples * tiles_of(call.longest, t::ROWS_OF) * cols;
}

template <int WM, int WN, int M, bool QKV>
cudaError_t start(const chosen_products &call, cudaStream_t stream) {
    typedef block_tile<WM, WN, M, QKV> t;
    const int rows = tiles_of(call.longest, t::ROWS_OF);
    const int cols = tiles_of(QKV ? 3 * call.head_dim : call.dim, t::COLS_OF);
    const dim3 grid((unsigned)blocks_of<WM, WN, M, QKV>(call));
    if constexpr (QKV)
        return attention_start(project<WM, WN, M>, grid, t::THREADS, t::BYTES, stream, call, rows,
                               cols);
    else
        return attention_start(add_outputs<WM, WN, M>, grid, t::THREADS, t::BYTES, stream, call,
                               rows, cols);
}

/* Blocks, if all were chosen, from which on a larger tile, which reads less, still makes enough of
 * them to fill a card where a quarter is chosen. */
enum { MANY = 256, MOST = 1024 };

} // namespace

cudaError_t chosen_qkv_launch(const struct chosen_products *call, cudaStream_t stream) {
    if (blocks_of<2, 3, 2, true>(*call) < MANY) return start<4, 1, 1, true>(*call, stream);
    if (call->longest <= 64 || blocks_of<2, 3, 4, true>(*call) < MOST)
        return start<2, 3, 2, true>(*call, stream);
    return start<2, 3, 4, true>(*call, stream);
}

cudaError_t chosen_output_launch(const struct chosen_products *call, cudaStream_t stream) {
    if (blocks_of<2, 2, 2, false>(*call) < MANY) return start<4, 1, 1, false>(*call, stream);
    if (call->longest <= 64 || blocks_of<2, 2, 4, false>(*call) < MOST)
        return start<2, 2, 2, false>(*call, stream);
    return start<2, 2, 4, false>(*call, stream);
}
