/*
 * The relaxed top-k of DSP (Li, Cotterell, Sachan 2021): starting from r = z + Gumbel noise, k
 * times p = softmax(r / t), r += ln(1 - p); the mask is the sum of the p, k in all. As t -> 0 it is
 * the hard top-k of z + noise, a sample without replacement.
 *
 * Ours: k may be any real number, so that a budget has a gradient. With n = ceil(k) rounds the last
 * one counts k - (n - 1): the mask still adds up to k, is continuous in it, and its derivative is p
 * of the last round, the heads that would come next.
 */
#ifndef HEADROOM_MODELS_POLICIES_GUMBEL_TOP_K_H
#define HEADROOM_MODELS_POLICIES_GUMBEL_TOP_K_H

#include "models/rng.h"

/* Standard Gumbel noise -ln(-ln u) at a counter. */
double gumbel_noise(const struct rng *rng, uint64_t high, uint64_t low);

/* mask[heads] from the noisy scores r[heads], heads <= OPTION_LIST_MAX, 0 < k <= heads. */
void gumbel_top_k(const float *r, double k, double t, int heads, float *mask);

/* dL/dr[heads] from dL/dmask; returns dL/dk. */
double gumbel_top_k_backward(const float *r, double k, double t, int heads, const float *dmask,
                             double *dr);

#endif
