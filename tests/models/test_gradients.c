/*
 * Every gradient against central differences, tensor by tensor and by name: the derivative of the
 * loss along a random direction of one tensor equals the analytic gradient's projection on it.
 * Dropout and noise are on, being functions of the step's counter.
 */
#include "tests/models/per_token_gate.h"
#include "tests/models/small_model.h"

#include <math.h>
#include <stdlib.h>

static double total_loss(struct trainer *trainer, const struct batch *batch, double progress) {
    struct policy_step step = {.progress = progress, .step = 5, .noise = rng_stream(3, RNG_NOISE)};
    double loss = trainer_loss(trainer, batch, &step);
    return loss + step.regulariser;
}

/* The methods that check_gradients has seen, for the last test. */
static const struct policy_ops *seen[256];
static int n_seen;

/* Fails, naming the tensor, unless every directional derivative agrees to `tolerance`. */
static void check_gradients(const struct model_config *config, double progress) {
    struct small_batch data;
    struct trainer *trainer = NULL;
    struct error error;
    assert_in_range(n_seen, 0, sizeof seen / sizeof *seen - 1);
    seen[n_seen++] = config->policy;
    small_batch_fill(&data, 4);
    struct parameters *p = small_parameters(config, 8);
    assert_true(trainer_new(p, &small_limits, 1, &trainer, &error));
    struct policy_step step = {.progress = progress, .step = 5, .noise = rng_stream(3, RNG_NOISE)};
    trainer_step(trainer, &data.batch, &step);
    const struct parameters *g = trainer_gradients(trainer);
    size_t floats = p->arena.used / sizeof(float);
    float *gradient = malloc(floats * sizeof *gradient);
    float *values = (float *)(void *)p->arena.base;
    assert_non_null(gradient);
    memcpy(gradient, g->arena.base, floats * sizeof *gradient);
    struct rng rng = rng_stream(77, RNG_GENERATOR);
    for (int i = 0; i < p->n_tensors; i++) {
        const struct tensor *row = &p->tensors[i];
        float *value = values + row->offset;
        float *kept = malloc(row->count * sizeof *kept);
        assert_non_null(kept);
        memcpy(kept, value, row->count * sizeof *kept);
        for (int direction = 0; direction < 3; direction++) {
            double analytic = 0.0, loss[2], width = 4e-3 / sqrt((double)row->count) + 1e-4;
            for (int side = 0; side < 2; side++) {
                for (size_t j = 0; j < row->count; j++) {
                    double v = rng_normal(&rng, (uint64_t)(i * 3 + direction), j);
                    value[j] = (float)((double)kept[j] + (side ? -width : width) * v);
                    if (side == 0) analytic += v * (double)gradient[row->offset + j];
                }
                loss[side] = total_loss(trainer, &data.batch, progress);
            }
            memcpy(value, kept, row->count * sizeof *kept);
            double numeric = (loss[0] - loss[1]) / (2 * width);
            if (fabs(numeric - analytic) > 2e-3 + 1e-2 * fabs(analytic))
                fail_msg("%s, direction %d: numeric %.6g, analytic %.6g", row->name, direction,
                         numeric, analytic);
        }
        free(kept);
    }
    free(gradient);
    trainer_free(trainer);
    parameters_free(p);
}

static void fixed_heads(void **state) {
    (void)state;
    struct model_config c = small_config(policy_find("fixed"), "{\"heads\":[4,0,1]}", 3, 16, 4);
    c.dropout = 0.2;
    check_gradients(&c, 0.5);
}

static void heads_of_odd_size(void **state) {
    (void)state;
    struct model_config c = small_config(policy_find("fixed"), "{\"heads\":3}", 1, 15, 3);
    check_gradients(&c, 0.5);
}

/* No method has layers and no LayerNorm behind them, but the engine takes them: nothing follows the
 * end of the last sublayer. */
static void layers_without_a_last_norm(void **state) {
    (void)state;
    struct model_config c = small_config(policy_find("fixed"), "{\"heads\":[2,0]}", 2, 16, 4);
    c.final_norm = false;
    c.dropout = 0.2;
    check_gradients(&c, 0);
}

static void budgetformer_with_noise_and_cost(void **state) {
    (void)state;
    struct model_config c = small_config(policy_find("budgetformer"),
                                         "{\"cost\":0.5,\"entropy_start\":-0.5}", 2, 16, 4);
    c.dropout = 0.1;
    check_gradients(&c, 0.1);
    check_gradients(&c, 0.5);
}

static void budgetformer_outside_the_hinge(void **state) {
    (void)state;
    static const char *const options[] = {"{\"initial_budget\":0.97,\"cost\":0}",
                                          "{\"initial_budget\":0.03,\"cost\":0}"};
    for (int i = 0; i < 2; i++) {
        struct model_config c = small_config(policy_find("budgetformer"), options[i], 1, 16, 4);
        check_gradients(&c, 0.2);
    }
}

/* Everything that changes a path between the loss and f_o or g_d, away from kinks. */
static void budgetformer_s_variants_and_ablations(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"budgetformer-paper", "{\"cost\":0.5,\"entropy_start\":-0.5}"},
        {"budgetformer-paper", "{\"initial_budget\":0.97}"},
        {"budgetformer", "{\"estimator\":\"gumbel\",\"cost\":0.5,\"initial_budget\":0.6}"},
        {"budgetformer", "{\"estimator\":\"gumbel\",\"noise\":1,\"initial_budget\":0.35}"},
        {"budgetformer", "{\"global_budget\":true,\"cost\":0.5,\"initial_budget\":0.95}"},
        {"budgetformer-paper", "{\"global_budget\":true,\"cost\":0.5}"},
        {"budgetformer", "{\"budget\":0.6,\"cost\":0,\"entropy_start\":-0.5}"},
        {"budgetformer-paper", "{\"budget\":0.6}"},
        {"budgetformer", "{\"scores\":\"random\",\"cost\":0.5}"},
        {"budgetformer-paper", "{\"scores\":\"random\",\"global_budget\":true}"},
        {"budgetformer", "{\"scores\":\"random\",\"budget\":0.6,\"cost\":0}"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model_config c = small_config(policy_find(cases[i][0]), cases[i][1], 3, 16, 4);
        print_message("%s %s\n", cases[i][0], cases[i][1]);
        check_gradients(&c, 0.1);
        check_gradients(&c, 0.55);
    }
}

static void random_heads(void **state) {
    (void)state;
    struct model_config c = small_config(policy_find("random"), "{\"heads\":2}", 2, 16, 4);
    check_gradients(&c, 0.5);
}

/* A heavy balance, so that its gradient shows. All routed heads are chosen or the rows are few: a
 * step over the edge of the top-K is a jump that no gradient has. test_moh.c looks at choices. */
static void moh_with_its_balance(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"moh", "{\"shared\":2,\"routed\":3,\"balance\":2}"},
        {"moh-pool", "{\"shared\":1,\"routed\":4,\"balance\":2}"},
        {"moh-pool", "{\"shared\":2,\"routed\":1,\"balance\":2}"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model_config c = small_config(policy_find(cases[i][0]), cases[i][1], 2, 20, 5);
        c.dropout = 0.1;
        check_gradients(&c, 0.5);
    }
}

static void drophead(void **state) {
    (void)state;
    struct model_config c = small_config(policy_find("drophead"), "{\"p\":0.4}", 2, 16, 4);
    check_gradients(&c, 0.05);
    check_gradients(&c, 0.9);
}

static void wide_heads(void **state) {
    (void)state;
    struct model_config c = small_config(policy_find("wide"), "{\"heads\":2}", 2, 16, 4);
    assert_int_equal(c.head_dim, 8);
    check_gradients(&c, 0.5);
}

/* Gates near the middle, half of them clipped. */
static void hard_concrete_gates(void **state) {
    (void)state;
    struct model_config c =
        small_config(policy_find("voita"), "{\"cost\":0.5,\"initial\":0}", 3, 16, 4);
    c.dropout = 0.1;
    check_gradients(&c, 0.5);
}

/* Every layer's gates depend on the weights of all layers' heads. */
static void heads_ranked_over_the_whole_net(void **state) {
    (void)state;
    struct model_config c =
        small_config(policy_find("dsp"), "{\"heads\":1.67,\"t_start\":4,\"t_end\":0.5}", 3, 16, 4);
    check_gradients(&c, 0.2);
    check_gradients(&c, 0.8);
}

static void no_attention(void **state) {
    (void)state;
    struct model_config c = small_config(policy_find("none"), "{}", 2, 16, 4);
    check_gradients(&c, 0.5);
}

static void bag_of_bigrams(void **state) {
    (void)state;
    struct model_config c =
        small_config(policy_find("bag-of-bigrams"), "{\"buckets\":7}", 2, 16, 4);
    check_gradients(&c, 0.5);
}

static void bag_of_words(void **state) {
    (void)state;
    struct model_config c = small_config(policy_find("bag-of-words"), "{}", 2, 16, 4);
    check_gradients(&c, 0.5);
}

static void pairs_of_texts(void **state) {
    (void)state;
    struct model_config c = small_config(policy_find("fixed"), "{\"heads\":2}", 1, 16, 4);
    c = small_pairs(c);
    c.dropout = 0.1;
    check_gradients(&c, 0.5);
    c = small_pairs(small_config(policy_find("none"), "{}", 1, 16, 4));
    check_gradients(&c, 0.5);
}

static void per_token_gates(void **state) {
    (void)state;
    struct model_config c = small_config(&per_token, "{}", 2, 16, 4);
    check_gradients(&c, 0.5);
}

/* The hard mask in the forward pass leaves the soft gate's gradient in place (straight-through). */
static void check_straight_through(const char *estimator) {
    enum { ROWS = 6, HEADS = 4, DIM = 16 };
    float gate_gradient[2][ROWS * DIM], gates[2][ROWS * HEADS];
    for (int hard = 0; hard < 2; hard++) {
        char options[64];
        snprintf(options, sizeof options, "{\"hard_from\":%g,\"estimator\":\"%s\"}",
                 hard ? 0.3 : 1.0, estimator);
        struct model_config c = small_config(policy_find("budgetformer"), options, 1, DIM, HEADS);
        struct parameters *p = small_parameters(&c, 5), *g = small_parameters(&c, 5);
        float x[ROWS * DIM], da[ROWS * HEADS], saved[ROWS * 64];
        int32_t ids[ROWS] = {0, 1, 2, 3, 4, 5};
        struct rng rng = rng_stream(6, RNG_GENERATOR);
        for (int i = 0; i < ROWS * DIM; i++) x[i] = (float)rng_normal(&rng, 0, (uint64_t)i);
        for (int i = 0; i < ROWS * HEADS; i++) da[i] = (float)rng_normal(&rng, 1, (uint64_t)i);
        struct policy_step step = {.progress = 0.5, .n_samples = ROWS};
        struct gate_call call = {.config = &c,
                                 .heads = HEADS,
                                 .rows = ROWS,
                                 .x = x,
                                 .ids = ids,
                                 .param = p->layer[0].policy,
                                 .grad = g->layer[0].policy,
                                 .saved = saved,
                                 .step = &step};
        memset(gate_gradient[hard], 0, sizeof gate_gradient[hard]);
        assert_true(c.policy->saved_floats(&c, 0) <= 64);
        c.policy->gates_train(&call, gates[hard]);
        c.policy->gates_backward(&call, da, gate_gradient[hard]);
        parameters_free(p);
        parameters_free(g);
    }
    int masked = 0;
    for (int i = 0; i < ROWS * HEADS; i++) {
        assert_true(gates[1][i] == 0.0f || gates[1][i] == 1.0f);
        assert_true(gates[0][i] > 0.0f && gates[0][i] != 1.0f);
        masked += gates[1][i] == 0.0f;
    }
    assert_true(masked > 0);
    assert_memory_equal(gate_gradient[0], gate_gradient[1], sizeof gate_gradient[0]);
}

static void hard_mask_keeps_the_soft_gradient(void **state) {
    (void)state;
    check_straight_through("soft");
    check_straight_through("gumbel");
}

/* A batch that does not fit into one chunk has the gradients of its parts, weighted by their sizes.
 * A part is a sample: what the engine cuts for memory and cache must not show in the result. Where
 * a regulariser looks at all rows together it is defined on chunks: then a part is one of those. */
static void check_parts(const char *policy, const char *options, int part_tokens) {
    enum { SAMPLES = 5, LENGTH = 400, TOKENS = SAMPLES * LENGTH };
    static int32_t tokens[TOKENS];
    int32_t offsets[SAMPLES + 1], labels[SAMPLES], ids[SAMPLES];
    static const struct trainer_limits limits = {SAMPLES, TOKENS, LENGTH};
    struct rng rng = rng_stream(5, RNG_GENERATOR);
    struct model_config c = small_config(policy_find(policy), options, 1, 8, 4);
    c.max_len = LENGTH;
    struct parameters *p = small_parameters(&c, 3);
    struct trainer *trainer = NULL;
    struct error error;
    for (int i = 0; i < TOKENS; i++)
        tokens[i] = (int32_t)rng_below(&rng, 0, (uint64_t)i, SMALL_VOCAB);
    for (int i = 0; i <= SAMPLES; i++) offsets[i] = i * LENGTH;
    for (int i = 0; i < SAMPLES; i++) {
        labels[i] = i % SMALL_CLASSES;
        ids[i] = 3 * i;
    }
    assert_true(limits.tokens > BATCH_CHUNK_TOKENS);
    assert_true(trainer_new(p, &limits, 1, &trainer, &error));
    struct batch all = {SAMPLES, TOKENS, tokens, offsets, labels, ids};
    struct policy_step step = {.progress = 0.5, .noise = rng_stream(3, RNG_NOISE)};
    size_t floats = p->arena.used / sizeof(float);
    double *sum = calloc(floats, sizeof *sum), loss = 0, regulariser = 0;
    long n_budget = 0;
    assert_non_null(sum);
    for (int first = 0; first < SAMPLES;) {
        int32_t own[SAMPLES + 1];
        struct batch part = batch_chunk(&all, first, part_tokens, own);
        double share = (double)part.n_samples / SAMPLES;
        assert_true(part.n_tokens <= BATCH_CHUNK_TOKENS && part.n_samples < SAMPLES);
        loss += share * trainer_step(trainer, &part, &step);
        regulariser += share * step.regulariser;
        n_budget += step.n_budget;
        const float *g = (const float *)(const void *)trainer_gradients(trainer)->arena.base;
        for (size_t j = 0; j < floats; j++) sum[j] += share * (double)g[j];
        first += part.n_samples;
    }
    double together = trainer_step(trainer, &all, &step);
    assert_true(fabs(together - loss) < 1e-5);
    assert_true(fabs(step.regulariser - regulariser) < 1e-6);
    assert_int_equal(step.n_budget, n_budget);
    assert_true(regulariser != 0);
    const float *g = (const float *)(const void *)trainer_gradients(trainer)->arena.base;
    for (size_t j = 0; j < floats; j++)
        assert_true(fabs((double)g[j] - sum[j]) < 1e-5 + 1e-3 * fabs(sum[j]));
    free(sum);
    trainer_free(trainer);
    parameters_free(p);
}

static void large_batches_have_the_gradients_of_their_parts(void **state) {
    (void)state;
    check_parts("budgetformer", "{\"cost\":0.3}", 1);
    check_parts("budgetformer", "{\"cost\":0.3,\"global_budget\":true}", 1);
    check_parts("moh", "{\"shared\":1,\"routed\":1,\"balance\":1}", BATCH_CHUNK_TOKENS);
    check_parts("moh-pool", "{\"shared\":1,\"routed\":1,\"balance\":1}", BATCH_CHUNK_TOKENS);
}

/* A method without a line here would only be known to train. */
static void every_method_that_learns_its_gates_was_checked(void **state) {
    (void)state;
    for (int i = 0; i < policy_registry_size; i++) {
        int j = 0;
        while (j < n_seen && seen[j] != policy_registry[i]) j++;
        if (j == n_seen && policy_is_adaptive(policy_registry[i]))
            fail_msg("the gradients of %s are not checked", policy_registry[i]->name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_heads),
        cmocka_unit_test(heads_of_odd_size),
        cmocka_unit_test(layers_without_a_last_norm),
        cmocka_unit_test(budgetformer_with_noise_and_cost),
        cmocka_unit_test(budgetformer_outside_the_hinge),
        cmocka_unit_test(budgetformer_s_variants_and_ablations),
        cmocka_unit_test(random_heads),
        cmocka_unit_test(moh_with_its_balance),
        cmocka_unit_test(drophead),
        cmocka_unit_test(wide_heads),
        cmocka_unit_test(hard_concrete_gates),
        cmocka_unit_test(heads_ranked_over_the_whole_net),
        cmocka_unit_test(no_attention),
        cmocka_unit_test(bag_of_words),
        cmocka_unit_test(bag_of_bigrams),
        cmocka_unit_test(pairs_of_texts),
        cmocka_unit_test(per_token_gates),
        cmocka_unit_test(hard_mask_keeps_the_soft_gradient),
        cmocka_unit_test(large_batches_have_the_gradients_of_their_parts),
        cmocka_unit_test(every_method_that_learns_its_gates_was_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
