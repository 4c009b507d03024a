/*
 * Numbers as kernels see them: read as float, computed in float32, rounded once when they are
 * written, whether they lie in memory as float or as __nv_bfloat16, which a kernel is a template
 * over. N neighbours are one access where they are aligned to their size. Of rows four are taken at
 * a time; where all rows begin on a multiple of four numbers (`whole`) these are one access,
 * elsewhere they are read one by one, and what lies beyond the row's end reads as 0 and is not
 * written.
 */
#ifndef HEADROOM_MODELS_CUDA_NUMBER_CUH
#define HEADROOM_MODELS_CUDA_NUMBER_CUH

#include <cuda_bf16.h>
#include <cuda_runtime.h>
#include <stddef.h>
#include <stdint.h>

static __device__ __forceinline__ float operand_get(float value) {
    return value;
}

static __device__ __forceinline__ float operand_get(__nv_bfloat16 value) {
    return __bfloat162float(value);
}

static __device__ __forceinline__ void operand_put(float *to, float value) {
    *to = value;
}

static __device__ __forceinline__ void operand_put(__nv_bfloat16 *to, float value) {
    *to = __float2bfloat16_rn(value);
}

template <int N> struct numbers { float at[N]; };

/* The same N as they lie in memory. */
template <typename T, int N> struct alignas(N * sizeof(T)) operands { T at[N]; };

template <int N, typename T>
static __device__ __forceinline__ numbers<N> operands_get(const T *from) {
    const operands<T, N> packed = *reinterpret_cast<const operands<T, N> *>(from);
    numbers<N> out;
#pragma unroll
    for (int i = 0; i < N; i++) out.at[i] = operand_get(packed.at[i]);
    return out;
}

template <int N, typename T>
static __device__ __forceinline__ void operands_put(T *to, const float *value) {
    operands<T, N> packed;
#pragma unroll
    for (int i = 0; i < N; i++) operand_put(&packed.at[i], value[i]);
    *reinterpret_cast<operands<T, N> *>(to) = packed;
}

using quad = numbers<4>;

/* `left`: numbers of the row from p on. */
template <typename T>
static __device__ __forceinline__ quad load_quad(const T *p, int left, bool whole) {
    if (whole) return operands_get<4>(p);
    quad q;
#pragma unroll
    for (int j = 0; j < 4; j++) q.at[j] = j < left ? operand_get(p[j]) : 0.0f;
    return q;
}

template <typename T>
static __device__ __forceinline__ void store_quad(T *p, const quad &q, int left, bool whole) {
    if (whole) {
        operands_put<4>(p, q.at);
        return;
    }
#pragma unroll
    for (int j = 0; j < 4; j++)
        if (j < left) operand_put(p + j, q.at[j]);
}

/* What a number becomes when it is kept as T. */
static __device__ __forceinline__ float rounded(float x, const float *) {
    return x;
}

static __device__ __forceinline__ float rounded(float x, const __nv_bfloat16 *) {
    return __bfloat162float(__float2bfloat16(x));
}

/* The same sum in every lane, added up in the same order every time. */
template <typename T> static __device__ __forceinline__ T warp_sum(T x) {
#pragma unroll
    for (int lane = 16; lane > 0; lane /= 2) x += __shfl_xor_sync(0xFFFFFFFFu, x, lane);
    return x;
}

/* ---- rows shared out among threads: threadIdx.y has a row, threadIdx.x every so many quads ---- */

struct row_tiles {
    dim3 grid, block;
};

/* For rows >= 1 and cols >= 1. `spread`: the quads of a row also go to different blocks, for kernels
 * with few rows and much to do for each. */
static inline row_tiles tiles_of(int rows, int cols, bool spread = false) {
    unsigned quads = (unsigned)(cols + 3) / 4, x = 8;
    while (x < 64 && x < quads) x *= 2;
    unsigned y = 256 / x;
    return {dim3(((unsigned)rows + y - 1) / y, spread ? (quads + x - 1) / x : 1), dim3(x, y)};
}

static __device__ __forceinline__ int tile_row() {
    return (int)(blockIdx.x * blockDim.y + threadIdx.y);
}

static __device__ __forceinline__ int tile_first() {
    return 4 * (int)(blockIdx.y * blockDim.x + threadIdx.x);
}

static __device__ __forceinline__ int tile_step() {
    return 4 * (int)(gridDim.y * blockDim.x);
}

/* ---- on the host: whether rows of `cols` numbers of all these arrays are `whole` ---- */

template <typename T> static inline bool begins_whole(const T *p) {
    return reinterpret_cast<uintptr_t>(p) % (4 * sizeof *p) == 0;
}

template <typename... T> static inline bool are_whole(int cols, const T *...arrays) {
    return cols % 4 == 0 && (begins_whole(arrays) && ...);
}

#endif
