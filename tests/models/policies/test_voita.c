/*
 * Hard-concrete gates: the published formulas at values worked out by hand, their gradient by
 * finite differences at fixed u, the penalty, and which heads stay.
 */
#include "models/head_gates.h"
#include "tests/models/policies/one_policy.h"

static void set_log_a(struct bench *b, double value) {
    for (int h = 0; h < b->call.heads; h++) b->p->layer[0].policy[0][h] = (float)value;
}

/* log_a -> gate of the test: clip(1.2 sigmoid(log_a) - 0.1, 0, 1), beta not used. */
static void test_gates_are_the_stretched_sigmoid(void **state) {
    (void)state;
    static const double cases[][2] = {{0, 0.5},          {1, 0.777270294}, {-1, 0.222729706},
                                      {2.3979, 1},       {2.39, 0.999274}, {-2.3979, 0},
                                      {-2.3, 0.0093476}, {20, 1},          {-20, 0}};
    struct bench b;
    set_up(&b, "voita", "{}", 4);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float a[3 * 4];
        struct head_gates gates;
        set_log_a(&b, cases[i][0]);
        b.call.rows = 3;
        b.call.step = NULL;
        b.config.policy->decide(&b.call, a);
        b.config.policy->keep(b.p, 0, &gates);
        for (int j = 0; j < 12; j++) {
            if (fabs((double)a[j] - cases[i][1]) > 2e-5)
                fail_msg("log_a %g: gate %.7g, not %.7g", cases[i][0], (double)a[j], cases[i][1]);
            assert_true(gates.value[0][j % 4] == a[j]); /* what is removed or folded */
        }
    }
    tear_down(&b);
}

/* The formula again, from the u that the step's noise gives a head. */
static double gate_of(const struct bench *b, int h, double log_a) {
    double u = 1e-6 + (1 - 2e-6) *
                          rng_uniform(&b->step.noise, b->step.step * MODEL_LAYERS_MAX, (uint64_t)h);
    double c = 1 / (1 + exp(-(log(u) - log(1 - u) + log_a) / 0.33));
    return fmin(1, fmax(0, c * 1.2 - 0.1));
}

static void training_gates_are_hard_concrete_and_shared_by_the_batch(void **state) {
    (void)state;
    enum { STEPS = 3000, HEADS = 8 };
    static const double log_as[] = {-1, 0, 2};
    struct bench b;
    set_up(&b, "voita", "{}", HEADS);
    for (size_t i = 0; i < 3; i++) {
        int open = 0, full = 0, n = STEPS * HEADS;
        set_log_a(&b, log_as[i]);
        for (uint64_t step = 0; step < STEPS; step++) {
            b.step.step = step;
            train_gates(&b, 2, 0.5);
            for (int h = 0; h < HEADS; h++) {
                assert_true(fabs((double)b.a[h] - gate_of(&b, h, log_as[i])) < 1e-6);
                assert_true(b.a[h] == b.a[HEADS + h]);
                open += b.a[h] > 0;
                full += b.a[h] >= 1;
            }
        }
        /* P(g > 0) = sigmoid(log_a - beta ln(-gamma/zeta)); P(g = 1) by the same symmetry. */
        double p = 1 / (1 + exp(-(log_as[i] + 0.33 * log(11))));
        double q = 1 / (1 + exp(-(log_as[i] - 0.33 * log(11))));
        assert_true(fabs(open - p * n) < 5 * sqrt(p * (1 - p) * n));
        assert_true(fabs(full - q * n) < 5 * sqrt(q * (1 - q) * n));
    }
    tear_down(&b);
}

/* cost / L sum_h P(open), here with L = 2 and four heads at log_a = 0: P = sigmoid(0.79131). */
static void penalty_is_the_expected_number_of_open_heads(void **state) {
    (void)state;
    struct bench b;
    set_up(&b, "voita", "{\"cost\":0.5}", 4);
    set_log_a(&b, 0);
    train_gates(&b, 6, 0.5);
    assert_true(fabs(b.step.regulariser - 0.5 / 2 * 4 * 0.6881117) < 1e-5);
    train_gates(&b, 6, 0.5); /* two chunks of a batch add up to one penalty */
    double whole = b.step.regulariser;
    b.step.regulariser = 0;
    b.call.rows = 2;
    b.config.policy->gates_train(&b.call, b.a);
    b.call.rows = 4;
    b.config.policy->gates_train(&b.call, b.a);
    assert_true(fabs(b.step.regulariser - whole) < 1e-12);
    set_log_a(&b, -20); /* clipped at eps from below */
    train_gates(&b, 6, 0.5);
    assert_true(fabs(b.step.regulariser - 0.5 / 2 * 4 * 1e-6) < 1e-12);
    tear_down(&b);
}

/* <da, a> + regulariser as a function of log_a. */
static double objective(struct bench *b, const float *da, int rows) {
    double sum = 0;
    train_gates(b, rows, 0.5);
    for (int i = 0; i < rows * b->call.heads; i++) sum += (double)da[i] * (double)b->a[i];
    return sum + b->step.regulariser;
}

static void gradient_follows_log_a_at_fixed_noise(void **state) {
    (void)state;
    enum { ROWS = 3, HEADS = 8 };
    struct bench b;
    float da[ROWS * HEADS], dx[ROWS * DIM] = {0}, gradient[HEADS];
    float *grad[1] = {gradient};
    struct rng rng = rng_stream(5, RNG_GENERATOR);
    int between = 0, clipped = 0;
    set_up(&b, "voita", "{\"cost\":0.7}", HEADS);
    b.call.grad = grad;
    for (int i = 0; i < ROWS * HEADS; i++) da[i] = (float)rng_normal(&rng, 1, (uint64_t)i);
    for (uint64_t step = 0; step < 40; step++) {
        float *log_a = b.p->layer[0].policy[0];
        b.step.step = step;
        for (int h = 0; h < HEADS; h++) log_a[h] = (float)rng_normal(&rng, 2 + step, (uint64_t)h);
        memset(gradient, 0, sizeof gradient);
        train_gates(&b, ROWS, 0.5);
        b.config.policy->gates_backward(&b.call, da, dx);
        for (int h = 0; h < HEADS; h++) {
            float at = log_a[h], width = 2e-3f;
            double low = gate_of(&b, h, (double)(at - width)),
                   high = gate_of(&b, h, (double)(at + width));
            if ((low > 0) != (high > 0) || (low < 1) != (high < 1)) continue; /* a kink between */
            log_a[h] = at + width;
            double up = objective(&b, da, ROWS);
            log_a[h] = at - width;
            double down = objective(&b, da, ROWS);
            log_a[h] = at;
            double numeric = (up - down) / (double)(at + width - (at - width));
            if (fabs(numeric - (double)gradient[h]) > 1e-3 + 1e-3 * fabs(numeric))
                fail_msg("step %d head %d: numeric %.6g, analytic %.6g", (int)step, h, numeric,
                         (double)gradient[h]);
            between += low > 0 && high < 1;
            clipped += low <= 0 || high >= 1;
        }
    }
    for (int i = 0; i < ROWS * DIM; i++) assert_true(dx[i] == 0); /* gates do not look at x */
    assert_true(between > 50 && clipped > 50);
    tear_down(&b);
}

static void gates_start_open_and_move_at_their_own_rate(void **state) {
    (void)state;
    struct bench b;
    struct head_gates gates;
    struct model_config config =
        small_config(policy_find("voita"), "{\"gate_rate\":0.2}", 2, 16, 4);
    struct policy_tensor own[POLICY_TENSORS_MAX];
    set_up(&b, "voita", "{}", 4);
    parameters_initialise(b.p, 1);
    b.config.policy->keep(b.p, 0, &gates);
    assert_int_equal(head_gates_total(&b.config, &gates), 8);
    for (int h = 0; h < 4; h++) assert_true(gates.value[1][h] == 1);
    assert_int_equal(config.policy->tensors(&config, 0, own), 1);
    assert_true(own[0].learning_rate == 0.2f && !own[0].decay);
    tear_down(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gates_are_the_stretched_sigmoid),
        cmocka_unit_test(training_gates_are_hard_concrete_and_shared_by_the_batch),
        cmocka_unit_test(penalty_is_the_expected_number_of_open_heads),
        cmocka_unit_test(gradient_follows_log_a_at_fixed_noise),
        cmocka_unit_test(gates_start_open_and_move_at_their_own_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
