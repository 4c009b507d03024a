/*
 * Operands of products as kernels see them: read as float, computed in float32, rounded once when
 * they are written. A kernel is a template over their type, float or __nv_bfloat16.
 */
#ifndef HEADROOM_MODELS_CUDA_OPERAND_CUH
#define HEADROOM_MODELS_CUDA_OPERAND_CUH

#include <cuda_bf16.h>
#include <stdint.h>

__device__ inline float operand_get(float value) {
    return value;
}

__device__ inline float operand_get(__nv_bfloat16 value) {
    return __bfloat162float(value);
}

__device__ inline void operand_put(float *to, float value) {
    *to = value;
}

__device__ inline void operand_put(__nv_bfloat16 *to, float value) {
    *to = __float2bfloat16_rn(value);
}

/* N neighbours in one access, where they are aligned to their size: N is 1, 2 or 4. */
template <int N> struct numbers { float value[N]; };

/* The same N as they lie in memory. */
template <typename T, int N> struct alignas(N * sizeof(T)) operands { T value[N]; };

template <int N, typename T> __device__ inline numbers<N> operands_get(const T *from) {
    const operands<T, N> packed = *reinterpret_cast<const operands<T, N> *>(from);
    numbers<N> out;
#pragma unroll
    for (int i = 0; i < N; i++) out.value[i] = operand_get(packed.value[i]);
    return out;
}

template <int N, typename T> __device__ inline void operands_put(T *to, const float *value) {
    operands<T, N> packed;
#pragma unroll
    for (int i = 0; i < N; i++) operand_put(&packed.value[i], value[i]);
    *reinterpret_cast<operands<T, N> *>(to) = packed;
}

#endif
