/*
 * The relaxed Gumbel top-k: its sum, its limit, its continuity in k, the law of its noise, and both
 * gradients against central differences.
 */
#include "models/policies/gumbel_top_k.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { HEADS = 6 };

/* The mask of float scores, and what it leaves for the gradient. */
static double rounds[HEADS * HEADS];

static void mask_of(const float *z, double k, double t, int heads, double *mask) {
    double r[HEADS];
    for (int h = 0; h < heads; h++) r[h] = (double)z[h];
    gumbel_top_k(r, k, t, heads, rounds, mask);
}

static void draw(uint64_t seed, double spread, float out[HEADS]) {
    struct rng rng = rng_stream(seed, RNG_GENERATOR);
    for (int h = 0; h < HEADS; h++) out[h] = (float)(spread * rng_normal(&rng, 0, (uint64_t)h));
}

static void mask_adds_up_to_k(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++)
        for (int i = 0; i <= 17; i++) {
            float r[HEADS];
            double mask[HEADS], sum = 0, k = 0.05 + 0.35 * i;
            draw(seed, seed % 2 ? 1 : 20, r);
            mask_of(r, k, seed % 3 ? 0.3 : 2, HEADS, mask);
            for (int h = 0; h < HEADS; h++) {
                assert_true(mask[h] >= 0);
                sum += mask[h];
            }
            assert_true(fabs(sum - k) < 1e-5);
        }
}

/* By hand: p = softmax(z) = (0.5, 0.3, 0.2), then p' of ln p + ln(1 - p): p (1 - p) normalised. */
static void second_round_leaves_out_what_the_first_took(void **state) {
    (void)state;
    float r[3] = {logf(0.5f), logf(0.3f), logf(0.2f)};
    double mask[3], rest[3] = {0.5 * 0.5, 0.3 * 0.7, 0.2 * 0.8}, sum = rest[0] + rest[1] + rest[2];
    mask_of(r, 1, 1, 3, mask);
    for (int h = 0; h < 3; h++) assert_true(fabs(mask[h] - exp((double)r[h])) < 1e-6);
    mask_of(r, 1.25, 1, 3, mask); /* a quarter of the second round */
    for (int h = 0; h < 3; h++)
        assert_true(fabs(mask[h] - exp((double)r[h]) - 0.25 * rest[h] / sum) < 1e-6);
}

static void cold_mask_is_the_hard_top_k(void **state) {
    (void)state;
    static const float scores[HEADS] = {3, -1, 0.5f, 2, -4, 1};
    static const int rank[HEADS] = {0, 4, 3, 1, 5, 2};
    static const float spread[] = {1, 8, 64}; /* however far ahead, no head counts twice */
    for (int s = 0; s < 3; s++)
        for (int k = 1; k <= HEADS; k++) {
            float r[HEADS];
            double mask[HEADS];
            for (int h = 0; h < HEADS; h++) r[h] = spread[s] * scores[h];
            mask_of(r, k, 0.02, HEADS, mask);
            for (int h = 0; h < HEADS; h++)
                assert_true(fabs(mask[h] - (rank[h] < k ? 1 : 0)) < 1e-4);
        }
}

static void mask_is_continuous_in_k(void **state) {
    (void)state;
    float r[HEADS];
    double below[HEADS], above[HEADS];
    draw(3, 1, r);
    for (int k = 1; k < HEADS; k++) {
        mask_of(r, k - 1e-3, 0.5, HEADS, below);
        mask_of(r, k + 1e-3, 0.5, HEADS, above);
        for (int h = 0; h < HEADS; h++) assert_true(fabs(above[h] - below[h]) < 2.1e-3);
    }
}

static double weighted(const float *r, double k, double t, const double *weight) {
    double mask[HEADS], sum = 0;
    mask_of(r, k, t, HEADS, mask);
    for (int h = 0; h < HEADS; h++) sum += weight[h] * mask[h];
    return sum;
}

static void gradients_agree_with_central_differences(void **state) {
    (void)state;
    static const double budgets[] = {0.4, 1.5, 2.9, 4.2, 5.7}, temperatures[] = {0.3, 1, 2};
    for (uint64_t seed = 0; seed < 5; seed++)
        for (int b = 0; b < 5; b++)
            for (int i = 0; i < 3; i++) {
                double k = budgets[b], t = temperatures[i], dr[HEADS], width = 2e-3;
                float r[HEADS], drawn[HEADS];
                double weight[HEADS];
                draw(seed, 1, r);
                draw(seed + 100, 1, drawn);
                for (int h = 0; h < HEADS; h++) weight[h] = (double)drawn[h];
                weighted(r, k, t, weight);
                double dk = gumbel_top_k_backward(rounds, k, t, HEADS, weight, dr);
                double numeric =
                    (weighted(r, k + width, t, weight) - weighted(r, k - width, t, weight)) /
                    (2 * width);
                assert_true(fabs(dk - numeric) < 1e-3);
                for (int h = 0; h < HEADS; h++) {
                    float kept = r[h];
                    r[h] = kept + (float)width;
                    double up = weighted(r, k, t, weight), high = (double)r[h];
                    r[h] = kept - (float)width;
                    numeric = (up - weighted(r, k, t, weight)) / (high - (double)r[h]);
                    r[h] = kept;
                    if (fabs(dr[h] - numeric) > 1e-3 + 1e-3 * fabs(numeric))
                        fail_msg("k %g, t %g, head %d: numeric %.6g, analytic %.6g", k, t, h,
                                 numeric, dr[h]);
                }
            }
}

/* The largest of z + noise is head h with probability softmax(z)_h: the Gumbel-max theorem. */
static void noise_draws_heads_with_their_softmax_probability(void **state) {
    (void)state;
    enum { DRAWS = 20000 };
    static const double p[3] = {0.6, 0.3, 0.1};
    struct rng rng = rng_stream(4, RNG_NOISE);
    int won[3] = {0};
    for (uint64_t i = 0; i < DRAWS; i++) {
        double best = -INFINITY;
        int winner = 0;
        for (int h = 0; h < 3; h++) {
            double score = log(p[h]) + gumbel_noise(&rng, i, (uint64_t)h);
            assert_true(isfinite(score));
            if (score > best) winner = h;
            best = fmax(best, score);
        }
        won[winner]++;
    }
    for (int h = 0; h < 3; h++)
        assert_true(fabs(won[h] - p[h] * DRAWS) < 5 * sqrt(p[h] * (1 - p[h]) * DRAWS));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mask_adds_up_to_k),
        cmocka_unit_test(second_round_leaves_out_what_the_first_took),
        cmocka_unit_test(cold_mask_is_the_hard_top_k),
        cmocka_unit_test(mask_is_continuous_in_k),
        cmocka_unit_test(gradients_agree_with_central_differences),
        cmocka_unit_test(noise_draws_heads_with_their_softmax_probability),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
