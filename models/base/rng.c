/*
 * The named streams, and what is drawn from their words; see philox.h for the generator.
 */
#include "models/base/rng.h"
#include "models/base/philox.h"

void rng_block(const struct rng *rng, uint64_t high, uint64_t low, uint32_t out[4]) {
    philox(rng, high, low, out, 1);
}

void rng_blocks(const struct rng *rng, uint64_t high, uint64_t low, uint64_t step,
                uint32_t out[4][RNG_LANES]) {
#pragma omp simd
    for (size_t lane = 0; lane < RNG_LANES; lane++)
        philox(rng, high, low + lane * step, &out[0][lane], RNG_LANES);
}

struct rng rng_stream(uint64_t seed, enum rng_stream stream) {
    struct rng root = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    uint32_t word[4];
    rng_block(&root, 0x486561644e616d65u, (uint64_t)stream, word);
    return (struct rng){{word[0], word[1]}};
}

double rng_uniform(const struct rng *rng, uint64_t high, uint64_t low) {
    return philox_uniform(rng, high, low);
}

double rng_normal(const struct rng *rng, uint64_t high, uint64_t low) {
    return philox_normal(rng, high, low);
}

uint32_t rng_below(const struct rng *rng, uint64_t high, uint64_t low, uint32_t n) {
    uint32_t word[4];
    rng_block(rng, high, low, word);
    /* 64 random bits scaled by n, in halves: no rejection loop consumes counters. */
    return (uint32_t)(((uint64_t)word[0] * n + (((uint64_t)word[1] * n) >> 32)) >> 32);
}

void rng_shuffle(const struct rng *rng, uint64_t high, int32_t *index, size_t n) {
    for (size_t i = n; i > 1; i--) {
        size_t j = rng_below(rng, high, i, (uint32_t)i);
        int32_t swap = index[i - 1];
        index[i - 1] = index[j];
        index[j] = swap;
    }
}
