/*
 * A report, figures and a plan stay usable as results grow: for twice the workloads they may take about twice the
 * work, never four times. Work is counted in steps of SQLite's virtual machine, which depend on neither the
 * machine nor its load; results are those of many.sql, and stand for nothing.
 */
#include "harness/store/chosen_workloads.h"
#include "harness/store/comparison.h"
#include "harness/store/figure_data.h"
#include "harness/store/store_private.h"
#include "tests/harness/store/store_fixture.h"

enum { STEPS_BETWEEN = 50 };

static int count_steps(void *context) {
    *(int64_t *)context += STEPS_BETWEEN;
    return 0;
}

/* Fills the database with so many workloads, which must be at most 100. */
static void fill(struct fixture *f, int n_workloads) {
    char size[80], *many = read_text("tests/harness/store/many.sql");
    snprintf(size, sizeof size, "CREATE TEMP TABLE size AS SELECT %d AS n", n_workloads);
    OK(f, store_begin(f->store, &f->error));
    OK(f, store_exec(f->store, size, &f->error));
    OK(f, store_exec(f->store, many, &f->error));
    OK(f, store_end(f->store, true, &f->error));
    free(many);
}

/* A report for people of a file of its own, by whoever may only read it. */
static int64_t steps_of_report(void **state, int n_workloads) {
    struct fixture *f = *state;
    struct store *reader;
    struct report_choice everything = {NULL, NULL};
    int64_t steps = 0;
    char *text = NULL;
    size_t size;
    fill(f, n_workloads);
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    OK(f, store_open_reader(f->path, &reader, &f->error));
    sqlite3_progress_handler(reader->db, STEPS_BETWEEN, count_steps, &steps);
    OK(f, report_write_chosen(reader, &everything, TABLE_ALIGNED, out, &f->error));
    fclose(out);
    store_close(reader);
    assert_non_null(strstr(text, "w0 / budget"));
    free(text);
    return steps;
}

static void a_report_takes_twice_the_work_for_twice_the_workloads(void **state) {
    void *other = NULL;
    if (set_up(&other) != 0 || !other) {
        fail();
        return;
    }
    int64_t few = steps_of_report(state, 20), many = steps_of_report(&other, 40);
    tear_down(&other);
    if (few < 1000 || 4 * many > 9 * few)
        fail_msg("%lld steps for 20 workloads, %lld for 40", (long long)few, (long long)many);
}

/* What figures share, of these workloads, by whoever may only read the file. */
static int64_t steps_of_figure_data(struct fixture *f, const char *workloads) {
    struct store *reader;
    int64_t steps = 0;
    OK(f, store_open_reader(f->path, &reader, &f->error));
    sqlite3_progress_handler(reader->db, STEPS_BETWEEN, count_steps, &steps);
    if (workloads) OK(f, chosen_workloads_keep(reader, workloads, &f->error));
    OK(f, figure_data_keep(reader, &f->error));
    double arms = (double)store_number(reader, "SELECT count(*) FROM accuracy_vs_budget", NO_VALUES,
                                       &f->error);
    assert_near(arms, workloads ? 2 * 8 : 40 * 8); /* four, each with a control */
    store_close(reader);
    return steps;
}

static void figures_of_two_workloads_take_a_fraction_of_those_of_all(void **state) {
    struct fixture *f = *state;
    fill(f, 40);
    int64_t all = steps_of_figure_data(f, NULL);
    int64_t two = steps_of_figure_data(f, "[\"w2\", \"w2.cuda\"]");
    if (two < 1000 || 5 * two > all)
        fail_msg("%lld steps for 2 workloads of 40, %lld for all", (long long)two, (long long)all);
}

/* To the last bit, of seeds that did not end in their order. */
static void what_is_kept_says_what_the_view_says(void **state) {
    static const char *const views[] = {"accuracy_by_seed",    "mean_by_arm",      "spread_by_arm",
                                        "interval_by_measure", "current_arm",      "method_arm",
                                        "saving_by_seed",      "paired_difference"};
    enum { N_VIEWS = sizeof views / sizeof *views };
    struct fixture *f = *state;
    char sql[400];
    fill(f, 4);
    OK(f, store_exec(f->store,
                     "UPDATE trial SET seed = 9 - seed WHERE kind = 'train' AND arm < 'c';"
                     "UPDATE evaluation SET loss = (SELECT seed % 7 + 1 FROM trial t "
                     "WHERE t.id = trial_id) / 10.0",
                     &f->error));
    OK(f, comparison_update(f->store, &f->error));
    for (int i = 0; i < N_VIEWS; i++) {
        snprintf(sql, sizeof sql, "CREATE TEMP TABLE before_%s AS SELECT * FROM %s", views[i],
                 views[i]);
        OK(f, store_exec(f->store, sql, &f->error));
    }
    OK(f, figure_data_keep(f->store, &f->error));
    for (int i = 0; i < N_VIEWS; i++) {
        snprintf(sql, sizeof sql,
                 "SELECT (SELECT count(*) FROM before_%s) > 0 AND NOT EXISTS (SELECT * FROM %s "
                 "EXCEPT SELECT * FROM before_%s) AND NOT EXISTS (SELECT * FROM before_%s EXCEPT "
                 "SELECT * FROM %s)",
                 views[i], views[i], views[i], views[i], views[i]);
        if (store_number(f->store, sql, NO_VALUES, &f->error) != 1) fail_msg("%s", views[i]);
    }
}

/* What is kept for one report must not be what a writer reads later. */
static void a_report_leaves_the_views_as_they_were(void **state) {
    struct fixture *f = *state;
    bool kept = true;
    fill(f, 2);
    double before = number(f, "SELECT count(*) FROM accuracy_by_seed");
    FILE *out = fopen("/dev/null", "w");
    assert_non_null(out);
    OK(f, report_write(f->store, NULL, TABLE_ALIGNED, out, &f->error));
    fclose(out);
    OK(f, store_keeps(f->store, "accuracy_by_seed", &kept, &f->error));
    assert_false(kept);
    OK(f, store_exec(f->store,
                     "DELETE FROM prediction; DELETE FROM layer_budget; DELETE FROM head_usage; "
                     "DELETE FROM class_head_usage; "
                     "DELETE FROM evaluation",
                     &f->error));
    assert_true(before > 0);
    assert_near(number(f, "SELECT count(*) FROM accuracy_by_seed"), 0);
}

/* Where planning looks for what another plan left out, it finds it by its number. */
static void a_plan_finds_the_one_before_by_numbers(void **state) {
    struct fixture *f = *state;
    struct store *copy;
    int64_t steps[2];
    fill(f, 20);
    OK(f, store_open_plan(f->path, &copy, &f->error));
    assert_int_equal(store_number(copy, "SELECT count(*) FROM evaluation", NO_VALUES, &f->error),
                     0);
    OK(f, store_begin_plan(copy, &f->error));
    for (int i = 0; i < 2; i++) {
        steps[i] = 0;
        sqlite3_progress_handler(copy->db, 1, count_steps, &steps[i]);
        assert_int_equal(store_hidden(copy, i + 1, &f->error), 0);
    }
    /* 28 trials of this workload, and not 560 of all. */
    assert_true(steps[1] / STEPS_BETWEEN < 560);
    OK(f, store_end_plan(copy, false, &f->error));
    store_close(copy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_report_takes_twice_the_work_for_twice_the_workloads,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(figures_of_two_workloads_take_a_fraction_of_those_of_all,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_kept_says_what_the_view_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_report_leaves_the_views_as_they_were, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_plan_finds_the_one_before_by_numbers, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
