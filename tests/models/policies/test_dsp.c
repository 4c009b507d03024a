/*
 * Differentiable subset pruning: the relaxed top-K mask against the recursion written again, its
 * limits, its Jacobian across layers by finite differences, the straight-through variant, and
 * exactly K heads at the end.
 */
#include "models/head_gates.h"
#include "tests/models/small_model.h"

#include <math.h>
#include <stdlib.h>

enum { LAYERS = 3, DIM = 16, HEADS = 4, ALL = LAYERS * HEADS, ROWS = 5, SAVED = 2 * ALL * ALL };

/* The policy in every layer of a net, called from outside the engine. */
struct net {
    struct model_config config;
    struct parameters *p, *gradients;
    _Alignas(16) float saved[LAYERS][SAVED * ROWS];
    float a[LAYERS][ROWS * HEADS];
    struct policy_step step;
};

static void set_up(struct net *n, const char *options) {
    struct error error;
    memset(n, 0, sizeof *n);
    n->config = small_config(policy_find("dsp"), options, LAYERS, DIM, HEADS);
    n->p = small_parameters(&n->config, 3);
    assert_true(parameters_new(&n->config, "gradients", &n->gradients, &error));
    n->step.noise = rng_stream(9, RNG_NOISE);
    n->step.n_samples = ROWS;
    if (n->config.policy->saved_floats)
        assert_true(n->config.policy->saved_floats(&n->config, 0) <= SAVED);
}

static void tear_down(struct net *n) {
    parameters_free(n->p);
    parameters_free(n->gradients);
}

static struct gate_call call_of(struct net *n, int layer) {
    return (struct gate_call){.config = &n->config,
                              .layer = layer,
                              .heads = HEADS,
                              .rows = ROWS,
                              .param = n->p->layer[layer].policy,
                              .grad = n->gradients->layer[layer].policy,
                              .parameters = n->p,
                              .gradients = n->gradients,
                              .saved = n->saved[layer],
                              .step = &n->step};
}

static void train_gates(struct net *n, uint64_t step, double progress) {
    n->step.step = step;
    n->step.progress = progress;
    for (int l = 0; l < LAYERS; l++) {
        struct gate_call call = call_of(n, l);
        n->config.policy->gates_train(&call, n->a[l]);
    }
}

static float *weight(struct net *n, int i) {
    return &n->p->layer[i / HEADS].policy[0][i % HEADS];
}

/* w with its Gumbel noise, from the step's stream. */
static void noisy(struct net *n, double r[ALL]) {
    for (int i = 0; i < ALL; i++) {
        double u = rng_uniform(&n->step.noise, n->step.step, (uint64_t)i);
        r[i] = (double)*weight(n, i) - log(-log(u));
    }
}

/* r = w + G; K times p = softmax(r / t), mask += p, r += ln(1 - p). */
static void mask_is_the_published_recursion(void **state) {
    (void)state;
    static const double temperatures[] = {0.2, 1, 20};
    for (int k = 1; k <= ALL; k += 3)
        for (int i = 0; i < 3; i++) {
            char options[80];
            struct net n;
            double r[ALL], mask[ALL] = {0}, total = 0;
            snprintf(options, sizeof options, "{\"heads\":%.10f,\"t_start\":%g,\"t_end\":%g}",
                     (double)k / LAYERS, temperatures[i], temperatures[i]);
            set_up(&n, options);
            train_gates(&n, 7, 0.4);
            noisy(&n, r);
            for (int round = 0; round < k; round++) {
                double p[ALL], sum = 0;
                for (int j = 0; j < ALL; j++) sum += p[j] = exp(r[j] / temperatures[i]);
                for (int j = 0; j < ALL; j++) {
                    mask[j] += p[j] / sum;
                    r[j] += log(1 - p[j] / sum);
                }
            }
            for (int row = 0; row < ROWS; row++)
                for (int j = 0; j < ALL; j++) {
                    double a = (double)n.a[j / HEADS][row * HEADS + j % HEADS];
                    if (!(fabs(a - mask[j]) < 1e-5 * (1 + mask[j])))
                        fail_msg("K=%d t=%g head %d: %.8g, not %.8g", k, temperatures[i], j, a,
                                 mask[j]);
                    total += row == 0 ? a : 0;
                }
            assert_true(fabs(total - k) < 1e-5 * ALL); /* an exact budget at every temperature */
            tear_down(&n);
        }
}

static void mask_starts_even_and_ends_as_the_k_largest(void **state) {
    (void)state;
    struct net n;
    set_up(&n, "{\"heads\":1.6666667}");                 /* K = 5 */
    for (int i = 0; i < ALL; i++) *weight(&n, i) *= 500; /* as a rate of 0.5 can make them */
    for (uint64_t step = 0; step < 30; step++) {
        double r[ALL];
        train_gates(&n, step, 0);
        for (int i = 0; i < ALL; i++)
            assert_true(fabs((double)n.a[i / HEADS][i % HEADS] - 5.0 / ALL) < 0.3);
        train_gates(&n, step, 1);
        noisy(&n, r);
        for (int i = 0; i < ALL; i++) {
            int better = 0;
            for (int j = 0; j < ALL; j++) better += r[j] > r[i];
            assert_true(n.a[i / HEADS][i % HEADS] == (better < 5));
        }
    }
    tear_down(&n);
}

static void noise_changes_with_the_step_and_not_with_the_row(void **state) {
    (void)state;
    struct net n;
    float before[HEADS];
    set_up(&n, "{\"heads\":2,\"t_start\":0.5,\"t_end\":0.5}");
    train_gates(&n, 3, 0.5);
    memcpy(before, n.a[1], sizeof before);
    for (int r = 1; r < ROWS; r++) assert_memory_equal(n.a[1] + r * HEADS, before, sizeof before);
    train_gates(&n, 3, 0.5);
    assert_memory_equal(n.a[1], before, sizeof before);
    train_gates(&n, 4, 0.5);
    assert_memory_not_equal(n.a[1], before, sizeof before);
    tear_down(&n);
}

static void draw(float da[LAYERS][ROWS * HEADS]) {
    struct rng rng = rng_stream(5, RNG_GENERATOR);
    for (int l = 0; l < LAYERS; l++)
        for (int i = 0; i < ROWS * HEADS; i++)
            da[l][i] = (float)rng_normal(&rng, (uint64_t)l, (uint64_t)i);
}

/* <da, a> over all layers, as a function of w. */
static double objective(struct net *n, float da[LAYERS][ROWS * HEADS], uint64_t step) {
    double sum = 0;
    train_gates(n, step, 0.5);
    for (int l = 0; l < LAYERS; l++)
        for (int i = 0; i < ROWS * HEADS; i++) sum += (double)da[l][i] * (double)n->a[l][i];
    return sum;
}

static void backward(struct net *n, float da[LAYERS][ROWS * HEADS]) {
    memset(n->gradients->arena.base, 0, n->gradients->arena.used);
    for (int l = LAYERS - 1; l >= 0; l--) {
        struct gate_call call = call_of(n, l);
        n->config.policy->gates_backward(&call, da[l], NULL);
    }
}

static void gradient_reaches_the_weights_of_all_layers(void **state) {
    (void)state;
    static const char *const temperatures[] = {"0.3", "1", "8"};
    float da[LAYERS][ROWS * HEADS];
    draw(da);
    for (int t = 0; t < 3; t++)
        for (int k = 1; k <= 10; k += 3) {
            char options[96];
            struct net n;
            double largest = 0;
            snprintf(options, sizeof options, "{\"heads\":%.10f,\"t_start\":%s,\"t_end\":%s}",
                     (double)k / LAYERS, temperatures[t], temperatures[t]);
            set_up(&n, options);
            for (uint64_t step = 0; step < 5; step++) {
                objective(&n, da, step);
                backward(&n, da);
                for (int i = 0; i < ALL; i++) {
                    float at = *weight(&n, i), width = 4e-3f;
                    double analytic = (double)n.gradients->layer[i / HEADS].policy[0][i % HEADS];
                    *weight(&n, i) = at + width;
                    double up = objective(&n, da, step);
                    *weight(&n, i) = at - width;
                    double down = objective(&n, da, step);
                    *weight(&n, i) = at;
                    double numeric = (up - down) / (double)((at + width) - (at - width));
                    if (fabs(numeric - analytic) > 2e-3 + 5e-3 * fabs(numeric))
                        fail_msg("t=%s K=%d w[%d]: numeric %.6g, analytic %.6g", temperatures[t], k,
                                 i, numeric, analytic);
                    largest = fmax(largest, fabs(numeric));
                }
            }
            assert_true(largest > 0.02); /* else this shows nothing */
            tear_down(&n);
        }
}

/* Where the mask is hard there is nothing to divide by zero. */
static void gradient_is_finite_at_every_temperature(void **state) {
    (void)state;
    struct net n;
    float da[LAYERS][ROWS * HEADS];
    for (int l = 0; l < LAYERS; l++)
        for (int i = 0; i < ROWS * HEADS; i++) da[l][i] = 10;
    set_up(&n, "{\"heads\":3}");
    for (int scale = 0; scale < 3; scale++) {
        for (uint64_t step = 0; step < 40; step++) {
            for (int l = 0; l < LAYERS; l++) {
                n.step.step = step;
                n.step.progress = (double)step / 39;
                struct gate_call call = call_of(&n, l);
                n.config.policy->gates_train(&call, n.a[l]);
            }
            backward(&n, da);
            for (int i = 0; i < ALL; i++)
                assert_true(isfinite((double)n.gradients->layer[i / HEADS].policy[0][i % HEADS]));
        }
        for (int i = 0; i < ALL; i++) *weight(&n, i) *= 100;
    }
    tear_down(&n);
}

static void straight_through_runs_k_heads_and_passes_the_gradient(void **state) {
    (void)state;
    struct net n;
    float da[LAYERS][ROWS * HEADS];
    struct head_gates gates;
    draw(da);
    set_up(&n, "{\"heads\":1.6666667,\"estimator\":\"ste\"}");
    train_gates(&n, 0, 0.1);
    n.config.policy->keep(n.p, 0, &gates);
    assert_int_equal(head_gates_total(&n.config, &gates), 5);
    backward(&n, da);
    for (int i = 0; i < ALL; i++) {
        double sum = 0;
        for (int r = 0; r < ROWS; r++) {
            sum += (double)da[i / HEADS][r * HEADS + i % HEADS];
            assert_true(n.a[i / HEADS][r * HEADS + i % HEADS] == gates.value[i / HEADS][i % HEADS]);
        }
        assert_true(fabs((double)n.gradients->layer[i / HEADS].policy[0][i % HEADS] - sum) < 1e-5);
    }
    tear_down(&n);
}

/* Over the whole net, as many as asked for, also where all w are equal. */
static void exactly_k_heads_of_the_largest_weights_stay(void **state) {
    (void)state;
    for (int k = 1; k <= ALL; k++)
        for (int equal = 0; equal < 2; equal++) {
            char options[64];
            struct net n;
            struct head_gates gates;
            snprintf(options, sizeof options, "{\"heads\":%.10f}", (double)k / LAYERS);
            set_up(&n, options);
            for (int i = 0; equal && i < ALL; i++) *weight(&n, i) = 0;
            n.config.policy->keep(n.p, 0, &gates);
            assert_int_equal(head_gates_total(&n.config, &gates), k);
            for (int i = 0; i < ALL; i++)
                for (int j = 0; j < ALL; j++)
                    if (*weight(&n, i) > *weight(&n, j))
                        assert_true(gates.value[i / HEADS][i % HEADS] >=
                                    gates.value[j / HEADS][j % HEADS]);
            tear_down(&n);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mask_is_the_published_recursion),
        cmocka_unit_test(mask_starts_even_and_ends_as_the_k_largest),
        cmocka_unit_test(noise_changes_with_the_step_and_not_with_the_row),
        cmocka_unit_test(gradient_reaches_the_weights_of_all_layers),
        cmocka_unit_test(gradient_is_finite_at_every_temperature),
        cmocka_unit_test(straight_through_runs_k_heads_and_passes_the_gradient),
        cmocka_unit_test(exactly_k_heads_of_the_largest_weights_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
