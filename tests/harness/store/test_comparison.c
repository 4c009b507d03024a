/*
 * Comparisons of arms as they are stored and shown: which answers are paired, what the intervals
 * cover, Holm's correction over workloads, outcomes with two humps, and that no comparison is shown
 * of results that are no longer so.
 */
#include "harness/store/comparison.h"
#include "harness/store/statistics.h"
#include "tests/harness/store/store_fixture.h"

/* One trained model: which of its test inputs it gets right, '1' or '0' for each. data: hash of
 * its data set. Policies "fixed" and "random" have no budget, any other has one. */
static void add_seed(struct fixture *f, int64_t workload, const char *arm, const char *policy,
                     int k, int seed, const char *data, const char *right) {
    char sql[1024];
    int n = (int)strlen(right), n_right = 0;
    struct made_up m;
    for (int i = 0; i < n; i++) n_right += right[i] == '1';
    make_up(&m, (double)n_right / n, (const int[]){k, k, k, k});
    if (strcmp(policy, "fixed") == 0 || strcmp(policy, "random") == 0) without_budget(&m);
    snprintf(m.result.data_sha256, sizeof m.result.data_sha256, "%s", data);
    OK(f, store_begin_plan(f->store, &f->error));
    int64_t id = plan_trial(f, workload, arm, policy, seed, 0);
    OK(f, store_end_plan(f->store, true, &f->error));
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    OK(f, store_finish_training(f->store, id, &m.result, &f->error));
    snprintf(
        sql, sizeof sql,
        "CREATE TEMP TABLE own AS SELECT id FROM evaluation WHERE trial_id = %lld;"
        "DELETE FROM prediction WHERE evaluation_id IN own;"
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
        "INSERT INTO prediction (evaluation_id, input, label, predicted, length_tokens, heads_run, "
        "heads_per_layer) SELECT own.id, i, 1, substr('%s', i + 1, 1) = '1', 1, 2, '[1,1]' "
        "FROM n JOIN own",
        (long long)id, n - 1, right);
    assert_int_equal(raw_sql(f->path, sql), SQLITE_OK);
}

static void compare(struct fixture *f) {
    OK(f, comparison_update(f->store, &f->error));
}

/* The table of test_statistics.c: a minus b is -1 -1 0 0, -1 -1 0 1, -1 0 0 0. b has one more
 * seed. */
static void add_small(struct fixture *f, int64_t workload) {
    static const char *const a[] = {"0011", "0011", "0110"}, *const b[] = {"1111", "1110", "1110"};
    for (int s = 0; s < 3; s++) {
        add_seed(f, workload, "b", "fixed", 8, s, "", b[s]);
        add_seed(f, workload, "a", "budgetformer", 4, s, "", a[s]);
    }
    add_seed(f, workload, "b", "fixed", 8, 3, "", "0000");
}

static void a_pair_of_arms_has_the_numbers_worked_out_by_hand_in_either_direction(void **state) {
    struct fixture *f = *state;
    add_small(f, one_workload(f, "w"));
    compare(f);
    double ms_seed = 1.0 / 12, ms_rest = 7.0 / 36, n = 12;
    double ms_input = (10.0 / 3 + 2.5 * 3 * 73 / 99) / 3, sum = ms_seed + ms_input - ms_rest;
    double df =
        sum * sum / (ms_seed * ms_seed / 2 + ms_input * ms_input / 3 + ms_rest * ms_rest / 6);
    double seeds = 100 * 4.302652730 * sqrt(ms_seed / n);
    double inputs = 100 * 3.182446305 * sqrt(ms_input / n);
    double half95 = fmax(100 * student_quantile(0.05, df) * sqrt(sum / n), inputs);
    double half90 = fmax(100 * student_quantile(0.10, df) * sqrt(sum / n),
                         100 * 2.353363435 * sqrt(ms_input / n));
    double p = fmax(student_two_sided(sqrt(n / sum) / 3, df),
                    student_two_sided(sqrt(n / ms_input) / 3, 3));
    const struct {
        const char *column;
        double expected;
    } cases[] = {{"difference_points", -100.0 / 3},
                 {"n_pairs", 3},
                 {"n_inputs", 4},
                 {"inputs = 'crossed'", 1},
                 {"seeds_half_points", seeds},
                 {"inputs_half_points", inputs},
                 {"ci95_low_points", -100.0 / 3 - half95},
                 {"ci95_high_points", -100.0 / 3 + half95},
                 {"ci90_low_points", -100.0 / 3 - half90},
                 {"ci90_high_points", -100.0 / 3 + half90},
                 {"df", df},
                 {"p", p}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[256];
        snprintf(sql, sizeof sql,
                 "SELECT %s FROM paired_difference WHERE arm_a = 'a' AND arm_b = 'b'",
                 cases[i].column);
        assert_near(number(f, sql), cases[i].expected);
    }
    assert_near(number(f, "SELECT difference_points FROM paired_difference WHERE arm_a = 'b'"),
                100.0 / 3);
    assert_near(number(f, "SELECT ci95_low_points FROM paired_difference WHERE arm_a = 'b'"),
                100.0 / 3 - half95);
    assert_near(number(f, "SELECT seeds_p FROM comparison"), 1 - 4 / sqrt(18));
    assert_near(number(f, "SELECT seeds_df + inputs_df FROM comparison"), 2 + 3);
    assert_near(number(f, "SELECT inputs_half90_points FROM comparison"),
                100 * 2.353363435 * sqrt(ms_input / n));
    assert_near(number(f, "SELECT seeds_half90_points FROM comparison"),
                100 * 2.919985580 * sqrt(ms_seed / n));
    assert_near(number(f, "SELECT inputs_p FROM comparison"),
                student_two_sided(sqrt(n / ms_input) / 3, 3));
    /* Of a single answer: 1/12 of the seeds is less than the rest, so that nothing is left for them. */
    assert_near(number(f, "SELECT seed_variance FROM comparison"), 0);
    assert_near(number(f, "SELECT input_variance FROM comparison"), (10.0 / 9 - ms_rest) / 3);
    assert_near(number(f, "SELECT rest_variance FROM comparison"), ms_rest);
    assert_near(number(f, "SELECT pseudo FROM comparison"), 2.5 * 73 / 99);
}

/* Two of them drew the same: one that did not is enough, wherever it stands. */
/* Of a the second seed was trained first. With seed 0 the arms differ by two inputs, with seed 1 by none. */
static void seeds_are_paired_in_whatever_order_they_were_trained(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    add_seed(f, workload, "a", "fixed", 8, 1, "", "1100");
    add_seed(f, workload, "a", "fixed", 8, 0, "", "1111");
    add_seed(f, workload, "b", "fixed", 4, 0, "", "0011");
    add_seed(f, workload, "b", "fixed", 4, 1, "", "1100");
    assert_near(number(f, "SELECT evaluations = (SELECT group_concat(id) FROM (SELECT e.id FROM "
                          "evaluation e JOIN trial t ON t.id = trial_id WHERE arm = 'a' "
                          "ORDER BY seed)) FROM current_arm WHERE arm = 'a'"),
                1);
    compare(f);
    assert_near(number(f, "SELECT n_pairs FROM paired_difference WHERE arm_a = 'a'"), 2);
    assert_near(number(f, "SELECT difference_points FROM paired_difference WHERE arm_a = 'a'"), 25);
    assert_near(number(f, "SELECT seeds_half_points FROM paired_difference WHERE arm_a = 'a'"),
                100 * 12.706204736 * 0.25);
}

static void seeds_that_drew_their_own_inputs_nest_them(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    static const char *const a[] = {"0011", "0011", "0110"}, *const b[] = {"1111", "1110", "1110"};
    for (int s = 0; s < 3; s++) {
        const char *data = s == 1 ? "01" : "00";
        add_seed(f, workload, "a", "budgetformer", 4, s, data, a[s]);
        add_seed(f, workload, "b", "fixed", 8, s, data, b[s]);
    }
    compare(f);
    double over_seeds = 4.302652730 * sqrt(1.0 / 24 / 2 / 3);
    double over_inputs = 2.262157163 * sqrt((4.5 + 2.5) / 9 / 12);
    assert_near(number(f, "SELECT inputs = 'nested' AND seeds_half_points IS NULL AND df = 2 "
                          "FROM paired_difference WHERE arm_a = 'a'"),
                1);
    assert_near(number(f, "SELECT inputs_half_points FROM paired_difference WHERE arm_a = 'a'"),
                100 * over_inputs);
    assert_near(number(f, "SELECT ci95_high_points - difference_points FROM paired_difference "
                          "WHERE arm_a = 'a'"),
                100 * fmax(over_seeds, over_inputs));
}

/* What cannot be compared has no row to show, and is not tried again and again. */
static void arms_without_a_seed_or_inputs_in_common_are_not_compared(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    add_seed(f, workload, "a", "fixed", 8, 0, "", "1100");
    add_seed(f, workload, "b", "fixed", 4, 1, "", "1100");
    add_seed(f, workload, "c", "fixed", 2, 0, "", "110");
    add_seed(f, workload, "d", "fixed", 1, 0, "other data", "1100");
    for (int s = 2; s < 4; s++) { /* seed 3 was tested on fewer inputs than seed 2 */
        add_seed(f, workload, "e", "fixed", 8, s, "", s == 2 ? "1100" : "110");
        add_seed(f, workload, "f", "fixed", 4, s, "", s == 2 ? "1010" : "101");
    }
    compare(f);
    assert_near(number(f, "SELECT count(*) FROM paired_difference"), 0);
    assert_near(number(f, "SELECT count(*) FROM current_comparison WHERE n_seeds = 0"), 15);
    double before = number(f, "PRAGMA data_version");
    struct store *own = f->store;
    OK(f, store_open(f->path, &f->store, &f->error));
    compare(f);
    store_close(f->store);
    f->store = own;
    assert_near(number(f, "PRAGMA data_version"), before); /* nothing was written */
}

static void what_was_made_of_other_results_is_not_shown_and_made_again(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    add_small(f, workload);
    compare(f);
    assert_near(number(f, "SELECT count(*) FROM paired_difference"), 2);
    /* Made by other formulas. */
    assert_int_equal(raw_sql(f->path, "UPDATE comparison SET formulas = 0, points = 77"),
                     SQLITE_OK);
    assert_near(number(f, "SELECT count(*) FROM paired_difference"), 0);
    compare(f);
    assert_near(number(f, "SELECT difference_points FROM paired_difference WHERE arm_a = 'b'"),
                100.0 / 3);
    /* One more seed of an arm, which the other has too. */
    add_seed(f, workload, "a", "budgetformer", 4, 3, "", "0000");
    assert_near(number(f, "SELECT count(*) FROM paired_difference"), 0);
    compare(f);
    assert_near(number(f, "SELECT n_pairs FROM paired_difference WHERE arm_a = 'b'"), 4);
    /* And of the other, which the first does not have. */
    add_seed(f, workload, "b", "fixed", 8, 4, "", "0000");
    assert_near(number(f, "SELECT count(*) FROM paired_difference"), 0);
    compare(f);
    assert_near(number(f, "SELECT n_pairs FROM paired_difference WHERE arm_a = 'b'"), 4);
    /* An evaluation that is gone takes them with it: its id may be given again. */
    assert_int_equal(raw_sql(f->path, "DELETE FROM prediction WHERE evaluation_id = 8; "
                                      "DELETE FROM layer_budget WHERE evaluation_id = 8; "
                                      "DELETE FROM head_usage WHERE evaluation_id = 8; "
                                      "DELETE FROM class_head_usage WHERE evaluation_id = 8; "
                                      "DELETE FROM evaluation WHERE id = 8"),
                     SQLITE_OK);
    assert_near(number(f, "SELECT count(*) FROM comparison"), 0);
    compare(f);
    assert_near(number(f, "SELECT n_pairs FROM paired_difference WHERE arm_a = 'b'"), 3);
}

static void a_reader_compares_for_itself_and_writes_nothing(void **state) {
    struct fixture *f = *state;
    struct store *own = f->store;
    int64_t workload = one_workload(f, "w");
    add_small(f, workload);
    compare(f);
    add_seed(f, workload, "a", "budgetformer", 4, 3, "", "1111");
    OK(f, store_open_reader(f->path, &f->store, &f->error));
    compare(f);
    assert_near(number(f, "SELECT n_pairs FROM paired_difference WHERE arm_a = 'b'"), 4);
    assert_near(number(f, "SELECT n_seeds FROM main.comparison"), 3);
    compare(f);
    assert_near(number(f, "SELECT count(*) FROM temp.comparison"), 1);
    store_close(f->store);
    f->store = own;
    assert_near(number(f, "SELECT count(*) FROM paired_difference"), 0);
}

/* Three workloads, each with all heads and one: p of 0.01, 0.04 and 0.03 become, smallest first,
 * 3 x 0.01, 2 x 0.03 and, not below that, 1 x 0.04; and 3 x 0.5 is 1. */
static void claims_of_one_question_are_corrected_by_holm(void **state) {
    struct fixture *f = *state;
    char page[8192];
    static const char *const names[] = {"w1", "w2", "w3"};
    for (int w = 0; w < 3; w++) {
        int64_t workload = one_workload(f, names[w]);
        for (int s = 0; s < 2; s++) {
            add_seed(f, workload, "all", "fixed", 8, s, "", "1111");
            add_seed(f, workload, "one", "fixed", 1, s, "", "0111");
        }
    }
    /* The only claim of its kind, of a method that nobody knows by name but that has a budget, and a
     * pair that no question is about. */
    add_seed(f, 1, "ours", "new-method", 4, 0, "", "0011");
    add_seed(f, 1, "ours", "new-method", 4, 1, "", "0011");
    add_seed(f, 1, "random", "random", 4, 0, "", "0011");
    compare(f);
    assert_int_equal(
        raw_sql(f->path,
                "UPDATE comparison SET both_p = CASE workload_id WHEN 1 THEN 0.01 WHEN 2 THEN "
                "0.04 ELSE 0.03 END WHERE arm_b = 'one'"),
        SQLITE_OK);
    assert_near(number(f, "SELECT count(*) FROM claim"), 4);
    static const double corrected[] = {0.03, 0.06, 0.06};
    for (int w = 0; w < 3; w++) {
        char sql[256];
        snprintf(sql, sizeof sql,
                 "SELECT p_holm FROM claim WHERE question = 'all heads against one' "
                 "AND workload = '%s' AND arm_a = 'all' AND arm_b = 'one' AND n_claims = 3",
                 names[w]);
        assert_near(number(f, sql), corrected[w]);
    }
    assert_near(number(f, "SELECT p_holm = p FROM claim "
                          "WHERE question = 'new-method against all heads' AND n_claims = 1"),
                1);
    assert_non_null(strstr(report(f, page, sizeof page), ", p=0.03 (Holm, of 3)\n"));
    assert_non_null(strstr(page, ", p=0.06 (Holm, of 3)\n")); /* of 0.03, and of 0.04 */
    assert_null(strstr(page, ", p=0.04"));
    /* One seed has no p, and is no claim that others would have to pay for. */
    assert_int_equal(raw_sql(f->path, "UPDATE comparison SET both_p = NULL WHERE arm_b = 'one' "
                                      "AND workload_id = 2"),
                     SQLITE_OK);
    assert_near(number(f, "SELECT p_holm FROM claim WHERE workload = 'w1' AND arm_b = 'one'"),
                0.02);
    assert_near(
        number(f, "SELECT p_holm IS NULL AND n_claims = 2 FROM claim WHERE workload = 'w2'"), 1);
    assert_int_equal(raw_sql(f->path, "UPDATE comparison SET both_p = 0.5 WHERE arm_b = 'one'"),
                     SQLITE_OK);
    assert_near(number(f, "SELECT max(p_holm) FROM claim WHERE n_claims = 3"), 1);
}

/* `headroom compare` corrects in C what the view corrects in SQL: ties, and p that are not known. */
static void the_view_and_the_program_correct_alike(void **state) {
    struct fixture *f = *state;
    enum { N = 7 };
    const double p[N] = {0.02, 0.001, 0.02, NAN, 0.2, 0.0105, 0.9};
    double adjusted[N];
    char sql[256];
    for (int w = 0; w < N; w++) {
        snprintf(sql, sizeof sql, "w%d", w);
        int64_t workload = one_workload(f, sql);
        for (int s = 0; s < 2; s++) {
            add_seed(f, workload, "all", "fixed", 8, s, "", "1111");
            add_seed(f, workload, "one", "fixed", 1, s, "", "0111");
        }
    }
    compare(f);
    for (int w = 0; w < N; w++) {
        char value[32] = "NULL";
        if (!isnan(p[w])) snprintf(value, sizeof value, "%.17g", p[w]);
        snprintf(sql, sizeof sql,
                 "UPDATE comparison SET both_p = %s WHERE workload_id = "
                 "(SELECT id FROM workload WHERE name = 'w%d')",
                 value, w);
        assert_int_equal(raw_sql(f->path, sql), SQLITE_OK);
    }
    statistics_holm(p, adjusted, N);
    for (int w = 0; w < N; w++) {
        snprintf(sql, sizeof sql, "SELECT p_holm FROM claim WHERE workload = 'w%d'", w);
        double shown = number(f, sql);
        assert_true(isnan(p[w]) ? isnan(shown) : fabs(shown - adjusted[w]) < 1e-12);
    }
}

/* Arms a and b have three controls between them: the mean decision, and two ways to shuffle. */
static void every_control_is_a_claim_about_its_own_arm(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    train(f, workload, "a", "new-method", MIXED, 2, (const double[]){0.5, 0.5}, 3);
    train(f, workload, "b", "new-method", MIXED, 2, (const double[]){0.5, 0.5}, 2);
    assert_int_equal(raw_sql(f->path, "UPDATE evaluation SET control = 'shuffled-by-length' "
                                      "WHERE control = 'static' AND trial_id > 2"),
                     SQLITE_OK);
    compare(f);
    assert_near(number(f, "SELECT count(*) FROM claim"), 3);
    assert_near(number(f, "SELECT arm_a = 'a' AND arm_b = 'a (static)' FROM claim "
                          "WHERE question = 'everybody gets the mean decision'"),
                1);
    assert_near(number(f, "SELECT sum(arm_b IN ('a (shuffled)', 'b (shuffled-by-length)')) "
                          "FROM claim WHERE question = 'everybody gets another''s decision'"),
                2);
}

/* Chance is 0.5 and the best arm 1: the middle is 0.75, and the gap has to be 0.25, half of the
 * way. Where the best arm is 8 points above chance, nothing is a solution. */
static void seeds_that_solve_it_and_seeds_that_do_not_are_told_apart(void **state) {
    struct fixture *f = *state;
    char page[8192];
    int64_t workload = one_workload(f, "w");
    double all[] = {1, 1, 1, 1}, split[] = {1, 0.5, 0.96, 0.48}, smooth[] = {0.65, 0.86, 0.66, 0.9};
    double low[] = {0.5, 0.5, 0.6, 0.7}, hardly[] = {0.58, 0.58}, chance[] = {0.58, 0.5};
    train(f, workload, "all", "fixed", ALL, 4, all, 1);
    train(f, workload, "split", "fixed", ONE, 4, split, 1);
    train(f, workload, "smooth", "budgetformer", MIXED, 4, smooth, 1);
    train(f, workload, "low", "random", MIXED, 4, low, 1);
    workload = one_workload(f, "hopeless");
    train(f, workload, "all", "fixed", ALL, 2, hardly, 1);
    train(f, workload, "split", "fixed", ONE, 2, chance, 1);
    assert_near(number(f, "SELECT count(*) FROM split_outcome"), 1);
    assert_near(number(f, "SELECT n_solved FROM split_outcome WHERE arm = 'split'"), 2);
    assert_near(number(f, "SELECT solved_share FROM split_outcome"), 0.5);
    assert_near(number(f, "SELECT middle FROM split_outcome"), 0.75);
    assert_near(number(f, "SELECT highest_unsolved FROM split_outcome"), 0.5);
    assert_near(number(f, "SELECT lowest_solved FROM split_outcome"), 0.96);
    assert_non_null(strstr(report(f, page, sizeof page),
                           "w: split: 2 of 4 seeds solved it: 100.0, 50.0, 96.0, 48.0%\n"));
}

static void the_report_says_what_each_half_covers(void **state) {
    struct fixture *f = *state;
    char page[8192];
    add_small(f, one_workload(f, "w"));
    report(f, page, sizeof page);
    const char *line = strstr(page, "w: a minus all heads (b): -33.3 points [");
    assert_non_null(line);
    assert_non_null(strstr(line, ", seeds alone ±35.9, inputs alone ±"));
    assert_non_null(strstr(page, "95% intervals for other seeds and other test inputs\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_pair_of_arms_has_the_numbers_worked_out_by_hand_in_either_direction),
        TEST(seeds_are_paired_in_whatever_order_they_were_trained),
        TEST(seeds_that_drew_their_own_inputs_nest_them),
        TEST(arms_without_a_seed_or_inputs_in_common_are_not_compared),
        TEST(what_was_made_of_other_results_is_not_shown_and_made_again),
        TEST(a_reader_compares_for_itself_and_writes_nothing),
        TEST(claims_of_one_question_are_corrected_by_holm),
        TEST(the_view_and_the_program_correct_alike),
        TEST(every_control_is_a_claim_about_its_own_arm),
        TEST(seeds_that_solve_it_and_seeds_that_do_not_are_told_apart),
        TEST(the_report_says_what_each_half_covers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
