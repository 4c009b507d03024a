/*
 * The gradient of softmax attention. No map was kept: it is made again from each row's log-sum-exp,
 * and with delta_i = <out_i, dout_i> it is (Dao et al., FlashAttention, arXiv 2205.14135)
 *   P = exp(scale q k^T - log_sum),   dS = scale P (dout v^T - delta),
 *   dv = P^T dout,   dk = dS^T q,   dq = dS k.
 * One kernel owns queries and sums dq, another owns keys and sums dk and dv. So the map is made
 * twice, 7 products instead of 5, and every sum has one owner and one order: the same bits every
 * run, without atomics.
 */
#include "models/cuda/attention_kernels.h"
#include "models/cuda/attention_mma_kernels.h"
#include "models/cuda/attention_tile.cuh"

namespace {

/* A wide head has fewer rows to a thread and a block: dk and dv are 2 R W / 8 registers. */
template <int W> struct shape : tile<W> {
    static constexpr int R = W > 64 ? 2 : 4, ROWS = 16 * R, THREADS = 16 * LANES;
    static constexpr int MAP = ROWS * MAP_STRIDE, OWNED = ROWS * tile<W>::STRIDE,
                         WALKED = COLS * tile<W>::STRIDE;
};

template <int R, int OWN> __device__ inline void clear(float out[R][OWN]) {
#pragma unroll
    for (int i = 0; i < R; i++)
#pragma unroll
        for (int c = 0; c < OWN; c++) out[i][c] = 0.0f;
}

/* dq of ROWS queries. */
template <typename T, int W>
__global__ void __launch_bounds__(shape<W>::THREADS, W < 64 ? 3 : 2)
    gradient_of_queries(const chunk_attention call) {
    typedef shape<W> t;
    const gradient_rows<T> head = gradient_rows_of<T>(call, (int)blockIdx.x);
    extern __shared__ float4 shared[];
    float *q = reinterpret_cast<float *>(shared), *up = q + t::OWNED;
    float *k = up + t::OWNED, *v = k + t::WALKED, *maps = v + t::WALKED;
    const int first = (int)blockIdx.y * t::ROWS, column = (int)blockIdx.z * W;
    if (first >= head.n) return;
    const int lane = (int)threadIdx.x % LANES, row = (int)threadIdx.x / LANES * t::R;
    const int rows = min((int)t::ROWS, head.n - first), width = head.head_dim;
    const bool idle = (int)threadIdx.x / WARP * (WARP / LANES * t::R) >= rows;
    const float scale = 1.0f / sqrtf((float)width);
    float *map = maps + row * MAP_STRIDE;
    float log_sum[t::R], delta[t::R], dq[t::R][t::OWN];
    clear<t::R, t::OWN>(dq);
#pragma unroll
    for (int i = 0; i < t::R; i++) {
        log_sum[i] = row + i < rows ? head.log_sum[first + row + i] : 0.0f;
        delta[i] = row + i < rows ? head.delta[first + row + i] : 0.0f;
    }
    for (int from = 0; from < head.n; from += COLS) {
        const int cols = min((int)COLS, head.n - from);
        float s[t::R][4] = {}, dp[t::R][4] = {};
        for (int c = 0; c < width; c += W) {
            __syncthreads(); /* the tiles have been read */
            if (from == 0 || width > W) {
                tile_load<W, t::ROWS, t::THREADS>(q, head.part(Q, first, rows, c));
                tile_load<W, t::ROWS, t::THREADS>(up, head.above(first, rows, c));
            }
            tile_load<W, COLS, t::THREADS>(k, head.part(K, from, cols, c));
            tile_load<W, COLS, t::THREADS>(v, head.part(V, from, cols, c));
            __syncthreads();
            if (idle) continue;
            tile_products<W, t::R>(q + row * t::STRIDE, k, lane, s);
            tile_products<W, t::R>(up + row * t::STRIDE, v, lane, dp);
        }
        if (width > W) { /* the columns that are summed here, after all others */
            __syncthreads();
            tile_load<W, COLS, t::THREADS>(k, head.part(K, from, cols, column));
            __syncthreads();
        }
        if (idle) continue;
#pragma unroll
        for (int i = 0; i < t::R; i++)
#pragma unroll
            for (int j = 0; j < 4; j++) {
                const float p = expf(s[i][j] * scale - log_sum[i]);
                map[i * MAP_STRIDE + lane + LANES * j] =
                    lane + LANES * j < cols ? scale * p * (dp[i][j] - delta[i]) : 0.0f;
            }
        __syncwarp(); /* a row's lanes wrote what each of them reads */
        tile_weighted_sum<W, t::R>(map, k, lane, dq);
    }
    if (idle) return;
#pragma unroll
    for (int i = 0; i < t::R; i++)
        if (row + i < rows)
            tile_store<W>(head.dqkv + (size_t)(first + row + i) * head.ld + column, width - column,
                          head.aligned, lane, 1.0f, dq[i]);
}

/* dk and dv of ROWS keys. */
template <typename T, int W>
__global__ void __launch_bounds__(shape<W>::THREADS, W < 64 ? 3 : 2)
    gradient_of_keys(const chunk_attention call) {
    typedef shape<W> t;
    const gradient_rows<T> head = gradient_rows_of<T>(call, (int)blockIdx.x);
    extern __shared__ float4 shared[];
    float *k = reinterpret_cast<float *>(shared), *v = k + t::OWNED;
    float *q = v + t::OWNED, *up = q + t::WALKED, *maps = up + t::WALKED;
    const int first = (int)blockIdx.y * t::ROWS, column = (int)blockIdx.z * W;
    if (first >= head.n) return;
    const int lane = (int)threadIdx.x % LANES, row = (int)threadIdx.x / LANES * t::R;
    const int rows = min((int)t::ROWS, head.n - first), width = head.head_dim;
    const bool idle = (int)threadIdx.x / WARP * (WARP / LANES * t::R) >= rows;
    const float scale = 1.0f / sqrtf((float)width);
    float *p = maps + row * MAP_STRIDE, *ds = p + t::MAP;
    float dk[t::R][t::OWN], dv[t::R][t::OWN];
    clear<t::R, t::OWN>(dk);
    clear<t::R, t::OWN>(dv);
    for (int from = 0; from < head.n; from += COLS) {
        const int cols = min((int)COLS, head.n - from);
        float s[t::R][4] = {}, dp[t::R][4] = {};
        for (int c = 0; c < width; c += W) {
            __syncthreads(); /* the tiles have been read */
            if (from == 0 || width > W) {
                tile_load<W, t::ROWS, t::THREADS>(k, head.part(K, first, rows, c));
                tile_load<W, t::ROWS, t::THREADS>(v, head.part(V, first, rows, c));
            }
            tile_load<W, COLS, t::THREADS>(q, head.part(Q, from, cols, c));
            tile_load<W, COLS, t::THREADS>(up, head.above(from, cols, c));
            __syncthreads();
            if (idle) continue;
            tile_products<W, t::R>(k + row * t::STRIDE, q, lane, s);
            tile_products<W, t::R>(v + row * t::STRIDE, up, lane, dp);
        }
        if (width > W) { /* the columns that are summed here, after all others */
            __syncthreads();
            tile_load<W, COLS, t::THREADS>(q, head.part(Q, from, cols, column));
            tile_load<W, COLS, t::THREADS>(up, head.above(from, cols, column));
            __syncthreads();
        }
        if (idle) continue;
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const int query = lane + LANES * j;
            const bool there = query < cols;
            const float log_sum = there ? head.log_sum[from + query] : 0.0f;
            const float delta = there ? head.delta[from + query] : 0.0f;
#pragma unroll
            for (int i = 0; i < t::R; i++) {
                const float weight = there ? expf(s[i][j] * scale - log_sum) : 0.0f;
                p[i * MAP_STRIDE + query] = weight;
                ds[i * MAP_STRIDE + query] = scale * weight * (dp[i][j] - delta);
            }
        }
        __syncwarp(); /* a row's lanes wrote what each of them reads */
        tile_weighted_sum<W, t::R>(p, up, lane, dv);
        tile_weighted_sum<W, t::R>(ds, q, lane, dk);
    }
    if (idle) return;
#pragma unroll
    for (int i = 0; i < t::R; i++) {
        if (row + i >= rows) continue;
        T *out = head.dqkv + (size_t)(first + row + i) * head.ld + column;
        tile_store<W>(out + width, width - column, head.aligned, lane, 1.0f, dk[i]);
        tile_store<W>(out + 2 * width, width - column, head.aligned, lane, 1.0f, dv[i]);
    }
}

enum { DELTA_THREADS = 256 };

/* delta[head][token] = <out, dout>: eight lanes to a row. */
template <typename T>
__global__ void __launch_bounds__(DELTA_THREADS) row_deltas(const chunk_attention call) {
    const size_t i = ((size_t)blockIdx.x * DELTA_THREADS + threadIdx.x) / LANES;
    const int lane = (int)threadIdx.x % LANES, d = call.head_dim;
    const bool there = i < (size_t)call.tokens * (size_t)call.heads;
    const T *out = static_cast<const T *>(call.context) + i * (size_t)d;
    const T *up = static_cast<const T *>(call.dcontext) + i * (size_t)d;
    float dot = 0.0f;
    for (int c = lane; there && c < d; c += LANES)
        dot = fmaf(operand_get(out[c]), operand_get(up[c]), dot);
    dot = row_sum(dot);
    if (there && lane == 0)
        call.delta[i % (size_t)call.heads * (size_t)call.tokens + i / (size_t)call.heads] = dot;
}

template <typename T> cudaError_t deltas(const chunk_attention &call, cudaStream_t stream) {
    const size_t lanes = (size_t)call.tokens * (size_t)call.heads * LANES;
    const size_t blocks = (lanes + DELTA_THREADS - 1) / DELTA_THREADS;
    row_deltas<T><<<(unsigned)blocks, DELTA_THREADS, 0, stream>>>(call);
    return cudaGetLastError();
}

template <typename T, int W>
cudaError_t backward(const chunk_attention &call, cudaStream_t stream) {
    typedef shape<W> t;
    const int owned_and_walked = 2 * (t::OWNED + t::WALKED), size = (int)sizeof(float);
    const dim3 grid((unsigned)(call.samples * call.heads),
                    (unsigned)((call.longest + t::ROWS - 1) / t::ROWS),
                    (unsigned)((call.head_dim + W - 1) / W));
    cudaError_t status = deltas<T>(call, stream);
    if (status == cudaSuccess)
        status = attention_start(gradient_of_keys<T, W>, grid, t::THREADS,
                                 (owned_and_walked + 2 * t::MAP) * size, stream, call);
    if (status == cudaSuccess)
        status = attention_start(gradient_of_queries<T, W>, grid, t::THREADS,
                                 (owned_and_walked + t::MAP) * size, stream, call);
    return status;
}

} // namespace

cudaError_t attention_backward_launch(const struct chunk_attention *call, cudaStream_t stream) {
    if (attention_mma_takes(call->bf16, call->head_dim, call->qkv, call->dcontext))
        return attention_mma_backward_launch(call, stream);
    return call->bf16 ? ATTENTION_BY_WIDTH(backward, __nv_bfloat16, call->head_dim, *call, stream)
                      : ATTENTION_BY_WIDTH(backward, float, call->head_dim, *call, stream);
}
