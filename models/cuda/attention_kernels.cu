/*
 * Softmax attention, forward: a block makes the outputs of ROWS queries of one head and one input.
 * It walks over the keys once and keeps a running maximum and sum of each row, as
 * models/cpu/attention.c does (Milakov and Gimelshein, arXiv 1805.02867); no map reaches memory.
 * The same block serves all heads of a chunk and packed rows of the heads that were chosen: they
 * differ in where rows lie.
 */
#include "models/cuda/attention_kernels.h"
#include "models/cuda/attention_wgmma_kernels.h"
#include "models/cuda/attention_tile.cuh"

namespace {

enum { R = 4, ROWS = 64, THREADS = ROWS / R * LANES };

template <int W> constexpr int shared_floats() {
    return (ROWS + 2 * COLS) * tile<W>::STRIDE + ROWS * MAP_STRIDE;
}

/* One tile of scores -> exp(scale * score - max) in the map, where max becomes the row's largest so
 * far; what was summed before is scaled to it. Columns from `cols` on are not there. */
template <int OWN>
__device__ inline void soft_tile(float s[R][4], int cols, float scale, int lane, float *map,
                                 float most[R], float sum[R], float out[R][OWN]) {
#pragma unroll
    for (int i = 0; i < R; i++) {
        float largest = most[i], added = 0.0f;
#pragma unroll
        for (int j = 0; j < 4; j++) {
            s[i][j] = lane + LANES * j < cols ? s[i][j] * scale : -INFINITY;
            largest = fmaxf(largest, s[i][j]);
        }
        largest = row_max(largest);
        const float before = expf(most[i] - largest);
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const float e = expf(s[i][j] - largest);
            map[i * MAP_STRIDE + lane + LANES * j] = e;
            added += e;
        }
        most[i] = largest;
        sum[i] = sum[i] * before + added; /* the lane's own part of the row */
#pragma unroll
        for (int c = 0; c < OWN; c++) out[i][c] *= before;
    }
}

template <typename T, int W> __device__ void attend(const head_rows<T> head) {
    typedef tile<W> t;
    extern __shared__ float4 shared[];
    float *q = reinterpret_cast<float *>(shared), *k = q + ROWS * t::STRIDE;
    float *v = k + COLS * t::STRIDE, *maps = v + COLS * t::STRIDE;
    const int first = (int)blockIdx.y * ROWS, column = (int)blockIdx.z * W;
    if (first >= head.queries) return; /* a shorter input than the longest */
    const int lane = (int)threadIdx.x % LANES, row = (int)threadIdx.x / LANES * R;
    const int rows = min((int)ROWS, head.queries - first), width = head.head_dim;
    /* A warp whose rows are all past the end helps to load, and no more. */
    const bool idle = (int)threadIdx.x / WARP * (WARP / LANES * R) >= rows;
    const float scale = 1.0f / sqrtf((float)width);
    float *map = maps + row * MAP_STRIDE;
    float most[R], sum[R], out[R][t::OWN];
#pragma unroll
    for (int i = 0; i < R; i++) {
        most[i] = -INFINITY;
        sum[i] = 0.0f;
#pragma unroll
        for (int c = 0; c < t::OWN; c++) out[i][c] = 0.0f;
    }
    for (int from = 0; from < head.keys; from += COLS) {
        const int cols = min((int)COLS, head.keys - from);
        const T *key = head.k + (size_t)from * head.ld_kv;
        const T *value = head.v + (size_t)from * head.ld_kv + column;
        float s[R][4] = {};
        for (int c = 0; c < width; c += W) {
            __syncthreads(); /* the tiles have been read */
            if (from == 0 || width > W)
                tile_load<W, ROWS, THREADS, T>(q, {head.q + (size_t)first * head.ld_q + c,
                                                   head.ld_q, rows, width - c, head.aligned});
            tile_load<W, COLS, THREADS, T>(k, {key + c, head.ld_kv, cols, width - c, head.aligned});
            if (c == 0)
                tile_load<W, COLS, THREADS, T>(
                    v, {value, head.ld_kv, cols, width - column, head.aligned});
            __syncthreads();
            if (!idle) tile_products<W, R>(q + row * t::STRIDE, k, lane, s);
        }
        if (idle) continue;
        soft_tile<t::OWN>(s, cols, scale, lane, map, most, sum, out);
        __syncwarp(); /* a row's lanes wrote what each of them reads */
        tile_weighted_sum<W, R>(map, v, lane, out);
    }
    if (idle) return;
#pragma unroll
    for (int i = 0; i < R; i++) {
        const float total = row_sum(sum[i]);
        const int query = first + row + i;
        if (row + i >= rows) continue;
        if (head.log_sum && lane == 0 && column == 0) head.log_sum[query] = most[i] + logf(total);
        const float gate = head.gate ? head.gate[(size_t)query * (size_t)head.gate_step] : 1.0f;
        tile_store<W>(head.out + (size_t)query * head.ld_out + column, width - column, head.aligned,
                      lane, gate / total, out[i]);
    }
}

template <typename T, int W, typename Call>
__global__ void __launch_bounds__(THREADS, W > 64 ? 2 : 3) attend_head(const Call call) {
    attend<T, W>(head_rows_of<T>(call, (int)blockIdx.x));
}

dim3 grid_of(int what, int longest, int width, int cut) {
    return dim3((unsigned)what, (unsigned)((longest + ROWS - 1) / ROWS),
                (unsigned)((width + cut - 1) / cut));
}

template <typename T, int W> cudaError_t forward(const chunk_attention &call, cudaStream_t stream) {
    return attention_start(attend_head<T, W, chunk_attention>,
                           grid_of(call.samples * call.heads, call.longest, call.head_dim, W),
                           THREADS, shared_floats<W>() * (int)sizeof(float), stream, call);
}

template <typename T, int W> cudaError_t packed(const packed_attention &call, cudaStream_t stream) {
    return attention_start(attend_head<T, W, packed_attention>,
                           grid_of(call.n_segments, call.longest, call.head_dim, W), THREADS,
                           shared_floats<W>() * (int)sizeof(float), stream, call);
}

} // namespace

cudaError_t attention_forward_launch(const struct chunk_attention *call, cudaStream_t stream) {
    if (attention_mma_takes(call->bf16, call->head_dim, call->qkv, call->context))
        return attention_wgmma_takes(call->wgmma, call->head_dim)
                   ? attention_wgmma_forward_launch(call, stream)
                   : attention_mma_forward_launch(call, stream);
    return call->bf16 ? ATTENTION_BY_WIDTH(forward, __nv_bfloat16, call->head_dim, *call, stream)
                      : ATTENTION_BY_WIDTH(forward, float, call->head_dim, *call, stream);
}

cudaError_t attention_packed_launch(const struct packed_attention *call, cudaStream_t stream) {
    if (attention_mma_takes(call->bf16, call->head_dim, call->q, call->kv))
        return attention_wgmma_takes(call->wgmma, call->head_dim)
                   ? attention_wgmma_packed_launch(call, stream)
                   : attention_mma_packed_launch(call, stream);
    return call->bf16 ? ATTENTION_BY_WIDTH(packed, __nv_bfloat16, call->head_dim, *call, stream)
                      : ATTENTION_BY_WIDTH(packed, float, call->head_dim, *call, stream);
}
