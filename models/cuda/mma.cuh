/*
 * What tensor cores need of the machine, one instruction to a function: products of small matrices
 * by a warp, their operands out of shared memory, and copies into shared memory that nobody waits
 * for until their numbers are read. Of compute capability 8.0, as all else here.
 *
 * A warp holds a 16 x 16 operand in four registers a lane, each of which is two neighbours of a
 * row: lane l has, at columns 2 (l % 4) and the next, row l / 4 in .at[0] and row l / 4 + 8 in
 * .at[1], and the same rows eight columns further on in .at[2] and .at[3]. A 16 x 8 sum is four
 * floats a lane: two of row l / 4, then two of row l / 4 + 8. So two sums side by side, rounded,
 * are an operand: the product of a product needs no exchange between lanes.
 */
#ifndef HEADROOM_MODELS_CUDA_MMA_CUH
#define HEADROOM_MODELS_CUDA_MMA_CUH

#include <cuda_bf16.h>
#include <stdint.h>

struct mma_operand {
    uint32_t at[4];
};

/* sum += a b, where b is 16 x 8 in two registers: rows 2 (l % 4) and the next of column l / 4, and
 * the same eight rows further down. */
__device__ inline void mma_add(float sum[4], const mma_operand &a, uint32_t b0, uint32_t b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a.at[0]), "r"(a.at[1]), "r"(a.at[2]), "r"(a.at[3]), "r"(b0), "r"(b1));
}

/* Four 8 x 8 matrices out of shared memory: lane l gives the address of row l % 8 of matrix l / 8,
 * and gets columns 2 (l % 4) and the next of row l / 4 of each. Addresses are multiples of 16
 * bytes. */
__device__ inline mma_operand mma_load(const __nv_bfloat16 *row) {
    mma_operand out;
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out.at[0]), "=r"(out.at[1]), "=r"(out.at[2]), "=r"(out.at[3])
                 : "r"((uint32_t)__cvta_generic_to_shared(row))
                 : "memory");
    return out;
}

/* The same, each matrix transposed. */
__device__ inline mma_operand mma_load_transposed(const __nv_bfloat16 *row) {
    mma_operand out;
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out.at[0]), "=r"(out.at[1]), "=r"(out.at[2]), "=r"(out.at[3])
                 : "r"((uint32_t)__cvta_generic_to_shared(row))
                 : "memory");
    return out;
}

/* Two numbers as they lie in memory, `first` before `second`. */
__device__ inline uint32_t mma_pack(float first, float second) {
    uint32_t out;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(out) : "f"(second), "f"(first));
    return out;
}

__device__ inline float mma_first(uint32_t pair) {
    return __uint_as_float(pair << 16);
}

__device__ inline float mma_second(uint32_t pair) {
    return __uint_as_float(pair & 0xFFFF0000u);
}

/* 2^x within two units of the last place, 0 where that is denormal: what is made of it is rounded
 * to 8 bits, and exp2f would spend more instructions on the denormal than on all else. */
__device__ inline float mma_exp2(float x) {
    float out;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(out) : "f"(x));
    return out;
}

/* Starts a copy of BYTES (4 or 16, to which both addresses are aligned) into shared memory; of
 * zeros where `there` is false, when nothing is read at `from`. 16 bytes pass the first cache by:
 * who wants them again is on another multiprocessor. */
template <int BYTES> __device__ inline void copy_start(void *to, const void *from, bool there) {
    if constexpr (BYTES == 16)
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                         (uint32_t)__cvta_generic_to_shared(to)),
                     "l"(from), "r"(there ? BYTES : 0)
                     : "memory");
    else
        asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(
                         (uint32_t)__cvta_generic_to_shared(to)),
                     "l"(from), "n"(BYTES), "r"(there ? BYTES : 0)
                     : "memory");
}

/* What the thread has started since the last time is one group more. */
__device__ inline void copy_group() {
    asm volatile("cp.async.commit_group;" ::: "memory");
}

/* Waits until at most N groups of the thread's are under way, the latest. Others see the numbers
 * after a barrier. */
template <int N> __device__ inline void copy_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}

#endif
