/*
 * What the head policies promise: gates that do not depend on batch mates, random heads that are
 * fair and repeatable, fixed heads as listed, and a registry that finds them all.
 */
#include "tests/models/policies/one_policy.h"
#include "models/base/json.h"

/* Random weights and inputs: each row alone decides as it does among others. */
static void gates_do_not_depend_on_batch_mates(void **state) {
    (void)state;
    static const char *const policies[][2] = {
        {"budgetformer", "{}"},
        {"budgetformer", "{\"global_budget\":true}"},
        {"budgetformer", "{\"estimator\":\"gumbel\"}"},
        {"budgetformer", "{\"scores\":\"random\"}"},
        {"budgetformer-paper", "{}"},
        {"budgetformer-paper", "{\"budget\":0.5,\"scores\":\"random\"}"},
        {"random", "{\"heads\":3}"},
        {"moh", "{}"},
        {"moh-pool", "{}"},
        {"drophead", "{\"p\":0.5}"}};
    static struct bench all, one;
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++)
        for (int inference = 0; inference < 2; inference++) {
            float decision[ROWS_MAX * (HEADS_MAX + 1)], alone[HEADS_MAX + 1];
            set_up(&all, policies[i][0], policies[i][1], 8);
            set_up(&one, policies[i][0], policies[i][1], 8);
            draw_scores(&all, 1);
            int width = (int)policy_decision_floats(&all.config, 0);
            train_gates(&all, 32, 0.3);
            if (inference) all.config.policy->decide(&all.call, decision);
            for (int r = 31; r >= 0; r--) {
                memcpy(one.x, all.x + r * DIM, DIM * sizeof(float));
                one.ids[0] = all.ids[r];
                train_gates(&one, 1, 0.3);
                if (inference) one.config.policy->decide(&one.call, alone);
                int n = inference ? width : 8;
                for (int j = 0; j < n; j++) {
                    float a = inference ? alone[j] : one.a[j];
                    float among = inference ? decision[r * width + j] : all.a[r * 8 + j];
                    assert_true(fabsf(a - among) < 1e-5f);
                }
            }
            tear_down(&all);
            tear_down(&one);
        }
}

static void random_sets_have_k_heads_each_equally_often(void **state) {
    (void)state;
    enum { STEPS = 40, DRAWS = STEPS * ROWS_MAX };
    struct bench b;
    for (int k = 1; k <= 5; k += 2) {
        char options[32];
        int used[8] = {0}, together = 0;
        snprintf(options, sizeof options, "{\"heads\":%d}", k);
        set_up(&b, "random", options, 8);
        for (uint64_t step = 0; step < STEPS; step++) {
            b.step.step = step;
            train_gates(&b, ROWS_MAX, 0.5);
            for (int r = 0; r < ROWS_MAX; r++) {
                int n = 0;
                for (int h = 0; h < 8; h++) {
                    float a = b.a[r * 8 + h];
                    assert_true(a == 0.0f || a == 1.0f);
                    n += a == 1.0f;
                    used[h] += a == 1.0f;
                }
                assert_int_equal(n, k);
                together += b.a[r * 8] == 1.0f && b.a[r * 8 + 7] == 1.0f;
            }
        }
        double share = k / 8.0, pair = k * (k - 1) / 56.0;
        for (int h = 0; h < 8; h++)
            assert_true(fabs(used[h] - share * DRAWS) <= 5 * sqrt(share * (1 - share) * DRAWS));
        assert_true(fabs(together - pair * DRAWS) <= 5 * sqrt(pair * (1 - pair) * DRAWS));
        tear_down(&b);
    }
}

/* How many of the rows have another set than in `before`. */
static int changed(const struct bench *b, const float *before, int rows) {
    int n = 0;
    for (int r = 0; r < rows; r++)
        n += memcmp(b->a + r * 8, before + r * 8, 8 * sizeof(float)) != 0;
    return n;
}

static void random_training_draws_new_sets_each_step_and_layer(void **state) {
    (void)state;
    struct bench b;
    float before[100 * 8];
    set_up(&b, "random", "{\"heads\":4}", 8);
    train_gates(&b, 100, 0.5);
    memcpy(before, b.a, sizeof before);
    train_gates(&b, 100, 0.5);
    assert_int_equal(changed(&b, before, 100), 0);
    b.step.step = 1;
    train_gates(&b, 100, 0.5);
    assert_true(changed(&b, before, 100) > 90);
    b.step.step = 0;
    b.call.layer = 1;
    train_gates(&b, 100, 0.5);
    assert_true(changed(&b, before, 100) > 90);
    tear_down(&b);
}

static void random_inference_repeats_the_set_of_an_input(void **state) {
    (void)state;
    struct bench b;
    float before[100 * 8];
    set_up(&b, "random", "{\"heads\":4}", 8);
    b.call.rows = 100;
    b.call.step = NULL;
    b.config.policy->decide(&b.call, before);
    for (int r = 0; r < 100; r++) b.ids[r] = 99 - r; /* another order of the same inputs */
    b.config.policy->decide(&b.call, b.a);
    for (int r = 0; r < 100; r++)
        assert_memory_equal(b.a + r * 8, before + (99 - r) * 8, 8 * sizeof(float));
    assert_true(changed(&b, before, 100) > 90); /* inputs differ */
    b.call.layer = 1;
    for (int r = 0; r < 100; r++) b.ids[r] = r;
    b.config.policy->decide(&b.call, b.a);
    assert_true(changed(&b, before, 100) > 90);
    b.call.layer = 0;
    b.call.seed = 1; /* another trial draws other sets */
    b.config.policy->decide(&b.call, b.a);
    assert_true(changed(&b, before, 100) > 90);
    tear_down(&b);
}

/* Resolves a model of 2 layers and 4 heads; false with the error of the policy. */
static bool resolve(const char *policy, const char *options, struct model_config *config,
                    struct error *error) {
    struct node *node = NULL;
    *config = small_config(policy_find("budgetformer"), "{}", 2, DIM, 4);
    config->policy = policy_find(policy);
    options_default(&config->policy->options, config->policy_options);
    bool ok = json_parse(options, strlen(options), "test", &node, error) &&
              options_bind(&config->policy->options, node, NULL, config->policy_options, error);
    node_free(node);
    return ok && model_resolve(config, error);
}

static void fixed_heads_are_one_number_or_one_per_layer(void **state) {
    (void)state;
    static const struct {
        const char *options;
        int heads[2];
    } cases[] = {{"{\"heads\":3}", {3, 3}},
                 {"{\"heads\":[3]}", {3, 3}},
                 {"{\"heads\":[4,1]}", {4, 1}},
                 {"{\"heads\":[0,2]}", {0, 2}},
                 {"{\"heads\":0}", {0, 0}}};
    struct model_config config;
    struct error error;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!resolve("fixed", cases[i].options, &config, &error)) fail_msg("%s", error.text);
        assert_int_equal(config.heads.n, 2);
        for (int l = 0; l < 2; l++) assert_int_equal(config.heads.value[l], cases[i].heads[l]);
        assert_int_equal(config.head_dim, DIM / 4); /* narrow: heads keep their size */
    }
}

/* k heads of dimension D/k, counted in heads of their own. */
static void wide_heads_share_the_whole_width(void **state) {
    (void)state;
    struct model_config config;
    struct error error;
    for (int k = 1; k <= DIM; k *= 2) {
        char options[32];
        snprintf(options, sizeof options, "{\"heads\":%d}", k);
        if (!resolve("wide", options, &config, &error)) fail_msg("%s", error.text);
        assert_int_equal(config.base_heads, k);
        assert_int_equal(config.head_dim, DIM / k);
        for (int l = 0; l < 2; l++) assert_int_equal(config.heads.value[l], k);
    }
}

static void impossible_numbers_of_heads_are_errors(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"fixed", "{\"heads\":5}", "5"},          {"fixed", "{\"heads\":[1,5]}", "5"},
        {"fixed", "{\"heads\":-1}", "heads"},     {"fixed", "{\"heads\":[1,2,3]}", "3 entries"},
        {"fixed", "{\"heads\":[]}", "0 entries"}, {"random", "{\"heads\":5}", "5"},
        {"random", "{\"heads\":0}", "heads"},     {"wide", "{\"heads\":3}", "dim 16"},
        {"wide", "{\"heads\":32}", "dim 16"},     {"moh", "{\"shared\":3}", "4 heads"},
        {"moh", "{\"shared\":0}", "shared"},      {"moh-pool", "{\"routed\":4}", "4 heads"}};
    struct model_config config;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {{0}, {{0}, 0, 0}};
        if (resolve(cases[i][0], cases[i][1], &config, &error))
            fail_msg("%s %s is accepted", cases[i][0], cases[i][1]);
        if (!strstr(error.text, cases[i][2])) fail_msg("'%s' lacks '%s'", error.text, cases[i][2]);
    }
}

static void options_that_contradict_each_other_are_errors(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"budgetformer", "{\"budget\":0.5}", "set cost to 0"},
        {"budgetformer-paper", "{\"budget\":0.5,\"cost\":0.1}", "set cost to 0"},
        {"budgetformer", "{\"budget\":0.5,\"cost\":0,\"global_budget\":true}", "global_budget"},
        {"budgetformer-paper", "{\"budget\":1,\"global_budget\":true}", "global_budget"},
        {"budgetformer", "{\"scores\":\"random\",\"estimator\":\"gumbel\"}", "estimator"}};
    struct model_config config;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {{0}, {{0}, 0, 0}};
        if (resolve(cases[i][0], cases[i][1], &config, &error))
            fail_msg("%s %s is accepted", cases[i][0], cases[i][1]);
        if (!strstr(error.text, cases[i][2])) fail_msg("'%s' lacks '%s'", error.text, cases[i][2]);
    }
    struct error error;
    assert_true(resolve("budgetformer", "{\"budget\":0.5,\"cost\":0}", &config, &error));
    assert_true(resolve("budgetformer-paper", "{\"budget\":0.5}", &config, &error));
}

static void controls_remove_what_their_names_say(void **state) {
    (void)state;
    struct model_config config;
    struct error error;
    assert_true(resolve("none", "{}", &config, &error));
    assert_int_equal(config.layers, 2);
    assert_true(config.positions && config.final_norm);
    for (int l = 0; l < 2; l++) assert_int_equal(config.heads.value[l], 0);
    assert_true(resolve("bag-of-words", "{}", &config, &error));
    assert_int_equal(config.layers, 0);
    assert_true(!config.positions && !config.final_norm); /* a mean knows no order */
    assert_int_equal(config.bigrams, 0);
    assert_true(resolve("bag-of-bigrams", "{\"buckets\":40}", &config, &error));
    assert_true(config.layers == 0 && config.bigrams == 40);
    assert_true(resolve("random", "{\"heads\":1}", &config, &error));
    for (int l = 0; l < 2; l++) assert_int_equal(config.heads.value[l], 4); /* all can be drawn */
}

static void every_policy_is_found_by_a_name_of_its_own(void **state) {
    (void)state;
    static const char *const names[] = {
        "fixed",    "wide",     "budgetformer", "budgetformer-paper", "random",        "moh",
        "moh-pool", "drophead", "none",         "bag-of-words",       "bag-of-bigrams"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_non_null(policy_find(names[i]));
    for (int i = 0; i < policy_registry_size; i++) {
        const struct policy_ops *policy = policy_registry[i];
        assert_ptr_equal(policy_find(policy->name), policy); /* also: no earlier one has the name */
        assert_true(policy->summary && policy->summary[0]);
    }
    assert_null(policy_find("budget"));
    assert_null(policy_find("Fixed"));
    assert_null(policy_find(""));
}

static void policies_bring_what_their_kind_of_gate_needs(void **state) {
    (void)state;
    for (int i = 0; i < policy_registry_size; i++) {
        const struct policy_ops *p = policy_registry[i];
        bool gates = p->unit != GATE_NONE;
        assert_int_equal(gates, p->gates_train != NULL);
        assert_int_equal(gates, p->decide != NULL);
        assert_int_equal(p->select != NULL, p->decision_floats != NULL);
        assert_int_equal(p->base == BASE_WEIGHTS, p->post_hoc && p->keep);
        assert_true(gates || !p->gate_flops);
        int n_modes = 0;
        for (; p->modes && p->modes[n_modes]; n_modes++)
            assert_int_equal(strncmp(p->modes[n_modes], "mode:", 5), 0); /* as the schema has it */
        assert_true(n_modes <= POLICY_MODES_MAX);
    }
}

/* Defaults obey their own ranges and fit into the config; required options have none. */
static void option_defaults_are_in_range(void **state) {
    (void)state;
    for (int i = 0; i < policy_registry_size; i++) {
        const struct option_table *table = &policy_registry[i]->options;
        _Alignas(16) unsigned char values[MODEL_POLICY_OPTIONS_MAX];
        for (size_t r = 0; r < table->n_rows; r++) {
            const struct option *row = &table->rows[r];
            struct error error;
            struct node *node = NULL;
            char json[128];
            assert_true(row->offset + sizeof(struct int_list) <= sizeof values);
            assert_true(row->help && row->help[0]);
            if (!row->default_text) continue;
            const char *quote =
                row->type == OPTION_CHOICE || row->type == OPTION_STRING ? "\"" : "";
            snprintf(json, sizeof json, "{\"%s\":%s%s%s}", row->name, quote, row->default_text,
                     quote);
            assert_true(json_parse(json, strlen(json), "test", &node, &error));
            options_default(table, values);
            if (!options_bind(table, node, NULL, values, &error)) fail_msg("%s", error.text);
            node_free(node);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gates_do_not_depend_on_batch_mates),
        cmocka_unit_test(random_sets_have_k_heads_each_equally_often),
        cmocka_unit_test(random_training_draws_new_sets_each_step_and_layer),
        cmocka_unit_test(random_inference_repeats_the_set_of_an_input),
        cmocka_unit_test(fixed_heads_are_one_number_or_one_per_layer),
        cmocka_unit_test(wide_heads_share_the_whole_width),
        cmocka_unit_test(impossible_numbers_of_heads_are_errors),
        cmocka_unit_test(options_that_contradict_each_other_are_errors),
        cmocka_unit_test(controls_remove_what_their_names_say),
        cmocka_unit_test(every_policy_is_found_by_a_name_of_its_own),
        cmocka_unit_test(policies_bring_what_their_kind_of_gate_needs),
        cmocka_unit_test(option_defaults_are_in_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
