/*
 * What a training says about its data: stored, in the view, and in one line of the report.
 */
#include "tests/harness/store/store_fixture.h"

/* Finishes one training on made-up data of the workload. */
static void train_on(struct fixture *f, int64_t workload, int seed, int n_overlap_dropped) {
    struct made_up m;
    make_up(&m, 0.5, ALL);
    m.result.n_train = 1800;
    m.result.n_validation = 150;
    m.result.n_test = 50;
    m.result.n_classes = 6;
    m.result.vocab = 900;
    m.result.mean_length = 12.5;
    m.result.n_truncated = 30;
    m.result.unknown_share = 0.125;
    m.result.n_dropped = 1100;
    m.result.n_overlap = 11;
    m.result.n_overlap_texts = 9;
    m.result.n_overlap_dropped = n_overlap_dropped;
    OK(f, store_begin_plan(f->store, &f->error));
    int64_t id = plan_trial(f, workload, "fixed-8", "fixed", seed, 0);
    OK(f, store_end_plan(f->store, true, &f->error));
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    OK(f, store_finish_training(f->store, id, &m.result, &f->error));
}

static void expect_line(struct fixture *f, const char *line) {
    char page[8192];
    if (!strstr(report(f, page, sizeof page), line)) fail_msg("no line\n%s\nin\n%s", line, page);
}

static void a_workload_says_what_it_was_trained_on(void **state) {
    struct fixture *f = *state;
    train_on(f, one_workload(f, "w"), 0, 0);
    one_workload(f, "not run yet");
    const struct {
        const char *column;
        double expected;
    } cases[] = {{"n_classes", 6},
                 {"n_train", 1800},
                 {"n_validation", 150},
                 {"n_test", 50},
                 {"vocab", 900},
                 {"mean_length_tokens", 12.5},
                 {"truncated_share", 30.0 / 2000},
                 {"unknown_share", 0.125},
                 {"n_dropped", 1100},
                 {"n_overlap", 11},
                 {"n_overlap_texts", 9},
                 {"n_overlap_dropped", 0},
                 {"(SELECT count(*) FROM data_set)", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "SELECT %s FROM data_set", cases[i].column);
        assert_near(number(f, sql), cases[i].expected);
    }
    expect_line(
        f, "w: 1,800 + 150 + 50 inputs of 12.5 tokens in 6 classes; 1.5% cut; 12.5% of "
           "test tokens unknown; 11 test inputs (22.0%) in training too; 1,100 rows left out\n");
}

static void the_majority_class_is_said_where_it_is_known(void **state) {
    struct fixture *f = *state;
    train_on(f, one_workload(f, "w"), 0, 0);
    assert_int_equal(raw_sql(f->path,
                             "UPDATE trial SET data_sha256 = 'd'; INSERT INTO class VALUES "
                             "('d', 0, 'a', 7, 1, 3), ('d', 1, 'b', 9, 1, 1)"),
                     SQLITE_OK);
    expect_line(f, " tokens in 6 classes (majority 25.0%); 1.5% cut; ");
}

static void classes_that_may_not_be_meant_are_told(void **state) {
    struct fixture *f = *state;
    char page[8192];
    train_on(f, one_workload(f, "w"), 0, 0);
    assert_int_equal(raw_sql(f->path,
                             "UPDATE trial SET data_sha256 = 'd'; INSERT INTO class VALUES "
                             "('d', 0, '1', 9, 1, 3), ('d', 1, '10', 7, 1, 1),"
                             "('d', 2, 'a.', 1, 0, 0), ('d', 3, 'a', 1, 0, 0)"),
                     SQLITE_OK);
    report(f, page, sizeof page);
    assert_null(strstr(page, "may not be meant"));
    assert_int_equal(raw_sql(f->path, "INSERT INTO class VALUES ('d', 4, '1.0', 0, 1, 1),"
                                      "('d', 5, 'A ', 1, 1, 1), ('d', 6, 'never', 0, 1, 1)"),
                     SQLITE_OK);
    expect_line(f, "data that may not be meant: headroom data says more\n"
                   "w: classes '1', '1.0' look alike; classes 'a', 'A ' look alike; 2 of 7 classes "
                   "have no input to train\n");
}

/* Two seeds of an arm, and the class that most training inputs have as the answer to 3 of 4. */
static void a_constant_answer_is_a_baseline(void **state) {
    struct fixture *f = *state;
    char page[8192];
    int64_t workload = one_workload(f, "w");
    train_on(f, workload, 0, 0);
    train_on(f, workload, 1, 0);
    report(f, page, sizeof page);
    assert_null(strstr(page, "no better than always")); /* not known */
    assert_int_equal(raw_sql(f->path,
                             "UPDATE trial SET data_sha256 = 'd'; INSERT INTO class VALUES "
                             "('d', 0, 'a', 9, 1, 3), ('d', 1, 'b', 7, 1, 1)"),
                     SQLITE_OK);
    expect_line(f, "no better than always answering the class that most training inputs have\n");
    expect_line(f, "\nw: fixed-8 50.0%, and the most frequent class alone 75.0%\n");
    assert_int_equal(raw_sql(f->path, "UPDATE evaluation SET accuracy = 0.74 + 0.05 *"
                                      " (SELECT seed FROM trial t WHERE t.id = trial_id)"),
                     SQLITE_OK);
    expect_line(f, "\nw: fixed-8 76.5% (within its interval), and the most frequent class alone "
                   "75.0%\n");
    assert_int_equal(raw_sql(f->path, "UPDATE evaluation SET accuracy = 0.755"), SQLITE_OK);
    report(f, page, sizeof page);
    assert_null(strstr(page, "no better than always"));
}

static void inputs_dropped_for_overlap_are_said(void **state) {
    struct fixture *f = *state;
    train_on(f, one_workload(f, "w"), 0, 14);
    expect_line(f, "; 11 test inputs in training too, so 14 inputs were dropped; ");
}

static void data_are_those_of_the_latest_training(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    train_on(f, workload, 0, 0);
    train_on(f, workload, 1, 14);
    assert_near(number(f, "SELECT n_overlap_dropped FROM data_set"), 14);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET current = 0 WHERE seed = 1"), SQLITE_OK);
    assert_near(number(f, "SELECT n_overlap_dropped FROM data_set"), 0);
}

static void seeds_that_drew_their_own_data_are_counted(void **state) {
    struct fixture *f = *state;
    char page[8192];
    int64_t workload = one_workload(f, "w");
    train_on(f, workload, 0, 0);
    train_on(f, workload, 1, 0);
    assert_near(number(f, "SELECT n_draws FROM data_set"), 1);
    assert_null(strstr(report(f, page, sizeof page), "latest of"));
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET data_sha256 = 'other' WHERE seed = 1"),
                     SQLITE_OK);
    assert_near(number(f, "SELECT n_draws FROM data_set"), 2);
    expect_line(f, "; 1,100 rows left out; the latest of 2 draws\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_workload_says_what_it_was_trained_on),
        TEST(the_majority_class_is_said_where_it_is_known),
        TEST(classes_that_may_not_be_meant_are_told),
        TEST(a_constant_answer_is_a_baseline),
        TEST(inputs_dropped_for_overlap_are_said),
        TEST(data_are_those_of_the_latest_training),
        TEST(seeds_that_drew_their_own_data_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
