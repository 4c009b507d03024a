/*
 * What BudgetFormer promises: the exact budget of its soft gate, its limits and its schedules. It
 * is asked through its own interface with weights that make its decision an input: z_h = x_h, and
 * the same budget s for every row.
 */
#include "tests/models/policies/one_policy.h"

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

/* softmax(z / tau) of 1/2, 1/4, 1/8 and 1/8 has 1.75 of 2 bits, at every tau and whatever noise. */
static void entropy_is_that_of_the_clean_scores(void **state) {
    (void)state;
    static const char *const policies[] = {"budgetformer", "budgetformer-paper"};
    static const double p[4] = {0.5, 0.25, 0.125, 0.125};
    for (int i = 0; i < 4; i++) {
        static struct bench b;
        double tau = i % 2 ? 0.5 : 2;
        set_up(&b, policies[i / 2], "{\"noise\":1,\"tau_end\":0.5}", 4);
        set_budget(&b, 0.5);
        for (int h = 0; h < 4; h++) b.x[h] = (float)(tau * log(p[h])); /* the second row is even */
        train_gates(&b, 2, i % 2 ? 1 : 0);
        assert_int_equal(b.step.n_entropy, 2);
        assert_true(fabs(b.step.sum_entropy - (0.875 + 1)) < 1e-6);
        tear_down(&b);
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
        cmocka_unit_test(entropy_is_that_of_the_clean_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
