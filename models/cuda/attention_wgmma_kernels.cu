/*
 * Softmax attention, forward, on cards of compute capability 9.0: as attention_mma_kernels.cu has
 * it, but products read keys, values and queries out of shared memory by themselves (wgmma.cuh),
 * while other warps of the multiprocessor compute exponentials. A group of four warps has 64
 * queries of one head and one input; the two groups of a block, where an input is long enough for
 * two, read the same keys and values.
 *
 * The kernels are empty but where they were compiled for that architecture (WGMMA, Makefile).
 */
#include "models/cuda/attention_soft.cuh"
#include "models/cuda/attention_wgmma_kernels.h"
#include "models/cuda/wgmma.cuh"

namespace {

enum { GROUP = 4 * WARP, ROWS = TILE, CHUNK_BYTES = (int)ROWS * (int)CHUNK * 2 };

/* A matrix of ROWS rows of W numbers in shared memory. */
template <int W> constexpr int MATRIX = ROWS *W;

/* Starts the copy of ROWS rows by `threads` threads, of which the caller is number `thread`. */
template <int W>
__device__ inline void matrix_copy(bf16 *to, const matrix_rows<bf16> &from, int thread,
                                   int threads) {
    constexpr int UNITS = CHUNK / 8;
    const int unit = thread % UNITS;
    for (int row = thread / UNITS; row < ROWS; row += threads / UNITS)
#pragma unroll
        for (int c = 0; c < W / CHUNK; c++)
            copy_start<16>(to + c * ROWS * CHUNK + swizzled(row, unit),
                           from.at + (size_t)row * from.ld + c * CHUNK + unit * 8,
                           row < from.rows && c * CHUNK + unit * 8 < from.cols);
}

template <int W, int GROUPS, typename Call>
__global__ void __launch_bounds__(GROUPS *GROUP, 4 / GROUPS)
    attend_head(const Call call, int blocks) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
    extern __shared__ __align__(1024) bf16 tiles[];
    const int which = (int)blockIdx.x / blocks, block = (int)blockIdx.x % blocks;
    const head_rows<bf16> head = head_rows_of<bf16>(call, which);
    const int group = (int)threadIdx.x / GROUP, first = (block * GROUPS + group) * ROWS;
    if (block * GROUPS * ROWS >= head.queries) return; /* a shorter input than the longest */
    const int d = head.head_dim;
    const float scale = 1.0f / sqrtf((float)d), exponent = scale * 1.44269504f;
    bf16 *queries = tiles + group * MATRIX<W>, *pairs = tiles + GROUPS * MATRIX<W>;
    const auto pair_copy = [&](int from) {
        bf16 *to = pairs + from / TILE % 2 * 2 * MATRIX<W>;
        const size_t row = (size_t)from * head.ld_kv;
        const int rows = head.keys - from, thread = (int)threadIdx.x, threads = GROUPS * GROUP;
        matrix_copy<W>(to, {head.k + row, head.ld_kv, rows, d, true}, thread, threads);
        matrix_copy<W>(to + MATRIX<W>, {head.v + row, head.ld_kv, rows, d, true}, thread, threads);
    };
    matrix_copy<W>(queries,
                   {head.q + (size_t)first * head.ld_q, head.ld_q, head.queries - first, d, true},
                   (int)threadIdx.x % GROUP, GROUP);
    pair_copy(0);
    copy_group();
    const uint64_t q = wgmma_matrix(queries, 16);
    float most[2] = {-INFINITY, -INFINITY}, sum[2] = {}, out[W / 8][4] = {}, s[TILE / 8][4];
    for (int from = 0; from < head.keys; from += TILE) {
        copy_wait<0>();
        wgmma_see_shared();
        wgmma_wait(); /* for the products with the values before, whose place is next */
        __syncthreads();
        if (from + TILE < head.keys) pair_copy(from + TILE);
        copy_group();
        const bf16 *keys = pairs + from / TILE % 2 * 2 * MATRIX<W>, *values = keys + MATRIX<W>;
        const uint64_t k = wgmma_matrix(keys, 16), v = wgmma_matrix(values, CHUNK_BYTES);
        wgmma_pin<TILE>(s);
        wgmma_begin();
#pragma unroll
        for (int c = 0; c < W / 16; c++) { /* 16 columns are 32 bytes of a chunk's row */
            const int units = (c / 2 * CHUNK_BYTES + c % 2 * 32) >> 4;
            wgmma_scores(s, q + units, k + units, c > 0);
        }
        wgmma_group();
        wgmma_wait();
        wgmma_pin<TILE>(s);
        float before[2];
        soft_step<TILE>(s, head.keys - from, exponent, most, sum, before);
        wgmma_pin<W>(out);
        scale_rows<W>(out, before);
        mma_operand weight[TILE / 16];
#pragma unroll
        for (int c = 0; c < TILE / 16; c++)
#pragma unroll
            for (int i = 0; i < 4; i++)
                weight[c].at[i] =
                    mma_pack(s[2 * c + i / 2][i % 2 * 2], s[2 * c + i / 2][i % 2 * 2 + 1]);
        wgmma_pin<W>(out);
        wgmma_begin();
#pragma unroll
        for (int c = 0; c < TILE / 16; c++) /* 16 rows are 1024 bytes of a chunk */
            wgmma_add(out, weight[c], v + (c * 16 * CHUNK * 2 >> 4));
        wgmma_group();
    }
    wgmma_wait();
    wgmma_pin<W>(out);
    /* Where results go is found again: registers are better used meanwhile. */
    const head_rows<bf16> after = head_rows_of<bf16>(call, which);
    const int query = first + (int)threadIdx.x % GROUP / WARP * 16;
    if (query < after.queries) finish<W>(after, query, scale, most, sum, out);
#endif
}

template <int W, int GROUPS, typename Call>
cudaError_t start_groups(const Call &call, int what, cudaStream_t stream) {
    const int rows = GROUPS * ROWS, blocks = (call.longest + rows - 1) / rows;
    const int bytes = (GROUPS + 4) * MATRIX<W> * (int)sizeof(bf16);
    return attention_start(attend_head<W, GROUPS, Call>, dim3((unsigned)what * (unsigned)blocks),
                           GROUPS * GROUP, bytes, stream, call, blocks);
}

template <int W, typename Call> cudaError_t start(const Call &call, int what, cudaStream_t stream) {
    return call.longest <= ROWS ? start_groups<W, 1>(call, what, stream)
                                : start_groups<W, 2>(call, what, stream);
}

template <typename Call> cudaError_t start_any(const Call &call, int what, cudaStream_t stream) {
    return call.head_dim <= 64   ? start<64>(call, what, stream)
           : call.head_dim <= 96 ? start<96>(call, what, stream)
                                 : start<128>(call, what, stream);
}

} // namespace

bool attention_wgmma_is_there(void) {
#if defined(WGMMA)
    struct cudaFuncAttributes attributes;
    return cudaFuncGetAttributes(&attributes, attend_head<64, 1, chunk_attention>) == cudaSuccess &&
           attributes.binaryVersion == 90;
#else
    return false;
#endif
}

cudaError_t attention_wgmma_forward_launch(const struct chunk_attention *call,
                                           cudaStream_t stream) {
    return start_any(*call, call->samples * call->heads, stream);
}

cudaError_t attention_wgmma_packed_launch(const struct packed_attention *call,
                                          cudaStream_t stream) {
    return start_any(*call, call->n_segments, stream);
}
