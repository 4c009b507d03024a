/*
 * The core's own limit: fused multiply-adds whose operands never leave the registers. A program
 * that needs F floating-point operations of products cannot take less than F over this rate on one
 * core, whatever its library, so it tells targets that are missed from targets that cannot be met.
 * Clocks move, so it is measured in the same rounds as what is held against it.
 */
#include "harness/bench/bench_fma.h"

/* As wide as the machine's registers; GCC and Clang keep such vectors in one each. */
#ifdef __AVX512F__
enum { LANES = 16 };
#else
enum { LANES = 8 };
#endif
typedef float vector __attribute__((vector_size(LANES * sizeof(float))));

/* Ten chains cover the latency (4 cycles) of two units and fit into 16 registers. */
enum { CHAINS = 10, STEPS = 1 << 16 };

static void run(void *context) {
    float *out = context; /* [LANES]: what is never used would not be computed */
    vector factor = {0}, term = {0}, chain[CHAINS];
    for (int i = 0; i < LANES; i++) {
        factor[i] = 0.999f;
        term[i] = 0.001f;
        for (int c = 0; c < CHAINS; c++) chain[c][i] = (float)(c + i);
    }
    for (int step = 0; step < STEPS; step++) {
#pragma GCC unroll 10
        for (int c = 0; c < CHAINS; c++) chain[c] = chain[c] * factor + term;
    }
    for (int c = 1; c < CHAINS; c++) chain[0] += chain[c];
    for (int i = 0; i < LANES; i++) out[i] = chain[0][i];
}

struct bench_case bench_fma_case(float out[BENCH_FMA_FLOATS]) {
    _Static_assert((int)LANES <= (int)BENCH_FMA_FLOATS, "room for the result");
    return (struct bench_case){.name = "multiply-add on registers, the core's limit",
                               .run = run,
                               .context = out,
                               .unit = GFLOP_PER_S,
                               .work = 2.0 * LANES * CHAINS * STEPS};
}
