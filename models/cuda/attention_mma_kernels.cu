/*
 * Softmax attention on tensor cores, forward: a warp makes the outputs of 16 M queries of one head
 * and one input, and walks over the keys once with a running maximum and sum of each row, as
 * attention_kernels.cu does. Scores and sums are float32; the weights of values are rounded to
 * bfloat16, their sum is not.
 */
#include "models/cuda/attention_mma_kernels.h"
#include "models/cuda/attention_soft.cuh"

namespace {

enum { STEP = 32 };

template <int W, int M, typename Call>
__global__ void __launch_bounds__(THREADS, M == 1 && W <= 96 ? 3 : 2)
    attend_head(const Call call, int blocks) {
    typedef mma_tile<W> t;
    extern __shared__ float4 shared[];
    bf16 *tiles = reinterpret_cast<bf16 *>(shared);
    const int which = (int)blockIdx.x / blocks, block = (int)blockIdx.x % blocks;
    const head_rows<bf16> head = head_rows_of<bf16>(call, which);
    const int first = block * WARPS * M * 16; /* query of the block, then of the warp */
    if (first >= head.queries) return;        /* a shorter input than the longest */
    const int query = first + (int)threadIdx.x / WARP * M * 16;
    /* A warp whose rows are all past the end helps to load, and no more. */
    const bool idle = query >= head.queries;
    const int d = head.head_dim;
    const float scale = 1.0f / sqrtf((float)d), exponent = scale * 1.44269504f;
    const auto pair_copy = [&](int from) {
        bf16 *to = tiles + from / TILE % 2 * t::PAIR;
        const size_t row = (size_t)from * head.ld_kv;
        tile_copy<W>(to, {head.k + row, head.ld_kv, head.keys - from, d, true});
        tile_copy<W>(to + t::SIZE, {head.v + row, head.ld_kv, head.keys - from, d, true});
    };
    pair_copy(0);
    copy_group();
    mma_operand q[M][W / 16];
    float most[M][2], sum[M][2] = {}, out[M][W / 8][4] = {};
#pragma unroll
    for (int m = 0; m < M; m++) {
        const int row = query + 16 * m;
        rows_get<W>(q[m],
                    {head.q + (size_t)row * head.ld_q, head.ld_q, head.queries - row, d, true});
        most[m][0] = most[m][1] = -INFINITY;
    }
    for (int from = 0; from < head.keys; from += TILE) {
        if (from + TILE < head.keys) pair_copy(from + TILE);
        copy_group();
        copy_wait<1>(); /* all but the next pair */
        __syncthreads();
        const bf16 *k = tiles + from / TILE % 2 * t::PAIR, *v = k + t::SIZE;
        const int cols = idle ? 0 : min((int)TILE, head.keys - from);
#pragma unroll 1
        for (int step = 0; step < cols; step += STEP) {
            float s[M][STEP / 8][4] = {};
            mma_scores<W, M, STEP>(s, q, k + step * t::STRIDE);
#pragma unroll
            for (int m = 0; m < M; m++) {
                float before[2];
                soft_step<STEP>(s[m], cols - step, exponent, most[m], sum[m], before);
                scale_rows<W>(out[m], before);
            }
            mma_weighted_sum<W, M, STEP>(out, s, v + step * t::STRIDE);
        }
        __syncthreads(); /* the pair has been read */
    }
    if (idle) return;
    /* Where results go is found again: registers are better used meanwhile. */
    const head_rows<bf16> after = head_rows_of<bf16>(call, which);
#pragma unroll
    for (int m = 0; m < M; m++) finish<W>(after, query + 16 * m, scale, most[m], sum[m], out[m]);
}

/* Twice 16 rows to a warp halve what is read of keys and values, out of shared memory and into it;
 * where a block of them would be more than half empty, or registers do not last, once. */
template <int W, typename Call> cudaError_t start(const Call &call, int what, cudaStream_t stream) {
    constexpr int TWICE = W <= 96 ? 2 : 1;
    const int rows = WARPS * 16, blocks = (call.longest + rows - 1) / rows;
    if (blocks == 1)
        return attention_start(attend_head<W, 1, Call>, dim3((unsigned)what), THREADS,
                               mma_tile<W>::BYTES, stream, call, 1);
    const int fewer = (blocks + TWICE - 1) / TWICE;
    return attention_start(attend_head<W, TWICE, Call>, dim3((unsigned)what * (unsigned)fewer),
                           THREADS, mma_tile<W>::BYTES, stream, call, fewer);
}

} // namespace

cudaError_t attention_mma_forward_launch(const struct chunk_attention *call, cudaStream_t stream) {
    return MMA_BY_WIDTH(start, call->head_dim, *call, call->samples * call->heads, stream);
}

cudaError_t attention_mma_packed_launch(const struct packed_attention *call, cudaStream_t stream) {
    return MMA_BY_WIDTH(start, call->head_dim, *call, call->n_segments, stream);
}
