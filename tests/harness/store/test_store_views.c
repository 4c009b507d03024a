/*
 * What the views of results/views.sql compute, against numbers worked out by hand. Those of times
 * and energy are in test_latency_views.c, those of counters in test_counter_views.c.
 */
#include "harness/store/statistics.h"
#include "tests/harness/store/store_fixture.h"

static void accuracy_vs_budget_gives_means_and_t_intervals(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double three[] = {0.5, 0.6, 0.7}, one[] = {0.4};
    train(f, workload, "fixed-8", "fixed", ALL, 3, three, 1);
    train(f, workload, "fixed-1", "fixed", ONE, 1, one, 1);
    train(f, workload, "budget", "budgetformer", MIXED, 3, three, 3);
    /* sd = 0.1, standard error 0.1 / sqrt(3), t(2) = 4.3027 */
    double half = 4.3027 * 0.1 / sqrt(3.0);
    const char *row = "SELECT %s FROM accuracy_vs_budget WHERE arm = '%s'";
    const struct {
        const char *arm, *column;
        double expected;
    } cases[] = {
        {"fixed-8", "accuracy_mean", 0.6},
        {"fixed-8", "accuracy_ci95_low", 0.6 - half},
        {"fixed-8", "accuracy_ci95_high", 0.6 + half},
        {"fixed-8", "n_seeds", 3},
        {"fixed-8", "head_budget", 1},
        {"fixed-8", "n_classes", 2},
        {"fixed-8", "executed_flops_per_input", 2000},
        {"fixed-8", "active_flops_per_input", 900},
        {"fixed-1", "accuracy_mean", 0.4},
        {"fixed-1", "accuracy_ci95_low", NAN},
        {"fixed-1", "head_budget", 0.125},
        {"budget", "mean_heads", 4},
        {"budget", "mean_s", 0.5},
        {"budget", "trained_accuracy", 0.8},
        {"budget", "score_entropy", 0.3},
        {"budget (static)", "trained_accuracy", NAN},
        {"budget (static)", "score_entropy", NAN},
        {"budget (static)", "accuracy_mean", 0.5},
        {"budget (static)", "policy = 'budgetformer/static'", 1},
        {"budget (shuffled)", "accuracy_mean", 0.4},
    };
    KEEP(f, "accuracy_vs_budget");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[256];
        snprintf(sql, sizeof sql, row, cases[i].column, cases[i].arm);
        double value = number(f, sql);
        if (isnan(cases[i].expected))
            assert_true(isnan(value));
        else
            assert_near(value, cases[i].expected);
    }
    assert_near(number(f, "SELECT count(*) FROM accuracy_vs_budget"), 5);
}

static void an_arm_is_the_mean_of_seeds_that_differ(void **state) {
    struct fixture *f = *state;
    double two[] = {0.5, 0.5};
    train(f, one_workload(f, "w"), "budget", "budgetformer", MIXED, 2, two, 1); /* k = 2 4 4 6 */
    assert_int_equal(
        raw_sql(f->path, "UPDATE evaluation SET mean_heads = 2, mean_s = 0.25, executed_flops = "
                         "400, active_flops = 1800, trained_accuracy = 0.95, score_entropy = 1 "
                         "WHERE trial_id = 2;"
                         "UPDATE trial SET cost_weight = 0.1;"
                         "INSERT INTO tuning SELECT 2, value, '{}', 0.5, 1, 4, 1, 1, 0, '' "
                         "FROM json_each('[0, 1, 2]');"
                         "DELETE FROM prediction WHERE evaluation_id = 1 AND input = 1"),
        SQLITE_OK);
    /* Of difficulty 1: input 0 alone, which is right, and inputs 0 and 1, of which one is. */
    static const struct {
        const char *column;
        double expected;
    } cases[] = {
        {"head_budget FROM accuracy_vs_budget", (0.5 + 0.25) / 2},
        {"mean_heads FROM accuracy_vs_budget", 3},
        {"mean_s FROM accuracy_vs_budget", (0.5 + 0.25) / 2},
        {"executed_flops_per_input FROM accuracy_vs_budget", (1000 + 100) / 2.0},
        {"active_flops_per_input FROM accuracy_vs_budget", (900 + 450) / 2.0},
        {"n_tuning_trials FROM accuracy_vs_budget", 3},
        {"trained_accuracy FROM accuracy_vs_budget", (0.75 + 0.95) / 2},
        {"score_entropy FROM accuracy_vs_budget", (0.25 + 1) / 2},
        {"trained_accuracy FROM methods_by_arm", (0.75 + 0.95) / 2},
        {"score_entropy FROM methods_by_arm", (0.25 + 1) / 2},
        {"n_tuning_trials FROM methods_by_arm", 3},
        {"first_trial_id FROM methods_by_arm", 1},
        {"cost_weight FROM accuracy_vs_budget", 0.1},
        {"n_inputs FROM budget_by_difficulty WHERE difficulty = 1", 2},
        {"accuracy FROM budget_by_difficulty WHERE difficulty = 1", 0.75},
        {"mean_heads FROM budget_by_difficulty WHERE difficulty = 1", 2.5},
        {"mean_heads_ci95_low FROM budget_by_difficulty WHERE difficulty = 1", 2.5 - 12.7062 / 2}};
    KEEP(f, "interval_by_measure", "accuracy_vs_budget", "methods_by_arm", "budget_by_difficulty");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "SELECT %s", cases[i].column);
        assert_near(number(f, sql), cases[i].expected);
    }
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET cost_weight = 0.2 WHERE id = 2"),
                     SQLITE_OK);
    KEEP(f, NULL);
    assert_true(isnan(number(f, "SELECT cost_weight FROM accuracy_vs_budget")));
}

/* Copies of the one training that there is, as seeds 1 to 299 and with 0.4 or 0.6 of the inputs right. */
static const char others[] =
    "BEGIN; WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 299) "
    "INSERT INTO trial (kind, key, workload_id, arm, policy, base_heads, layers, dim, seed, config, "
    "status, planned_at) SELECT kind, key || i, workload_id, arm, policy, base_heads, layers, dim, "
    "i, config, status, planned_at FROM trial JOIN n;"
    "INSERT INTO evaluation (trial_id, weights, split, control, n_inputs, layers, heads, accuracy, "
    "executed_flops, executed_gemm_flops, executed_map_flops, active_flops, dense_flops, "
    "flops_by_component) SELECT t.id, weights, split, control, n_inputs, e.layers, heads, "
    "0.6 - 0.2 * (seed % 2), executed_flops, executed_gemm_flops, executed_map_flops, active_flops, "
    "dense_flops, flops_by_component FROM trial t JOIN evaluation e WHERE seed > 0; COMMIT";

/* Views have a table and an expansion beyond it. The worst is where that begins, at 31 degrees. */
static void intervals_use_the_t_of_every_number_of_seeds(void **state) {
    struct fixture *f = *state;
    char sql[128];
    double accuracy[300];
    for (int df = 1; df <= 30; df++) {
        snprintf(sql, sizeof sql, "SELECT t95 FROM t_quantile WHERE df = %d", df);
        assert_true(fabs(number(f, sql) - student_quantile(0.05, df)) < 0.001);
        snprintf(sql, sizeof sql, "SELECT t90 FROM t_quantile WHERE df = %d", df);
        assert_true(fabs(number(f, sql) - student_quantile(0.10, df)) < 0.001);
    }
    for (int s = 0; s < 300; s++) accuracy[s] = s % 2 ? 0.4 : 0.6;
    train(f, one_workload(f, "w"), "fixed-8", "fixed", ALL, 1, accuracy, 1);
    assert_int_equal(raw_sql(f->path, others), SQLITE_OK);
    static const int seeds[] = {300, 60, 33, 32, 31};
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        int n = seeds[i];
        double mean = 0, squares = 0;
        for (int s = 0; s < n; s++) mean += accuracy[s] / n;
        for (int s = 0; s < n; s++) squares += (accuracy[s] - mean) * (accuracy[s] - mean);
        double error = sqrt(squares / (n - 1) / n);
        snprintf(sql, sizeof sql, "UPDATE trial SET current = 0 WHERE seed >= %d", n);
        assert_int_equal(raw_sql(f->path, sql), SQLITE_OK);
        KEEP(f, "interval_by_measure");
#define ACCURACY " FROM interval_by_measure WHERE measure = 'accuracy'"
        assert_near(number(f, "SELECT n" ACCURACY), n);
        double half95 = number(f, "SELECT half95" ACCURACY);
        double half90 = number(f, "SELECT half90" ACCURACY);
#undef ACCURACY
        assert_true(fabs(half95 / error - student_quantile(0.05, n - 1)) < 0.001);
        assert_true(fabs(half90 / error - student_quantile(0.10, n - 1)) < 0.001);
    }
}

static void budgets_are_told_by_layer_and_by_difficulty(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5, 0.5};
    train(f, workload, "budget", "budgetformer", MIXED, 2, accuracy, 1); /* k = 2 4 4 6 */
    assert_near(number(f, "SELECT share FROM budget_by_layer WHERE layer = 1 AND k = 4"), 0.5);
    assert_near(number(f, "SELECT share FROM budget_by_layer WHERE layer = 0 AND k = 2"), 0.25);
    assert_near(number(f, "SELECT sum(share) FROM budget_by_layer"), LAYERS);
    assert_near(number(f, "SELECT n_inputs FROM head_usage WHERE layer = 0 AND head = 3 LIMIT 1"),
                3);
    /* Difficulty 1: inputs 0 and 1 with k = 2 and 4; predicted is 0, label 0 and 1. */
    const char *columns[] = {"mean_heads", "accuracy", "n_inputs", "n_seeds",
                             "mean_heads_ci95_low"};
    const double expected[][5] = {{3, 0.5, 2, 2, 3}, {5, 0.5, 2, 2, 5}};
    KEEP(f, "budget_by_difficulty");
    for (int g = 1; g <= 2; g++)
        for (int c = 0; c < 5; c++) {
            char sql[128];
            snprintf(sql, sizeof sql, "SELECT %s FROM budget_by_difficulty WHERE difficulty = %d",
                     columns[c], g);
            assert_near(number(f, sql), expected[g - 1][c]);
        }
}

static void trend_is_heads_at_the_largest_minus_the_smallest_difficulty_by_seed(void **state) {
    struct fixture *f = *state;
    /* Inputs 0 and 1 have difficulty 1, 2 and 3 difficulty 2: 1, 2 and 6 heads more; mean 3. */
    static const int k[3][INPUTS] = {{2, 2, 3, 3}, {1, 3, 4, 4}, {1, 1, 6, 8}};
    int64_t workload = one_workload(f, "w");
    OK(f, store_begin_plan(f->store, &f->error));
    for (int seed = 0; seed < 3; seed++) plan_trial(f, workload, "budget", "budgetformer", seed, 0);
    OK(f, store_end_plan(f->store, true, &f->error));
    for (int seed = 0; seed < 3; seed++) {
        struct made_up m;
        make_up(&m, 0.5, k[seed]);
        OK(f, store_claim(f->store, seed + 1, getpid(), 0, &f->error));
        OK(f, store_finish_training(f->store, seed + 1, &m.result, &f->error));
    }
    /* Variance ((1 - 3)^2 + (2 - 3)^2 + (6 - 3)^2) / 2 = 7 */
    double half = 4.3027 * sqrt(7 / 3.0);
    KEEP(f, "budget_trend");
    assert_near(number(f, "SELECT heads_difference_mean FROM budget_trend"), 3);
    assert_near(number(f, "SELECT heads_difference_ci95_low FROM budget_trend"), 3 - half);
    assert_near(number(f, "SELECT heads_difference_ci95_high FROM budget_trend"), 3 + half);
    assert_near(number(f, "SELECT difficulty_low = 1 AND difficulty_high = 2 AND n_seeds = 3 "
                          "FROM budget_trend"),
                1);
    KEEP(f, NULL);
    assert_int_equal(raw_sql(f->path, "UPDATE prediction SET difficulty = 2"), SQLITE_OK);
    assert_near(number(f, "SELECT count(*) FROM budget_trend"), 0); /* one difficulty: no trend */
}

static bool collect_names(void *context, int n, const char *const *names,
                          const char *const *texts) {
    char *out = context;
    (void)texts;
    out[0] = '\0';
    for (int i = 0; i < n; i++) {
        strcat(out, i ? ", " : "");
        strcat(out, names[i]);
    }
    return false;
}

/* A finished training of seed 0 that tried these costs and took the last; base 0: none. */
static int64_t train_tuned(struct fixture *f, int64_t workload, const char *arm, int64_t base,
                           int n, uint64_t train_flops) {
    struct made_up m;
    struct candidate_result candidates[3] = {{0}};
    char settings[3][32], status[16], key[64];
    int64_t id;
    make_up(&m, 0.5, ALL);
    for (int i = 0; i < n; i++) {
        snprintf(settings[i], sizeof settings[i], "{\"cost\":%d}", i);
        candidates[i] = (struct candidate_result){.settings = settings[i],
                                                  .validation_accuracy = 0.5,
                                                  .validation_loss = 1,
                                                  .validation_mean_heads = 8 - i,
                                                  .train_seconds = 1 + i,
                                                  .train_flops = train_flops,
                                                  .chosen = i == n - 1};
    }
    if (n > 2) {
        strcpy(candidates[0].reason, "diverged");
        candidates[0].validation_accuracy = NAN;
    }
    m.result.candidates = candidates;
    m.result.n_candidates = n;
    m.result.train_flops = train_flops;
    m.result.train_seconds = n > 0 ? n : 1;
    snprintf(key, sizeof key, "%s/0", arm);
    struct trial_plan plan = trial_plan(workload, arm, "budgetformer", 0, key);
    plan.base_trial_id = base;
    OK(f, store_begin_plan(f->store, &f->error));
    OK(f, store_plan_trial(f->store, &plan, &id, status, &f->error));
    OK(f, store_end_plan(f->store, true, &f->error));
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    OK(f, store_finish_training(f->store, id, &m.result, &f->error));
    return id;
}

static void training_cost_counts_candidates_and_bases(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    int64_t first = train_tuned(f, workload, "first", 0, 3, 100);
    int64_t second = train_tuned(f, workload, "second", first, 0, 10);
    train_tuned(f, workload, "third", second, 2, 1);
    /* Of the first, one of three diverged: its cost is not known. */
    const struct {
        const char *arm, *column;
        double expected;
    } cases[] = {{"first", "train_flops", 100},  {"first", "tuning_flops", 100},
                 {"first", "base_flops", 0},     {"first", "total_flops", 200},
                 {"first", "total_seconds", 5},  {"first", "n_tuning_trials", 3},
                 {"second", "tuning_flops", 0},  {"second", "base_flops", 200},
                 {"second", "total_flops", 210}, {"second", "n_tuning_trials", 1},
                 {"third", "train_flops", 1},    {"third", "tuning_flops", 1},
                 {"third", "total_flops", 212},  {"third", "total_seconds", 9}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "SELECT %s FROM training_cost WHERE arm = '%s'", cases[i].column,
                 cases[i].arm);
        assert_near(number(f, sql), cases[i].expected);
    }
    assert_near(number(f, "SELECT count(*) FROM training_cost"), 3);
    /* A base that is trained again, its checkpoint being lost, has cost what it cost. */
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET status = 'failed' WHERE arm = 'first'"),
                     SQLITE_OK);
    assert_near(number(f, "SELECT total_flops FROM training_cost WHERE arm = 'third'"), 212);
    assert_near(number(f, "SELECT count(*) FROM training_cost"), 2);
}

static void tuned_trial_shows_how_many_were_tried_and_what_was_chosen(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    train_tuned(f, workload, "tuned", 0, 3, 100);
    train_tuned(f, workload, "plain", 0, 0, 100);
    assert_near(number(f, "SELECT n_tuning_trials FROM accuracy_by_seed WHERE arm = 'tuned'"), 3);
    assert_near(number(f, "SELECT n_tuning_trials FROM accuracy_vs_budget WHERE arm = 'tuned'"), 3);
    assert_near(number(f, "SELECT n_tuning_trials FROM accuracy_vs_budget WHERE arm = 'plain'"), 1);
    assert_near(number(f, "SELECT cost_weight FROM accuracy_vs_budget WHERE arm = 'tuned'"), 2);
    assert_near(number(f, "SELECT cost_weight IS NULL FROM trial WHERE arm = 'plain'"), 1);
    assert_near(number(f, "SELECT sum(validation_accuracy IS NULL AND reason = 'diverged') "
                          "FROM tuning"),
                1);
    char page[4096];
    report(f, page, sizeof page);
    assert_non_null(strstr(page, "tuned or gated methods"));
    assert_non_null(strstr(page, "as trained %  entropy"));
    assert_non_null(strstr(page, "\nw / tuned                     50.0  "));
    assert_non_null(strstr(page, "        75.0     0.25  "));
    assert_non_null(strstr(page, "tried"));
}

static void methods_give_every_measure_its_interval(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double three[] = {0.5, 0.6, 0.7}, half = 4.3027 * 0.1 / sqrt(3.0);
    double fast[] = {100, 300, 200}, slow[] = {400, 500, 600, 500};
    train(f, workload, "fixed-8", "fixed", ALL, 3, three, 1);
    train(f, workload, "fixed-1", "fixed", ONE, 1, three, 1);
    int64_t here = environment(f, "{}");
    profile(f, workload, "fixed-1", "fixed", fast, 3, 500, here);
    profile(f, workload, "fixed-8", "fixed", slow, 4, 500, here);
    const struct {
        const char *arm, *column;
        double expected;
    } cases[] = {{"fixed-8", "accuracy", 0.6},
                 {"fixed-8", "accuracy_ci95_low", 0.6 - half},
                 {"fixed-8", "accuracy_ci95_high", 0.6 + half},
                 {"fixed-8", "n_seeds", 3},
                 {"fixed-8", "mean_heads", 8},
                 {"fixed-8", "mean_heads_ci95_low", 8},
                 {"fixed-8", "executed_flops", 2000},
                 {"fixed-8", "dense_flops", 2000},
                 {"fixed-8", "latency_small_ns", 500},
                 {"fixed-8", "latency_seeds", 1},
                 {"fixed-8", "batch_small", 32},
                 {"fixed-1", "executed_flops", 250},
                 {"fixed-1", "latency_small_ns", 200},
                 {"fixed-1", "latency_small_ns_ci95_low", NAN},
                 {"fixed-1", "accuracy_ci95_low", NAN},
                 {"fixed-1", "n_tuning_trials", 1}};
    KEEP(f, "methods_by_arm");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "SELECT %s FROM methods_by_arm WHERE arm = '%s'", cases[i].column,
                 cases[i].arm);
        double value = number(f, sql);
        if (isnan(cases[i].expected))
            assert_true(isnan(value));
        else
            assert_near(value, cases[i].expected);
    }
    assert_near(number(f, "SELECT count(*) FROM methods_by_arm"), 2);
}

static void methods_take_latency_from_the_smallest_and_the_largest_batch(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5}, samples[] = {320};
    train(f, workload, "fixed-8", "fixed", ALL, 1, accuracy, 1);
    profile(f, workload, "fixed-8", "fixed", samples, 1, 500, environment(f, "{}"));
    assert_int_equal(
        raw_sql(f->path,
                "INSERT INTO profile (trial_id, batch_size, warmup_passes, inputs_per_sample) "
                "SELECT trial_id, value, 0, 1 FROM profile JOIN json_each('[8, 1, 64, 16]');"
                "INSERT INTO profile_sample (profile_id, sample, latency_ns) "
                "SELECT id, 0, 10 * batch_size FROM profile WHERE batch_size <> 32"),
        SQLITE_OK);
    assert_near(number(f, "SELECT batch_small FROM methods_by_arm"), 1);
    assert_near(number(f, "SELECT latency_small_ns FROM methods_by_arm"), 10);
    assert_near(number(f, "SELECT batch_large FROM methods_by_arm"), 64);
    assert_near(number(f, "SELECT latency_large_ns FROM methods_by_arm"), 640);
    assert_near(number(f, "SELECT mean FROM measure_by_arm WHERE measure = 'latency_ns_batch_16'"),
                160);
}

static void measures_of_one_seed_are_those_of_one_arm_alone(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5, 0.7}, samples[] = {3, 1, 2};
    train(f, workload, "fixed-8", "fixed", ALL, 2, accuracy, 1);
    train(f, workload, "budget", "budgetformer", MIXED, 1, accuracy, 2); /* and (static) */
    profile(f, workload, "fixed-8", "fixed", samples, 3, 500, environment(f, "{}"));
    static const struct {
        const char *measure;
        double expected, n;
    } cases[] = {{"accuracy", 0.7, 4},
                 {"heads", 8, 4},
                 {"executed_flops", 2000, 4},
                 {"active_flops", 900, 4},
                 {"dense_flops", 2000, 4},
                 {"latency_ns_batch_32", 2, 1},
                 {"training_flops", 0, 3},
                 {"training_seconds", 0, 3},
                 {"macro_f1", 0.35, 4},
                 {"matthews", 0.2, 4},
                 {"ece", 0.25, 4},
                 {"loss", 0.5, 4}};
    KEEP(f, "measure_by_seed");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[160];
        snprintf(sql, sizeof sql,
                 "SELECT value FROM measure_by_seed WHERE measure = '%s' AND arm = 'fixed-8' "
                 "ORDER BY seed DESC",
                 cases[i].measure);
        assert_near(number(f, sql), cases[i].expected);
        snprintf(sql, sizeof sql, "SELECT count(*) FROM measure_by_seed WHERE measure = '%s'",
                 cases[i].measure);
        assert_near(number(f, sql), cases[i].n);
    }
    assert_near(number(f, "SELECT count(DISTINCT measure) FROM measure_by_seed"), 12);
    assert_near(number(f, "SELECT count(DISTINCT measure) FROM measure_by_arm"), 12);
}

/* Made-up results have learned gates; here one policy has a budget, one a cost, one nothing. */
static void a_policy_declares_what_its_results_show(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    const double accuracy[] = {0.5};
    train(f, workload, "a", "moh", MIXED, 1, accuracy, 1);
    train(f, workload, "b", "fixed", ALL, 1, accuracy, 1);
    train(f, workload, "c", "budgetformer", MIXED, 1, accuracy, 3); /* controls are no policies */
    assert_int_equal(raw_sql(f->path,
                             "UPDATE trial SET cost_weight = 0.1 WHERE arm = 'a';"
                             "UPDATE evaluation SET mean_s = NULL WHERE trial_id IN "
                             " (SELECT id FROM trial WHERE arm = 'a');"
                             "UPDATE evaluation SET trained_accuracy = NULL WHERE trial_id IN "
                             " (SELECT id FROM trial WHERE arm = 'b')"),
                     SQLITE_OK);
    static const char *const rows[][2] = {
        {"moh", "0|1|1"}, {"fixed", "0|0|0"}, {"budgetformer", "1|0|1"}};
    for (size_t i = 0; i < 3; i++) {
        char sql[256];
        snprintf(sql, sizeof sql,
                 "SELECT has_budget || '|' || has_cost || '|' || learns_gates = '%s' "
                 "FROM policy_declares WHERE policy = '%s'",
                 rows[i][1], rows[i][0]);
        if (number(f, sql) != 1) fail_msg("%s is not %s", rows[i][0], rows[i][1]);
    }
    assert_near(number(f, "SELECT count(*) FROM policy_declares"), 3);
}

static void an_arm_says_in_one_row_what_its_models_have_in_common(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double one[] = {0.5}, three[] = {0.2, 0.4, 0.9};
    train(f, workload, "first", "fixed", ONE, 1, one, 1);
    train(f, workload, "arm", "budgetformer", ALL, 3, three, 1);
    assert_int_equal(
        raw_sql(f->path,
                "UPDATE trial SET cost_weight = seed / 10.0 WHERE arm = 'arm' AND seed > 0;"
                "UPDATE evaluation SET macro_f1 = NULL, mean_heads = 6 WHERE accuracy = 0.9"),
        SQLITE_OK);
    static const char *const expected[] = {
        "first_trial_id = (SELECT min(id) FROM trial WHERE arm = 'arm')",
        "last_trial_id = (SELECT max(id) FROM trial WHERE arm = 'arm')",
        "base_heads = 8 AND layers = 2",
        "n_cost_weights = 2 AND cost_weight IS NULL", /* 0.1 and 0.2 */
        "n_accuracy = 3 AND abs(accuracy - 0.5) < 1e-12",
        "n_heads = 3 AND abs(heads - 22.0 / 3) < 1e-12",
        "n_macro_f1 = 2",
        "n_tuning_trials = 1"};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        char sql[200];
        snprintf(sql, sizeof sql, "SELECT %s FROM mean_by_arm WHERE arm = 'arm'", expected[i]);
        if (number(f, sql) != 1) fail_msg("not %s", expected[i]);
    }
    assert_near(number(f, "SELECT count(*) FROM mean_by_arm"), 2);
    assert_true(number(f, "SELECT evaluations = (SELECT group_concat(id) FROM (SELECT e.id "
                          "FROM evaluation e JOIN trial t ON t.id = e.trial_id WHERE t.arm = 'arm' "
                          "AND e.weights = 'best' AND e.split = 'test' ORDER BY t.seed LIMIT -1)) "
                          "FROM mean_by_arm WHERE arm = 'arm'") == 1);
    assert_near(number(f, "SELECT n_cost_weights FROM mean_by_arm WHERE arm = 'first'"), 0);
}

/* The index of current trials lets one arm train a seed on two devices; each value of such an arm has one mean still. */
static void a_mean_is_one_row_where_models_share_a_seed(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    const double accuracy[] = {0.5, 0.6};
    train(f, workload, "a", "fixed", ONE, 2, accuracy, 1);
    train(f, workload, "b", "fixed", ONE, 2, accuracy, 1);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET device = 'cuda', arm = 'a' WHERE arm = 'b';"
                                      "UPDATE trial SET train_flops = 100 + id"),
                     SQLITE_OK);
    KEEP(f, "interval_by_measure");
    assert_near(number(f, "SELECT count(*) FROM interval_by_measure"),
                number(f, "SELECT count(*) FROM (SELECT DISTINCT workload, arm, policy, measure, "
                          "part, other FROM interval_by_measure)"));
    assert_near(number(f, "SELECT n FROM interval_by_measure WHERE measure = 'training_flops'"), 4);
    /* The squares of 1.5, 0.5, 0.5 and 1.5 are 5. */
    assert_near(
        number(f, "SELECT half95 FROM interval_by_measure WHERE measure = 'training_flops'"),
        3.1824 * sqrt(5.0 / 3 / 4));
}

/* An accuracy that is no number is of no comparison, a cost that is not known of no mean, and a control is no
 * setting of its method. */
static void what_is_not_known_of_a_model_is_not_counted(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    const double accuracy[] = {0.5, 0.6, 0.7};
    train(f, workload, "a", "budgetformer", MIXED, 3, accuracy, 3);
    train(f, workload, "b", "fixed", ALL, 2, accuracy, 1);
    assert_int_equal(
        raw_sql(f->path,
                "UPDATE evaluation SET accuracy = NULL WHERE trial_id IN (SELECT id FROM trial "
                "WHERE arm = 'b' OR id = (SELECT min(id) FROM trial WHERE arm = 'a'));"
                "UPDATE trial SET train_flops = nullif(seed, (SELECT min(seed) FROM trial))"),
        SQLITE_OK);
    assert_near(number(f, "SELECT count(*) FROM current_arm"), 3); /* a and its two controls */
    assert_near(number(f, "SELECT evaluations = (SELECT group_concat(e.id) FROM evaluation e "
                          "JOIN trial t ON t.id = e.trial_id WHERE t.arm = 'a' AND "
                          "control = 'none' AND e.weights = 'best' AND e.split = 'test' AND "
                          "e.accuracy IS NOT NULL) FROM current_arm WHERE arm = 'a'"),
                1);
    assert_near(number(f, "SELECT count(*) FROM method_arm"), 2);
    assert_near(number(f, "SELECT n FROM interval_by_measure WHERE measure = 'training_flops' "
                          "AND arm = 'a'"),
                2);
}

/* 0.1 + 0.4 + 0.8 is another number than 0.8 + 0.4 + 0.1, which is the order in which arm b's ended; so are the
 * sums of their squares from the mean. */
static void a_mean_does_not_depend_on_which_seed_ended_first(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    const double accuracy[] = {0.5, 0.5, 0.5};
    train(f, workload, "a", "fixed", ONE, 3, accuracy, 1);
    train(f, workload, "b", "fixed", ONE, 3, accuracy, 1);
    assert_int_equal(
        raw_sql(f->path,
                "UPDATE trial SET seed = 12 - seed WHERE arm = 'b';"
                "UPDATE evaluation SET loss = (SELECT substr('148', seed % 10 + 1, 1) FROM trial t "
                "WHERE t.id = trial_id) / 10.0"),
        SQLITE_OK);
    assert_near(number(f, "SELECT loss FROM mean_by_arm WHERE arm = 'a'"), 1.3 / 3);
    assert_true(number(f, "SELECT a.loss = b.loss FROM mean_by_arm a, mean_by_arm b "
                          "WHERE a.arm = 'a' AND b.arm = 'b'") == 1);
    assert_true(number(f, "SELECT a.squares_loss = b.squares_loss FROM spread_by_arm a, "
                          "spread_by_arm b WHERE a.arm = 'a' AND b.arm = 'b'") == 1);
}

static void the_reference_runs_all_heads_in_every_layer(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5};
    train(f, workload, "a-budget", "budgetformer", ALL, 1, accuracy, 1); /* not of that policy */
    train(f, workload, "b-fixed", "fixed", (const int[]){8, 8, 8, 7}, 1, accuracy, 1);
    assert_near(number(f, "SELECT count(*) FROM dense_arm"), 0);
    train(f, workload, "d-fixed", "fixed", ALL, 1, accuracy, 1);
    train(f, workload, "c-fixed", "fixed", ALL, 1, accuracy, 1);
    assert_near(number(f, "SELECT arm = 'c-fixed' FROM dense_arm"), 1); /* one of the two */
    assert_near(number(f, "SELECT count(*) FROM dense_arm"), 1);
}

static void a_workload_says_how_its_trainings_ended_and_on_what_machines(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[11] = {0};
    environment(f, "{}");
    train(f, workload, "fixed-8", "fixed", ALL, 11, accuracy, 1);
    assert_int_equal(
        raw_sql(f->path,
                "UPDATE trial SET environment_id = 1;"
                "UPDATE trial SET status = 'timeout' WHERE seed = 8;"
                "UPDATE trial SET status = 'killed' WHERE seed = 9;"
                "UPDATE trial SET status = 'interrupted' WHERE seed = 10;"
                "UPDATE trial SET status = 'skipped', reason = 'late' WHERE seed = 2;"
                "UPDATE trial SET status = 'skipped', reason = 'absent' WHERE seed = 3;"
                "UPDATE trial SET status = 'failed', reason = 'a bug' WHERE seed = 4;"
                "UPDATE trial SET status = 'oom' WHERE seed = 5;"
                "UPDATE trial SET status = 'planned' WHERE seed = 6;"
                "UPDATE trial SET current = 0 WHERE seed = 7;"
                "INSERT INTO warning (trial_id, text, at) SELECT id, 'doubtful', '' FROM trial"),
        SQLITE_OK);
    static const struct {
        const char *column;
        double expected;
    } cases[] = {
        {"n_trials", 10},
        {"n_ok", 2},
        {"n_skipped", 2},
        {"n_failed", 5},
        {"reason = 'absent'", 1},
        {"n_warnings", 10},
        {"n_classes", 2},
        {"(SELECT count(*) FROM trial_status)", 10},
        {"(SELECT n_trials FROM machine_by_kind WHERE kind = 'train' AND machine = 'machine')", 2},
        {"(SELECT count(*) FROM trial_warning)", 10}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[160];
        snprintf(sql, sizeof sql, "SELECT %s FROM workload_status", cases[i].column);
        assert_near(number(f, sql), cases[i].expected);
    }
}

/* Sums of squares would leave nothing of what 12.1e9 +- 100 differ by: a double has 16 digits,
 * their squares 20. */
static void an_interval_of_large_numbers_keeps_its_digits(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double three[] = {0.5, 0.5, 0.5}, half = 4.3027 * 100 / sqrt(3.0);
    train(f, workload, "fixed-8", "fixed", ALL, 3, three, 1);
    assert_int_equal(raw_sql(f->path, "UPDATE evaluation SET executed_flops = n_inputs * "
                                      "(12100000000 + 100 * (trial_id - 2))"),
                     SQLITE_OK);
    double high = number(f, "SELECT ci95_high - mean FROM measure_by_arm WHERE measure = "
                            "'executed_flops'");
    assert_true(fabs(high / half - 1) < 1e-6);
}

static void memory_stands_beside_what_the_shape_predicts(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double two[] = {0.5, 0.5};
    train(f, workload, "fixed-8", "fixed", ALL, 2, two, 1);
    assert_int_equal(
        raw_sql(
            f->path,
            "INSERT INTO memory SELECT id, 'arena x', 1000 * id, '', 1000, 3 FROM trial UNION ALL "
            "SELECT id, 'peak x', NULL, 'not told', NULL, 7 FROM trial"),
        SQLITE_OK);
    assert_near(number(f, "SELECT ratio FROM memory_by_purpose WHERE what = 'arena x'"), 1.5);
    assert_int_equal(raw_sql(f->path, "UPDATE memory SET predicted_bytes = 3000, page_faults = 5 "
                                      "WHERE what = 'arena x' AND trial_id = 2"),
                     SQLITE_OK);
    assert_near(number(f, "SELECT bytes FROM memory_by_purpose WHERE what = 'arena x'"), 1500);
    assert_near(number(f, "SELECT predicted_bytes FROM memory_by_purpose WHERE what = 'arena x'"),
                2000);
    assert_near(number(f, "SELECT ratio FROM memory_by_purpose WHERE what = 'arena x'"), 0.75);
    assert_near(number(f, "SELECT page_faults FROM memory_by_purpose WHERE what = 'arena x'"), 4);
    assert_near(number(f, "SELECT n_seeds FROM memory_by_purpose WHERE what = 'arena x'"), 2);
    assert_near(number(f, "SELECT page_faults FROM memory_by_purpose WHERE what = 'peak x' AND "
                          "bytes IS NULL AND ratio IS NULL AND reason = 'not told'"),
                7);
}

static void views_have_the_promised_columns(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5}, samples[] = {1, 2, 3}, ignored;
    train(f, workload, "fixed-8", "fixed", ALL, 1, accuracy, 1);
    profile(f, workload, "fixed-8", "fixed", samples, 3, 2000, 0);
    static const char *const views[][2] = {
        {"accuracy_vs_budget",
         "workload, granularity, n_classes, arm, policy, cost_weight, head_budget, mean_heads, "
         "mean_s, accuracy_mean, accuracy_ci95_low, accuracy_ci95_high, n_seeds, "
         "executed_flops_per_input, active_flops_per_input, n_tuning_trials, trained_accuracy, "
         "score_entropy, macro_f1, matthews, ece, loss, device"},
        {"pareto_front", "workload, arm, policy, mean_heads, executed_flops_per_input, "
                         "accuracy_mean, accuracy_ci95_low, accuracy_ci95_high, n_seeds"},
        {"heads_by_class", "workload, arm, class, name, n_inputs, accuracy, mean_heads, "
                           "mean_heads_ci95_low, mean_heads_ci95_high, n_seeds"},
        {"flops_by_convention", "workload, arm, policy, position, convention, flops_per_input, "
                                "all_heads_flops_per_input, saved_share, n_seeds"},
        {"latency_vs_flops", "workload, arm, batch_size, latency_ns_median, latency_ns_mad, "
                             "flops_ratio, time_ratio, device, time_ratio_ci95_low, "
                             "time_ratio_ci95_high, n_ratios, noise_floor"},
        {"budget_by_layer", "workload, arm, layer, k, share"},
        {"budget_trend", "workload, arm, difficulty_low, difficulty_high, heads_difference_mean, "
                         "heads_difference_ci95_low, heads_difference_ci95_high, n_seeds"},
        {"counter_vs_budget", "workload, arm, role, value, status, reason, scope, device"},
        {"trial_status", "trial_id, workload, arm, seed, status, reason, command, device"}};
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        char sql[64], names[512] = "";
        snprintf(sql, sizeof sql, "SELECT * FROM %s", views[i][0]);
        OK(f, store_query(f->store, sql, NO_VALUES, collect_names, names, &f->error));
        assert_string_equal(names, views[i][1]);
    }
    assert_false(
        store_query(f->store, "DELETE FROM trial", NO_VALUES, first_number, &ignored, &f->error));
}

/* A control is an arm of the report although no trial has its name. */
static void a_report_of_some_arms_may_be_of_controls(void **state) {
    struct fixture *f = *state;
    struct text workloads = {0}, arms = {0};
    double one[] = {0.5};
    int64_t workload = one_workload(f, "w");
    train(f, workload, "fixed-8", "fixed", ALL, 1, one, 1);
    train(f, workload, "budget", "budgetformer", MIXED, 1, one, 3);
    OK(f, report_choose(f->store, NULL, 0, "budget.*shuffled", &workloads, &arms, &f->error));
    assert_string_equal(arms.data, "[[\"w\", \"budget (shuffled)\"]]");
    text_free(&workloads);
    text_free(&arms);
}

/* 1, 2 and 3 in this order, the last one by a quick run; at most 2.5 was the target. */
static void a_full_bench_is_shown_before_a_later_quick_one(void **state) {
    struct fixture *f = *state;
    char sql[600];
    snprintf(
        sql, sizeof sql,
        "INSERT INTO bench_run SELECT column1, %lld, '', column1 = 3, 1"
        " FROM (VALUES (1), (2), (3));"
        "INSERT INTO bench_result SELECT id, 0, 'saving', 'time', 'ratio', 1, id, id, id, NULL,"
        " 'at most', 2.5, '' FROM bench_run",
        (long long)environment(f, "{}"));
    assert_int_equal(raw_sql(f->path, sql), SQLITE_OK);
    assert_near(number(f, "SELECT count(*) FROM bench_latest"), 1);
    assert_near(number(f, "SELECT median FROM bench_latest"), 2);
    assert_near(number(f, "SELECT met FROM bench_latest"), 1);
    assert_int_equal(raw_sql(f->path, "DELETE FROM bench_result WHERE bench_run_id < 3;"
                                      "DELETE FROM bench_run WHERE id < 3"),
                     SQLITE_OK);
    assert_near(number(f, "SELECT median FROM bench_latest"), 3);
    assert_near(number(f, "SELECT met FROM bench_latest"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_full_bench_is_shown_before_a_later_quick_one),
        TEST(accuracy_vs_budget_gives_means_and_t_intervals),
        TEST(an_arm_is_the_mean_of_seeds_that_differ),
        TEST(intervals_use_the_t_of_every_number_of_seeds),
        TEST(budgets_are_told_by_layer_and_by_difficulty),
        TEST(trend_is_heads_at_the_largest_minus_the_smallest_difficulty_by_seed),
        TEST(training_cost_counts_candidates_and_bases),
        TEST(tuned_trial_shows_how_many_were_tried_and_what_was_chosen),
        TEST(methods_give_every_measure_its_interval),
        TEST(methods_take_latency_from_the_smallest_and_the_largest_batch),
        TEST(measures_of_one_seed_are_those_of_one_arm_alone),
        TEST(a_policy_declares_what_its_results_show),
        TEST(an_arm_says_in_one_row_what_its_models_have_in_common),
        TEST(a_mean_is_one_row_where_models_share_a_seed),
        TEST(what_is_not_known_of_a_model_is_not_counted),
        TEST(a_mean_does_not_depend_on_which_seed_ended_first),
        TEST(the_reference_runs_all_heads_in_every_layer),
        TEST(a_workload_says_how_its_trainings_ended_and_on_what_machines),
        TEST(an_interval_of_large_numbers_keeps_its_digits),
        TEST(memory_stands_beside_what_the_shape_predicts),
        TEST(views_have_the_promised_columns),
        TEST(a_report_of_some_arms_may_be_of_controls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
