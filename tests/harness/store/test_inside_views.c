/*
 * What the views of results/views.sql say of the inside of models and methods, against numbers
 * worked out by hand: which heads run for what, how training went, and what a part of a method does.
 */
#include "tests/harness/store/store_fixture.h"

static void heads_by_layer_and_class_are_means_over_inputs_and_seeds(void **state) {
    struct fixture *f = *state;
    static const int k[INPUTS] = {2, 2, 2, 6};
    double two[] = {0.5, 0.5};
    train(f, one_workload(f, "w"), "budget", "budgetformer", k, 2, two, 1);
    /* One class in seed 0, whose last input runs 4 heads in the first layer and 8 in the other. */
    assert_int_equal(raw_sql(f->path, "UPDATE prediction SET label = 0 WHERE evaluation_id = 1;"
                                      "UPDATE prediction SET heads_per_layer = '[4,8]' "
                                      "WHERE evaluation_id = 1 AND input = 3"),
                     SQLITE_OK);
    static const struct {
        const char *query;
        double expected;
    } cases[] = {
        {"mean_heads FROM layer_heads_by_class WHERE class = 0 AND layer = 0", (10 / 4.0 + 2) / 2},
        {"mean_heads FROM layer_heads_by_class WHERE class = 0 AND layer = 1", (14 / 4.0 + 2) / 2},
        {"n_seeds FROM layer_heads_by_class WHERE class = 0 AND layer = 1", 2},
        {"mean_heads FROM layer_heads_by_class WHERE class = 1 AND layer = 1", 4},
        {"n_seeds FROM layer_heads_by_class WHERE class = 1 AND layer = 1", 1},
        {"share FROM head_usage_by_seed WHERE seed = 1 AND layer = 1 AND head = 1", 1},
        {"share FROM head_usage_by_seed WHERE seed = 1 AND layer = 1 AND head = 5", 0.25},
        {"share FROM head_usage_by_seed WHERE seed = 1 AND layer = 1 AND head = 6", 0},
        {"count(*) FROM head_usage_by_seed", 2 * LAYERS * HEADS}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "SELECT %s", cases[i].query);
        assert_near(number(f, sql), cases[i].expected);
    }
}

/* Inputs 0 and 2 are of class 0, 1 and 3 of class 1; the last runs 6 heads, the others 2. Heads that run for
 * none need no rows. */
static void shares_of_a_class_are_of_its_own_inputs(void **state) {
    struct fixture *f = *state;
    static const int k[INPUTS] = {2, 2, 2, 6};
    double two[] = {0.5, 0.5};
    int64_t workload = one_workload(f, "w");
    train(f, workload, "budget", "budgetformer", k, 2, two, 3); /* with controls */
    train(f, workload, "fixed-8", "fixed", ALL, 2, two, 1);
    static const struct {
        const char *query;
        double expected;
    } cases[] = {
        {"count(*) FROM class_head_usage", 2 * 2 * LAYERS * 4}, /* seeds, classes, layers, heads */
        {"share FROM head_usage_by_class WHERE arm = 'budget' AND class = 1 AND head = 1", 1},
        {"share FROM head_usage_by_class WHERE arm = 'budget' AND class = 1 AND layer = 1 AND head = 5",
         0.5},
        {"share FROM head_usage_by_class WHERE arm = 'budget' AND class = 0 AND layer = 1 AND head = 5",
         0},
        {"share FROM head_usage_by_class WHERE arm = 'budget' AND class = 1 AND head = 6", 0},
        {"n_inputs FROM head_usage_by_class WHERE arm = 'budget' AND class = 1 AND head = 6", 2},
        {"count(share) FROM head_usage_by_class", 2 * 2 * 2 * LAYERS * HEADS}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "SELECT %s", cases[i].query);
        assert_near(number(f, sql), cases[i].expected);
    }
    /* As a database of before is: the heads between are not known, and the others are. */
    assert_int_equal(raw_sql(f->path, "DELETE FROM class_head_usage"), SQLITE_OK);
    assert_true(isnan(
        number(f, "SELECT share FROM head_usage_by_class WHERE arm = 'budget' AND head = 5")));
    assert_near(number(f, "SELECT count(share) FROM head_usage_by_class WHERE arm = 'budget'"),
                2 * 2 * LAYERS * 4);
}

/* From 2 to 0.2 over the first half of 40 steps, and then no further. */
static void temperature_follows_from_the_step_where_options_set_one(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double one[] = {0.5};
    train(f, workload, "budget", "budgetformer", MIXED, 1, one, 1); /* its epoch ends at step 10 */
    train(f, workload, "fixed-8", "fixed", ALL, 1, one, 1);
    assert_int_equal(raw_sql(f->path,
                             "INSERT INTO epoch (trial_id, epoch, step, train_loss) "
                             "VALUES (1, 2, 20, 0.5), (1, 3, 40, 0.25);"
                             "UPDATE trial SET config = json_object('policy_options', json_object("
                             "'tau_start', 2, 'tau_end', 0.2, 'tau_until', 0.5)) WHERE id = 1"),
                     SQLITE_OK);
    const char *budget = "SELECT temperature FROM training_by_epoch WHERE trial_id = 1 AND step = ";
    static const struct {
        int step;
        double expected;
    } cases[] = {{10, 0.6324555}, {20, 0.2}, {40, 0.2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "%s%d", budget, cases[i].step);
        assert_near(number(f, sql), cases[i].expected);
    }
    assert_near(number(f, "SELECT train_loss FROM training_by_epoch WHERE step = 40"), 0.25);
    assert_true(isnan(number(f, "SELECT temperature FROM training_by_epoch WHERE trial_id = 2")));
}

/* Of arms of two costs the one without noise is beside that of its own. */
static void a_changed_part_is_beside_the_arm_that_differs_least(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double two[] = {0.5, 0.5};
    train(f, workload, "budget-1", "budgetformer", MIXED, 2, two, 2); /* with the control static */
    train(f, workload, "budget-2", "budgetformer", MIXED, 2, two, 1);
    train(f, workload, "quiet", "budgetformer", ONE, 2, two, 1);
    assert_int_equal(
        raw_sql(f->path,
                "UPDATE trial SET config = json_object('policy_options', json_object("
                "'cost', CASE arm WHEN 'budget-1' THEN 0.1 ELSE 0.2 END,"
                "'noise', CASE arm WHEN 'quiet' THEN 0.0 ELSE 0.3 END));"
                "INSERT INTO comparison SELECT a.workload_id, a.arm, b.arm, a.evaluations, "
                "b.evaluations, 2, 2, 4, 'crossed', 3, 1, 1, 2, 0.5, 1, 1, 99, 0.5, 2, 2, 4, 0.5, "
                "0.01, 0.01, 0.1, 1 FROM current_arm a "
                "JOIN current_arm b ON b.workload_id = a.workload_id AND b.arm > a.arm"),
        SQLITE_OK);
    static const struct {
        const char *query;
        double expected;
    } cases[] = {
        {"count(*) FROM ablation", 2},
        {"reference = 'budget-2' FROM ablation WHERE arm = 'quiet'", 1},
        {"changed = 'noise 0.0' FROM ablation WHERE arm = 'quiet'", 1},
        {"difference_points FROM ablation WHERE arm = 'quiet'", -3}, /* it is the arm_b there */
        {"ci95_low_points FROM ablation WHERE arm = 'quiet'", -5},
        {"mean_heads FROM ablation WHERE arm = 'quiet'", 1},
        {"reference_heads FROM ablation WHERE arm = 'quiet'", 4},
        {"reference = 'budget-1' FROM ablation WHERE arm = 'budget-1 (static)'", 1},
        {"changed = 'static' FROM ablation WHERE arm = 'budget-1 (static)'", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "SELECT %s", cases[i].query);
        assert_near(number(f, sql), cases[i].expected);
    }
    /* An option that was tuned is no part that was changed. */
    assert_int_equal(raw_sql(f->path, "INSERT INTO tuning SELECT id, 0, '{\"cost\":0.2}', 0.5, 1, "
                                      "4, 1, 1, 1, '' FROM trial WHERE arm = 'quiet';"
                                      "UPDATE trial SET config = json_set(config, "
                                      "'$.policy_options.cost', 0.7) WHERE arm = 'quiet'"),
                     SQLITE_OK);
    assert_near(number(f, "SELECT changed = 'noise 0.0' FROM ablation WHERE arm = 'quiet'"), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(heads_by_layer_and_class_are_means_over_inputs_and_seeds),
        TEST(shares_of_a_class_are_of_its_own_inputs),
        TEST(temperature_follows_from_the_step_where_options_set_one),
        TEST(a_changed_part_is_beside_the_arm_that_differs_least),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
