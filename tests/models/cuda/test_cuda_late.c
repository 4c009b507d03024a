/*
 * Rows of embeddings that have their steps late (models/optimizer.h) against the same device with
 * each step made when it is due: every loss and all numbers, bit for bit, whoever asks for them
 * when. And a loss that is heard after the optimiser's step against one that is heard before it.
 */
#include "tests/models/cuda/engine.h"

enum { VOCABULARY = 90, STEPS_READ = 40 };

/* A device without late rows. It is closed as the one that it is made from. */
struct without_late {
    struct device_ops ops;
    struct far_device far;
#if HAVE_CUDA
    struct cuda_device card;
#endif
};

static const struct device *without_late(const struct tested_device *tested, const struct device *d,
                                         struct without_late *out) {
    struct device *copy = &out->far.device;
    out->ops = *d->ops;
    out->ops.adamw_late = NULL;
    if (!tested->is_card) out->far = *(const struct far_device *)(const void *)d;
#if HAVE_CUDA
    if (tested->is_card) {
        out->card = *(const struct cuda_device *)(const void *)d;
        copy = &out->card.device;
    }
#endif
    copy->ops = &out->ops;
    return copy;
}

/* Tokens of a step: of a window of the vocabulary that moves on and comes back, with one that is
 * there more than once in each input, so that rows are late by many numbers of steps, and the last
 * third of them are never read. */
static void draw(struct data *data, int step) {
    struct rng rng = rng_stream(11, RNG_GENERATOR);
    uint32_t from = rng_below(&rng, (uint64_t)step, 0, VOCABULARY / 2);
    for (int i = 0; i < data->batch.n_tokens; i++)
        data->tokens[i] = (int32_t)(from + rng_below(&rng, (uint64_t)step, (uint64_t)i + 1, 8));
}

struct late_case {
    const char *policy, *options;
    int dim, separator, steps;
    double beta1, epsilon, clip_norm;
};

/* Widths that a block's threads take at once, whole or not, and one that they come back to; every
 * table; more steps than are noted; and moments that shrink until they change nothing. */
static const struct late_case cases[] = {
    {"fixed", "{\"heads\":4}", 16, -1, STEPS_READ, 0.9, 1e-2, 1},
    {"fixed", "{\"heads\":4}", 20, 7, STEPS_READ, 0.9, 1e-8, 0},
    {"bag-of-words", "{}", 33, -1, STEPS_READ, 0.9, 1e-8, 0.01},
    {"bag-of-bigrams", "{\"buckets\":70}", 6, -1, STEPS_READ, 0.9, 1e-8, 1},
    {"bag-of-words", "{}", 1100, -1, STEPS_READ, 0.9, 1e-8, 1},
    {"bag-of-words", "{}", 12, -1, 2 * ADAMW_PAST + 9, 0.9, 1e-8, 1},
    {"bag-of-words", "{}", 7, -1, ADAMW_PAST + 50, 0.4, 1e-6, 0},
    {"bag-of-words", "{}", 8, -1, ADAMW_PAST, 0.9, 1e-16, 0},
};

static struct model_config config_of(const struct late_case *c) {
    struct model_config config = small_config(policy_find(c->policy), c->options, 2, 16, 4);
    config.dim = c->dim;
    config.ffn = 2 * c->dim;
    config.vocab = VOCABULARY;
    config.dropout = 0.2;
    if (c->separator >= 0) config.separator = c->separator;
    config.head_dim = c->dim / 4;
    return config;
}

static void new_side(struct side *side, const struct device *d, const struct late_case *c,
                     const struct model_config *config, const struct trainer_limits *limits) {
    struct optimizer_config rule = steady;
    struct error error;
    rule.beta1 = c->beta1;
    rule.epsilon = c->epsilon;
    rule.clip_norm = c->clip_norm;
    rule.total_steps = c->steps;
    side_new(side, d, config, limits);
    optimizer_free(side->optimizer);
    if (!optimizer_new_on(d, trainer_parameters(side->trainer), &rule, &side->optimizer, &error))
        fail_msg("%s", error.text);
}

static void assert_same_values(const struct side *late, const struct side *dense, int step) {
    trainer_store(late->trainer);
    trainer_store(dense->trainer);
    for (size_t i = 0; i < dense->p->arena.used; i++)
        if (late->p->arena.base[i] != dense->p->arena.base[i])
            fail_msg("byte %zu of the parameters differs after step %d", i, step);
}

static void check_case(const struct device *d, const struct device *dense_device,
                       const struct late_case *c) {
    static const int lengths[] = {3, 1, SMALL_LEN, 8};
    struct data data;
    struct side late, dense;
    data_fill(&data, 4, lengths, 4);
    struct model_config config = config_of(c);
    new_side(&late, d, c, &config, &data.limits);
    new_side(&dense, dense_device, c, &config, &data.limits);
    int was_late = 0;
    for (int s = 0; s < c->steps; s++) {
        struct policy_step here = step_at(s, 0.3), there = here;
        draw(&data, s);
        trainer_begin(late.trainer, &data.batch, &here);
        optimizer_step(late.optimizer, trainer_parameters(late.trainer),
                       trainer_gradients(late.trainer));
        double loss = trainer_end(late.trainer, &here);
        assert_true(loss == trainer_step(dense.trainer, &data.batch, &there));
        optimizer_step(dense.optimizer, trainer_parameters(dense.trainer),
                       trainer_gradients(dense.trainer));
        was_late += trainer_parameters(late.trainer)->late != NULL;
        assert_null(trainer_parameters(dense.trainer)->late);
        if (s % 17 != 5) continue;
        draw(&data, s + 1000); /* other rows, without a step after them */
        assert_true(trainer_loss(late.trainer, &data.batch, &here) ==
                    trainer_loss(dense.trainer, &data.batch, &there));
        assert_int_equal(trainer_correct(late.trainer, &data.batch, &here),
                         trainer_correct(dense.trainer, &data.batch, &there));
        if (c->steps == STEPS_READ && s > STEPS_READ / 2) assert_same_values(&late, &dense, s);
    }
    assert_int_equal(was_late, c->steps);
    assert_same_values(&late, &dense, c->steps);
    assert_null(trainer_parameters(late.trainer)->late);
    side_free(&late);
    side_free(&dense);
    free(data.tokens);
}

static void late_steps_have_the_bits_of_steps_in_time(const struct tested_device *tested,
                                                      const struct device *d) {
    struct without_late dense;
    const struct device *in_time = without_late(tested, d, &dense);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_case(d, in_time, &cases[i]);
}

/* Values that are taken up again belong to the same moments, which have had all their steps. */
static void
values_that_are_taken_up_find_the_moments_of_steps_in_time(const struct tested_device *tested,
                                                           const struct device *d) {
    static const int lengths[] = {5, 9};
    const struct late_case *c = &cases[0];
    struct without_late dense_device;
    struct side side[2];
    struct data data;
    data_fill(&data, 2, lengths, 4);
    struct model_config config = config_of(c);
    new_side(&side[0], d, c, &config, &data.limits);
    new_side(&side[1], without_late(tested, d, &dense_device), c, &config, &data.limits);
    for (int i = 0; i < 2; i++)
        for (int s = 0; s < 20; s++) {
            struct policy_step step = step_at(s, 0.3);
            draw(&data, s);
            trainer_step(side[i].trainer, &data.batch, &step);
            optimizer_step(side[i].optimizer, trainer_parameters(side[i].trainer),
                           trainer_gradients(side[i].trainer));
            if (s == 10) trainer_load(side[i].trainer);
        }
    assert_same_values(&side[0], &side[1], 20);
    for (int i = 0; i < 2; i++) side_free(&side[i]);
    free(data.tokens);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_ALL(late_steps_have_the_bits_of_steps_in_time),
        ON_ALL(values_that_are_taken_up_find_the_moments_of_steps_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
