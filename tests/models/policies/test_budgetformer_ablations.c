/*
 * What each ablation of BudgetFormer leaves out, in both variants: its tensors, its FLOPs, its say
 * in what runs. Gradients of all of them are in test_gradients.c, inference in test_inference.c.
 */
#include "models/cpu/gemm.h"
#include "tests/models/policies/one_policy.h"

static const char *const variants[] = {"budgetformer", "budgetformer-paper"};
enum { VARIANTS = 2 };

/* D = 16, h_o = 16, H = 4, n = 10: pool 160, f_o 2 16 16 + 16 + 32, g_d 2 16 4. */
static void what_is_left_out_has_no_tensors_and_costs_nothing(void **state) {
    (void)state;
    enum { POOL = 160, F = 560, G = 128 };
    static const struct {
        const char *options;
        int tensors[2];
        uint64_t flops[2];
    } cases[] = {
        {"{\"cost\":0}", {6, 6}, {POOL + F + G, POOL + F + G}},
        {"{\"cost\":0,\"budget\":0.5}", {2, 2}, {POOL + G, POOL + G}},
        {"{\"cost\":0,\"scores\":\"random\"}", {4, 4}, {POOL + F, POOL + F}},
        {"{\"cost\":0,\"scores\":\"random-at-test\"}", {6, 6}, {POOL + F, POOL + F}},
        {"{\"cost\":0,\"global_budget\":true}", {6, 2}, {POOL + F + G, POOL + G}},
        {"{\"cost\":0,\"global_budget\":true,\"scores\":\"random\"}", {4, 0}, {POOL + F, 0}},
        {"{\"cost\":0,\"budget\":0.5,\"scores\":\"random\"}", {0, 0}, {0, 0}},
    };
    for (int v = 0; v < VARIANTS; v++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct bench b;
            struct policy_tensor tensors[POLICY_TENSORS_MAX];
            set_up(&b, variants[v], cases[i].options, 4);
            for (int l = 0; l < 2; l++) {
                assert_int_equal(b.config.policy->tensors(&b.config, l, tensors),
                                 cases[i].tensors[l]);
                for (int t = 0; t < POLICY_TENSORS_MAX; t++)
                    assert_int_equal(b.p->layer[l].policy[t] != NULL, t < cases[i].tensors[l]);
                assert_int_equal(b.config.policy->gate_flops(&b.config, l, 10), cases[i].flops[l]);
            }
            tear_down(&b);
        }
}

/* Decision rows of `rows` inputs in a layer, as inference asks for them. */
static void decide(struct bench *b, int layer, int rows, float *decision) {
    struct gate_call call = b->call;
    call.layer = layer;
    call.param = b->p->layer[layer].policy;
    call.rows = rows;
    call.step = NULL;
    b->config.policy->decide(&call, decision);
}

static void fixed_budget_is_the_same_for_everyone_and_not_in_the_loss(void **state) {
    (void)state;
    enum { ROWS = 40 };
    for (int v = 0; v < VARIANTS; v++) {
        struct bench b;
        float decision[ROWS * 9];
        set_up(&b, variants[v],
               "{\"cost\":0,\"budget\":0.95,\"entropy_start\":0,\"entropy_end\":0}", 8);
        draw_scores(&b, 1);
        train_gates(&b, ROWS, 0.9);
        assert_true(fabs(b.step.sum_budget / ROWS - 0.95) < 1e-6);
        assert_true(b.step.regulariser == 0); /* .95 is outside the hinge's range */
        for (int l = 0; l < 2; l++) {
            decide(&b, l, ROWS, decision);
            for (int r = 0; r < ROWS; r++) assert_true(decision[r * 9] == 0.95f);
        }
        tear_down(&b);
    }
}

static void random_at_test_trains_as_ever_and_draws_per_input(void **state) {
    (void)state;
    enum { ROWS = 60 };
    for (int v = 0; v < VARIANTS; v++) {
        static struct bench learned, drawn;
        static float own[ROWS * 9], first[ROWS * 9], again[ROWS * 9];
        set_up(&learned, variants[v], "{}", 8);
        set_up(&drawn, variants[v], "{\"scores\":\"random-at-test\"}", 8);
        draw_scores(&learned, 1);
        draw_scores(&drawn, 1);
        train_gates(&learned, ROWS, 0.3);
        train_gates(&drawn, ROWS, 0.3);
        assert_memory_equal(learned.a, drawn.a, ROWS * 8 * sizeof(float));
        decide(&learned, 0, ROWS, own);
        decide(&drawn, 0, ROWS, first);
        for (int r = 0; r < ROWS; r++)
            drawn.ids[r] = ROWS - 1 - r; /* another order, other inputs */
        decide(&drawn, 0, ROWS, again);
        for (int r = 0; r < ROWS; r++) {
            assert_true(first[r * 9] == own[r * 9]); /* the budget is still learned */
            assert_memory_not_equal(first + r * 9 + 1, own + r * 9 + 1, 8 * sizeof(float));
            assert_memory_equal(first + r * 9 + 1, again + (ROWS - 1 - r) * 9 + 1,
                                8 * sizeof(float)); /* the draw belongs to the input */
        }
        decide(&drawn, 1, ROWS, first);
        assert_memory_not_equal(first + 1, again + 1, 8 * sizeof(float));
        drawn.call.seed = 5;
        decide(&drawn, 1, ROWS, again);
        assert_memory_not_equal(first + 1, again + 1, 8 * sizeof(float));
        tear_down(&learned);
        tear_down(&drawn);
    }
}

/* The best heads of random scores are a fair draw, new in each step of training. */
static void random_scores_choose_every_head_equally_often(void **state) {
    (void)state;
    enum { STEPS = 20, DRAWS = STEPS * ROWS_MAX };
    static struct bench b;
    static float before[ROWS_MAX * 8], decision[ROWS_MAX * 9];
    int used[2][8] = {{0}};
    set_up(&b, "budgetformer", "{\"budget\":0.25,\"cost\":0,\"scores\":\"random\",\"hard_from\":0}",
           8);
    for (uint64_t step = 0; step < STEPS; step++) {
        b.step.step = b.call.seed = step;
        train_gates(&b, ROWS_MAX, 0.5);
        decide(&b, 0, ROWS_MAX, decision);
        for (int r = 0; r < ROWS_MAX; r++) {
            float a[8];
            b.call.rows = 1;
            b.config.policy->select(&b.call, decision + r * 9, a);
            for (int h = 0; h < 8; h++) {
                used[0][h] += b.a[r * 8 + h] == 1;
                used[1][h] += a[h] == 1;
            }
        }
        assert_memory_not_equal(b.a, before, sizeof before);
        memcpy(before, b.a, sizeof before);
    }
    for (int i = 0; i < 2; i++)
        for (int h = 0; h < 8; h++)
            assert_true(fabs(used[i][h] - DRAWS / 4.0) < 5 * sqrt(DRAWS * 3 / 16.0));
    tear_down(&b);
}

static void global_budget_of_the_first_layer_holds_for_all(void **state) {
    (void)state;
    enum { ROWS = 30 };
    for (int v = 0; v < VARIANTS; v++) {
        static struct bench b;
        float first[ROWS * 9], second[ROWS * 9];
        set_up(&b, variants[v], "{\"global_budget\":true}", 8);
        draw_scores(&b, 1);
        decide(&b, 0, ROWS, first);
        draw_scores(&b, 3); /* another layer's input is another one */
        decide(&b, 1, ROWS, second);
        for (int r = 0; r < ROWS; r++) {
            assert_true(first[r * 9] == second[r * 9]);
            assert_true(r == 0 || first[r * 9] != first[0]);
            assert_true(first[r * 9 + 1] != second[r * 9 + 1]);
        }
        tear_down(&b);
    }
}

/* Regulariser of one row of two layers, and dL/d(logit of s) of it alone. */
static double cost_of(const char *variant, const char *cost_on, double s, double *gradient) {
    static struct bench b;
    char options[160];
    float da[8] = {0}, dx[DIM] = {0};
    snprintf(options, sizeof options,
             "{\"cost\":2,\"cost_on\":\"%s\",\"hinge\":0,\"entropy_start\":0,\"entropy_end\":0}",
             cost_on);
    set_up(&b, variant, options, 8);
    set_budget(&b, s);
    struct parameters *g = small_parameters(&b.config, 1);
    memset(g->arena.base, 0, g->arena.used);
    b.call.grad = g->layer[0].policy;
    train_gates(&b, 1, 0.9);
    double cost = b.step.regulariser;
    b.config.policy->gates_backward(&b.call, da, dx);
    *gradient = (double)g->layer[0].policy[3][0];
    parameters_free(g);
    tear_down(&b);
    return cost;
}

/* On k / H: the value is that of the heads that run, the gradient that of s (straight-through),
 * until one head is left. */
static void cost_on_executed_heads_stops_at_one_head(void **state) {
    (void)state;
    static const double budgets[] = {0.05, 0.12, 0.13, 0.3, 0.5, 0.76, 0.95};
    for (int v = 0; v < VARIANTS; v++)
        for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
            double s = budgets[i], k = fmax(1, ceil(8 * s)), gradient[2];
            assert_true(fabs(cost_of(variants[v], "s", s, &gradient[0]) - s) < 1e-6);
            assert_true(fabs(cost_of(variants[v], "executed", s, &gradient[1]) - k / 8) < 1e-6);
            assert_true(fabs(gradient[0] - s * (1 - s)) < 1e-6); /* 2 cost / 2 layers */
            assert_true(fabs(gradient[1] - (k > 1 ? gradient[0] : 0)) < 1e-9);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_out_has_no_tensors_and_costs_nothing),
        cmocka_unit_test(fixed_budget_is_the_same_for_everyone_and_not_in_the_loss),
        cmocka_unit_test(random_at_test_trains_as_ever_and_draws_per_input),
        cmocka_unit_test(random_scores_choose_every_head_equally_often),
        cmocka_unit_test(global_budget_of_the_first_layer_holds_for_all),
        cmocka_unit_test(cost_on_executed_heads_stops_at_one_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
