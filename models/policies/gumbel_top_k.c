/*
 * The relaxed top-k and its gradient, in workspace of their own; see gumbel_top_k.h.
 */
#include "models/policies/gumbel_top_k.h"
#include "models/policies/gumbel_rounds.h"

#include <assert.h>

double gumbel_noise(const struct rng *rng, uint64_t high, uint64_t low) {
    return gumbel_draw(rng, high, low);
}

void gumbel_top_k(double *r, double k, double t, int n, double *rounds, double *mask) {
    double space[GUMBEL_SPACE * GUMBEL_SCORES_MAX];
    assert(n >= 1 && n <= GUMBEL_SCORES_MAX);
    gumbel_forward_rounds(r, k, t, n, rounds, mask, space);
}

double gumbel_top_k_backward(const double *rounds, double k, double t, int n, const double *dmask,
                             double *dr) {
    double space[GUMBEL_SPACE * GUMBEL_SCORES_MAX];
    assert(n >= 1 && n <= GUMBEL_SCORES_MAX);
    return gumbel_backward_rounds(rounds, k, t, n, dmask, dr, space);
}
