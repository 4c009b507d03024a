/*
 * The relaxed top-k of DSP (Li, Cotterell, Sachan 2021): starting from r = z + Gumbel noise, k
 * times p = softmax(r / t), r += ln(1 - p); the mask is the sum of the p, k in all. As t -> 0 it is
 * the hard top-k of z + noise, a sample without replacement. In double, as the released code.
 *
 * Ours: k may be any real number, so that a budget has a gradient. With n = ceil(k) rounds the last
 * one counts k - (n - 1): the mask still adds up to k, is continuous in it, and its derivative is p
 * of the last round, the heads that would come next.
 */
#ifndef HEADROOM_MODELS_POLICIES_GUMBEL_TOP_K_H
#define HEADROOM_MODELS_POLICIES_GUMBEL_TOP_K_H

#include "models/model.h"
#include "models/base/rng.h"

/* Most scores that can be ranked together: all heads of a net. */
enum { GUMBEL_SCORES_MAX = MODEL_LAYERS_MAX * OPTION_LIST_MAX };

/* Standard Gumbel noise -ln(-ln u) at a counter. */
double gumbel_noise(const struct rng *rng, uint64_t high, uint64_t low);

/* mask[n] from the noisy scores r[n], 0 < k <= n. `rounds`, [ceil(k)][n], gets the r that each
 * round starts from; r itself is used up. */
void gumbel_top_k(double *r, double k, double t, int n, double *rounds, double *mask);

/* dL/dr[n] from dL/dmask and the rounds of the forward pass; returns dL/dk. */
double gumbel_top_k_backward(const double *rounds, double k, double t, int n, const double *dmask,
                             double *dr);

#endif
