/*
 * Dropout (Srivastava et al. 2014) with a mask that is a pure function of the step's counter, so
 * that nothing is stored between the forward and the backward pass: both call this function.
 */
#include "models/kernels.h"

void dropout_apply(const struct rng *rng, uint64_t high, double p, size_t n, float *x) {
    if (p <= 0.0) return;
    uint32_t threshold = (uint32_t)(p * 4294967296.0);
    float scale = (float)(1.0 / (1.0 - p));
    for (size_t i = 0; i < n; i += 4) {
        uint32_t word[4];
        rng_block(rng, high, i, word);
        for (size_t j = 0; j < 4 && i + j < n; j++) x[i + j] *= word[j] < threshold ? 0.0f : scale;
    }
}
