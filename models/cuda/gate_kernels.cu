/*
 * Gates of heads in training. The gradient of a gate is one sum over its row's tokens and the
 * head's width: a block makes it for an input, eight lanes for a token, in a fixed order. That
 * leaves most of a card idle where inputs are few, and needs no atomics.
 */
#include "models/cuda/gate_kernels.h"
#include "models/cuda/number.cuh"

namespace {

enum { THREADS = 256, WARP = 32, LANES = 8 };

/* The gate of what element i of [tokens][heads][head_dim] belongs to. */
__device__ inline float gate_at(const gate_rows &call, size_t i) {
    const size_t heads = (size_t)call.heads, head = i / (size_t)call.head_dim;
    const size_t token = head / heads;
    const size_t row = call.by_token ? token : (size_t)call.sample[token];
    return call.gates[row * heads + head % heads];
}

template <typename T, int N>
__global__ void __launch_bounds__(THREADS) multiply(const gate_rows call, T *gated) {
    const size_t n = (size_t)call.tokens * (size_t)call.heads * (size_t)call.head_dim;
    const size_t i = ((size_t)blockIdx.x * THREADS + threadIdx.x) * N;
    if (i >= n) return;
    const float gate = gate_at(call, i);
    numbers<N> value = operands_get<N>(static_cast<const T *>(call.context) + i);
#pragma unroll
    for (int j = 0; j < N; j++) value.at[j] *= gate;
    operands_put<N>(gated + i, value.at);
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
__global__ void __launch_bounds__(THREADS)
    gradient_by_sample(const gate_rows call, T *dcontext, float *dgates) {
    __shared__ float part[THREADS / WARP];
    const int b = (int)blockIdx.x / call.heads, h = (int)blockIdx.x % call.heads;
    const int token = call.offsets[b], n = call.offsets[b + 1] - token;
    const size_t d = (size_t)call.head_dim, width = (size_t)call.heads * d;
    const size_t first = (size_t)token * width + (size_t)h * d, size = (size_t)n * d;
    const T *context = static_cast<const T *>(call.context);
    const float gate = call.gates[blockIdx.x];
    float dot = 0.0f;
    for (size_t i = threadIdx.x * N; i < size; i += THREADS * N) {
        const size_t at = first + i / d * width + i % d;
        dot += step_back<N>(context + at, dcontext + at, gate);
    }
    dot = warp_sum(dot);
    if (threadIdx.x % WARP == 0) part[threadIdx.x / WARP] = dot;
    __syncthreads();
    if (threadIdx.x > 0) return;
    float sum = 0.0f;
    for (int i = 0; i < THREADS / WARP; i++) sum += part[i];
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
    const size_t n = (size_t)call.tokens * (size_t)call.heads * (size_t)call.head_dim;
    if (call.head_dim % 4 == 0)
        multiply<T, 4><<<blocks_of(n / 4), THREADS, 0, stream>>>(call, gated);
    else
        multiply<T, 1><<<blocks_of(n), THREADS, 0, stream>>>(call, gated);
    return cudaGetLastError();
}

template <typename T>
cudaError_t backward(const gate_rows &call, T *dcontext, float *dgates, cudaStream_t stream) {
    const size_t rows = (size_t)(call.by_token ? call.tokens : call.samples) * (size_t)call.heads;
    if (call.by_token)
        gradient_by_token<T>
            <<<blocks_of(rows * LANES), THREADS, 0, stream>>>(call, dcontext, dgates);
    else if (call.head_dim % 4 == 0)
        gradient_by_sample<T, 4><<<(unsigned)rows, THREADS, 0, stream>>>(call, dcontext, dgates);
    else
        gradient_by_sample<T, 1><<<(unsigned)rows, THREADS, 0, stream>>>(call, dcontext, dgates);
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
