/*
 * There and back between tokens and packed rows. Going back, a token's row of x is owned by one
 * thread (or four numbers of it are), which adds what its heads made in the order of heads: an
 * inverse map, made first, says where each head's row of each token lies. Adding head after head
 * from the packed side would need atomics or a launch per head.
 */
#include "models/cuda/heads_kernels.h"
#include "models/cuda/number.cuh"

namespace {

enum { THREADS = 256, ROWS = 16 };

/* A row of `units` accesses of type U. Rows of a segment are neighbours here and there. */
template <typename U>
__global__ void __launch_bounds__(THREADS)
    gather_inputs(const packed_head *segment, size_t units, const U *x, U *rows) {
    const packed_head s = segment[blockIdx.x];
    const int first = (int)blockIdx.y * ROWS, n = min((int)ROWS, s.length - first);
    if (n <= 0) return; /* a shorter input than the longest */
    const U *from = x + (size_t)(s.token + first) * units;
    U *to = rows + (size_t)(s.key + first) * units;
    for (size_t i = threadIdx.x; i < (size_t)n * units; i += THREADS) to[i] = from[i];
}

template <typename U>
__global__ void __launch_bounds__(THREADS)
    gather_tokens(int n_rows, const int32_t *token, size_t units, const U *x, U *rows) {
    const int first = (int)blockIdx.x * ROWS, n = min((int)ROWS, n_rows - first);
    U *to = rows + (size_t)first * units;
    for (size_t i = threadIdx.x; i < (size_t)n * units; i += THREADS)
        to[i] = x[(size_t)token[first + (int)(i / units)] * units + i % units];
}

template <typename T, int N>
__global__ void __launch_bounds__(THREADS) add_head_bias(const packed_bias call) {
    const packed_head s = call.segment[blockIdx.x];
    const int first = (int)blockIdx.y * ROWS, units = call.cols / N;
    const int n = min((int)ROWS, (call.queries ? s.n_queries : s.length) - first);
    const float *bias = call.bias + (size_t)s.head * (size_t)call.stride;
    T *rows = static_cast<T *>(call.rows) +
              (size_t)((call.queries ? s.query : s.key) + first) * (size_t)call.cols;
    for (int i = (int)threadIdx.x; i < n * units; i += THREADS) {
        const int col = i % units * N;
        numbers<N> value = operands_get<N>(rows + (size_t)i * N);
        const numbers<N> add = operands_get<N>(bias + col);
#pragma unroll
        for (int j = 0; j < N; j++) value.at[j] += add.at[j];
        operands_put<N>(rows + (size_t)i * N, value.at);
    }
}

__global__ void __launch_bounds__(THREADS) clear_map(size_t n, int32_t *row_of) {
    const size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    if (i < n) row_of[i] = -1;
}

/* A segment's tokens are its own, so no two blocks write the same element. */
__global__ void __launch_bounds__(THREADS) make_map(const packed_rows call) {
    const packed_head s = call.segment[blockIdx.x];
    int32_t *row_of = call.row_of + (size_t)s.head * (size_t)call.tokens;
    for (int i = (int)threadIdx.x; i < s.n_queries; i += THREADS) {
        const int row = s.query + i;
        row_of[call.query_token ? call.query_token[row] : s.token + i] = row;
    }
}

template <int N> __global__ void __launch_bounds__(THREADS) add_back(const packed_rows call) {
    const size_t units = (size_t)call.dim / N;
    const size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    const size_t token = i / units, col = i % units * N, dim = (size_t)call.dim;
    if (token >= (size_t)call.tokens) return;
    float *x = call.x + token * dim + col;
    numbers<N> sum = operands_get<N>(x);
    for (int h = 0; h < call.n_heads; h++) {
        const int32_t row = call.row_of[(size_t)h * (size_t)call.tokens + token];
        if (row < 0) continue;
        const numbers<N> add = operands_get<N>(call.back + (size_t)row * dim + col);
#pragma unroll
        for (int j = 0; j < N; j++) sum.at[j] += add.at[j];
    }
    operands_put<N>(x, sum.at);
}

unsigned blocks_of(size_t threads) {
    return (unsigned)((threads + THREADS - 1) / THREADS);
}

unsigned tiles_of(int rows) {
    return (unsigned)((rows + ROWS - 1) / ROWS);
}

template <typename U>
cudaError_t inputs(int n_segments, int longest, const packed_head *segment, size_t row_bytes,
                   const void *x, void *rows, cudaStream_t stream) {
    gather_inputs<<<dim3((unsigned)n_segments, tiles_of(longest)), THREADS, 0, stream>>>(
        segment, row_bytes / sizeof(U), static_cast<const U *>(x), static_cast<U *>(rows));
    return cudaGetLastError();
}

template <typename U>
cudaError_t single_tokens(int n, const int32_t *token, size_t row_bytes, const void *x, void *rows,
                          cudaStream_t stream) {
    gather_tokens<<<tiles_of(n), THREADS, 0, stream>>>(
        n, token, row_bytes / sizeof(U), static_cast<const U *>(x), static_cast<U *>(rows));
    return cudaGetLastError();
}

template <typename T> cudaError_t head_bias(const packed_bias &call, cudaStream_t stream) {
    const dim3 grid((unsigned)call.n_segments, tiles_of(call.longest));
    /* A slab's biases start where a head's do, or one or two thirds of a slab further on. */
    if (call.cols % 4 == 0 && call.stride % 4 == 0 &&
        reinterpret_cast<uintptr_t>(call.bias) % (4 * sizeof(float)) == 0)
        add_head_bias<T, 4><<<grid, THREADS, 0, stream>>>(call);
    else
        add_head_bias<T, 1><<<grid, THREADS, 0, stream>>>(call);
    return cudaGetLastError();
}

} // namespace

cudaError_t head_bias_launch(const struct packed_bias *call, cudaStream_t stream) {
    return call->bf16 ? head_bias<__nv_bfloat16>(*call, stream) : head_bias<float>(*call, stream);
}

/* Copies by the widest access that rows are aligned to, whatever the operands are. */
cudaError_t gather_inputs_launch(int n_segments, int longest, const struct packed_head *segment,
                                 size_t row_bytes, const void *x, void *rows, cudaStream_t stream) {
    if (row_bytes % sizeof(uint4) == 0)
        return inputs<uint4>(n_segments, longest, segment, row_bytes, x, rows, stream);
    if (row_bytes % sizeof(uint32_t) == 0)
        return inputs<uint32_t>(n_segments, longest, segment, row_bytes, x, rows, stream);
    return inputs<uint16_t>(n_segments, longest, segment, row_bytes, x, rows, stream);
}

cudaError_t gather_tokens_launch(int n, const int32_t *token, size_t row_bytes, const void *x,
                                 void *rows, cudaStream_t stream) {
    if (row_bytes % sizeof(uint4) == 0)
        return single_tokens<uint4>(n, token, row_bytes, x, rows, stream);
    if (row_bytes % sizeof(uint32_t) == 0)
        return single_tokens<uint32_t>(n, token, row_bytes, x, rows, stream);
    return single_tokens<uint16_t>(n, token, row_bytes, x, rows, stream);
}

cudaError_t scatter_launch(const struct packed_rows *call, cudaStream_t stream) {
    const size_t map = (size_t)call->n_heads * (size_t)call->tokens;
    const size_t tokens = (size_t)call->tokens, dim = (size_t)call->dim;
    clear_map<<<blocks_of(map), THREADS, 0, stream>>>(map, call->row_of);
    make_map<<<(unsigned)call->n_segments, THREADS, 0, stream>>>(*call);
    if (dim % 4 == 0)
        add_back<4><<<blocks_of(tokens * (dim / 4)), THREADS, 0, stream>>>(*call);
    else
        add_back<1><<<blocks_of(tokens * dim), THREADS, 0, stream>>>(*call);
    return cudaGetLastError();
}
