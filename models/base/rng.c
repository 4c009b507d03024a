/*
 * Philox4x32-10: ten rounds of multiply and xor turn a 128-bit counter and a 64-bit key into four
 * 32-bit words (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC'11).
 * It passes BigCrush, needs no state, and its published vectors pin this file down in the tests.
 */
#include "models/base/rng.h"

#include <math.h>

enum { ROUNDS = 10 };

/* The block at (high, low); its words go to out[0], out[stride], out[2 stride], out[3 stride]. */
static inline void philox(const struct rng *rng, uint64_t high, uint64_t low, uint32_t *out,
                          size_t stride) {
    uint32_t c0 = (uint32_t)low, c1 = (uint32_t)(low >> 32);
    uint32_t c2 = (uint32_t)high, c3 = (uint32_t)(high >> 32);
    uint32_t k0 = rng->key[0], k1 = rng->key[1];
    for (int round = 0; round < ROUNDS; round++) {
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
    out[stride] = c1;
    out[2 * stride] = c2;
    out[3 * stride] = c3;
}

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

/* 53 random bits of two words, as a double in [0, 1). */
static double unit_double(uint32_t high, uint32_t low) {
    return (double)(((uint64_t)high << 21) ^ (low >> 11)) * 0x1p-53;
}

double rng_uniform(const struct rng *rng, uint64_t high, uint64_t low) {
    uint32_t word[4];
    rng_block(rng, high, low, word);
    return unit_double(word[0], word[1]);
}

double rng_normal(const struct rng *rng, uint64_t high, uint64_t low) {
    uint32_t word[4];
    rng_block(rng, high, low, word);
    double radius = sqrt(-2.0 * log(1.0 - unit_double(word[0], word[1]))); /* Box-Muller */
    return radius * cos(6.283185307179586 * unit_double(word[2], word[3]));
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
