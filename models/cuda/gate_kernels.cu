/*
 * Gates of heads in training. The gradient of a gate is one sum over its row's tokens and the
 * head's width: a block makes it for an input, eight lanes for a token, in a fixed order. That
 * leaves most of a card idle where inputs are few, and needs no atomics.
 */
#include "models/cuda/gate_kernels.h"
#include "models/cuda/number.cuh"

namespace {

enum { THREADS = 256, WARP = 32, LANES = 8, TOKENS = 4, SUM_THREADS = 512 };

/* TOKENS tokens to a block; the threads of one walk along its heads. */
template <typename T, int N>
__global__ void __launch_bounds__(THREADS) multiply(const gate_rows call, T *gated) {
    const int own = (int)threadIdx.x % (THREADS / TOKENS), width = call.heads * call.head_dim;
    const int token = (int)blockIdx.x * TOKENS + (int)threadIdx.x / (THREADS / TOKENS);
    if (token >= call.tokens) return;
    const size_t row = (size_t)(call.by_token ? token : call.sample[token]);
    const size_t first = (size_t)token * (size_t)width;
    const T *context = static_cast<const T *>(call.context) + first;
    const float *gates = call.gates + row * (size_t)call.heads;
    for (int i = N * own; i < width; i += N * (THREADS / TOKENS)) {
        const float gate = gates[i / call.head_dim];
        numbers<N> value = operands_get<N>(context + i);
#pragma unroll
        for (int j = 0; j < N; j++) value.at[j] *= gate;
        operands_put<N>(gated + first + i, value.at);
    }
}

/* N neighbours of a row: their part of the gate's gradient, and their own gradient scaled. */
template <int N, typename T>
__device__ inline float step_back(const T *context, T *dcontext, float gate) {
    const numbers<N> value = operands_get<N>(context);
    numbers<N> up = operands_get<N>(dcontext);
    float dot = 0.0f;
#pragma unroll
    for (int j = 0; j < N; j++) {
        dot = fmaf(value.at[j], up.at[j], dot);
        up.at[j] *= gate;
    }
    operands_put<N>(dcontext, up.at);
    return dot;
}

/* One block for one head of one input. */
template <typename T, int N>
__global__ void __launch_bounds__(SUM_THREADS)
    gradient_by_sample(const gate_rows call, T *dcontext, float *dgates) {
    __shared__ float part[SUM_THREADS / WARP];
    const int b = (int)blockIdx.x / call.heads, h = (int)blockIdx.x % call.heads;
    const int token = call.offsets[b], n = call.offsets[b + 1] - token;
    const size_t d = (size_t)call.head_dim, width = (size_t)call.heads * d;
    const size_t first = (size_t)token * width + (size_t)h * d;
    const unsigned units = (unsigned)call.head_dim / N, size = (unsigned)n * units;
    const T *context = static_cast<const T *>(call.context);
    const float gate = call.gates[blockIdx.x];
    float dot = 0.0f;
    for (unsigned i = threadIdx.x; i < size; i += SUM_THREADS) {
        const size_t at = first + i / units * width + i % units * N;
        dot += step_back<N>(context + at, dcontext + at, gate);
    }
    dot = warp_sum(dot);
    if (threadIdx.x % WARP == 0) part[threadIdx.x / WARP] = dot;
    __syncthreads();
    if (threadIdx.x > 0) return;
    float sum = 0.0f;
    for (int i = 0; i < SUM_THREADS / WARP; i++) sum += part[i];
    dgates[blockIdx.x] = sum;
}

/* Eight lanes for one head of one token. */
template <typename T>
__global__ void __launch_bounds__(THREADS)
    gradient_by_token(const gate_rows call, T *dcontext, float *dgates) {
    const size_t i = ((size_t)blockIdx.x * THREADS + threadIdx.x) / LANES;
    const bool there = i < (size_t)call.tokens * (size_t)call.heads;
    const size_t first = i * (size_t)call.head_dim;
    const T *context = static_cast<const T *>(call.context);
    const float gate = there ? call.gates[i] : 0.0f;
    float dot = 0.0f;
    for (int c = (int)threadIdx.x % LANES; there && c < call.head_dim; c += LANES)
        dot += step_back<1>(context + first + c, dcontext + first + c, gate);
#pragma unroll
    for (int mask = 1; mask < LANES; mask *= 2) dot += __shfl_xor_sync(~0u, dot, mask);
    if (there && threadIdx.x % LANES == 0) dgates[i] = dot;
}

unsigned blocks_of(size_t threads) {
    return (unsigned)((threads + THREADS - 1) / THREADS);
}

template <typename T> cudaError_t forward(const gate_rows &call, T *gated, cudaStream_t stream) {
    const unsigned blocks = (unsigned)((call.tokens + TOKENS - 1) / TOKENS);
    if (call.head_dim % 4 == 0)
        multiply<T, 4><<<blocks, THREADS, 0, stream>>>(call, gated);
    else
        multiply<T, 1><<<blocks, THREADS, 0, stream>>>(call, gated);
    return cudaGetLastError();
}

template <typename T>
cudaError_t backward(const gate_rows &call, T *dcontext, float *dgates, cudaStream_t stream) {
    const size_t rows = (size_t)(call.by_token ? call.tokens : call.samples) * (size_t)call.heads;
    if (call.by_token)
        gradient_by_token<T>
            <<<blocks_of(rows * LANES), THREADS, 0, stream>>>(call, dcontext, dgates);
    else if (call.head_dim % 4 == 0)
        gradient_by_sample<T, 4>
            <<<(unsigned)rows, SUM_THREADS, 0, stream>>>(call, dcontext, dgates);
    else
        gradient_by_sample<T, 1>
            <<<(unsigned)rows, SUM_THREADS, 0, stream>>>(call, dcontext, dgates);
    return cudaGetLastError();
}

} // namespace

cudaError_t gate_launch(const struct gate_rows *call, void *gated, cudaStream_t stream) {
    return call->bf16 ? forward(*call, static_cast<__nv_bfloat16 *>(gated), stream)
                      : forward(*call, static_cast<float *>(gated), stream);
}

cudaError_t gate_gradient_launch(const struct gate_rows *call, void *dcontext, float *dgates,
                                 cudaStream_t stream) {
    return call->bf16 ? backward(*call, static_cast<__nv_bfloat16 *>(dcontext), dgates, stream)
                      : backward(*call, static_cast<float *>(dcontext), dgates, stream);
}
