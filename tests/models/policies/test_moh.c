/*
 * What the router of MoH promises, for `moh` and `moh-pool` alike: gates as the authors' code has
 * them, the K best routed heads beside the shared ones, and a load balance over the rows at hand.
 */
#include "tests/models/policies/one_policy.h"
#include "models/cpu/gemm.h"

#include <stdlib.h>

static const char *const policies[] = {"moh", "moh-pool"};

/* The gates of one row from the equations of moh_router.h, in double. */
static void naive_gates(const struct bench *b, int r, int shared, int routed, double *a) {
    double z[HEADS_MAX + 2] = {0}, sum[3] = {0}, chosen = 0;
    const float *weight = b->p->layer[0].policy[0];
    int heads = b->call.heads;
    for (int i = 0; i < heads + 2; i++) {
        z[i] = 0;
        for (int j = 0; j < DIM; j++)
            z[i] += (double)weight[i * DIM + j] * (double)b->x[r * DIM + j];
        sum[i < shared ? 0 : i < heads ? 1 : 2] += exp(z[i]);
    }
    double alpha = exp(z[heads]) / sum[2];
    bool runs[HEADS_MAX] = {false};
    for (int i = shared; i < heads; i++) {
        int better = 0;
        for (int j = shared; j < heads; j++) better += z[j] > z[i];
        runs[i] = better < routed;
        if (runs[i]) chosen += exp(z[i]);
    }
    for (int i = 0; i < heads; i++)
        a[i] = i < shared ? 2 * alpha * shared * exp(z[i]) / sum[0]
               : runs[i]  ? 2 * (1 - alpha) * routed * exp(z[i]) / chosen
                          : 0;
}

static void gates_are_those_of_the_authors_code(void **state) {
    (void)state;
    static const int cases[][2] = {{1, 1}, {1, 2}, {2, 2}, {2, 4}, {4, 2}, {2, 6}, {7, 1}};
    static struct bench b;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int p = 0; p < 2; p++) {
            char options[64];
            int shared = cases[i][0], routed = cases[i][1];
            snprintf(options, sizeof options, "{\"shared\":%d,\"routed\":%d}", shared, routed);
            set_up(&b, policies[p], options, 8);
            draw_scores(&b, 1);
            train_gates(&b, 60, 0.5);
            for (int r = 0; r < 60; r++) {
                double expected[8] = {0}, share[2] = {0, 0};
                int runs = 0;
                naive_gates(&b, r, shared, routed, expected);
                for (int h = 0; h < 8; h++) {
                    double a = (double)b.a[r * 8 + h];
                    assert_true(fabs(a - expected[h]) < 1e-4 * (1 + expected[h]));
                    share[h >= shared] += a;
                    runs += a != 0.0;
                }
                /* K + h_s heads run. Both kinds add up to 2 alpha times their number: where alpha
                 * is even, the mean gate is 1 as in plain attention. */
                assert_int_equal(runs, shared + routed);
                assert_true(fabs(share[0] / shared + share[1] / routed - 2) < 1e-5);
            }
            tear_down(&b);
        }
}

static void ties_go_to_the_lower_head_and_even_gates_are_one(void **state) {
    (void)state;
    static struct bench b;
    set_up(&b, "moh", "{\"shared\":2,\"routed\":4}", 8);
    memset(b.p->layer[0].policy[0], 0, 10 * DIM * sizeof(float));
    draw_scores(&b, 1);
    train_gates(&b, 5, 0.5);
    for (int r = 0; r < 5; r++)
        for (int h = 0; h < 8; h++) assert_true(b.a[r * 8 + h] == (h < 6 ? 1.0f : 0.0f));
    tear_down(&b);
}

/* x = 1 in one place, so that the column of the weight there is every row's logits. */
static void set_logits(struct bench *b, const float *logits) {
    memset(b->x, 0, sizeof b->x);
    for (int r = 0; r < ROWS_MAX; r++) b->x[r * DIM] = 1;
    for (int i = 0; i < b->call.heads + 2; i++) {
        float *row = b->p->layer[0].policy[0] + i * DIM;
        memset(row, 0, DIM * sizeof *row);
        row[0] = logits[i];
    }
}

static void balance_is_k_when_even_and_e_when_all_choose_one(void **state) {
    (void)state;
    static struct bench b;
    static const float even[10] = {0}, one[10] = {[5] = 50};
    for (int k = 1; k <= 2; k++) {
        char options[64];
        snprintf(options, sizeof options, "{\"shared\":4,\"routed\":%d,\"balance\":0.5}", k);
        set_up(&b, "moh", options, 8); /* four routed heads, one of two layers */
        set_logits(&b, even);
        train_gates(&b, 32, 0.5);
        assert_true(fabs(b.step.regulariser - 0.5 * k / 2) < 1e-6);
        set_logits(&b, one);
        train_gates(&b, 32, 0.5);
        assert_true(fabs(b.step.regulariser - 0.5 * 4 / 2) < 1e-6);
        tear_down(&b);
    }
}

/* Four rows choose one head each: P and f are both 1/4 although every row is certain. */
static void balance_looks_at_all_rows_together(void **state) {
    (void)state;
    static struct bench b;
    set_up(&b, "moh", "{\"shared\":4,\"routed\":1,\"balance\":1}", 8);
    memset(b.x, 0, sizeof b.x);
    memset(b.p->layer[0].policy[0], 0, 10 * DIM * sizeof(float));
    for (int i = 0; i < 4; i++) {
        b.x[i * DIM + i] = 1;
        b.p->layer[0].policy[0][(4 + i) * DIM + i] = 50;
    }
    train_gates(&b, 4, 0.5);
    assert_true(fabs(b.step.regulariser - 1.0 / 2) < 1e-6);
    tear_down(&b);
}

static void a_chunk_counts_by_its_share_of_the_samples(void **state) {
    (void)state;
    static struct bench b;
    set_up(&b, "moh", "{\"balance\":1}", 8);
    draw_scores(&b, 1);
    train_gates(&b, 30, 0.5);
    double whole = b.step.regulariser;
    assert_true(whole > 0);
    b.step.regulariser = 0;
    b.step.n_samples = 120; /* the same rows are a quarter of the batch */
    b.config.policy->gates_train(&b.call, b.a);
    assert_true(fabs(b.step.regulariser - whole / 4) < 1e-12);
    tear_down(&b);
}

enum { GRADIENT_ROWS = 30, N_WEIGHTS = 10 * DIM };

/* <da, a> + regulariser for the weights and inputs as they are. */
static double linear_loss(struct bench *b, const float *da) {
    double loss = 0;
    train_gates(b, GRADIENT_ROWS, 0.5);
    for (int i = 0; i < GRADIENT_ROWS * 8; i++) loss += (double)da[i] * (double)b->a[i];
    return loss + b->step.regulariser;
}

/* Of values[n], along random directions: central differences against the gradient. A direction on
 * which some row changes its choice between the two ends is not differentiable, and left out. */
static void check_directions(struct bench *b, const float *da, float *values, int n,
                             const float *gradient) {
    struct rng rng = rng_stream(31, RNG_GENERATOR);
    float *kept = malloc((size_t)n * sizeof *kept), runs[2][GRADIENT_ROWS * 8];
    int checked = 0;
    assert_non_null(kept);
    memcpy(kept, values, (size_t)n * sizeof *kept);
    for (uint64_t direction = 0; direction < 12; direction++) {
        double analytic = 0, loss[2], width = 5e-3 / sqrt(n);
        for (int side = 0; side < 2; side++) {
            for (int i = 0; i < n; i++) {
                double v = rng_normal(&rng, direction, (uint64_t)i);
                values[i] = (float)((double)kept[i] + (side ? -width : width) * v);
                if (side == 0) analytic += v * (double)gradient[i];
            }
            loss[side] = linear_loss(b, da);
            for (int i = 0; i < GRADIENT_ROWS * 8; i++)
                runs[side][i] = b->a[i] != 0.0f ? 1.0f : 0.0f;
        }
        memcpy(values, kept, (size_t)n * sizeof *kept);
        if (memcmp(runs[0], runs[1], sizeof runs[0]) != 0) continue;
        checked++;
        double numeric = (loss[0] - loss[1]) / (2 * width);
        if (fabs(numeric - analytic) > 1e-2 + 5e-3 * fabs(analytic))
            fail_msg("direction %d: numeric %.6g, analytic %.6g", (int)direction, numeric,
                     analytic);
    }
    assert_true(checked >= 6);
    free(kept);
}

static void gradients_of_a_choice_are_those_of_its_gates_and_the_balance(void **state) {
    (void)state;
    static const char *const options[] = {"{\"shared\":2,\"routed\":2,\"balance\":20}",
                                          "{\"shared\":1,\"routed\":1,\"balance\":20}",
                                          "{\"shared\":4,\"routed\":3,\"balance\":0}"};
    static struct bench b;
    for (size_t i = 0; i < 6; i++) {
        static float da[GRADIENT_ROWS * 8], dx[GRADIENT_ROWS * DIM];
        float dweight[N_WEIGHTS] = {0}, *grad[1] = {dweight};
        struct rng rng = rng_stream(8, RNG_GENERATOR);
        set_up(&b, policies[i % 2], options[i / 2], 8);
        draw_scores(&b, 1);
        memset(dx, 0, sizeof dx);
        for (int j = 0; j < GRADIENT_ROWS * 8; j++) da[j] = (float)rng_normal(&rng, 2, (uint64_t)j);
        b.call.grad = grad;
        linear_loss(&b, da);
        b.config.policy->gates_backward(&b.call, da, dx);
        check_directions(&b, da, b.p->layer[0].policy[0], N_WEIGHTS, dweight);
        check_directions(&b, da, b.x, GRADIENT_ROWS * DIM, dx);
        tear_down(&b);
    }
}

/* Inference asks the same router: its gates are those of training, and its products the formula. */
static void inference_gates_are_those_of_training(void **state) {
    (void)state;
    static struct bench b;
    for (int p = 0; p < 2; p++) {
        static float gates[ROWS_MAX * HEADS_MAX];
        struct work work = {0};
        set_up(&b, policies[p], "{}", 8);
        draw_scores(&b, 1);
        train_gates(&b, 40, 0.5);
        b.call.step = NULL;
        b.call.work = &work;
        b.config.policy->decide(&b.call, gates);
        assert_memory_equal(gates, b.a, 40 * 8 * sizeof *gates);
        uint64_t rows = p == 0 ? 40 : 1, pool = p == 0 ? 0 : 40 * DIM;
        assert_int_equal(work.flops.count[FLOP_GATE], 40 * 2 * DIM * (8 + 2));
        assert_int_equal(b.config.policy->gate_flops(&b.config, 0, 40),
                         pool + rows * 2 * DIM * (8 + 2));
        tear_down(&b);
    }
}

/* Routed probabilities of 1/2, 1/4, 1/8 and 1/8 have 1.75 of 2 bits, and even ones all of them. */
static void entropy_is_that_of_the_routed_heads(void **state) {
    (void)state;
    static const double p[4] = {0.5, 0.25, 0.125, 0.125};
    static struct bench b;
    set_up(&b, "moh", "{\"shared\":4,\"routed\":1}", 8);
    float *weight = b.p->layer[0].policy[0];
    memset(weight, 0, 10 * DIM * sizeof *weight);
    weight[0] = 3; /* shared heads do not enter */
    for (int j = 0; j < 4; j++) weight[(4 + j) * DIM] = (float)log(p[j]);
    b.x[0] = 1; /* the first row; the second is 0 */
    train_gates(&b, 2, 0.5);
    assert_int_equal(b.step.n_entropy, 2);
    assert_true(fabs(b.step.sum_entropy - (0.875 + 1)) < 1e-6);
    tear_down(&b);
    set_up(&b, "moh-pool", "{\"shared\":7,\"routed\":1}", 8); /* nothing to choose */
    train_gates(&b, 2, 0.5);
    assert_int_equal(b.step.n_entropy, 0);
    tear_down(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gates_are_those_of_the_authors_code),
        cmocka_unit_test(ties_go_to_the_lower_head_and_even_gates_are_one),
        cmocka_unit_test(balance_is_k_when_even_and_e_when_all_choose_one),
        cmocka_unit_test(balance_looks_at_all_rows_together),
        cmocka_unit_test(a_chunk_counts_by_its_share_of_the_samples),
        cmocka_unit_test(gradients_of_a_choice_are_those_of_its_gates_and_the_balance),
        cmocka_unit_test(inference_gates_are_those_of_training),
        cmocka_unit_test(entropy_is_that_of_the_routed_heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
