/*
 * The arithmetic of the relaxed Gumbel top-k (gumbel_top_k.h says what it is), for the processor
 * and for a card: as there, with workspace from the caller, GUMBEL_SPACE n doubles.
 */
#ifndef HEADROOM_MODELS_POLICIES_GUMBEL_ROUNDS_H
#define HEADROOM_MODELS_POLICIES_GUMBEL_ROUNDS_H

#include "models/base/philox.h"

enum { GUMBEL_SPACE = 3 };

static const double gumbel_ceil_margin =
    1e-4; /* a k so little above a whole number is that number */

/* ln(1 - p) is taken of no less than this. The released code clamps 1 - p at the least float, about
 * -87; scores of any size need more room, and their gradient some distance to the least double. */
static const double gumbel_least_rest = 1e-250;

DEVICE_CODE double gumbel_draw(const struct rng *rng, uint64_t high, uint64_t low) {
    return -log(-log(fmax(philox_uniform(rng, high, low), 0x1p-54)));
}

DEVICE_CODE int gumbel_rounds_of(double k, int n) {
    double rounds = ceil(k - gumbel_ceil_margin); /* NaN in a training that diverged: 1 */
    return rounds >= n ? n : rounds > 1.0 ? (int)rounds : 1;
}

/* What a round adds to the mask is p times this: 1, but a part of the last. */
DEVICE_CODE double gumbel_weight_of(int round, int rounds, double k) {
    return round == rounds - 1 ? k - (rounds - 1) : 1.0;
}

/* p = softmax(r / t), and rest_i = 1 - p_i as the sum of the others, without cancellation. */
DEVICE_CODE void gumbel_softmax(const double *r, double t, int n, double *p, double *rest) {
    double most = r[0], sum = 0.0, before = 0.0, after = 0.0;
    for (int i = 1; i < n; i++) most = fmax(most, r[i]);
    for (int i = 0; i < n; i++) sum += p[i] = exp((r[i] - most) / t);
    for (int i = 0; i < n; i++) {
        p[i] /= sum;
        rest[i] = before;
        before += p[i];
    }
    for (int i = n - 1; i >= 0; i--) {
        rest[i] += after;
        after += p[i];
    }
}

DEVICE_CODE void gumbel_forward_rounds(double *r, double k, double t, int n, double *rounds,
                                       double *mask, double *space) {
    double *p = space, *rest = p + n;
    int n_rounds = gumbel_rounds_of(k, n);
    for (int i = 0; i < n; i++) mask[i] = 0.0;
    for (int round = 0; round < n_rounds; round++) {
        double weight = gumbel_weight_of(round, n_rounds, k);
        double *kept = rounds + (size_t)round * (size_t)n;
        for (int i = 0; i < n; i++) kept[i] = r[i];
        gumbel_softmax(r, t, n, p, rest);
        for (int i = 0; i < n; i++) {
            mask[i] += weight * p[i];
            r[i] += log(fmax(rest[i], gumbel_least_rest));
        }
    }
}

/* Backwards through a round of weight w, with dr of the round after:
 *   dp_i/dr_j = p_i (delta_ij - p_j) / t;
 *   d ln(1 - p_i)/dr_j = p_j p_i / ((1 - p_i) t) for j != i, and -p_i / t for j = i. */
DEVICE_CODE double gumbel_backward_rounds(const double *rounds, double k, double t, int n,
                                          const double *dmask, double *dr, double *space) {
    double *p = space, *rest = p + n, *odds = rest + n, dk = 0.0;
    int n_rounds = gumbel_rounds_of(k, n);
    for (int i = 0; i < n; i++) dr[i] = 0.0;
    for (int round = n_rounds - 1; round >= 0; round--) {
        double weight = gumbel_weight_of(round, n_rounds, k), mean = 0.0, before = 0.0, after = 0.0;
        gumbel_softmax(rounds + (size_t)round * (size_t)n, t, n, p, rest);
        for (int i = 0; i < n; i++) {
            mean += p[i] * dmask[i];
            odds[i] = rest[i] > gumbel_least_rest ? dr[i] * p[i] / rest[i] : 0.0; /* or clamped */
        }
        if (round == n_rounds - 1) dk = mean;
        for (int i = n - 1; i >= 0; i--) { /* others: sum of the odds of all heads but i */
            double own = rest[i] > gumbel_least_rest ? dr[i] : 0.0;
            dr[i] += p[i] / t * (weight * (dmask[i] - mean) - own + after);
            after += odds[i];
        }
        for (int i = 0; i < n; i++) {
            dr[i] += p[i] / t * before;
            before += odds[i];
        }
    }
    return dk;
}

#endif
