/*
 * Views that go from input to input: predictions with what they are about, what two arms answer
 * differently, classes, and the heads that an input would have needed. Inputs have the labels
 * 0 1 0 1; numbers are worked out by hand.
 */
#include "tests/harness/store/store_fixture.h"

/* One finished training with these predictions and these heads in both layers. */
static void train_one(struct fixture *f, int64_t workload, const char *arm, const char *policy,
                      int seed, const int k[INPUTS], const int predicted[INPUTS]) {
    struct made_up m;
    make_up(&m, 0.5, k);
    make_up_sources(&m, "data", "sources");
    for (int i = 0; i < INPUTS; i++) m.predicted[i] = predicted[i];
    if (strcmp(policy, "fixed") == 0) {
        m.evaluation[0].budget = NULL;
        m.evaluation[0].mean_s = NAN;
    }
    OK(f, store_begin_plan(f->store, &f->error));
    int64_t id = plan_trial(f, workload, arm, policy, seed, 0);
    OK(f, store_end_plan(f->store, true, &f->error));
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    OK(f, store_finish_training(f->store, id, &m.result, &f->error));
}

static bool append_row(void *context, int n, const char *const *names, const char *const *texts) {
    (void)names;
    for (int i = 0; i < n; i++)
        text_append(context, "%s%s", i ? "|" : "", texts[i] ? texts[i] : "NULL");
    text_append(context, "\n");
    return true;
}

static void expect_rows(struct fixture *f, const char *sql, const char *expected) {
    struct text out = {0};
    OK(f, store_query(f->store, sql, NO_VALUES, append_row, &out, &f->error));
    assert_string_equal(out.data ? out.data : "", expected);
    text_free(&out);
}

static void a_prediction_is_shown_with_its_source_and_its_names(void **state) {
    struct fixture *f = *state;
    train_one(f, one_workload(f, "w"), "budget", "budgetformer", 7, MIXED,
              (const int[]){0, 0, 1, 1});
    expect_rows(f,
                "SELECT seed, input, label_name, predicted_name, correct, p_predicted, p_true, "
                "mean_heads, file, row, text_sha256, text FROM prediction_by_input "
                "WHERE workload = 'w' AND arm = 'budget' ORDER BY input",
                "7|0|no|no|1|0.75|0.75|2.0|w/test.csv|2|hash of 0|text 0\n"
                "7|1|yes|no|0|0.75|0.25|4.0|w/test.csv|3|hash of 1|text 1\n"
                "7|2|no|yes|0|0.75|0.75|4.0|w/test.csv|4|hash of 2|text 2\n"
                "7|3|yes|yes|1|0.75|0.25|6.0|w/test.csv|5|hash of 3|text 3\n");
    /* Results of before names and sources were stored have their rows all the same. */
    assert_int_equal(
        raw_sql(f->path, "UPDATE trial SET data_sha256 = 'old', sources_sha256 = NULL"), SQLITE_OK);
    assert_near(number(f, "SELECT count(*) FROM prediction_by_input "
                          "WHERE label_name IS NULL AND file IS NULL AND text IS NULL"),
                INPUTS);
}

static void flips_are_what_two_arms_answer_differently(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    train_one(f, workload, "all", "fixed", 0, ALL, (const int[]){0, 1, 1, 0});
    train_one(f, workload, "budget", "budgetformer", 0, MIXED, (const int[]){0, 0, 0, 2});
    train_one(f, workload, "budget", "budgetformer", 1, MIXED, (const int[]){1, 1, 1, 1});
    static const char columns[] =
        "SELECT seed, input, label, predicted_a, predicted_b, right, heads_a, "
        "heads_b, label_name, name_a, name_b, row, text FROM flips ";
    char sql[400];
    snprintf(sql, sizeof sql,
             "%sWHERE workload = 'w' AND arm_a = 'all' AND arm_b = 'budget' ORDER BY input",
             columns);
    expect_rows(f, sql,
                "0|1|1|1|0|a|8.0|4.0|yes|yes|no|3|text 1\n"
                "0|2|0|1|0|b|8.0|4.0|no|yes|no|4|text 2\n"
                "0|3|1|0|2|neither|8.0|6.0|yes|no|NULL|5|text 3\n");
    snprintf(sql, sizeof sql,
             "%sWHERE workload = 'w' AND arm_a = 'budget' AND arm_b = 'all' AND right = 'a'",
             columns);
    expect_rows(f, sql, "0|2|0|0|1|a|4.0|8.0|no|no|yes|4|text 2\n");
    assert_int_equal(raw_sql(f->path, "UPDATE prediction SET p_true = heads_run / 100.0"),
                     SQLITE_OK);
    expect_rows(f,
                "SELECT input, p_true_a, p_true_b FROM flips WHERE arm_a = 'all' AND "
                "arm_b = 'budget' ORDER BY input",
                "1|0.16|0.08\n2|0.16|0.08\n3|0.16|0.12\n");
    /* Inputs of other data are other inputs. */
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET data_sha256 = 'other' WHERE arm = 'all'"),
                     SQLITE_OK);
    assert_near(number(f, "SELECT count(*) FROM flips"), 0);
}

/* Class 0 holds inputs 0 and 2, class 1 inputs 1 and 3. Heads of class 0: (2 + 4) / 2 = 3 and
 * (4 + 4) / 2 = 4; half width 12.7062 x sqrt(0.5 / 2). */
static void classes_have_their_accuracy_and_heads(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    train_one(f, workload, "budget", "budgetformer", 0, MIXED, (const int[]){0, 1, 1, 1});
    train_one(f, workload, "budget", "budgetformer", 1, (const int[]){4, 4, 4, 6},
              (const int[]){0, 0, 0, 1});
    expect_rows(
        f,
        "SELECT class, name, n_inputs, accuracy, mean_heads, round(mean_heads_ci95_low, 4), "
        "round(mean_heads_ci95_high, 4), n_seeds FROM heads_by_class",
        "0|no|2|0.75|3.5|-2.8531|9.8531|2\n"
        "1|yes|2|0.75|5.0|5.0|5.0|2\n");
}

/* Of three seeds one head is right 3, 2, 1 and 0 times, four heads 3, 3, 2 and 1 times. */
static void the_oracle_takes_the_fewest_heads_that_most_seeds_need(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    static const int four[INPUTS] = {4, 4, 4, 4};
    static const int by_one[3][INPUTS] = {{0, 1, 0, 0}, {0, 1, 1, 0}, {0, 0, 1, 0}};
    static const int by_four[3][INPUTS] = {{0, 1, 0, 1}, {0, 1, 0, 0}, {0, 1, 1, 0}};
    static const int by_budget[3][INPUTS] = {{0, 1, 0, 1}, {0, 1, 1, 1}, {0, 0, 1, 0}};
    for (int seed = 0; seed < 3; seed++) {
        train_one(f, workload, "fixed-1", "fixed", seed, ONE, by_one[seed]);
        train_one(f, workload, "fixed-4", "fixed", seed, four, by_four[seed]);
        train_one(f, workload, "budget", "budgetformer", seed, MIXED, by_budget[seed]);
    }
    expect_rows(f,
                "SELECT arm, input, n_seeds, oracle_heads, chosen_heads, round(accuracy, 3) "
                "FROM oracle_by_input ORDER BY input",
                "budget|0|3|1.0|2.0|1.0\nbudget|1|3|1.0|4.0|0.667\n"
                "budget|2|3|4.0|4.0|0.333\nbudget|3|3|NULL|6.0|0.667\n");
    expect_rows(f,
                "SELECT oracle_heads, n_inputs, input_share, chosen_heads, covered_share, "
                "round(accuracy, 3), n_seeds FROM oracle_heads ORDER BY 1 NULLS LAST",
                "1.0|2|0.5|3.0|1.0|0.833|3\n4.0|1|0.25|4.0|1.0|0.333|3\n"
                "NULL|1|0.25|6.0|NULL|0.667|3\n");
    /* Where every seed draws its own inputs there is no input that most seeds could agree on. */
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET data_sha256 = 'draw ' || seed"), SQLITE_OK);
    assert_near(number(f, "SELECT count(*) FROM oracle_by_input"), 0);
}

/* Of two seeds one head is right once and four heads twice. The budget has a third seed. */
static void half_of_the_seeds_are_not_most_of_them(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    static const int four[INPUTS] = {4, 4, 4, 4}, right[INPUTS] = {0, 1, 0, 1},
                     wrong[INPUTS] = {1, 0, 1, 0};
    for (int seed = 0; seed < 3; seed++) {
        train_one(f, workload, "budget", "budgetformer", seed, MIXED, right);
        if (seed == 2) continue;
        train_one(f, workload, "fixed-1", "fixed", seed, ONE, seed ? wrong : right);
        train_one(f, workload, "fixed-4", "fixed", seed, four, right);
    }
    expect_rows(f,
                "SELECT oracle_heads, n_inputs, input_share, chosen_heads, covered_share, "
                "accuracy, n_seeds FROM oracle_heads",
                "4.0|4|1.0|4.0|0.75|1.0|2\n"); /* two, four, four and six heads chosen */
}

/* Training holds 30 of 'no' and 40 of 'yes', the test split 2 of each; of equal classes the first. */
static void the_majority_of_training_is_a_baseline_on_test(void **state) {
    struct fixture *f = *state;
    train_one(f, one_workload(f, "w"), "all", "fixed", 0, ALL, (const int[]){0, 1, 1, 0});
    assert_int_equal(raw_sql(f->path, "UPDATE class SET n_test = 3 WHERE name = 'yes'"), SQLITE_OK);
    assert_near(number(f, "SELECT majority_accuracy FROM data_set"), 3 / 5.0);
    assert_int_equal(raw_sql(f->path, "UPDATE class SET n_train = 40"), SQLITE_OK);
    assert_near(number(f, "SELECT majority_accuracy FROM data_set"), 2 / 5.0);
    assert_int_equal(raw_sql(f->path, "DELETE FROM class"), SQLITE_OK);
    assert_near(number(f, "SELECT majority_accuracy IS NULL FROM data_set"), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_prediction_is_shown_with_its_source_and_its_names),
        TEST(flips_are_what_two_arms_answer_differently),
        TEST(classes_have_their_accuracy_and_heads),
        TEST(the_oracle_takes_the_fewest_heads_that_most_seeds_need),
        TEST(half_of_the_seeds_are_not_most_of_them),
        TEST(the_majority_of_training_is_a_baseline_on_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
