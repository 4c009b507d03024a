/*
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., SC'11). A number is a pure function
 * of (seed, stream, counter), so streams never disturb each other: adding a policy that draws noise
 * cannot change another's data order, and dropout masks are recomputed in the backward pass instead
 * of stored.
 */
#ifndef HEADROOM_MODELS_BASE_RNG_H
#define HEADROOM_MODELS_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* Every stream of a trial has a name here and nowhere else. */
enum rng_stream {
    RNG_INIT = 1,
    RNG_DATA_ORDER,
    RNG_DROPOUT,
    RNG_NOISE,
    RNG_GENERATOR,
    RNG_SPLIT,
    RNG_CONTROL,
    RNG_TURNS
};

struct rng {
    uint32_t key[2];
};

/* The generator of one named stream of one seed. */
struct rng rng_stream(uint64_t seed, enum rng_stream stream);

/* The block of four 32-bit words at a 128-bit counter. */
void rng_block(const struct rng *rng, uint64_t high, uint64_t low, uint32_t out[4]);

/* The blocks at low, low + step, low + 2 step, ...: word w of block `lane` is out[w][lane]. One
 * call is vector code, which makes a block several times cheaper than rng_block. */
enum { RNG_LANES = 16 };
void rng_blocks(const struct rng *rng, uint64_t high, uint64_t low, uint64_t step,
                uint32_t out[4][RNG_LANES]);

/* Uniform in [0, 1) and standard normal; pure functions of the counter. */
double rng_uniform(const struct rng *rng, uint64_t high, uint64_t low);
double rng_normal(const struct rng *rng, uint64_t high, uint64_t low);

/* Uniform integer in [0, n), n >= 1; the bias is below 2^-32. */
uint32_t rng_below(const struct rng *rng, uint64_t high, uint64_t low, uint32_t n);

/* Fisher-Yates permutation of index[0..n-1]; `high` names which one of the stream. */
void rng_shuffle(const struct rng *rng, uint64_t high, int32_t *index, size_t n);

#endif
