/*
 * Dropout (Srivastava et al. 2014) with a mask that is a pure function of the step's counter, so
 * that nothing is stored between the forward and the backward pass: both call this function.
 */
#include "models/cpu/kernels.h"

enum { BLOCK = 4 * RNG_LANES };

void dropout_apply(const struct rng *rng, uint64_t high, double p, size_t n, float *x) {
    if (p <= 0.0) return;
    uint32_t threshold = (uint32_t)(p * 4294967296.0);
    float scale = (float)(1.0 / (1.0 - p));
    for (size_t first = 0; first < n; first += BLOCK) {
        uint32_t word[4][RNG_LANES];
        float factor[BLOCK];
        rng_blocks(rng, high, first, 4,
                   word); /* element i is word i % 4 of the block at i - i % 4 */
        for (size_t lane = 0; lane < RNG_LANES;
             lane++) { /* written out: so it becomes vector code */
            factor[4 * lane] = word[0][lane] < threshold ? 0.0f : scale;
            factor[4 * lane + 1] = word[1][lane] < threshold ? 0.0f : scale;
            factor[4 * lane + 2] = word[2][lane] < threshold ? 0.0f : scale;
            factor[4 * lane + 3] = word[3][lane] < threshold ? 0.0f : scale;
        }
        size_t count = n - first < BLOCK ? n - first : BLOCK;
        for (size_t j = 0; j < count; j++) x[first + j] *= factor[j];
    }
}
