/*
 * The gradient of softmax attention on tensor cores, as attention_gradient_kernels.cu explains it:
 * the map is made twice, by warps that own 16 queries and sum their dq, and by warps that own 16
 * keys and sum their dk and dv. Warps of queries come first and leave each query's delta for those
 * of keys, who make it themselves where inputs are short. The map and its gradient are rounded to
 * bfloat16 for the products that follow; the scale is applied to their float32 sums.
 *
 * With partial sums of dq for each block of keys in memory the map could be made once, 5 products
 * instead of 7; at 512 tokens these would be 16 times the bytes of qkv to write and to read, more
 * time than two products.
 */
#include "models/cuda/attention_mma.cuh"
#include "models/cuda/attention_mma_kernels.h"

namespace {

enum { ROWS = WARPS * 16 };

constexpr float LOG2_E = 1.44269504f;

/* Columns of the map that are made at a time, as many as registers last for. */
template <int W> constexpr int KEYS_AT_ONCE = W <= 64 ? 32 : 16;
template <int W> constexpr int QUERIES_AT_ONCE = W <= 96 ? 32 : 16;

/* <out, dout> of a warp's rows l / 4 and l / 4 + 8; up: dout of these rows. */
template <int W>
__device__ inline void deltas(float delta[2], const mma_operand up[W / 16],
                              const matrix_rows<bf16> out) {
    mma_operand own[W / 16];
    rows_get<W>(own, out);
    delta[0] = delta[1] = 0.0f;
#pragma unroll
    for (int k = 0; k < W / 16; k++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            float &sum = delta[i % 2];
            sum = fmaf(mma_first(own[k].at[i]), mma_first(up[k].at[i]), sum);
            sum = fmaf(mma_second(own[k].at[i]), mma_second(up[k].at[i]), sum);
        }
#pragma unroll
    for (int i = 0; i < 2; i++) delta[i] = quad_sum(delta[i]);
}

/* dq of ROWS queries of a head of an input, and their delta. */
template <int W>
__device__ inline void queries_part(const chunk_attention &call, int which, int block) {
    typedef mma_tile<W> t;
    constexpr int STEP = KEYS_AT_ONCE<W>;
    extern __shared__ float4 shared[];
    bf16 *tiles = reinterpret_cast<bf16 *>(shared);
    const gradient_rows<bf16> head = gradient_rows_of<bf16>(call, which);
    const int first = block * ROWS;
    if (first >= head.n) return;
    const int lane = (int)threadIdx.x % WARP, query = first + (int)threadIdx.x / WARP * 16;
    const int rows = head.n - query; /* of the warp, where less than 16 */
    const float scale = 1.0f / sqrtf((float)head.head_dim), exponent = scale * LOG2_E;
    const auto pair_copy = [&](int from) {
        bf16 *to = tiles + from / TILE % 2 * t::PAIR;
        tile_copy<W>(to, head.part(K, from, head.n - from, 0));
        tile_copy<W>(to + t::SIZE, head.part(V, from, head.n - from, 0));
    };
    pair_copy(0);
    copy_group();
    mma_operand q[W / 16], up[W / 16];
    rows_get<W>(q, head.part(Q, query, rows, 0));
    rows_get<W>(up, head.above(query, rows, 0));
    float shift[2], delta[2], dq[W / 8][4] = {};
    deltas<W>(delta, up,
              {head.out + (size_t)query * head.ld_up, head.ld_up, rows, head.head_dim, true});
#pragma unroll
    for (int i = 0; i < 2; i++) {
        const int row = lane / 4 + 8 * i;
        shift[i] = row < rows ? head.log_sum[query + row] * LOG2_E : 0.0f;
        if (row < rows && lane % 4 == 0) head.delta[query + row] = delta[i];
    }
    for (int from = 0; from < head.n; from += TILE) {
        if (from + TILE < head.n) pair_copy(from + TILE);
        copy_group();
        copy_wait<1>(); /* all but the next pair */
        __syncthreads();
        const bf16 *k = tiles + from / TILE % 2 * t::PAIR, *v = k + t::SIZE;
        const int cols = rows > 0 ? min((int)TILE, head.n - from) : 0;
#pragma unroll 1
        for (int step = 0; step < cols; step += STEP) {
            float s[STEP / 8][4] = {}, ds[STEP / 8][4] = {};
            mma_scores<W, 1, STEP>(&s, &q, k + step * t::STRIDE);
            mma_scores<W, 1, STEP>(&ds, &up, v + step * t::STRIDE);
#pragma unroll
            for (int n = 0; n < STEP / 8; n++)
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    const bool there = step + 8 * n + lane % 4 * 2 + i % 2 < cols;
                    const float p = mma_exp2(fmaf(s[n][i], exponent, -shift[i / 2]));
                    ds[n][i] = there ? p * (ds[n][i] - delta[i / 2]) : 0.0f;
                }
            mma_weighted_sum<W, 1, STEP>(&dq, &ds, k + step * t::STRIDE);
        }
        __syncthreads(); /* the pair has been read */
    }
    const float factor[2] = {scale, scale};
    rows_put<W>(head.dqkv + (size_t)query * head.ld, head.ld, rows, head.head_dim, dq, factor);
}

template <int W>
__global__ void __launch_bounds__(THREADS, W <= 96 ? 3 : 2)
    gradient_of_queries(const chunk_attention call, int blocks) {
    queries_part<W>(call, (int)blockIdx.x / blocks, (int)blockIdx.x % blocks);
}

/* dk and dv of ROWS keys. SHORT: the queries are ROWS at most, and their delta is made here too. */
template <int W, bool SHORT>
__device__ inline void keys_part(const chunk_attention &call, int which, int block) {
    typedef mma_tile<W> t;
    constexpr int STEP = QUERIES_AT_ONCE<W>;
    extern __shared__ float4 shared[];
    bf16 *tiles = reinterpret_cast<bf16 *>(shared);
    float *numbers = reinterpret_cast<float *>(tiles + 2 * t::PAIR); /* log_sum, delta; twice */
    const gradient_rows<bf16> head = gradient_rows_of<bf16>(call, which);
    const int first = block * ROWS;
    if (first >= head.n) return;
    const int lane = (int)threadIdx.x % WARP, key = first + (int)threadIdx.x / WARP * 16;
    const int rows = head.n - key;
    const float scale = 1.0f / sqrtf((float)head.head_dim), exponent = scale * LOG2_E;
    const auto pair_copy = [&](int from) {
        const int half = from / TILE % 2, i = (int)threadIdx.x % TILE;
        const bool there = from + i < head.n;
        const float *number = ((int)threadIdx.x < TILE ? head.log_sum : head.delta) + from + i;
        tile_copy<W>(tiles + half * t::PAIR, head.part(Q, from, head.n - from, 0));
        tile_copy<W>(tiles + half * t::PAIR + t::SIZE, head.above(from, head.n - from, 0));
        if (SHORT && (int)threadIdx.x >= TILE) return;
        copy_start<4>(numbers + half * THREADS + (int)threadIdx.x, there ? number : head.log_sum,
                      there);
    };
    pair_copy(0);
    copy_group();
    mma_operand k[W / 16], v[W / 16];
    rows_get<W>(k, head.part(K, key, rows, 0));
    if (SHORT) { /* the warp's queries have its keys' numbers; v is dout meanwhile */
        float delta[2];
        rows_get<W>(v, head.above(key, rows, 0));
        deltas<W>(delta, v,
                  {head.out + (size_t)key * head.ld_up, head.ld_up, rows, head.head_dim, true});
        if (lane % 4 == 0)
            for (int i = 0; i < 2; i++)
                numbers[TILE + (int)threadIdx.x / WARP * 16 + lane / 4 + 8 * i] = delta[i];
    }
    rows_get<W>(v, head.part(V, key, rows, 0));
    float dk[W / 8][4] = {}, dv[W / 8][4] = {};
    for (int from = 0; from < head.n; from += TILE) {
        if (from + TILE < head.n) pair_copy(from + TILE);
        copy_group();
        copy_wait<1>(); /* all but the next pair */
        __syncthreads();
        const bf16 *q = tiles + from / TILE % 2 * t::PAIR, *up = q + t::SIZE;
        const float *log_sum = numbers + from / TILE % 2 * THREADS, *delta = log_sum + TILE;
        const int cols = rows > 0 ? min((int)TILE, head.n - from) : 0;
#pragma unroll 1
        for (int step = 0; step < cols; step += STEP) {
            float p[STEP / 8][4] = {}, ds[STEP / 8][4] = {};
            mma_scores<W, 1, STEP>(&p, &k, q + step * t::STRIDE);
            mma_scores<W, 1, STEP>(&ds, &v, up + step * t::STRIDE);
            /* Queries that are not there have zeros all over: p is 1, and adds 0 to both sums. */
#pragma unroll
            for (int n = 0; n < STEP / 8; n++) {
                const int query = step + 8 * n + lane % 4 * 2;
                const float2 shift = *reinterpret_cast<const float2 *>(log_sum + query);
                const float2 down = *reinterpret_cast<const float2 *>(delta + query);
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    const float by = (i % 2 == 0 ? shift.x : shift.y) * LOG2_E;
                    p[n][i] = mma_exp2(fmaf(p[n][i], exponent, -by));
                    ds[n][i] = p[n][i] * (ds[n][i] - (i % 2 == 0 ? down.x : down.y));
                }
            }
            mma_weighted_sum<W, 1, STEP>(&dv, &p, up + step * t::STRIDE);
            mma_weighted_sum<W, 1, STEP>(&dk, &ds, q + step * t::STRIDE);
        }
        __syncthreads(); /* the pair has been read */
    }
    const float factor[2] = {scale, scale}, one[2] = {1.0f, 1.0f};
    bf16 *out = head.dqkv + (size_t)key * head.ld + head.head_dim;
    rows_put<W>(out, head.ld, rows, head.head_dim, dk, factor);
    rows_put<W>(out + head.head_dim, head.ld, rows, head.head_dim, dv, one);
}

template <int W>
__global__ void __launch_bounds__(THREADS, 2)
    gradient_of_keys(const chunk_attention call, int blocks) {
    keys_part<W, false>(call, (int)blockIdx.x / blocks, (int)blockIdx.x % blocks);
}

/* Both of inputs that a block has to itself, side by side: one after the other, each is too little
 * for a card. */
template <int W>
__global__ void __launch_bounds__(THREADS, 2)
    gradient_of_both(const chunk_attention call, int heads) {
    const int which = (int)blockIdx.x;
    if (which < heads)
        queries_part<W>(call, which, 0);
    else
        keys_part<W, true>(call, which - heads, 0);
}

template <int W> cudaError_t backward(const chunk_attention &call, cudaStream_t stream) {
    const int blocks = (call.longest + ROWS - 1) / ROWS, bytes = mma_tile<W>::BYTES;
    const int heads = call.samples * call.heads, more = 2 * THREADS * (int)sizeof(float);
    const dim3 grid((unsigned)heads * (unsigned)blocks);
    if (blocks == 1)
        return attention_start(gradient_of_both<W>, dim3(2 * (unsigned)heads), THREADS,
                               bytes + more, stream, call, heads);
    const cudaError_t status =
        attention_start(gradient_of_queries<W>, grid, THREADS, bytes, stream, call, blocks);
    if (status != cudaSuccess) return status;
    return attention_start(gradient_of_keys<W>, grid, THREADS, bytes + more, stream, call, blocks);
}

} // namespace

cudaError_t attention_mma_backward_launch(const struct chunk_attention *call, cudaStream_t stream) {
    return MMA_BY_WIDTH(backward, call->head_dim, *call, stream);
}
