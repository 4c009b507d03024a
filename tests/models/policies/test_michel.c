/*
 * Head importance against its definition: the derivative of each input's loss by a head's gate, by
 * finite differences; the two levels of the absolute value by hand; and which heads are removed.
 * Random static heads, its control, are here too.
 */
#include "tests/models/small_model.h"
#include "models/base/json.h"
#include "models/head_gates.h"

#include <math.h>
#include <stdlib.h>

enum { LAYERS = 2, DIM = 16, HEADS = 4, ALL = LAYERS * HEADS, MASK = 0, IMPORTANCE = 1 };

static struct parameters *model_of(const char *policy, const char *options) {
    struct model_config config = small_config(policy_find(policy), options, LAYERS, DIM, HEADS);
    struct parameters *p = small_parameters(&config, 8);
    for (int l = 0; l < LAYERS && strcmp(policy, "michel") == 0; l++)
        for (int h = 0; h < HEADS; h++) {
            p->layer[l].policy[MASK][h] = 1;
            p->layer[l].policy[IMPORTANCE][h] = 0;
        }
    return p;
}

/* dL/dgate of one input alone, by central differences. */
static double derivative(struct parameters *p, struct trainer *trainer, const struct batch *one,
                         int l, int h) {
    double loss[2];
    const float width = 0.02f;
    for (int side = 0; side < 2; side++) {
        struct policy_step step = {0};
        p->layer[l].policy[MASK][h] = 1 + (side ? -width : width);
        loss[side] = trainer_loss(trainer, one, &step);
    }
    p->layer[l].policy[MASK][h] = 1;
    return (loss[0] - loss[1]) / (2 * (double)width);
}

/* One step over a batch leaves in the importance's gradient the sum over inputs of |dL/dgate|. */
static void importance_is_the_derivative_by_the_gate(void **state) {
    (void)state;
    struct parameters *p = model_of("michel", "{\"heads\":2}");
    struct trainer *trainer = NULL;
    struct small_batch data;
    struct error error;
    double signed_sum[LAYERS][HEADS] = {{0}}, expected[LAYERS][HEADS] = {{0}};
    int cancel = 0;
    small_batch_fill(&data, 4);
    assert_true(trainer_new(p, &small_limits, 1, &trainer, &error));
    for (int b = 0; b < SMALL_SAMPLES; b++) {
        int32_t own[2];
        struct batch one = batch_chunk(&data.batch, b, 1, own);
        for (int l = 0; l < LAYERS; l++)
            for (int h = 0; h < HEADS; h++) {
                double slope = derivative(p, trainer, &one, l, h);
                expected[l][h] += fabs(slope);
                signed_sum[l][h] += slope;
            }
    }
    struct policy_step step = {0};
    trainer_step(trainer, &data.batch, &step);
    for (int l = 0; l < LAYERS; l++)
        for (int h = 0; h < HEADS; h++) {
            double found = (double)trainer_gradients(trainer)->layer[l].policy[IMPORTANCE][h];
            if (fabs(found - expected[l][h]) > 2e-3 + 1e-2 * expected[l][h])
                fail_msg("layer %d head %d: %.6g, by differences %.6g", l, h, found,
                         expected[l][h]);
            cancel += fabs(signed_sum[l][h]) < 0.8 * expected[l][h];
        }
    assert_true(cancel > 0); /* else the absolute value is not seen */
    trainer_free(trainer);
    parameters_free(p);
}

/* Three inputs of 2, 1 and 3 tokens in a batch of ten; dL/da of two heads by hand. */
static void absolute_value_is_per_input_or_per_token(void **state) {
    (void)state;
    static const char *const options[] = {"{\"heads\":2}", "{\"heads\":2,\"level\":\"token\"}"};
    static const float da[6 * 2] = {1, 2, -3, 2, /**/ -4, 0.5f, /**/ 1, -1, 1, 1, -5, -1};
    static const int32_t offsets[] = {0, 2, 3, 6};
    static const double expected[2][2] = {{10 * (2 + 4 + 3), 10 * (4 + 0.5 + 1)},
                                          {10 * (4 + 4 + 7), 10 * (4 + 0.5 + 3)}};
    for (int level = 0; level < 2; level++) {
        struct model_config config = small_config(policy_find("michel"), options[level], 1, 4, 2);
        float mask[2] = {1, 1}, importance[2] = {0}, unused[2] = {0};
        float *param[2] = {mask, importance}, *grad[2] = {unused, importance};
        struct policy_step step = {.n_samples = 10};
        struct gate_call call = {.config = &config,
                                 .heads = 2,
                                 .rows = 6,
                                 .n_samples = 3,
                                 .offsets = offsets,
                                 .param = param,
                                 .grad = grad,
                                 .step = &step};
        config.policy->gates_backward(&call, da, NULL);
        for (int h = 0; h < 2; h++)
            assert_true(fabs((double)importance[h] - expected[level][h]) < 1e-4);
    }
}

/* Sets the importance of all heads and asks which stay: a string of 0 and 1, layer by layer. */
static void kept_of(struct parameters *p, const double importance[ALL], int round, char *kept) {
    struct head_gates gates;
    for (int i = 0; i < ALL; i++)
        p->layer[i / HEADS].policy[IMPORTANCE][i % HEADS] = (float)importance[i];
    p->config.policy->keep(p, round, &gates);
    for (int i = 0; i < ALL; i++) {
        float gate = gates.value[i / HEADS][i % HEADS];
        assert_true(gate == 0 || gate == 1);
        assert_true(p->layer[i / HEADS].policy[MASK][i % HEADS] == gate);
        assert_true(p->layer[i / HEADS].policy[IMPORTANCE][i % HEADS] == 0);
        kept[i] = gate == 1 ? '1' : '0';
    }
    kept[ALL] = 0;
}

/* Layer 0 has much larger numbers, but its norm takes that out: shares of the norm are .10 .30 .40
 * .86 in layer 0 and .49 .51 .50 .50 in layer 1. */
static const double scores[ALL] = {100, 300, 400, 866, 4.9, 5.1, 5.0, 5.01};

static void least_important_heads_by_normed_score_are_removed(void **state) {
    (void)state;
    static const struct {
        const char *options, *kept;
    } cases[] = {
        {"{\"heads\":3.5}", "01111111"},
        {"{\"heads\":2.5}", "00011111"},
        {"{\"heads\":1.5}", "00010101"},
        {"{\"heads\":0.5}", "00010000"},
        {"{\"heads\":1,\"at_least_one\":true}", "00010100"},
        {"{\"heads\":2.5,\"order\":\"highest\"}", "11101010"},
        {"{\"heads\":0.5,\"order\":\"highest\"}", "10000000"},
        {"{\"heads\":1,\"order\":\"highest\"}", "11000000"},
        {"{\"heads\":1,\"order\":\"highest\",\"at_least_one\":true}", "10001000"},
        {"{\"heads\":4}", "11111111"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct parameters *p = model_of("michel", cases[i].options);
        struct post_hoc plan;
        char kept[ALL + 1];
        p->config.policy->post_hoc(&p->config, &plan);
        assert_int_equal(plan.rounds, 1);
        assert_true(plan.scores && plan.epochs == 0);
        kept_of(p, scores, 0, kept);
        if (strcmp(kept, cases[i].kept) != 0)
            fail_msg("%s keeps %s, not %s", cases[i].options, kept, cases[i].kept);
        parameters_free(p);
    }
}

/* 3 of 8 heads stay; a step removes ceil(0.2 * 8) = 2: rounds end with 6, 4 and 3 heads, and a head
 * that is gone stays gone, whatever it would score. */
static void recomputed_scores_remove_step_by_step(void **state) {
    (void)state;
    struct parameters *p = model_of("michel", "{\"heads\":1.5,\"recompute\":true,\"step\":0.2}");
    static const double second[ALL] = {9, 9, 1, 2, 1, 1.4, 2, 2},
                        third[ALL] = {9, 9, 9, 8, 9, 9, 7, 3};
    struct post_hoc plan;
    char kept[ALL + 1];
    p->config.policy->post_hoc(&p->config, &plan);
    assert_int_equal(plan.rounds, 3);
    kept_of(p, scores, 0, kept);
    assert_string_equal(kept, "00111111");
    /* Of what is left: .45 .89 | .30 .42 .60 .60. */
    kept_of(p, second, 1, kept);
    assert_string_equal(kept, "00110011");
    /* .75 .66 | .92 .39. */
    kept_of(p, third, 2, kept);
    assert_string_equal(kept, "00110010");
    parameters_free(p);
}

static void random_static_heads_are_k_of_all_and_follow_the_seed(void **state) {
    (void)state;
    enum { SEEDS = 2000, K = 3 };
    struct parameters *p = model_of("random-static", "{\"heads\":1.5}");
    int used[ALL] = {0}, same = 0;
    struct head_gates before = {0}, gates;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        p->seed = seed;
        p->config.policy->keep(p, 0, &gates);
        assert_int_equal(head_gates_total(&p->config, &gates), K);
        for (int i = 0; i < ALL; i++) used[i] += gates.value[i / HEADS][i % HEADS] == 1;
        same += memcmp(&gates, &before, sizeof gates) == 0;
        before = gates;
        p->config.policy->keep(p, 0, &gates);
        assert_memory_equal(&gates, &before, sizeof gates); /* a function of the seed */
    }
    double share = (double)K / ALL;
    for (int i = 0; i < ALL; i++)
        assert_true(fabs(used[i] - share * SEEDS) < 5 * sqrt(share * (1 - share) * SEEDS));
    assert_true(same < SEEDS / 10);
    parameters_free(p);
}

/* Resolves a model of 2 layers and 4 heads with the policy; the error otherwise. */
static bool resolve(const char *policy, const char *options, struct error *error) {
    struct model_config config = small_config(policy_find("none"), "{}", LAYERS, DIM, HEADS);
    struct node *node = NULL;
    config.policy = policy_find(policy);
    options_default(&config.policy->options, config.policy_options);
    bool ok = json_parse(options, strlen(options), "test", &node, error) &&
              options_bind(&config.policy->options, node, NULL, config.policy_options, error);
    node_free(node);
    return ok && model_resolve(&config, error);
}

static void numbers_of_heads_that_cannot_stay_are_errors(void **state) {
    (void)state;
    static const char *const policies[] = {"michel", "random-static", "dsp"};
    struct error error;
    for (int i = 0; i < 3; i++) {
        assert_false(resolve(policies[i], "{\"heads\":4.5}", &error));
        assert_non_null(strstr(error.text, "9 of the model's 8 heads"));
        assert_false(resolve(policies[i], "{\"heads\":0.1}", &error));
        assert_non_null(strstr(error.text, "0 of the model's 8 heads"));
        assert_false(resolve(policies[i], "{\"heads\":-1}", &error));
        if (!resolve(policies[i], "{\"heads\":4}", &error)) fail_msg("%s", error.text);
        if (!resolve(policies[i], "{\"heads\":0.5}", &error)) fail_msg("%s", error.text);
    }
    assert_false(resolve("michel", "{\"heads\":0.5,\"at_least_one\":true}", &error));
    assert_non_null(strstr(error.text, "2 layers"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(importance_is_the_derivative_by_the_gate),
        cmocka_unit_test(absolute_value_is_per_input_or_per_token),
        cmocka_unit_test(least_important_heads_by_normed_score_are_removed),
        cmocka_unit_test(recomputed_scores_remove_step_by_step),
        cmocka_unit_test(random_static_heads_are_k_of_all_and_follow_the_seed),
        cmocka_unit_test(numbers_of_heads_that_cannot_stay_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
