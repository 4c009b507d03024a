/*
 * AdamW against the same update in double precision with its bias corrections written out as in
 * the paper (Loshchilov & Hutter, arXiv 1711.05101, algorithm 2), the gradient clipping and the
 * learning-rate schedule.
 */
#include "tests/models/small_model.h"
#include "models/optimizer.h"

#include <math.h>
#include <stdlib.h>

static const struct optimizer_config plain_config = {.learning_rate = 0.02,
                                                     .weight_decay = 0.3,
                                                     .beta1 = 0.8,
                                                     .beta2 = 0.95,
                                                     .epsilon = 1e-2,
                                                     .warmup_steps = 5,
                                                     .total_steps = 20};

struct fixture {
    struct parameters *p, *g;
    struct optimizer *optimizer;
};

static void set_up(struct fixture *f, const struct optimizer_config *config) {
    struct error error;
    struct model_config model = small_config(policy_find("budgetformer"), "{}", 1, 8, 2);
    f->p = small_parameters(&model, 1);
    f->g = small_parameters(&model, 2);
    assert_true(optimizer_new(f->p, config, &f->optimizer, &error));
}

static void tear_down(struct fixture *f) {
    optimizer_free(f->optimizer);
    parameters_free(f->p);
    parameters_free(f->g);
}

static float *values(const struct parameters *p, int tensor) {
    return (float *)(void *)p->arena.base + p->tensors[tensor].offset;
}

/* New gradients for every step, of sizes from 1e-3 to 1. */
static void draw_gradients(struct parameters *g, int step) {
    struct rng rng = rng_stream(4, RNG_GENERATOR);
    for (int i = 0; i < g->n_tensors; i++)
        for (size_t j = 0; j < g->tensors[i].count; j++)
            values(g, i)[j] =
                (float)(rng_normal(&rng, (uint64_t)(step * 100 + i), j) * pow(10, -(int)(j % 4)));
}

static void updates_equal_the_reference(void **state) {
    (void)state;
    enum { STEPS = 20 };
    const struct optimizer_config *c = &plain_config;
    struct fixture f;
    set_up(&f, c);
    size_t floats = f.p->arena.used / sizeof(float);
    double *mean = calloc(floats, sizeof *mean), *square = calloc(floats, sizeof *square);
    double *expected = calloc(floats, sizeof *expected);
    assert_true(mean && square && expected);
    for (int i = 0; i < f.p->n_tensors; i++)
        for (size_t j = 0; j < f.p->tensors[i].count; j++)
            expected[f.p->tensors[i].offset + j] = (double)values(f.p, i)[j];
    for (int t = 1; t <= STEPS; t++) {
        draw_gradients(f.g, t);
        double rate = optimizer_rate(c, t - 1);
        assert_true(optimizer_step(f.optimizer, f.p, f.g) == rate);
        for (int i = 0; i < f.p->n_tensors; i++)
            for (size_t j = 0; j < f.p->tensors[i].count; j++) {
                size_t at = f.p->tensors[i].offset + j;
                double g = (double)values(f.g, i)[j];
                mean[at] = c->beta1 * mean[at] + (1 - c->beta1) * g;
                square[at] = c->beta2 * square[at] + (1 - c->beta2) * g * g;
                double m = mean[at] / (1 - pow(c->beta1, t)),
                       v = square[at] / (1 - pow(c->beta2, t));
                double decay = f.p->tensors[i].decay ? c->weight_decay * expected[at] : 0;
                expected[at] -= rate * (m / (sqrt(v) + c->epsilon) + decay);
                if (!(fabs((double)values(f.p, i)[j] - expected[at]) < 2e-6))
                    fail_msg("step %d, %s[%zu]: %.8g, reference %.8g", t, f.p->tensors[i].name, j,
                             (double)values(f.p, i)[j], expected[at]);
            }
    }
    free(mean), free(square), free(expected);
    tear_down(&f);
}

static void only_weight_matrices_decay(void **state) {
    (void)state;
    struct fixture f;
    struct optimizer_config config = plain_config;
    config.warmup_steps = 0;
    set_up(&f, &config);
    int decayed = 0;
    for (int i = 0; i < f.p->n_tensors; i++)
        memset(values(f.g, i), 0, f.g->tensors[i].count * sizeof(float));
    for (int i = 0; i < f.p->n_tensors; i++) values(f.p, i)[0] = 2.0f;
    optimizer_step(f.optimizer, f.p, f.g);
    for (int i = 0; i < f.p->n_tensors; i++) {
        const char *name = f.p->tensors[i].name;
        bool matrix = strstr(name, ".weight") && !strstr(name, "embed") && !strstr(name, "ln");
        assert_int_equal(f.p->tensors[i].decay, matrix);
        assert_true(fabs((double)values(f.p, i)[0] - (matrix ? 2 * (1 - 0.02 * 0.3) : 2)) < 1e-6);
        decayed += matrix;
    }
    assert_int_equal(decayed, 4 + 3 + 1); /* qkv, o, up, down; W1, w2, W_d; classifier */
    tear_down(&f);
}

static double gradient_norm(const struct parameters *g) {
    struct adamw_tensor tensor[64] = {{0}};
    double sum = 0.0;
    assert_true(g->n_tensors <= 64);
    for (int i = 0; i < g->n_tensors; i++) {
        tensor[i].offset = g->tensors[i].offset;
        tensor[i].count = g->tensors[i].count;
    }
    device_cpu()->ops->square_sum(device_cpu(), g->n_tensors, tensor,
                                  (const float *)(const void *)g->arena.base, &sum);
    return sqrt(sum);
}

static void norm_is_that_of_all_gradients(void **state) {
    (void)state;
    struct fixture f;
    set_up(&f, &plain_config);
    draw_gradients(f.g, 0);
    double square = 0;
    for (int i = 0; i < f.g->n_tensors; i++)
        for (size_t j = 0; j < f.g->tensors[i].count; j++)
            square += pow((double)values(f.g, i)[j], 2);
    assert_true(fabs(gradient_norm(f.g) - sqrt(square)) < 1e-9 * sqrt(square));
    tear_down(&f);
}

/* Clipping at c with gradients g equals no clipping with g scaled to norm c, all tensors alike. */
static void long_gradients_are_scaled_to_the_clip_norm(void **state) {
    (void)state;
    struct fixture clipped, scaled;
    struct optimizer_config config = plain_config;
    set_up(&scaled, &config);
    draw_gradients(scaled.g, 1);
    double norm = gradient_norm(scaled.g);
    config.clip_norm = norm / 4;
    set_up(&clipped, &config);
    draw_gradients(clipped.g, 1);
    for (int i = 0; i < scaled.g->n_tensors; i++)
        for (size_t j = 0; j < scaled.g->tensors[i].count; j++) values(scaled.g, i)[j] *= 0.25f;
    optimizer_step(clipped.optimizer, clipped.p, clipped.g);
    optimizer_step(scaled.optimizer, scaled.p, scaled.g);
    for (int i = 0; i < scaled.p->n_tensors; i++)
        for (size_t j = 0; j < scaled.p->tensors[i].count; j++)
            assert_true(fabsf(values(scaled.p, i)[j] - values(clipped.p, i)[j]) < 1e-7f);
    tear_down(&clipped);
    tear_down(&scaled);
}

static void short_gradients_are_left_alone(void **state) {
    (void)state;
    struct fixture clipped, plain;
    struct optimizer_config config = plain_config;
    set_up(&plain, &config);
    draw_gradients(plain.g, 1);
    config.clip_norm = gradient_norm(plain.g) * 1.01;
    set_up(&clipped, &config);
    draw_gradients(clipped.g, 1);
    optimizer_step(clipped.optimizer, clipped.p, clipped.g);
    optimizer_step(plain.optimizer, plain.p, plain.g);
    assert_memory_equal(clipped.p->arena.base, plain.p->arena.base, plain.p->arena.used);
    tear_down(&clipped);
    tear_down(&plain);
}

static void rate_rises_linearly_then_falls_as_a_cosine(void **state) {
    (void)state;
    struct optimizer_config c = {.learning_rate = 0.5, .warmup_steps = 4, .total_steps = 12};
    static const double expected[] = {0.125, 0.25, 0.375, 0.5}; /* never zero */
    for (int64_t step = 0; step < 4; step++)
        assert_true(fabs(optimizer_rate(&c, step) - expected[step]) < 1e-12);
    assert_true(fabs(optimizer_rate(&c, 4) - 0.5) < 1e-12);
    assert_true(fabs(optimizer_rate(&c, 6) - 0.25 * (1 + sqrt(0.5))) < 1e-12); /* a quarter */
    assert_true(fabs(optimizer_rate(&c, 8) - 0.25) < 1e-12);                   /* half way */
    assert_true(optimizer_rate(&c, 11) > 0);
    assert_true(fabs(optimizer_rate(&c, 12)) < 1e-12);
    assert_true(fabs(optimizer_rate(&c, 99)) < 1e-12); /* stays there */
}

/* A tensor with a peak rate of its own moves as it would in an optimiser of that peak; the others
 * do not notice. */
static void tensors_may_have_a_peak_rate_of_their_own(void **state) {
    (void)state;
    enum { OWN = 3 };
    struct fixture mixed, slow, fast;
    struct optimizer_config config = plain_config;
    set_up(&mixed, &config);
    set_up(&slow, &config);
    config.learning_rate = 0.25;
    set_up(&fast, &config);
    mixed.p->tensors[OWN].learning_rate = 0.25f;
    for (int t = 0; t < 8; t++) { /* warm-up and cosine */
        draw_gradients(mixed.g, t);
        assert_true(optimizer_step(mixed.optimizer, mixed.p, mixed.g) ==
                    optimizer_rate(&plain_config, t));
        optimizer_step(slow.optimizer, slow.p, mixed.g);
        optimizer_step(fast.optimizer, fast.p, mixed.g);
    }
    for (int i = 0; i < mixed.p->n_tensors; i++) {
        const struct fixture *same = i == OWN ? &fast : &slow, *other = i == OWN ? &slow : &fast;
        size_t bytes = mixed.p->tensors[i].count * sizeof(float);
        assert_memory_equal(values(mixed.p, i), values(same->p, i), bytes);
        assert_memory_not_equal(values(mixed.p, i), values(other->p, i), bytes);
    }
    tear_down(&mixed);
    tear_down(&slow);
    tear_down(&fast);
}

static void schedule_may_be_all_cosine_or_all_warm_up(void **state) {
    (void)state;
    struct optimizer_config c = {.learning_rate = 0.5, .warmup_steps = 0, .total_steps = 10};
    assert_true(optimizer_rate(&c, 0) == 0.5);
    assert_true(fabs(optimizer_rate(&c, 5) - 0.25) < 1e-12);
    c.warmup_steps = 10;
    assert_true(fabs(optimizer_rate(&c, 9) - 0.5) < 1e-12);
    assert_true(isfinite(optimizer_rate(&c, 10)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_equal_the_reference),
        cmocka_unit_test(only_weight_matrices_decay),
        cmocka_unit_test(norm_is_that_of_all_gradients),
        cmocka_unit_test(long_gradients_are_scaled_to_the_clip_norm),
        cmocka_unit_test(short_gradients_are_left_alone),
        cmocka_unit_test(rate_rises_linearly_then_falls_as_a_cosine),
        cmocka_unit_test(tensors_may_have_a_peak_rate_of_their_own),
        cmocka_unit_test(schedule_may_be_all_cosine_or_all_warm_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
