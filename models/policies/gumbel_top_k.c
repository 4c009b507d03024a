/*
 * The relaxed top-k and its gradient; see gumbel_top_k.h.
 */
#include "models/policies/gumbel_top_k.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const double ceil_margin = 1e-4; /* a k this little above a whole number is that number */

/* ln(1 - p) is taken of no less than this. The released code clamps 1 - p at the least float, about
 * -87; scores of any size need more room, and their gradient some distance to the least double. */
static const double least_rest = 1e-250;

double gumbel_noise(const struct rng *rng, uint64_t high, uint64_t low) {
    return -log(-log(fmax(rng_uniform(rng, high, low), 0x1p-54)));
}

static int rounds_of(double k, int n) {
    assert(n >= 1 && n <= GUMBEL_SCORES_MAX);
    int rounds = (int)ceil(k - ceil_margin);
    return rounds < 1 ? 1 : rounds > n ? n : rounds;
}

/* What a round adds to the mask is p times this: 1, but a part of the last. */
static double weight_of(int round, int rounds, double k) {
    return round == rounds - 1 ? k - (rounds - 1) : 1.0;
}

/* p = softmax(r / t), and rest_i = 1 - p_i as the sum of the others, without cancellation. */
static void softmax(const double *r, double t, int n, double *p, double *rest) {
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

void gumbel_top_k(double *r, double k, double t, int n, double *rounds, double *mask) {
    double p[GUMBEL_SCORES_MAX], rest[GUMBEL_SCORES_MAX];
    int n_rounds = rounds_of(k, n);
    memset(mask, 0, (size_t)n * sizeof *mask);
    for (int round = 0; round < n_rounds; round++) {
        double weight = weight_of(round, n_rounds, k);
        memcpy(rounds + (size_t)round * (size_t)n, r, (size_t)n * sizeof *r);
        softmax(r, t, n, p, rest);
        for (int i = 0; i < n; i++) {
            mask[i] += weight * p[i];
            r[i] += log(fmax(rest[i], least_rest));
        }
    }
}

/* Backwards through a round of weight w, with dr of the round after:
 *   dp_i/dr_j = p_i (delta_ij - p_j) / t;
 *   d ln(1 - p_i)/dr_j = p_j p_i / ((1 - p_i) t) for j != i, and -p_i / t for j = i. */
double gumbel_top_k_backward(const double *rounds, double k, double t, int n, const double *dmask,
                             double *dr) {
    double p[GUMBEL_SCORES_MAX], rest[GUMBEL_SCORES_MAX], odds[GUMBEL_SCORES_MAX], dk = 0.0;
    int n_rounds = rounds_of(k, n);
    memset(dr, 0, (size_t)n * sizeof *dr);
    for (int round = n_rounds - 1; round >= 0; round--) {
        double weight = weight_of(round, n_rounds, k), mean = 0.0, before = 0.0, after = 0.0;
        softmax(rounds + (size_t)round * (size_t)n, t, n, p, rest);
        for (int i = 0; i < n; i++) {
            mean += p[i] * dmask[i];
            odds[i] = rest[i] > least_rest ? dr[i] * p[i] / rest[i] : 0.0; /* else clamped */
        }
        if (round == n_rounds - 1) dk = mean;
        for (int i = n - 1; i >= 0; i--) { /* others: sum of the odds of all heads but i */
            double own = rest[i] > least_rest ? dr[i] : 0.0;
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
