/*
 * Philox4x32-10: ten rounds of multiply and xor turn a 128-bit counter and a 64-bit key into four
 * 32-bit words (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC'11).
 * It passes BigCrush, needs no state, and its published vectors pin this file down in the tests.
 * rng.h is how the program asks for numbers; this is for rng.c and for kernels.
 */
#ifndef HEADROOM_MODELS_BASE_PHILOX_H
#define HEADROOM_MODELS_BASE_PHILOX_H

#include "models/base/device_code.h"
#include "models/base/rng.h"

#include <math.h>

enum { PHILOX_ROUNDS = 10 };

/* The block at (high, low); its words go to out[0], out[stride], out[2 stride], out[3 stride]. */
DEVICE_CODE void philox(const struct rng *rng, uint64_t high, uint64_t low, uint32_t *out,
                        size_t stride) {
    uint32_t c0 = (uint32_t)low, c1 = (uint32_t)(low >> 32);
    uint32_t c2 = (uint32_t)high, c3 = (uint32_t)(high >> 32);
    uint32_t k0 = rng->key[0], k1 = rng->key[1];
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
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

/* 53 random bits of two words, as a double in [0, 1). */
DEVICE_CODE double philox_unit(uint32_t high, uint32_t low) {
    return (double)(((uint64_t)high << 21) ^ (low >> 11)) * 0x1p-53;
}

DEVICE_CODE double philox_uniform(const struct rng *rng, uint64_t high, uint64_t low) {
    uint32_t word[4];
    philox(rng, high, low, word, 1);
    return philox_unit(word[0], word[1]);
}

DEVICE_CODE double philox_normal(const struct rng *rng, uint64_t high, uint64_t low) {
    uint32_t word[4];
    philox(rng, high, low, word, 1);
    double radius = sqrt(-2.0 * log(1.0 - philox_unit(word[0], word[1]))); /* Box-Muller */
    return radius * cos(6.283185307179586 * philox_unit(word[2], word[3]));
}

#endif
