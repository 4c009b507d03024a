/*
 * How many heads are needed to be as good as all heads: the interval over seeds and test inputs
 * against numbers worked out by hand, the margin, and each verdict with its reason.
 */
#include "harness/store/statistics.h"
#include "tests/harness/store/wrong_answers.h"

/* The value of a column of heads_needed for one policy; NaN for NULL. */
static double needed(struct fixture *f, const char *column, const char *policy) {
    char sql[512];
    snprintf(sql, sizeof sql, "SELECT %s FROM heads_needed WHERE policy = '%s'", column, policy);
    return number(f, sql);
}

static void expect_reason(struct fixture *f, const char *policy, const char *reason) {
    char column[256];
    snprintf(column, sizeof column, "reason = '%s'", reason);
    if (needed(f, column, policy) == 1) return;
    fail_msg("not the reason: %s", reason);
}

static void expect(struct fixture *f, const char *policy, double found, double low, double estimate,
                   double high) {
    const char *columns[] = {"heads_needed", "heads_low", "heads_estimate", "heads_high"};
    double expected[] = {found, low, estimate, high};
    KEEP(f, "heads_needed");
    for (int i = 0; i < 4; i++) {
        double value = needed(f, columns[i], policy);
        if (!(isnan(value) && isnan(expected[i])) && !(fabs(value - expected[i]) < 1e-9))
            fail_msg("%s of %s is %g, not %g", columns[i], policy, value, expected[i]);
    }
    KEEP(f, NULL);
}

static void the_interval_joins_scatter_of_seeds_and_of_inputs(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    /* All heads get everything right, 4 heads the first 2, 3 and 4 of 998 inputs wrong. */
    add_arm(f, workload, "all", "fixed", 8, 998, 3, NONE);
    add_arm(f, workload, "four", "fixed", 4, 998, 3,
            (const struct wrong[]){{0, 2}, {0, 3}, {0, 4}});
    compare_arms(f);
    assert_int_equal(raw_sql(f->path, "UPDATE evaluation SET mean_heads = 7 WHERE trial_id = "
                                      "(SELECT max(id) FROM trial)"),
                     SQLITE_OK);
    /* Sums of seeds -2, -3, -4; of inputs -3, -3, -2, -1 and else 0; 9 differences in all. A
     * pseudo input is the mean of 2.5 of 1 and of the four means' squares, (9 + 9 + 4 + 1) / 9. */
    double n = 3 * 998, correction = 81 / n, mean = -300.0 / 998;
    double of_seeds = (4 + 9 + 16) / 998.0 - correction, of_inputs = 23 / 3.0 - correction;
    double ms_seed = of_seeds / 2, ms_rest = (9 - correction - of_seeds - of_inputs) / 2 / 997;
    double ms_input = (of_inputs + 2.5 * 3 * (2.5 + 23 / 9.0) / 6.5) / 997;
    double sum = ms_seed + ms_input - ms_rest;
    double df = sum * sum /
                (ms_seed * ms_seed / 2 + ms_input * ms_input / 997 + ms_rest * ms_rest / 2 / 997);
    double seeds = 100 * 4.302652730 * sqrt(ms_seed / n);
    double inputs = 100 * student_quantile(0.05, 997) * sqrt(ms_input / n);
    double half = fmax(100 * student_quantile(0.05, df) * sqrt(sum / n), fmax(seeds, inputs));
    assert_true(df > 2 && df < 997);
    const char *from = "FROM difference_to_all_heads WHERE arm = 'four'";
    const struct {
        const char *column;
        double expected;
    } cases[] = {{"n_seeds", 3},
                 {"n_inputs", 998},
                 {"mean_heads", (4 + 4 + 7) / 3.0},
                 {"difference_points", mean},
                 {"seeds_half_points", seeds},
                 {"inputs_half_points", inputs},
                 {"ci95_low_points", mean - half},
                 {"ci95_high_points", mean + half}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[256];
        snprintf(sql, sizeof sql, "SELECT %s %s", cases[i].column, from);
        assert_near(number(f, sql), cases[i].expected);
    }
    assert_near(number(f, "SELECT count(*) FROM difference_to_all_heads"), 1); /* not itself */
}

static void inputs_are_paired_whatever_all_heads_get_wrong(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    struct wrong half[3] = {{0, 499}, {0, 499}, {0, 499}};
    add_arm(f, workload, "all", "fixed", 8, 998, 3, half);
    add_arm(f, workload, "same", "fixed", 4, 998, 3, half); /* wrong on the same inputs */
    add_arm(f, workload, "other", "fixed", 2, 998, 3,
            (const struct wrong[]){{499, 998}, {499, 998}, {499, 998}});
    compare_arms(f);
    const char *sql = "SELECT inputs_half_points FROM difference_to_all_heads WHERE arm = '%s'";
    char same[128], other[128];
    snprintf(same, sizeof same, sql, "same");
    snprintf(other, sizeof other, sql, "other");
    double t = 100 * student_quantile(0.05, 997);
    assert_near(number(f, same), t * sqrt(2.5 / 997 / 998));          /* pseudo inputs alone */
    assert_near(number(f, other), t * sqrt((998 + 2.5) / 997 / 998)); /* +-1 everywhere */
    assert_near(number(f, "SELECT difference_points FROM difference_to_all_heads "
                          "WHERE arm = 'other'"),
                0);
}

static void fewest_heads_that_are_demonstrably_within_1_point(void **state) {
    struct fixture *f = *state;
    char page[8192];
    int64_t workload = one_workload(f, "w");
    add_arm(f, workload, "all", "fixed", 8, 998, 3, NONE);
    add_arm(f, workload, "six", "fixed", 6, 998, 3, (const struct wrong[]){{0, 2}, {0, 3}, {0, 4}});
    add_arm(f, workload, "four", "fixed", 4, 998, 3,
            (const struct wrong[]){{0, 2}, {0, 3}, {0, 4}});
    add_arm(f, workload, "three", "fixed", 3, 998, 3, /* loses 0.9 in the mean */
            (const struct wrong[]){{0, 8}, {0, 9}, {0, 10}});
    add_arm(f, workload, "two", "fixed", 2, 998, 3, /* 1.2: may be less */
            (const struct wrong[]){{0, 11}, {0, 12}, {0, 13}});
    add_arm(f, workload, "one", "fixed", 1, 998, 3, /* 10: too much */
            (const struct wrong[]){{0, 99}, {0, 100}, {0, 101}});
    compare_arms(f);
    expect(f, "fixed", 4, 2, 3, 4);
    expect_reason(f, "fixed", "");
    assert_non_null(strstr(report(f, page, sizeof page),
                           "w: 4 of 8 with fixed heads (not checked: no arm without attention)\n"));
}

static void a_small_test_set_cannot_resolve_1_point(void **state) {
    struct fixture *f = *state;
    char page[8192];
    int64_t workload = one_workload(f, "w");
    add_arm(f, workload, "all", "fixed", 8, 98, 3, NONE);
    add_arm(f, workload, "one", "fixed", 1, 98, 3, NONE);
    add_arm(f, workload, "two", "fixed", 2, 98, 3, (const struct wrong[]){{0, 1}, {0, 1}, {0, 1}});
    compare_arms(f);
    /* One input of 98 is lost by all seeds, and 2.5 more might be: 198.47 sqrt((1 - 1 / 98 +
     * 2.5) / 97 / 98). The loss of 1.02 points ends the estimate. */
    expect(f, "fixed", NAN, 1, 8, 8);
    expect_reason(f, "fixed", "the test set of 98 cannot resolve 1 point: ±3.80");
    assert_non_null(strstr(report(f, page, sizeof page),
                           "w: not known, 1 to 8 of 8 with fixed heads (not checked: no arm "
                           "without attention): the test set of 98 cannot "
                           "resolve 1 point: ±3.80\n"));
}

static void a_lucky_gain_on_a_small_test_set_is_no_proof(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    /* One head is 1 point better and its interval starts above -1, but is wider than a point to
     * either side: 196.8 sqrt((3 - 9 / 298 + 2.5) / 297 / 298) is 1.55. */
    struct wrong three[3] = {{0, 3}, {0, 3}, {0, 3}};
    add_arm(f, workload, "all", "fixed", 8, 298, 3, three);
    add_arm(f, workload, "one", "fixed", 1, 298, 3, NONE);
    compare_arms(f);
    assert_true(number(f, "SELECT ci95_low_points FROM difference_to_all_heads") > -1);
    expect(f, "fixed", NAN, 1, 1, 8);
}

static void seeds_that_scatter_cannot_resolve_1_point(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    add_arm(f, workload, "all", "fixed", 8, 9998, 3, NONE);
    add_arm(f, workload, "one", "fixed", 1, 9998, 3,
            (const struct wrong[]){{0, 0}, {0, 0}, {0, 90}});
    compare_arms(f);
    /* Seeds 0, 0, -90 of 9998: sd 90 / sqrt(3), which is wider than what the inputs add to it. */
    char reason[128];
    snprintf(reason, sizeof reason, "3 seeds and 9998 test inputs cannot resolve 1 point: ±%.2f",
             100 * 4.302652730 * 90 / 3 / 9998);
    expect(f, "fixed", NAN, 1, 1, 8);
    expect_reason(f, "fixed", reason);
}

static void a_loss_of_nearly_1_point_is_left_open(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    struct wrong hundred[3] = {{0, 100}, {0, 100}, {0, 100}};
    add_arm(f, workload, "all", "fixed", 8, 9998, 3, NONE);
    add_arm(f, workload, "one", "fixed", 1, 9998, 3, hundred);
    compare_arms(f);
    /* -1.0002 points; inputs: 100 of -1, so 196 sqrt(101.5 / 9997 / 9998). */
    expect(f, "fixed", NAN, 1, 8, 8);
    expect_reason(f, "fixed", "the loss is too near to 1 point for ±0.20");
}

static void if_every_other_arm_is_worse_fixed_heads_need_all(void **state) {
    struct fixture *f = *state;
    char page[8192];
    struct wrong many[3] = {{0, 100}, {0, 110}, {0, 120}};
    int64_t workload = one_workload(f, "w");
    add_arm(f, workload, "all", "fixed", 8, 998, 3, NONE);
    add_arm(f, workload, "four", "fixed", 4, 998, 3, many);
    add_arm(f, workload, "ours", "budgetformer", 5, 998, 3, many);
    compare_arms(f);
    expect(f, "fixed", 8, 8, 8, 8);
    expect_reason(f, "fixed", "");
    expect(f, "budgetformer", NAN, NAN, NAN, NAN);
    expect_reason(f, "budgetformer", "every arm loses more than 1 point");
    assert_non_null(strstr(report(f, page, sizeof page),
                           "w: none of 8 with budgetformer (not checked: no arm without "
                           "attention): every arm loses more than 1 point\n"));
}

/* Going down from all heads, the first that fails ends it: what passes below does so by luck. */
static void an_arm_below_one_that_fails_is_not_looked_at(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    struct wrong many[3] = {{0, 100}, {0, 110}, {0, 120}};
    struct wrong some[3] = {{0, 11}, {0, 12}, {0, 13}};
    add_arm(f, workload, "all", "fixed", 8, 998, 3, NONE);
    add_arm(f, workload, "six", "fixed", 6, 998, 3, NONE);
    add_arm(f, workload, "four", "fixed", 4, 998, 3, some); /* open */
    add_arm(f, workload, "two", "fixed", 2, 998, 3, NONE);
    add_arm(f, workload, "ours", "budgetformer", 7, 998, 3, many); /* worse */
    add_arm(f, workload, "ours, luckily", "budgetformer", 5, 998, 3, NONE);
    compare_arms(f);
    expect(f, "fixed", 6, 2, 6, 6);
    expect(f, "budgetformer", NAN, NAN, NAN, NAN);
    expect_reason(f, "budgetformer", "the arm of most heads loses more than 1 point");
}

/* One of two arms of 4 heads is open. Which of them is looked at first must not matter: each policy
 * has them in another order. */
static void arms_of_as_many_heads_are_judged_together(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    struct wrong some[3] = {{0, 11}, {0, 12}, {0, 13}};
    add_arm(f, workload, "all", "fixed", 8, 998, 3, NONE);
    add_arm(f, workload, "six", "fixed", 6, 998, 3, NONE);
    add_arm(f, workload, "four a", "fixed", 4, 998, 3, NONE);
    add_arm(f, workload, "four b", "fixed", 4, 998, 3, some);
    add_arm(f, workload, "ours, six", "budgetformer", 6, 998, 3, NONE);
    add_arm(f, workload, "ours, four a", "budgetformer", 4, 998, 3, some);
    add_arm(f, workload, "ours, four b", "budgetformer", 4, 998, 3, NONE);
    compare_arms(f);
    expect(f, "fixed", 6, 4, 6, 6);
    expect(f, "budgetformer", 6, 4, 6, 6);
}

static void a_loss_of_just_1_point_counts_for_the_estimate(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    struct wrong ten[3] = {{0, 10}, {0, 10}, {0, 10}};
    add_arm(f, workload, "all", "fixed", 8, 1000, 3, NONE);
    add_arm(f, workload, "one", "fixed", 1, 1000, 3, ten);
    compare_arms(f);
    expect(f, "fixed", NAN, 1, 1, 8);
}

static void one_seed_proves_nothing(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    add_arm(f, workload, "all", "fixed", 8, 9998, 1, NONE);
    add_arm(f, workload, "one", "fixed", 1, 9998, 1, NONE);
    compare_arms(f);
    expect(f, "fixed", NAN, 1, 1, 8);
    expect_reason(f, "fixed", "one seed does not say what another would give");
    assert_near(number(f, "SELECT ci95_low_points IS NULL AND inputs_half_points > 0 "
                          "FROM difference_to_all_heads"),
                1);
}

static void each_policy_is_a_family_of_its_own(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w"), without = one_workload(f, "without all heads");
    double accuracy[] = {1, 1, 1};
    add_arm(f, workload, "all", "fixed", 8, 998, 3, NONE);
    add_arm(f, workload, "ours", "budgetformer", 5, 998, 3, NONE);
    add_arm(f, workload, "ours with more", "budgetformer", 6, 998, 2, NONE);
    add_arm(f, workload, "other heads", "wide", 3, 998, 3, NONE);
    add_arm(f, workload, "other layers", "flop-matched", 8, 998, 3, NONE);
    compare_arms(f);
    train(f, without, "one", "fixed", ONE, 3, accuracy, 1);
    assert_int_equal(raw_sql(f->path, "UPDATE evaluation SET heads = 3 WHERE trial_id IN "
                                      "(SELECT id FROM trial WHERE arm = 'other heads');"
                                      "UPDATE evaluation SET layers = 1 WHERE trial_id IN "
                                      "(SELECT id FROM trial WHERE arm = 'other layers')"),
                     SQLITE_OK);
    assert_near(number(f, "SELECT count(*) FROM heads_needed"), 1);
    expect(f, "budgetformer", 5, 5, 5, 5);
    assert_near(needed(f, "n_seeds", "budgetformer"), 2); /* of the arm with fewest */
}

static void set_options(struct fixture *f, const char *arm, const char *options) {
    char sql[256];
    snprintf(sql, sizeof sql,
             "UPDATE trial SET config = json_set(config, '$.policy_options', json('%s')) "
             "WHERE arm = '%s'",
             options, arm);
    assert_int_equal(raw_sql(f->path, sql), SQLITE_OK);
}

/* Ablations are arms of the same policy: one with more heads would end the descent at once. */
static void an_ablation_is_no_point_of_the_curve(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    const struct wrong many[3] = {{0, 400}, {0, 400}, {0, 400}};
    add_arm(f, workload, "all", "fixed", 8, 4000, 3, NONE);
    add_arm(f, workload, "random", "mine", 7, 4000, 3, many);
    add_arm(f, workload, "six", "mine", 6, 4000, 3, NONE);
    add_arm(f, workload, "two", "mine", 2, 4000, 3, NONE);
    compare_arms(f);
    expect_reason(f, "mine", "the arm of most heads loses more than 1 point");
    set_options(f, "random", "{\"cost\":0.1,\"scores\":\"random\",\"noise\":0.3}");
    set_options(f, "six", "{\"cost\":0.1,\"scores\":\"learned\",\"noise\":0.3}");
    set_options(f, "two", "{\"cost\":0.9,\"scores\":\"learned\",\"noise\":0.1}");
    /* Three settings of one arm each: the first counts. */
    expect_reason(f, "mine", "every arm loses more than 1 point");
    assert_int_equal(
        raw_sql(f->path, "INSERT INTO tuning SELECT id, 0, '{\"noise\":0.1}', 1, 0, 2, 0, 0, 1, "
                         "'' FROM trial WHERE arm IN ('six', 'two')"),
        SQLITE_OK);
    expect(f, "mine", 2, 2, 2, 2); /* noise is tuned: six and two are one setting of two arms */
    assert_near(number(f, "SELECT count(*) FROM method_arm WHERE policy = 'mine'"), 2);
}

/* An arm without attention that loses 1.2 points leaves half of what is shown of them. */
static void the_margin_is_half_of_what_attention_adds(void **state) {
    struct fixture *f = *state;
    char page[8192], needs[128];
    int64_t workload = one_workload(f, "w");
    add_arm(f, workload, "all", "fixed", 8, 9998, 3, NONE);
    add_arm(f, workload, "four", "fixed", 4, 9998, 3, /* loses 0.2 */
            (const struct wrong[]){{0, 20}, {0, 20}, {0, 20}});
    add_arm(f, workload, "two", "fixed", 2, 9998, 3, /* 0.7: within 1 point, but more than half */
            (const struct wrong[]){{0, 70}, {0, 70}, {0, 70}});
    compare_arms(f);
    expect(f, "fixed", 2, 2, 2, 2);
    add_arm(f, workload, "none", "none", 0, 9998, 3,
            (const struct wrong[]){{0, 120}, {0, 120}, {0, 120}});
    compare_arms(f);
    double margin = needed(f, "margin_points", "fixed");
    assert_near(margin, number(f, "SELECT ci95_low_points / 2 FROM attention_gain"));
    assert_true(margin > 0.45 && margin < 0.6);
    expect(f, "fixed", 4, 4, 4, 4);
    expect_reason(f, "fixed", "");
    snprintf(needs, sizeof needs, "w: 4 of 8 with fixed heads (margin %.2f)\n", margin);
    assert_non_null(strstr(report(f, page, sizeof page), needs));
    snprintf(needs, sizeof needs, "none of 8 with ours: every arm loses more than %.2f points\n",
             margin);
    add_arm(f, workload, "ours", "ours", 5, 9998, 3,
            (const struct wrong[]){{0, 80}, {0, 80}, {0, 80}});
    compare_arms(f);
    assert_non_null(strstr(report(f, page, sizeof page), needs));
}

static void where_attention_adds_nothing_no_claim_is_tested(void **state) {
    struct fixture *f = *state;
    char page[8192];
    int64_t workload = one_workload(f, "w");
    add_arm(f, workload, "all", "fixed", 8, 9998, 3, NONE);
    add_arm(f, workload, "one", "fixed", 1, 9998, 3, NONE);
    add_arm(f, workload, "ours", "ours", 5, 9998, 3, NONE);
    compare_arms(f);
    expect(f, "fixed", 1, 1, 1, 1);
    add_arm(f, workload, "none", "none", 0, 9998, 3, NONE);
    compare_arms(f);
    expect(f, "fixed", NAN, NAN, NAN, NAN);
    expect(f, "ours", NAN, NAN, NAN, NAN);
    assert_true(isnan(needed(f, "margin_points", "ours")));
    const char *at =
        strstr(report(f, page, sizeof page),
               "\nw: untestable: attention is not shown to add anything (+0.0 points, ");
    assert_non_null(at);
    assert_null(strstr(at + 1, "\nw: untestable")); /* once for all methods */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_interval_joins_scatter_of_seeds_and_of_inputs),
        TEST(inputs_are_paired_whatever_all_heads_get_wrong),
        TEST(fewest_heads_that_are_demonstrably_within_1_point),
        TEST(a_small_test_set_cannot_resolve_1_point),
        TEST(a_lucky_gain_on_a_small_test_set_is_no_proof),
        TEST(seeds_that_scatter_cannot_resolve_1_point),
        TEST(a_loss_of_nearly_1_point_is_left_open),
        TEST(if_every_other_arm_is_worse_fixed_heads_need_all),
        TEST(an_arm_below_one_that_fails_is_not_looked_at),
        TEST(arms_of_as_many_heads_are_judged_together),
        TEST(a_loss_of_just_1_point_counts_for_the_estimate),
        TEST(one_seed_proves_nothing),
        TEST(each_policy_is_a_family_of_its_own),
        TEST(an_ablation_is_no_point_of_the_curve),
        TEST(the_margin_is_half_of_what_attention_adds),
        TEST(where_attention_adds_nothing_no_claim_is_tested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
