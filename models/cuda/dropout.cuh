/*
 * Dropout's masks, bit for bit those of models/cpu/dropout.c: Philox4x32-10 (models/base/rng.c) at
 * the token's place in the chunk that the CPU would have put it into. Drawn again wherever they are
 * needed; nothing is stored.
 */
#ifndef HEADROOM_MODELS_CUDA_DROPOUT_CUH
#define HEADROOM_MODELS_CUDA_DROPOUT_CUH

#include "models/cuda/number.cuh"
#include "models/cuda/stage_kernels.h"

static __device__ __forceinline__ void philox(const uint32_t key[2], uint64_t high, uint64_t low,
                                              uint32_t out[4]) {
    uint32_t c0 = (uint32_t)low, c1 = (uint32_t)(low >> 32);
    uint32_t c2 = (uint32_t)high, c3 = (uint32_t)(high >> 32);
    uint32_t k0 = key[0], k1 = key[1];
#pragma unroll
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* Multiplies the numbers of a token's row from column `col` on by 0 or 1 / (1 - p). A block of
 * random words has four elements of the chunk's array; where rows are no multiple of four long a
 * quad lies in two blocks. */
static __device__ __forceinline__ void drop_quad(const struct cuda_mask &mask, int token, int dim,
                                                 int col, quad &x) {
    if (!mask.drops) return;
    uint64_t element = (uint64_t)mask.row[token] * (uint64_t)dim + (uint64_t)col;
    uint64_t high = (uint64_t)mask.chunk[token] << 48 | mask.counter;
    uint32_t word[8] = {0};
    int skip = (int)(element % 4);
    philox(mask.key, high, element - skip, word);
    if (skip) philox(mask.key, high, element - skip + 4, word + 4);
#pragma unroll
    for (int j = 0; j < 4; j++) { /* no index that is known only then: registers have none */
        uint32_t drawn = skip == 0   ? word[j]
                         : skip == 1 ? word[j + 1]
                         : skip == 2 ? word[j + 2]
                                     : word[j + 3];
        x.at[j] *= drawn < mask.threshold ? 0.0f : mask.scale;
    }
}

#endif
