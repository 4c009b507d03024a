/*
 * The paper-like variant through its own interface: the softmax gates of training, and what each
 * inference mode multiplies the chosen heads by.
 */
#include "models/policies/budgetformer_shared.h"
#include "tests/models/policies/one_policy.h"

/* softmax(z / tau) of eight scores. */
static void probabilities(const float *z, double tau, double p[8]) {
    double sum = 0;
    for (int h = 0; h < 8; h++) sum += p[h] = exp((double)z[h] / tau);
    for (int h = 0; h < 8; h++) p[h] /= sum;
}

static void training_gates_are_budget_times_softmax(void **state) {
    (void)state;
    static const double progress[] = {0, 0.3, 0.7, 0.95};
    struct bench b;
    set_up(&b, "budgetformer-paper", "{\"noise\":0}", 8);
    set_budget(&b, 0.45);
    draw_scores(&b, 0.5);
    for (size_t i = 0; i < sizeof progress / sizeof *progress; i++) {
        double tau = progress[i] < 0.8 ? 2 * pow(0.1, progress[i] / 0.8) : 0.2;
        train_gates(&b, 30, progress[i]); /* soft to the end: there is no hard phase */
        for (int r = 0; r < 30; r++) {
            double p[8];
            probabilities(b.x + r * DIM, tau, p);
            for (int h = 0; h < 8; h++)
                assert_true(fabs((double)b.a[r * 8 + h] - 0.45 * 8 * p[h]) < 1e-5);
        }
    }
    tear_down(&b);
}

static void full_budget_and_equal_scores_are_plain_attention(void **state) {
    (void)state;
    struct bench b;
    set_up(&b, "budgetformer-paper", "{\"noise\":0,\"budget\":1}", 8);
    memset(b.p->layer[0].policy[1], 0, 8 * sizeof(float)); /* score.bias */
    train_gates(&b, 5, 0.5);
    for (int i = 0; i < 5 * 8; i++) assert_true(fabsf(b.a[i] - 1) < 1e-6f);
    tear_down(&b);
}

/* Gates of one decision row in a mode: 0 the option's, i > 0 the i-th of the policy's list. */
static void select_in(struct bench *b, int mode, const float decision[9], float a[8]) {
    b->call.rows = 1;
    b->call.step = NULL;
    b->call.mode = mode;
    b->config.policy->select(&b->call, decision, a);
}

static void modes_weigh_the_same_chosen_heads(void **state) {
    (void)state;
    enum { PLAIN, MASS, RAW };
    static const char *const options[] = {"{\"mode\":\"plain\"}", "{\"mode\":\"mass\"}",
                                          "{\"mode\":\"raw\"}"};
    static const char *const names[] = {"mode:plain", "mode:mass", "mode:raw"};
    const float decision[9] = {0.3f, 0.3f, -0.2f, 0.5f, 0, -0.4f, 0.1f, 0.2f, 0.35f};
    double p[8], chosen = 0;
    probabilities(decision + 1, 0.2, p);
    bool in[8] = {[0] = true, [2] = true, [7] = true}; /* k = ceil(2.4) */
    for (int h = 0; h < 8; h++) chosen += in[h] ? p[h] : 0;
    for (int mode = PLAIN; mode <= RAW; mode++) {
        struct bench b;
        float a[2][8];
        double sum = 0;
        set_up(&b, "budgetformer-paper", options[mode], 8);
        assert_string_equal(b.config.policy->modes[mode], names[mode]);
        select_in(&b, 0, decision, a[0]);
        for (int h = 0; h < 8; h++) {
            double weight = mode == PLAIN ? 1 : 0.3 * 8 * p[h] / (mode == MASS ? chosen : 1);
            assert_true(fabs((double)a[0][h] - (in[h] ? weight : 0)) < 1e-6);
            sum += (double)a[0][h];
        }
        if (mode == MASS) assert_true(fabs(sum - 0.3 * 8) < 1e-5);
        for (int option = PLAIN; option <= RAW; option++) { /* whatever the option says */
            struct bench other;
            set_up(&other, "budgetformer-paper", options[option], 8);
            select_in(&other, 1 + mode, decision, a[1]);
            assert_memory_equal(a[0], a[1], sizeof a[0]);
            tear_down(&other);
        }
        tear_down(&b);
    }
}

static void chosen_heads_run_however_small_their_weight(void **state) {
    (void)state;
    const float decision[9] = {0.5f, 200, 0, 0, 0, -1, -1, -1, -1};
    for (int mode = 1; mode <= 3; mode++) {
        struct bench b;
        float a[8];
        set_up(&b, "budgetformer-paper", "{}", 8);
        select_in(&b, mode, decision, a);
        for (int h = 0; h < 8; h++) assert_int_equal(a[h] != 0, h < 4);
        tear_down(&b);
    }
}

/* Each variant has its own default: even scores have an entropy of 1, and s inside the hinge leaves
 * nothing else in the loss. */
static void variants_end_with_their_own_weight_of_the_entropy(void **state) {
    (void)state;
    static const char *const policies[] = {"budgetformer", "budgetformer-paper"};
    double weight[2];
    for (int i = 0; i < 2; i++) {
        struct bench b;
        set_up(&b, policies[i], "{\"cost\":0}", 8);
        const struct budget_options *o = (const void *)b.config.policy_options;
        weight[i] = o->entropy_end;
        set_budget(&b, 0.5);
        train_gates(&b, 4, 1);
        assert_true(fabs(b.step.regulariser * b.config.layers - weight[i]) < 1e-6);
        tear_down(&b);
    }
    assert_true(weight[1] > weight[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_gates_are_budget_times_softmax),
        cmocka_unit_test(full_budget_and_equal_scores_are_plain_attention),
        cmocka_unit_test(modes_weigh_the_same_chosen_heads),
        cmocka_unit_test(chosen_heads_run_however_small_their_weight),
        cmocka_unit_test(variants_end_with_their_own_weight_of_the_entropy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
