/*
 * The relaxed top-k and its gradient; see gumbel_top_k.h. The backward pass makes the rounds again
 * instead of keeping them.
 */
#include "models/policies/gumbel_top_k.h"
#include "models/option.h"

#include <math.h>

static const double least_rest = 1e-6;  /* 1 - p is held above this before its logarithm */
static const double ceil_margin = 1e-4; /* a k this little above a whole number is that number */

double gumbel_noise(const struct rng *rng, uint64_t high, uint64_t low) {
    return -log(-log(fmax(rng_uniform(rng, high, low), 0x1p-54)));
}

/* p[round][heads] of every round; returns how many. */
static int make_rounds(const float *r, double k, double t, int heads,
                       double p[OPTION_LIST_MAX][OPTION_LIST_MAX]) {
    double now[OPTION_LIST_MAX];
    int n = (int)ceil(k - ceil_margin);
    n = n < 1 ? 1 : n > heads ? heads : n;
    for (int h = 0; h < heads; h++) now[h] = (double)r[h];
    for (int i = 0; i < n; i++) {
        double max = now[0], sum = 0.0;
        for (int h = 1; h < heads; h++) max = fmax(max, now[h]);
        for (int h = 0; h < heads; h++) sum += p[i][h] = exp((now[h] - max) / t);
        for (int h = 0; h < heads; h++) {
            p[i][h] /= sum;
            now[h] += log(fmax(1.0 - p[i][h], least_rest));
        }
    }
    return n;
}

void gumbel_top_k(const float *r, double k, double t, int heads, float *mask) {
    double p[OPTION_LIST_MAX][OPTION_LIST_MAX];
    int n = make_rounds(r, k, t, heads, p);
    for (int h = 0; h < heads; h++) {
        double sum = (k - (n - 1)) * p[n - 1][h];
        for (int i = 0; i < n - 1; i++) sum += p[i][h];
        mask[h] = (float)sum;
    }
}

/* Round i leaves G = dL/dr of the next one: dL/dp = w_i dmask - G / (1 - p), and dL/dr of its own
 * is G + p (dL/dp - <p, dL/dp>) / t. */
double gumbel_top_k_backward(const float *r, double k, double t, int heads, const float *dmask,
                             double *dr) {
    double p[OPTION_LIST_MAX][OPTION_LIST_MAX], dk = 0.0;
    int n = make_rounds(r, k, t, heads, p);
    for (int h = 0; h < heads; h++) {
        dr[h] = 0.0;
        dk += p[n - 1][h] * (double)dmask[h];
    }
    for (int i = n - 1; i >= 0; i--) {
        double weight = i == n - 1 ? k - (n - 1) : 1.0, dp[OPTION_LIST_MAX], mean = 0.0;
        for (int h = 0; h < heads; h++) {
            double rest = 1.0 - p[i][h];
            dp[h] = weight * (double)dmask[h] - (rest > least_rest ? dr[h] / rest : 0.0);
            mean += p[i][h] * dp[h];
        }
        for (int h = 0; h < heads; h++) dr[h] += p[i][h] * (dp[h] - mean) / t;
    }
    return dk;
}
