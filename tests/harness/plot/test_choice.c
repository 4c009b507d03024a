/*
 * Which workloads are drawn, of a file that has as many as a figure can show, and of one that has one more.
 */
#include "harness/plot/choice.h"
#include "harness/store/store_private.h"
#include "tests/harness/store/store_fixture.h"

/* Workloads w00, w01, ... of an arm each, planned. */
static void fill(struct fixture *f, int n) {
    char sql[1024];
    snprintf(
        sql, sizeof sql,
        "CREATE TEMP TABLE n AS WITH RECURSIVE r (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM r "
        "WHERE i < %d) SELECT i FROM r;"
        "INSERT INTO workload (name, summary, granularity, file) "
        "SELECT printf('w%%02d', i), '', '', '' FROM n;"
        "INSERT INTO trial (kind, key, workload_id, arm, policy, base_heads, layers, dim, seed, "
        "config, planned_at) SELECT 'train', name, id, 'arm of ' || name, 'fixed', 1, 1, 1, 1, "
        "'{}', '' FROM workload",
        n - 1);
    OK(f, store_exec(f->store, sql, &f->error));
}

static void choose(struct fixture *f, const char *workload, const char *filter,
                   struct choice *choice) {
    OK(f, choice_make(f->store, workload, filter, choice, &f->error));
}

static void as_many_as_a_figure_shows_are_all_drawn(void **state) {
    struct fixture *f = *state;
    struct choice choice;
    fill(f, WORKLOADS_SHOWN);
    choose(f, NULL, NULL, &choice);
    assert_null(choice.left_out);
    assert_null(choice.workloads);
    choice_free(&choice);
}

static void of_one_more_the_last_is_left_out_and_a_sentence_says_so(void **state) {
    struct fixture *f = *state;
    struct choice choice;
    fill(f, WORKLOADS_SHOWN + 1);
    choose(f, NULL, NULL, &choice);
    assert_non_null(choice.left_out);
    assert_non_null(strstr(choice.left_out, "Of 61 workloads the first 60 by name are drawn"));
    assert_non_null(strstr(choice.workloads, "[\"w00\", \"w01\", "));
    assert_non_null(strstr(choice.workloads, "\"w59\"]"));
    choice_free(&choice);
}

static void who_chooses_gets_as_many_as_that_is(void **state) {
    struct fixture *f = *state;
    struct choice choice;
    fill(f, WORKLOADS_SHOWN + 1);
    choose(f, NULL, ".", &choice);
    assert_null(choice.left_out);
    assert_null(choice.workloads); /* all there are */
    choice_free(&choice);
    choose(f, "w60", NULL, &choice);
    assert_string_equal(choice.workloads, "[\"w60\"]");
    assert_null(choice.left_out);
    choice_free(&choice);
    choose(f, NULL, "^w(07|60)/arm of w[0-9]+$", &choice);
    assert_string_equal(choice.workloads, "[\"w07\", \"w60\"]");
    choice_free(&choice);
}

static void a_choice_that_nothing_meets_is_an_error(void **state) {
    struct fixture *f = *state;
    struct choice choice;
    fill(f, 3);
    assert_false(choice_make(f->store, "w03", NULL, &choice, &f->error));
    assert_true(choice.not_understood);
    assert_non_null(strstr(f->error.text, "no workload 'w03', did you mean 'w0"));
    choice_free(&choice);
    assert_false(choice_make(f->store, "w01", "w02", &choice, &f->error));
    assert_false(choice.not_understood);
    assert_string_equal(f->error.text, "no workload/arm matches --filter w02 in w01");
    choice_free(&choice);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(as_many_as_a_figure_shows_are_all_drawn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_one_more_the_last_is_left_out_and_a_sentence_says_so,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_chooses_gets_as_many_as_that_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_choice_that_nothing_meets_is_an_error, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
