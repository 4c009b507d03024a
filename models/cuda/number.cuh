/*
 * How kernels read, compute and write: four neighbouring numbers of a row at a time, as float32,
 * whether they lie in memory as float32 or as bfloat16. Where all rows begin on a multiple of four
 * numbers (`whole`) four are one access to memory; elsewhere they are read one by one, and what lies
 * beyond the row's end reads as 0 and is not written.
 */
#ifndef HEADROOM_MODELS_CUDA_NUMBER_CUH
#define HEADROOM_MODELS_CUDA_NUMBER_CUH

#include <cuda_bf16.h>
#include <cuda_runtime.h>
#include <stddef.h>
#include <stdint.h>

struct quad {
    float at[4];
};

struct __align__(8) bf16_quad {
    __nv_bfloat16 at[4];
};

/* `left`: numbers of the row from p on. */
static __device__ __forceinline__ quad load_quad(const float *p, int left, bool whole) {
    quad q;
    if (whole) {
        float4 v = *reinterpret_cast<const float4 *>(p);
        q.at[0] = v.x;
        q.at[1] = v.y;
        q.at[2] = v.z;
        q.at[3] = v.w;
        return q;
    }
#pragma unroll
    for (int j = 0; j < 4; j++) q.at[j] = j < left ? p[j] : 0.0f;
    return q;
}

static __device__ __forceinline__ quad load_quad(const __nv_bfloat16 *p, int left, bool whole) {
    quad q;
    if (whole) {
        bf16_quad v = *reinterpret_cast<const bf16_quad *>(p);
#pragma unroll
        for (int j = 0; j < 4; j++) q.at[j] = __bfloat162float(v.at[j]);
        return q;
    }
#pragma unroll
    for (int j = 0; j < 4; j++) q.at[j] = j < left ? __bfloat162float(p[j]) : 0.0f;
    return q;
}

static __device__ __forceinline__ void store_quad(float *p, const quad &q, int left, bool whole) {
    if (whole) {
        *reinterpret_cast<float4 *>(p) = make_float4(q.at[0], q.at[1], q.at[2], q.at[3]);
        return;
    }
#pragma unroll
    for (int j = 0; j < 4; j++)
        if (j < left) p[j] = q.at[j];
}

static __device__ __forceinline__ void store_quad(__nv_bfloat16 *p, const quad &q, int left,
                                                  bool whole) {
    bf16_quad v;
#pragma unroll
    for (int j = 0; j < 4; j++) v.at[j] = __float2bfloat16(q.at[j]);
    if (whole) {
        *reinterpret_cast<bf16_quad *>(p) = v;
        return;
    }
#pragma unroll
    for (int j = 0; j < 4; j++)
        if (j < left) p[j] = v.at[j];
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
