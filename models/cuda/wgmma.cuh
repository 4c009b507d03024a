/*
 * Products by a group of four warps, as tensor cores of compute capability 9.0 have them: operands
 * are read out of shared memory where they lie, without passing through registers, and the product
 * goes on while the warps do other things. PTX has them for that one architecture (sm_90a).
 *
 * A matrix of R rows in shared memory is cut into chunks of 32 columns, one after the other. A row
 * of a chunk is 64 bytes, four units of 16, whose order changes with the row (the 64-byte swizzle
 * of PTX's matrix descriptors), so that eight rows meet eight different groups of banks. Chunks
 * begin at multiples of 512 bytes.
 *
 * A group's sum of 64 x N lies in its registers as four warps' sums of 16 x N do (mma.cuh), the
 * first warp's rows first; so does an operand of 64 x 16.
 */
#ifndef HEADROOM_MODELS_CUDA_WGMMA_CUH
#define HEADROOM_MODELS_CUDA_WGMMA_CUH

#include "models/cuda/mma.cuh"

enum { CHUNK = 32 }; /* columns */

/* Where `unit` of eight numbers of a row is, in numbers from the chunk's first. */
__device__ inline int swizzled(int row, int unit) {
    return row * CHUNK + (unit ^ (row / 2 % 4)) * 8;
}

/* What a product is told of a matrix: its address, by how many bytes eight rows are apart, and for
 * one that is read along its rows (as transposed) also its chunks. */
__device__ inline uint64_t wgmma_matrix(const __nv_bfloat16 *at, int chunk_bytes) {
    const uint64_t address = (uint64_t)(uint32_t)__cvta_generic_to_shared(at) >> 4;
    const uint64_t eight_rows = 8 * CHUNK * 2 >> 4, swizzle_of_64_bytes = 2;
    return address | (uint64_t)(chunk_bytes >> 4) << 16 | eight_rows << 32 |
           swizzle_of_64_bytes << 62;
}

/* Registers that a product reads or adds to are as the warps left them. */
__device__ inline void wgmma_begin() {
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

/* The products since the last time are one group more. */
__device__ inline void wgmma_group() {
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

/* All products are done. */
__device__ inline void wgmma_wait() {
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
}

/* What the thread has written to shared memory is seen by products that begin after a barrier. */
__device__ inline void wgmma_see_shared() {
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

/* Keeps the compiler from moving what reads or writes the sums past a wait. */
template <int N> __device__ inline void wgmma_pin(float (&sum)[N / 8][4]) {
#pragma unroll
    for (int n = 0; n < N / 8; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) asm volatile("" : "+f"(sum[n][i])::"memory");
}

#define WGMMA_4(s, n) "+f"(s[n][0]), "+f"(s[n][1]), "+f"(s[n][2]), "+f"(s[n][3])
#define WGMMA_32(s, n)                                                                             \
    WGMMA_4(s, n), WGMMA_4(s, n + 1), WGMMA_4(s, n + 2), WGMMA_4(s, n + 3), WGMMA_4(s, n + 4),     \
        WGMMA_4(s, n + 5), WGMMA_4(s, n + 6), WGMMA_4(s, n + 7)
#define WGMMA_48(s) WGMMA_32(s, 0), WGMMA_4(s, 8), WGMMA_4(s, 9), WGMMA_4(s, 10), WGMMA_4(s, 11)
#define WGMMA_64(s) WGMMA_32(s, 0), WGMMA_32(s, 8)
#define WGMMA_TO_31                                                                                \
    "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, "   \
    "%20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define WGMMA_TO_47                                                                                \
    WGMMA_TO_31 ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47"
#define WGMMA_TO_63                                                                                \
    WGMMA_TO_47 ", %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"

/* sum = a b^T, or sum += a b^T, over 16 columns of a (64 rows) and b (64 rows). */
__device__ inline void wgmma_scores(float (&sum)[8][4], uint64_t a, uint64_t b, bool adds) {
    asm volatile("{ .reg .pred p; setp.ne.b32 p, %34, 0; "
                 "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {" WGMMA_TO_31
                 "}, %32, %33, p, 1, 1, 0, 0; }"
                 : WGMMA_32(sum, 0)
                 : "l"(a), "l"(b), "r"((int)adds));
}

/* sum += a b, with a of 64 x 16 in registers and b of 16 rows of N columns. */
#define WGMMA_ADD(N, TO, SUM, A0, A1, A2, A3, B, ADDS)                                             \
    __device__ inline void wgmma_add(float(&sum)[N / 8][4], const mma_operand &a, uint64_t b) {    \
        asm volatile("{ .reg .pred p; setp.ne.b32 p, " ADDS ", 0; "                                \
                     "wgmma.mma_async.sync.aligned.m64n" #N "k16.f32.bf16.bf16 {" TO "}, {" A0     \
                     ", " A1 ", " A2 ", " A3 "}, " B ", p, 1, 1, 1; }"                             \
                     : SUM                                                                         \
                     : "r"(a.at[0]), "r"(a.at[1]), "r"(a.at[2]), "r"(a.at[3]), "l"(b), "r"(1));    \
    }
WGMMA_ADD(64, WGMMA_TO_31, WGMMA_32(sum, 0), "%32", "%33", "%34", "%35", "%36", "%37")
WGMMA_ADD(96, WGMMA_TO_47, WGMMA_48(sum), "%48", "%49", "%50", "%51", "%52", "%53")
WGMMA_ADD(128, WGMMA_TO_63, WGMMA_64(sum), "%64", "%65", "%66", "%67", "%68", "%69")

#endif
