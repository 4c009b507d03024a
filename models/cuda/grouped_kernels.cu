/*
 * Small products in bfloat16, all in one launch: a block makes one tile of one of them on tensor
 * cores, walking along k with the next part on its way to registers. cuBLAS is faster where a
 * product fills the card by itself; eight that do not, one after the other, leave most of it idle
 * and cost eight launches. Each sum has one owner and one order, whatever else is in the group.
 */
#include "models/cuda/grouped_kernels.h"

#include <cuda_bf16.h>
#include <mma.h>
#include <stddef.h>

namespace {

/* Parts of 8 numbers are one access. Rows of tiles in shared memory are a part longer than they
 * must be, against bank conflicts. */
enum {
    SIDE = GROUPED_TILE,
    DEPTH = 32,
    PART = 8,
    THREADS = 128,
    OWN = SIDE * DEPTH / PART / THREADS, /* parts of a tile to a thread */
    LD_DEEP = DEPTH + PART,
    LD_WIDE = SIDE + PART,
    LD_SUMS = SIDE + 4,
    FRAGMENT = 16
};

/* How b lies in its tile: as it lies in memory. */
template <bool TRANSPOSED> struct layout_if { typedef nvcuda::wmma::row_major type; };
template <> struct layout_if<true> { typedef nvcuda::wmma::col_major type; };

struct parts {
    uint4 part[OWN];
};

/* A tile of rows x cols numbers of a matrix, row by row; what is beyond its end is 0. */
template <int COLS>
__device__ inline parts fetch(const __nv_bfloat16 *from, int ld, int rows, int cols) {
    parts own;
#pragma unroll
    for (int i = 0; i < OWN; i++) {
        const int at = (int)threadIdx.x + i * THREADS;
        const int row = at / (COLS / PART), col = at % (COLS / PART) * PART;
        own.part[i] = make_uint4(0, 0, 0, 0);
        if (row < rows && col < cols)
            own.part[i] =
                *reinterpret_cast<const uint4 *>(from + (size_t)row * (size_t)ld + (size_t)col);
    }
    return own;
}

template <int COLS, int LD> __device__ inline void keep(const parts &own, __nv_bfloat16 *to) {
#pragma unroll
    for (int i = 0; i < OWN; i++) {
        const int at = (int)threadIdx.x + i * THREADS;
        const int row = at / (COLS / PART), col = at % (COLS / PART) * PART;
        *reinterpret_cast<uint4 *>(to + row * LD + col) = own.part[i];
    }
}

template <bool TRANSPOSED>
__device__ inline parts fetch_b(const grouped_products &group, const __nv_bfloat16 *b, int k,
                                int cols) {
    return TRANSPOSED
               ? fetch<DEPTH>(b + k, group.ld_b, cols, group.k - k)
               : fetch<SIDE>(b + (size_t)k * (size_t)group.ld_b, group.ld_b, group.k - k, cols);
}

template <bool TRANSPOSED>
__global__ void __launch_bounds__(THREADS)
    multiply_group(const __grid_constant__ grouped_products group) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
    using namespace nvcuda;
    typedef wmma::fragment<wmma::matrix_a, FRAGMENT, FRAGMENT, FRAGMENT, __nv_bfloat16,
                           wmma::row_major>
        fragment_a;
    typedef typename layout_if<TRANSPOSED>::type layout_b;
    typedef wmma::fragment<wmma::matrix_b, FRAGMENT, FRAGMENT, FRAGMENT, __nv_bfloat16, layout_b>
        fragment_b;
    typedef wmma::fragment<wmma::accumulator, FRAGMENT, FRAGMENT, FRAGMENT, float> fragment_c;
    __shared__ __align__(32) float4 shared[SIDE * LD_SUMS / 4];
    __nv_bfloat16 *a_tile = reinterpret_cast<__nv_bfloat16 *>(shared);
    __nv_bfloat16 *b_tile = a_tile + SIDE * LD_DEEP;
    float *sums = reinterpret_cast<float *>(shared); /* when the tiles have been read */
    int which = 0;
    while (which + 1 < group.n_products && group.product[which + 1].first_tile <= (int)blockIdx.x)
        which++;
    const grouped_product &own = group.product[which];
    const int row = ((int)blockIdx.x - own.first_tile) * SIDE, col = (int)blockIdx.y * SIDE;
    const int rows = min((int)SIDE, own.m - row), cols = min((int)SIDE, group.n - col);
    const __nv_bfloat16 *a =
        static_cast<const __nv_bfloat16 *>(own.a) + (size_t)row * (size_t)group.ld_a;
    const __nv_bfloat16 *b = static_cast<const __nv_bfloat16 *>(own.b) +
                             (TRANSPOSED ? (size_t)col * (size_t)group.ld_b : (size_t)col);
    /* Four warps, each with a quarter of the tile: two by two fragments. */
    const int warp = (int)threadIdx.x / 32;
    const int quarter_row = warp / 2 * 2 * FRAGMENT, quarter_col = warp % 2 * 2 * FRAGMENT;
    fragment_c sum[2][2];
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) wmma::fill_fragment(sum[i][j], 0.0f);
    parts next_a = fetch<DEPTH>(a, group.ld_a, rows, group.k);
    parts next_b = fetch_b<TRANSPOSED>(group, b, 0, cols);
    for (int k = 0; k < group.k; k += DEPTH) {
        __syncthreads(); /* the tiles have been read */
        keep<DEPTH, LD_DEEP>(next_a, a_tile);
        if (TRANSPOSED)
            keep<DEPTH, LD_DEEP>(next_b, b_tile);
        else
            keep<SIDE, LD_WIDE>(next_b, b_tile);
        __syncthreads();
        if (k + DEPTH < group.k) {
            next_a = fetch<DEPTH>(a + k + DEPTH, group.ld_a, rows, group.k - k - DEPTH);
            next_b = fetch_b<TRANSPOSED>(group, b, k + DEPTH, cols);
        }
#pragma unroll
        for (int deep = 0; deep < DEPTH; deep += FRAGMENT) {
            fragment_a left[2];
            fragment_b right[2];
#pragma unroll
            for (int i = 0; i < 2; i++) {
                const int r = quarter_row + i * FRAGMENT, c = quarter_col + i * FRAGMENT;
                wmma::load_matrix_sync(left[i], a_tile + r * LD_DEEP + deep, LD_DEEP);
                wmma::load_matrix_sync(
                    right[i], b_tile + (TRANSPOSED ? c * LD_DEEP + deep : deep * LD_WIDE + c),
                    TRANSPOSED ? LD_DEEP : LD_WIDE);
            }
#pragma unroll
            for (int i = 0; i < 2; i++)
#pragma unroll
                for (int j = 0; j < 2; j++) wmma::mma_sync(sum[i][j], left[i], right[j], sum[i][j]);
        }
    }
    __syncthreads();
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            wmma::store_matrix_sync(sums + (quarter_row + i * FRAGMENT) * LD_SUMS + quarter_col +
                                        j * FRAGMENT,
                                    sum[i][j], LD_SUMS, wmma::mem_row_major);
    __syncthreads();
    const size_t ld = (size_t)group.ld_c, first = (size_t)row * ld + (size_t)col;
    for (int i = (int)threadIdx.x; i < SIDE * SIDE; i += THREADS) {
        const int r = i / SIDE, c = i % SIDE;
        if (r >= rows || c >= cols) continue;
        const size_t at = first + (size_t)r * ld + (size_t)c;
        const float value = sums[r * LD_SUMS + c];
        if (group.c_bf16)
            static_cast<__nv_bfloat16 *>(own.c)[at] = __float2bfloat16_rn(value);
        else
            static_cast<float *>(own.c)[at] = value;
    }
#endif
}

} // namespace

cudaError_t grouped_launch(const struct grouped_products *group, cudaStream_t stream) {
    const dim3 grid((unsigned)group->tiles, (unsigned)((group->n + SIDE - 1) / SIDE));
    if (group->tiles == 0 || group->n == 0) return cudaSuccess;
    if (group->transposed)
        multiply_group<true><<<grid, THREADS, 0, stream>>>(*group);
    else
        multiply_group<false><<<grid, THREADS, 0, stream>>>(*group);
    return cudaGetLastError();
}
