/*
 * What each head policy promises: BudgetFormer's exact budget, its limits and its schedules, random
 * heads that are fair and repeatable, fixed heads as listed, and a registry that finds them all.
 *
 * BudgetFormer is asked through its own interface with weights that make its decision an input:
 * z_h = x_h, and the same budget s for every row.
 */
#include "tests/models/small_model.h"

#include <math.h>

enum { DIM = 16, HEADS_MAX = 8, ROWS_MAX = 512, SAVED_MAX = 40 };

/* A policy in one layer, called from outside the engine. */
struct bench {
    struct model_config config;
    struct parameters *p;
    int32_t ids[ROWS_MAX];
    float x[ROWS_MAX * DIM], a[ROWS_MAX * HEADS_MAX], saved[ROWS_MAX * SAVED_MAX];
    struct policy_step step;
    struct gate_call call;
};

static void set_up(struct bench *b, const char *policy, const char *options, int heads) {
    memset(b, 0, sizeof *b);
    b->config = small_config(policy_find(policy), options, 2, DIM, heads);
    b->p = small_parameters(&b->config, 1);
    b->step.noise = rng_stream(9, RNG_NOISE);
    b->call = (struct gate_call){.config = &b->config,
                                 .heads = heads,
                                 .x = b->x,
                                 .ids = b->ids,
                                 .param = b->p->layer[0].policy,
                                 .saved = b->saved,
                                 .step = &b->step};
    for (int r = 0; r < ROWS_MAX; r++) b->ids[r] = r;
    if (b->config.policy->saved_floats)
        assert_true(b->config.policy->saved_floats(&b->config, 0) <= SAVED_MAX);
}

static void tear_down(struct bench *b) {
    parameters_free(b->p);
}

/* BudgetFormer with z_h = x_h and budget s everywhere. */
static void set_budget(struct bench *b, double s) {
    float *const *param = b->p->layer[0].policy; /* W1, b1, w2, b2, W_d, b_d */
    memset(param[2], 0, 16 * sizeof(float));
    param[3][0] = (float)log(s / (1 - s));
    for (int h = 0; h < b->call.heads; h++) {
        param[5][h] = 0;
        for (int i = 0; i < DIM; i++) param[4][h * DIM + i] = i == h;
    }
}

static void train_gates(struct bench *b, int rows, double progress) {
    b->call.rows = b->step.n_samples = rows;
    b->step.progress = progress;
    b->step.regulariser = b->step.sum_budget = 0;
    b->step.n_budget = 0;
    b->config.policy->gates_train(&b->call, b->a);
}

/* Scores of all rows at random, of spread `std`. */
static void draw_scores(struct bench *b, double std) {
    struct rng rng = rng_stream(11, RNG_GENERATOR);
    for (int i = 0; i < ROWS_MAX * DIM; i++)
        b->x[i] = (float)(std * rng_normal(&rng, 1, (uint64_t)i));
}

static void soft_gates_add_up_to_the_budget(void **state) {
    (void)state;
    static const int heads[] = {2, 4, 8};
    static const double budgets[] = {0.02, 0.125, 0.3, 0.5, 0.77, 0.99};
    static const double progress[] = {0, 0.3, 0.59}, spreads[] = {0, 0.1, 3, 300};
    struct bench b;
    for (size_t k = 0; k < 3; k++) {
        set_up(&b, "budgetformer", "{\"tau_end\":0.02}", heads[k]);
        for (size_t s = 0; s < sizeof budgets / sizeof *budgets; s++)
            for (size_t p = 0; p < 3; p++)
                for (size_t d = 0; d < 4; d++) {
                    set_budget(&b, budgets[s]);
                    draw_scores(&b, spreads[d]);
                    train_gates(&b, 40, progress[p]);
                    for (int r = 0; r < 40; r++) {
                        double sum = 0;
                        for (int h = 0; h < heads[k]; h++) {
                            double a = (double)b.a[r * heads[k] + h];
                            assert_true(a >= 0 && a <= 1);
                            sum += a;
                        }
                        if (!(fabs(sum - budgets[s] * heads[k]) < 2e-6 * heads[k]))
                            fail_msg("H=%d s=%g p=%g spread %g: gates add up to %.8g", heads[k],
                                     budgets[s], progress[p], spreads[d], sum);
                    }
                }
        tear_down(&b);
    }
}

static void gates_keep_the_order_of_scores(void **state) {
    (void)state;
    struct bench b;
    set_up(&b, "budgetformer", "{\"noise\":0}", 8);
    set_budget(&b, 0.4);
    draw_scores(&b, 1);
    train_gates(&b, 50, 0.3);
    for (int r = 0; r < 50; r++)
        for (int i = 0; i < 8; i++)
            for (int j = 0; j < 8; j++)
                if (b.x[r * DIM + i] > b.x[r * DIM + j])
                    assert_true(b.a[r * 8 + i] > b.a[r * 8 + j]);
    tear_down(&b);
}

/* How many of row r's other scores are larger: 0 for the best head. */
static int rank_of(const struct bench *b, int r, int head) {
    int better = 0;
    for (int h = 0; h < b->call.heads; h++) better += b->x[r * DIM + h] > b->x[r * DIM + head];
    return better;
}

static void cold_soft_gates_are_the_top_k(void **state) {
    (void)state;
    struct bench b;
    set_up(&b, "budgetformer", "{\"noise\":0,\"tau_start\":0.01,\"tau_end\":0.01,\"hard_from\":1}",
           8);
    struct rng rng = rng_stream(12, RNG_GENERATOR);
    for (int r = 0; r < 20; r++) { /* scores 1 apart, in random order */
        int32_t order[8] = {0, 1, 2, 3, 4, 5, 6, 7};
        rng_shuffle(&rng, (uint64_t)r, order, 8);
        for (int h = 0; h < 8; h++) b.x[r * DIM + h] = (float)order[h];
    }
    for (int k = 1; k < 8; k++) {
        set_budget(&b, k / 8.0);
        train_gates(&b, 20, 0.5);
        for (int r = 0; r < 20; r++)
            for (int h = 0; h < 8; h++)
                assert_true(fabsf(b.a[r * 8 + h] - (rank_of(&b, r, h) < k ? 1.0f : 0.0f)) < 1e-5f);
    }
    tear_down(&b);
}

static void full_budget_opens_every_gate(void **state) {
    (void)state;
    struct bench b;
    set_up(&b, "budgetformer", "{}", 8);
    draw_scores(&b, 5);
    for (int i = 0; i < 2; i++) { /* s H within 1e-3 of H; s = 1 to rounding */
        set_budget(&b, i == 0 ? 1 - 0.9e-3 / 8 : 1 - 1e-13);
        train_gates(&b, 20, 0.1);
        for (int j = 0; j < 20 * 8; j++) assert_true(b.a[j] == 1.0f);
    }
    tear_down(&b);
}

/* Runs select on one decision row; the gates must be 0 or 1; returns how many are 1. */
static int select_count(struct bench *b, const float *decision, float *a) {
    int open = 0;
    b->call.rows = 1;
    b->call.step = NULL;
    b->config.policy->select(&b->call, decision, a);
    for (int h = 0; h < b->call.heads; h++) {
        assert_true(a[h] == 0.0f || a[h] == 1.0f);
        open += a[h] == 1.0f;
    }
    return open;
}

static void inference_runs_the_ceiling_of_the_budget(void **state) {
    (void)state;
    static const struct {
        double budget; /* s H */
        int k;
    } cases[] = {{-1, 1},     {0, 1},       {1e-5, 1},  {0.5, 1},     {1, 1},       {1.00005, 1},
                 {1.0005, 2}, {1.9, 2},     {2, 2},     {2.00009, 2}, {2.00011, 3}, {6.5, 7},
                 {7, 7},      {7.00005, 7}, {7.001, 8}, {8, 8},       {9, 8}};
    struct bench b;
    float a[8];
    set_up(&b, "budgetformer", "{}", 8);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float decision[9] = {(float)(cases[i].budget / 8), 3, -1, 4, 1, -5, 9, 2, 6};
        int k = select_count(&b, decision, a);
        if (k != cases[i].k) fail_msg("s H = %g runs %d heads", cases[i].budget, k);
        for (int h = 0; h < 8; h++) { /* and the best ones */
            int better = 0;
            for (int j = 1; j <= 8; j++) better += decision[j] > decision[1 + h];
            assert_int_equal(a[h] == 1.0f, better < k);
        }
        assert_true(b.config.policy->budget(decision) == (double)decision[0]);
    }
    tear_down(&b);
}

static void ties_go_to_the_lower_head_and_keep_k(void **state) {
    (void)state;
    struct bench b;
    float a[8];
    set_up(&b, "budgetformer", "{}", 8);
    for (int k = 1; k <= 8; k++) {
        float decision[9] = {(float)k / 8};
        assert_int_equal(select_count(&b, decision, a), k);
        for (int h = 0; h < 8; h++) assert_int_equal(a[h] == 1.0f, h < k);
    }
    float decision[9] = {3.0f / 8, 1, 2, 1, 2, 1, 2, 1, 2};
    assert_int_equal(select_count(&b, decision, a), 3);
    assert_true(a[1] == 1 && a[3] == 1 && a[5] == 1);
    tear_down(&b);
}

/* With two heads and s = 1/2, a_0 = sigmoid((z_0 - z_1) / (2 tau)): gates tell the temperature. */
static double observed_gap_over_tau(const struct bench *b, int row) {
    double a = (double)b->a[row * 2];
    return 2 * log(a / (1 - a));
}

static void temperature_falls_exponentially_until_tau_until(void **state) {
    (void)state;
    static const double progress[] = {0, 0.2, 0.45, 0.6, 0.65, 0.8, 0.9, 0.999};
    struct bench b;
    set_up(&b, "budgetformer", "{\"noise\":0,\"hard_from\":1}", 2);
    set_budget(&b, 0.5);
    b.x[0] = 0.4f;
    for (size_t i = 0; i < sizeof progress / sizeof *progress; i++) {
        double p = progress[i], tau = p < 0.8 ? 2 * pow(0.1, p / 0.8) : 0.2;
        train_gates(&b, 1, p);
        assert_true(fabs(0.4 / observed_gap_over_tau(&b, 0) - tau) < 1e-4 * tau);
    }
    tear_down(&b);
}

static void noise_falls_linearly_to_nothing(void **state) {
    (void)state;
    static const double progress[] = {0, 0.3, 0.45, 0.6, 0.65, 0.8};
    struct bench b;
    set_up(&b, "budgetformer", "{\"tau_start\":1,\"tau_end\":1,\"hard_from\":1}", 2);
    set_budget(&b, 0.5);
    for (size_t i = 0; i < sizeof progress / sizeof *progress; i++) {
        double p = progress[i], sigma = p < 0.6 ? 0.3 * (1 - p / 0.6) : 0, square = 0;
        train_gates(&b, ROWS_MAX, p);
        for (int r = 0; r < ROWS_MAX; r++)
            square += pow(observed_gap_over_tau(&b, r), 2) / ROWS_MAX;
        if (sigma > 0)
            assert_true(fabs(sqrt(square / 2) / sigma - 1) < 5 / sqrt(2 * ROWS_MAX));
        else
            assert_true(square < 1e-10);
    }
    tear_down(&b);
}

static void noise_is_new_for_each_step_layer_and_input_and_repeats(void **state) {
    (void)state;
    struct bench b;
    float first[8];
    set_up(&b, "budgetformer", "{}", 8);
    set_budget(&b, 0.5);
    train_gates(&b, 2, 0.1);
    assert_memory_not_equal(b.a, b.a + 8, sizeof first); /* two inputs with equal scores */
    memcpy(first, b.a, sizeof first);
    train_gates(&b, 1, 0.1);
    assert_memory_equal(first, b.a, sizeof first);
    b.step.step = 1;
    train_gates(&b, 1, 0.1);
    assert_memory_not_equal(first, b.a, sizeof first);
    b.step.step = 0;
    b.call.layer = 1;
    train_gates(&b, 1, 0.1);
    assert_memory_not_equal(first, b.a, sizeof first);
    tear_down(&b);
}

static void hard_mask_starts_at_hard_from(void **state) {
    (void)state;
    static const struct {
        double progress;
        bool hard;
    } cases[] = {{0, false},   {0.45, false}, {0.599, false}, {0.6, true},
                 {0.65, true}, {0.8, true},   {1, true}};
    struct bench b;
    set_up(&b, "budgetformer", "{}", 8);
    set_budget(&b, 0.45); /* 3.6 heads: 4 run */
    draw_scores(&b, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        train_gates(&b, 30, cases[i].progress);
        for (int r = 0; r < 30; r++)
            for (int h = 0; h < 8; h++) {
                float a = b.a[r * 8 + h];
                if (cases[i].hard)
                    assert_true(a == (rank_of(&b, r, h) < 4 ? 1.0f : 0.0f));
                else
                    assert_true(a > 0 && a < 1);
            }
    }
    tear_down(&b);
}

/* The regulariser of 10 equal rows in one of two layers, at a share of the steps. */
static double regulariser(const char *options, double s, double gap, double progress) {
    struct bench b;
    set_up(&b, "budgetformer", options, 4);
    set_budget(&b, s);
    for (int r = 0; r < 10; r++) b.x[r * DIM] = (float)gap;
    train_gates(&b, 10, progress);
    assert_int_equal(b.step.n_budget, 10);
    assert_true(fabs(b.step.sum_budget - 10 * s) < 1e-5);
    tear_down(&b);
    return b.step.regulariser;
}

static void cost_is_switched_on_by_a_ramp(void **state) {
    (void)state;
    static const double cases[][2] = {{0, 0},      {0.45, 0}, {0.5, 0.25}, {0.55, 0.5},
                                      {0.6, 0.75}, {0.65, 1}, {0.8, 1},    {1, 1}};
    static const char *const only_cost =
        "{\"cost\":2,\"hinge\":0,\"entropy_start\":0,\"entropy_end\":0}";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) /* half: the mean over two layers */
        assert_true(
            fabs(regulariser(only_cost, 0.3, 1, cases[i][0]) - 0.5 * 2 * 0.3 * cases[i][1]) < 1e-6);
    assert_true(regulariser("{\"cost\":0,\"hinge\":0,\"entropy_start\":0,\"entropy_end\":0}", 0.3,
                            1, 0.9) == 0);
}

static void hinge_keeps_the_budget_between_a_tenth_and_nine_tenths(void **state) {
    (void)state;
    static const double cases[][2] = {
        {0.04, 0.06}, {0.1001, 0}, {0.5, 0}, {0.8999, 0}, {0.97, 0.07}};
    static const char *const only_hinge =
        "{\"cost\":0,\"hinge\":3,\"entropy_start\":0,\"entropy_end\":0}";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(fabs(regulariser(only_hinge, cases[i][0], 1, 0.2) - 0.5 * 3 * cases[i][1]) <
                    1e-6);
}

static void entropy_weight_turns_from_exploring_to_committing(void **state) {
    (void)state;
    static const double progress[] = {0, 0.45, 0.6, 0.65, 0.8, 1};
    static const char *const only_entropy = "{\"cost\":0,\"hinge\":0,\"entropy_end\":0.03}";
    for (size_t i = 0; i < sizeof progress / sizeof *progress; i++) {
        double p = progress[i], weight = -0.01 + 0.04 * p;
        double tau = p < 0.8 ? 2 * pow(0.1, p / 0.8) : 0.2;
        /* softmax of (0.5, 0, 0, 0) / tau */
        double sum = exp(0.5 / tau) + 3, most = exp(0.5 / tau) / sum;
        double entropy = -(most * log(most) + 3 / sum * log(1 / sum)) / log(4);
        assert_true(fabs(regulariser(only_entropy, 0.5, 0.5, p) - 0.5 * weight * entropy) < 1e-7);
        assert_true(fabs(regulariser(only_entropy, 0.5, 0, p) - 0.5 * weight) < 1e-7);
    }
}

static void budget_starts_at_initial_budget(void **state) {
    (void)state;
    struct model_config config =
        small_config(policy_find("budgetformer"), "{\"initial_budget\":0.35}", 2, DIM, 4);
    struct parameters *p;
    struct error error;
    static struct bench b;
    set_up(&b, "budgetformer", "{\"initial_budget\":0.35}", 4);
    assert_true(parameters_new(&config, "p", &p, &error));
    parameters_initialise(p, 3);
    b.call.param = p->layer[1].policy;
    draw_scores(&b, 1);
    train_gates(&b, 100, 0);
    assert_true(fabs(b.step.sum_budget / 100 - 0.35) < 0.03);
    parameters_free(p);
    tear_down(&b);
}

/* Random weights and inputs: each row alone decides as it does among others. */
static void gates_do_not_depend_on_batch_mates(void **state) {
    (void)state;
    static const char *const policies[][2] = {{"budgetformer", "{}"}, {"random", "{\"heads\":3}"}};
    static struct bench all, one;
    for (int i = 0; i < 2; i++)
        for (int inference = 0; inference < 2; inference++) {
            float decision[ROWS_MAX * (HEADS_MAX + 1)], alone[HEADS_MAX + 1];
            set_up(&all, policies[i][0], policies[i][1], 8);
            set_up(&one, policies[i][0], policies[i][1], 8);
            draw_scores(&all, 1);
            int width = all.config.policy->decision_floats(&all.config, 0);
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
    b.config.policy->select(&b.call, before, b.a); /* what was decided is what runs */
    assert_memory_equal(b.a, before, sizeof before);
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

static void impossible_numbers_of_heads_are_errors(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"fixed", "{\"heads\":5}", "5"},          {"fixed", "{\"heads\":[1,5]}", "5"},
        {"fixed", "{\"heads\":-1}", "heads"},     {"fixed", "{\"heads\":[1,2,3]}", "3 entries"},
        {"fixed", "{\"heads\":[]}", "0 entries"}, {"random", "{\"heads\":5}", "5"},
        {"random", "{\"heads\":0}", "heads"}};
    struct model_config config;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {{0}, {{0}, 0, 0}};
        if (resolve(cases[i][0], cases[i][1], &config, &error))
            fail_msg("%s %s is accepted", cases[i][0], cases[i][1]);
        if (!strstr(error.text, cases[i][2])) fail_msg("'%s' lacks '%s'", error.text, cases[i][2]);
    }
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
    assert_true(resolve("random", "{\"heads\":1}", &config, &error));
    for (int l = 0; l < 2; l++) assert_int_equal(config.heads.value[l], 4); /* all can be drawn */
}

static void every_policy_is_found_by_a_name_of_its_own(void **state) {
    (void)state;
    static const char *const names[] = {"fixed", "budgetformer", "random", "none", "bag-of-words"};
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
        assert_int_equal(gates, p->decide && p->select && p->decision_floats);
        assert_true(!p->gates_backward || p->saved_floats);
        assert_true(gates || !p->gate_flops);
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
            snprintf(json, sizeof json, "{\"%s\":%s}", row->name, row->default_text);
            assert_true(json_parse(json, strlen(json), "test", &node, &error));
            options_default(table, values);
            if (!options_bind(table, node, NULL, values, &error)) fail_msg("%s", error.text);
            node_free(node);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(soft_gates_add_up_to_the_budget),
        cmocka_unit_test(gates_keep_the_order_of_scores),
        cmocka_unit_test(cold_soft_gates_are_the_top_k),
        cmocka_unit_test(full_budget_opens_every_gate),
        cmocka_unit_test(inference_runs_the_ceiling_of_the_budget),
        cmocka_unit_test(ties_go_to_the_lower_head_and_keep_k),
        cmocka_unit_test(temperature_falls_exponentially_until_tau_until),
        cmocka_unit_test(noise_falls_linearly_to_nothing),
        cmocka_unit_test(noise_is_new_for_each_step_layer_and_input_and_repeats),
        cmocka_unit_test(hard_mask_starts_at_hard_from),
        cmocka_unit_test(cost_is_switched_on_by_a_ramp),
        cmocka_unit_test(hinge_keeps_the_budget_between_a_tenth_and_nine_tenths),
        cmocka_unit_test(entropy_weight_turns_from_exploring_to_committing),
        cmocka_unit_test(budget_starts_at_initial_budget),
        cmocka_unit_test(gates_do_not_depend_on_batch_mates),
        cmocka_unit_test(random_sets_have_k_heads_each_equally_often),
        cmocka_unit_test(random_training_draws_new_sets_each_step_and_layer),
        cmocka_unit_test(random_inference_repeats_the_set_of_an_input),
        cmocka_unit_test(fixed_heads_are_one_number_or_one_per_layer),
        cmocka_unit_test(impossible_numbers_of_heads_are_errors),
        cmocka_unit_test(controls_remove_what_their_names_say),
        cmocka_unit_test(every_policy_is_found_by_a_name_of_its_own),
        cmocka_unit_test(policies_bring_what_their_kind_of_gate_needs),
        cmocka_unit_test(option_defaults_are_in_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
