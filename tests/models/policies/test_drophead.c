/*
 * What DropHead promises: heads dropped at the rate of its schedule, the kept ones scaled to the
 * same sum, never all dropped, and every head at gate 1 at inference.
 */
#include "tests/models/policies/one_policy.h"

/* Every row's gates are 0 or H over the number kept; returns how many are 0, of rows * heads. */
static int check_rows(const struct bench *b, int rows) {
    int heads = b->call.heads, dropped = 0;
    for (int r = 0; r < rows; r++) {
        const float *a = b->a + r * heads;
        int kept = 0;
        for (int h = 0; h < heads; h++) kept += a[h] != 0.0f;
        assert_true(kept > 0);
        for (int h = 0; h < heads; h++)
            assert_true(a[h] == 0.0f || a[h] == (float)heads / (float)kept);
        dropped += heads - kept;
    }
    return dropped;
}

static void heads_drop_with_probability_p_but_never_all(void **state) {
    (void)state;
    enum { STEPS = 40, ROWS = STEPS * ROWS_MAX };
    static const double ps[] = {0, 0.1, 0.3, 0.9};
    static const int heads[] = {2, 8};
    static struct bench b;
    for (size_t i = 0; i < 8; i++) {
        double p = ps[i % 4];
        int h = heads[i / 4], dropped = 0;
        char options[48];
        snprintf(options, sizeof options, "{\"p\":%g,\"schedule\":\"constant\"}", p);
        set_up(&b, "drophead", options, h);
        for (uint64_t step = 0; step < STEPS; step++) {
            b.step.step = step;
            train_gates(&b, ROWS_MAX, 0.5);
            dropped += check_rows(&b, ROWS_MAX);
        }
        /* A binomial number of h, given that it is not h: its mean. */
        double all = pow(p, h), share = (p - all) / (1 - all);
        assert_true(fabs(dropped - share * ROWS * h) <= 5 * sqrt(p * (1 - p) * ROWS * h));
        tear_down(&b);
    }
}

static void draws_repeat_and_differ_by_step_layer_and_input(void **state) {
    (void)state;
    static struct bench b;
    static float before[ROWS_MAX * 8];
    set_up(&b, "drophead", "{\"p\":0.5,\"schedule\":\"constant\"}", 8);
    train_gates(&b, 100, 0.5);
    memcpy(before, b.a, sizeof before);
    assert_memory_not_equal(b.a, b.a + 8, 8 * sizeof(float));
    train_gates(&b, 100, 0.9);
    assert_memory_equal(b.a, before, 100 * 8 * sizeof(float));
    for (int way = 0; way < 2; way++) {
        b.step.step = way == 0;
        b.call.layer = way;
        train_gates(&b, 100, 0.5);
        int same = 0;
        for (int r = 0; r < 100; r++)
            same += memcmp(b.a + r * 8, before + r * 8, 8 * sizeof(float)) == 0;
        assert_true(same < 10);
    }
    tear_down(&b);
}

/* From p straight to 0 at the turn and straight back to p, worked by hand. */
static void rate_falls_to_nothing_and_rises_again(void **state) {
    (void)state;
    enum { STEPS = 40, ROWS = STEPS * ROWS_MAX, HEADS = 8 };
    static const struct {
        const char *options;
        double progress, rate;
    } cases[] = {{"{\"p\":0.4}", 0, 0.4},
                 {"{\"p\":0.4}", 0.125, 0.3},
                 {"{\"p\":0.4}", 0.25, 0.2},
                 {"{\"p\":0.4}", 0.5, 0},
                 {"{\"p\":0.4}", 0.875, 0.3},
                 {"{\"p\":0.4}", 1, 0.4},
                 {"{\"p\":0.4,\"turn\":0.2}", 0.1, 0.2},
                 {"{\"p\":0.4,\"turn\":0.2}", 0.2, 0},
                 {"{\"p\":0.4,\"turn\":0.2}", 0.6, 0.2},
                 {"{\"p\":0.4,\"turn\":0.2,\"schedule\":\"constant\"}", 0.2, 0.4}};
    static struct bench b;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double p = cases[i].rate, all = pow(p, HEADS), share = (p - all) / (1 - all);
        int dropped = 0;
        set_up(&b, "drophead", cases[i].options, HEADS);
        for (uint64_t step = 0; step < STEPS; step++) {
            b.step.step = step;
            train_gates(&b, ROWS_MAX, cases[i].progress);
            dropped += check_rows(&b, ROWS_MAX);
        }
        assert_true(fabs(dropped - share * ROWS * HEADS) <= 5 * sqrt(p * (1 - p) * ROWS * HEADS));
        tear_down(&b);
    }
}

static void inference_opens_every_gate_at_no_cost(void **state) {
    (void)state;
    static struct bench b;
    set_up(&b, "drophead", "{\"p\":0.9}", 8);
    b.call.rows = 20;
    b.call.step = NULL;
    b.config.policy->decide(&b.call, b.a);
    for (int i = 0; i < 20 * 8; i++) assert_true(b.a[i] == 1.0f);
    assert_null(b.config.policy->gate_flops);
    tear_down(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_drop_with_probability_p_but_never_all),
        cmocka_unit_test(rate_falls_to_nothing_and_rises_again),
        cmocka_unit_test(draws_repeat_and_differ_by_step_layer_and_input),
        cmocka_unit_test(inference_opens_every_gate_at_no_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
