/*
 * Dropout's masks, bit for bit those of models/cpu/dropout.c: the words of the generator at the
 * token's place in the chunk that the CPU would have put it into. Drawn again wherever they are
 * needed; nothing is stored.
 */
#ifndef HEADROOM_MODELS_CUDA_DROPOUT_CUH
#define HEADROOM_MODELS_CUDA_DROPOUT_CUH

#include "models/base/philox.h"
#include "models/cuda/number.cuh"
#include "models/cuda/stage_kernels.h"

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
    philox(&mask.rng, high, element - skip, word, 1);
    if (skip) philox(&mask.rng, high, element - skip + 4, word + 4, 1);
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
