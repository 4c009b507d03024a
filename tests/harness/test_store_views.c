/*
 * What the views of results/schema.sql compute, against numbers worked out by hand.
 */
#include "tests/harness/store_fixture.h"

#include "harness/report.h"

/* ---- views ---- */

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
        {"budget (static)", "accuracy_mean", 0.5},
        {"budget (static)", "policy = 'budgetformer/static'", 1},
        {"budget (shuffled)", "accuracy_mean", 0.4},
    };
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

static void beyond_30_degrees_of_freedom_intervals_are_too_wide_never_too_narrow(void **state) {
    struct fixture *f = *state;
    enum { SEEDS = 40 };
    double accuracy[SEEDS];
    for (int i = 0; i < SEEDS; i++) accuracy[i] = i % 2 ? 0.4 : 0.6;
    train(f, one_workload(f, "w"), "fixed-8", "fixed", ALL, SEEDS, accuracy, 1);
    /* Every distance from the mean is 0.1: variance 0.01 * 40 / 39. */
    double error = sqrt(0.01 * SEEDS / (SEEDS - 1) / SEEDS);
    assert_near(number(f, "SELECT accuracy_ci95_high FROM accuracy_vs_budget"),
                0.5 + 2.0423 * error);
}

static void paired_difference_pairs_by_seed(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    /* Differences 10, 12, 14 points: mean 12, sd 2. The fourth seed has no partner. */
    double a[] = {0.80, 0.72, 0.94, 0.10}, b[] = {0.70, 0.60, 0.80};
    train(f, workload, "a", "fixed", ALL, 4, a, 1);
    train(f, workload, "b", "fixed", ONE, 3, b, 1);
    const char *from = "FROM paired_difference WHERE arm_a = 'a' AND arm_b = 'b'";
    const struct {
        const char *column;
        double expected;
    } cases[] = {{"difference_points", 12},
                 {"n_pairs", 3},
                 {"ci95_low_points", 12 - 4.3027 * 2 / sqrt(3.0)},
                 {"ci95_high_points", 12 + 4.3027 * 2 / sqrt(3.0)},
                 {"ci90_low_points", 12 - 2.9200 * 2 / sqrt(3.0)},
                 {"ci90_high_points", 12 + 2.9200 * 2 / sqrt(3.0)}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[256];
        snprintf(sql, sizeof sql, "SELECT %s %s", cases[i].column, from);
        assert_near(number(f, sql), cases[i].expected);
    }
    assert_near(number(f, "SELECT difference_points FROM paired_difference WHERE arm_a = 'b'"),
                -12);
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
    assert_near(number(f, "SELECT heads_difference_mean FROM budget_trend"), 3);
    assert_near(number(f, "SELECT heads_difference_ci95_low FROM budget_trend"), 3 - half);
    assert_near(number(f, "SELECT heads_difference_ci95_high FROM budget_trend"), 3 + half);
    assert_near(number(f, "SELECT difficulty_low = 1 AND difficulty_high = 2 AND n_seeds = 3 "
                          "FROM budget_trend"),
                1);
    assert_int_equal(raw_sql(f->path, "UPDATE prediction SET difficulty = 2"), SQLITE_OK);
    assert_near(number(f, "SELECT count(*) FROM budget_trend"), 0); /* one difficulty: no trend */
}

static int64_t environment(struct fixture *f, const char *json) {
    int64_t id;
    OK(f, store_environment(f->store, json, "host", "machine", json, &id, &f->error));
    return id;
}

/* A profile trial over fixed samples; FLOPs per input as given. */
static int64_t profile(struct fixture *f, int64_t workload, const char *arm, const char *policy,
                       double *samples, int n, double flops, int64_t environment_id) {
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT id FROM trial WHERE arm = '%s' AND kind = 'train'", arm);
    int64_t base = (int64_t)number(f, sql);
    OK(f, store_begin_plan(f->store, &f->error));
    int64_t id = plan_trial(f, workload, arm, policy, 0, base);
    OK(f, store_end_plan(f->store, true, &f->error));
    struct counter_result counters[] = {{.role = "cycles",
                                         .event = "",
                                         .available = false,
                                         .value = 0,
                                         .status = "unavailable",
                                         .reason = "this virtual machine shows no PMU",
                                         .scope = "thread"},
                                        {.role = "task_clock",
                                         .event = "perf::TASK-CLOCK",
                                         .available = true,
                                         .value = 250,
                                         .status = "counted",
                                         .scope = "thread",
                                         .repeats = 20}};
    struct profile_result p = {.batch_size = 32,
                               .warmup = 3,
                               .n_samples = n,
                               .inputs_per_sample = 32,
                               .latency_ns = samples,
                               .mean_heads = 4,
                               .mean_s = NAN,
                               .executed_flops_per_input = flops,
                               .dense_flops_per_input = 2000,
                               .n_counters = 2,
                               .counters = counters};
    struct memory_result memory = {.what = "peak resident", .bytes = 1 << 20};
    struct profiling_result result = {
        .n_profiles = 1, .profiles = &p, .n_memory = 1, .memory = &memory, .wall_seconds = 2.0};
    OK(f, store_claim(f->store, id, getpid(), environment_id, &f->error));
    OK(f, store_finish_profiling(f->store, id, &result, &f->error));
    return id;
}

static void latency_is_median_and_mad_against_the_arm_with_all_heads(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5};
    train(f, workload, "wide", "fixed", ALL, 1, accuracy,
          1); /* found by what it ran, not by name */
    train(f, workload, "fixed-8", "fixed", ONE, 1, accuracy, 1);
    double dense[] = {300, 100, 200, 400,
                      1000};            /* median 300; |x - 300|: 0 200 100 100 700 -> 100 */
    double narrow[] = {10, 40, 20, 30}; /* median 25; 15 15 5 5 -> 10 */
    int64_t here = environment(f, "{\"cores\": 2}");
    profile(f, workload, "wide", "fixed", dense, 5, 2000, here);
    profile(f, workload, "fixed-8", "fixed", narrow, 4, 500, here);
    const struct {
        const char *arm, *column;
        double expected;
    } cases[] = {{"wide", "latency_ns_median", 300},
                 {"wide", "latency_ns_mad", 100},
                 {"wide", "time_ratio", 1},
                 {"wide", "flops_ratio", 1},
                 {"fixed-8", "latency_ns_median", 25},
                 {"fixed-8", "latency_ns_mad", 10},
                 {"fixed-8", "flops_ratio", 0.25},
                 {"fixed-8", "time_ratio", 25.0 / 300},
                 {"fixed-8", "batch_size", 32}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "SELECT %s FROM latency_vs_flops WHERE arm = '%s'",
                 cases[i].column, cases[i].arm);
        assert_near(number(f, sql), cases[i].expected);
    }
    assert_near(number(f, "SELECT value IS NULL AND reason LIKE '%PMU%' FROM counter_vs_budget "
                          "WHERE role = 'cycles'"),
                1);
    assert_near(number(f, "SELECT value FROM counter_vs_budget WHERE role = 'task_clock'"), 250);
}

/* Two arms timed in two environments; the second has a third of the time. */
static void time_pair(struct fixture *f, const char *dense_json, const char *narrow_json) {
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5}, dense[] = {300}, narrow[] = {100};
    train(f, workload, "fixed-8", "fixed", ALL, 1, accuracy, 1);
    train(f, workload, "fixed-1", "fixed", ONE, 1, accuracy, 1);
    profile(f, workload, "fixed-8", "fixed", dense, 1, 2000, environment(f, dense_json));
    profile(f, workload, "fixed-1", "fixed", narrow, 1, 500, environment(f, narrow_json));
}

static void times_of_different_machines_or_builds_have_no_ratio(void **state) {
    struct fixture *f = *state;
    time_pair(f, "{\"cpu_model\": \"A\", \"compiler_flags\": \"-O3\"}",
              "{\"cpu_model\": \"A\", \"compiler_flags\": \"-O2\"}");
    assert_near(number(f, "SELECT time_ratio IS NULL AND note LIKE '%same environment%' "
                          "AND latency_ns_median = 100 AND flops_ratio = 0.25 "
                          "FROM latency_note WHERE arm = 'fixed-1'"),
                1);
    assert_near(number(f, "SELECT time_ratio FROM latency_vs_flops WHERE arm = 'fixed-8'"), 1);
}

static void times_of_another_revision_keep_their_ratio_with_a_note(void **state) {
    struct fixture *f = *state;
    time_pair(f, "{\"cores\": 2, \"git_revision\": \"a\", \"load_average\": 0.1}",
              "{\"cores\": 2, \"git_revision\": \"b\", \"load_average\": 1.9}");
    assert_near(number(f, "SELECT time_ratio FROM latency_vs_flops WHERE arm = 'fixed-1'"),
                1.0 / 3);
    assert_near(number(f, "SELECT note LIKE '%same revision%' FROM latency_note "
                          "WHERE arm = 'fixed-1'"),
                1);
    assert_near(number(f, "SELECT note = '' FROM latency_note WHERE arm = 'fixed-8'"), 1);
}

static void times_of_an_unknown_environment_have_no_ratio(void **state) {
    struct fixture *f = *state;
    time_pair(f, "{}", "{}");
    assert_near(number(f, "SELECT sum(time_ratio IS NULL) FROM latency_vs_flops"), 0);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET environment_id = NULL"), SQLITE_OK);
    assert_near(number(f, "SELECT sum(time_ratio IS NULL) FROM latency_vs_flops"), 2);
}

static void a_warned_profile_is_shown_and_enters_no_ratio(void **state) {
    struct fixture *f = *state;
    char report[8192] = "";
    time_pair(f, "{}", "{}");
    int64_t warned = (int64_t)number(f, "SELECT max(id) FROM trial WHERE arm = 'fixed-1'");
    OK(f, store_warning(f->store, warned, "threads_not_counted: other threads ran", &f->error));
    assert_near(number(f, "SELECT time_ratio IS NULL AND note = 'timed with a warning' "
                          "FROM latency_note WHERE arm = 'fixed-1'"),
                1);
    assert_near(number(f, "SELECT time_ratio FROM latency_vs_flops WHERE arm = 'fixed-8'"), 1);
    assert_near(number(f, "SELECT n_warnings = 1 AND n_trials = 2 FROM workload_status"), 1);
    assert_near(number(f, "SELECT trial_id FROM trial_warning"), (double)warned);
    FILE *out = tmpfile();
    OK(f, report_write(f->store, NULL, out, &f->error));
    rewind(out);
    assert_true(fread(report, 1, sizeof report - 1, out) > 0);
    fclose(out);
    assert_non_null(strstr(report, "w: threads_not_counted: other threads ran (profile trial 4)"));
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET current = 0 WHERE kind = 'profile'"),
                     SQLITE_OK);
    assert_near(number(f, "SELECT n_warnings FROM workload_status"), 0);
    /* A warning on the reference takes every ratio. */
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET current = 1; UPDATE warning SET trial_id = "
                                      "(SELECT id FROM trial WHERE arm = 'fixed-8' "
                                      "AND kind = 'profile')"),
                     SQLITE_OK);
    assert_near(number(f, "SELECT sum(time_ratio IS NULL) FROM latency_vs_flops"), 2);
}

static void the_report_shows_short_times_and_what_intervals_cover(void **state) {
    struct fixture *f = *state;
    char report[8192] = "";
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5}, samples[] = {4321};
    train(f, workload, "fixed-8", "fixed", ALL, 1, accuracy, 1);
    profile(f, workload, "fixed-8", "fixed", samples, 1, 2000, 0);
    FILE *out = tmpfile();
    OK(f, report_write(f->store, NULL, out, &f->error));
    rewind(out);
    assert_true(fread(report, 1, sizeof report - 1, out) > 0);
    fclose(out);
    assert_non_null(strstr(report, "us b32"));
    assert_non_null(strstr(report, " 4.3 "));
    assert_non_null(strstr(report, "initialisation and order"));
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
    char report[4096] = "";
    FILE *out = tmpfile();
    OK(f, report_write(f->store, NULL, out, &f->error));
    rewind(out);
    assert_true(fread(report, 1, sizeof report - 1, out) > 0);
    fclose(out);
    assert_non_null(strstr(report, "tuned methods"));
    assert_non_null(strstr(report, "tried"));
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
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "SELECT %s FROM methods WHERE arm = '%s'", cases[i].column,
                 cases[i].arm);
        double value = number(f, sql);
        if (isnan(cases[i].expected))
            assert_true(isnan(value));
        else
            assert_near(value, cases[i].expected);
    }
    assert_near(number(f, "SELECT count(*) FROM methods"), 2);
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
    double high = number(f, "SELECT ci95_high - mean FROM measure WHERE measure = "
                            "'executed_flops'");
    assert_true(fabs(high / half - 1) < 1e-6);
}

static void memory_stands_beside_what_the_shape_predicts(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double two[] = {0.5, 0.5};
    train(f, workload, "fixed-8", "fixed", ALL, 2, two, 1);
    assert_int_equal(raw_sql(f->path, "INSERT INTO memory SELECT id, 'arena x', 1000 * id, '', "
                                      "1000, 3 FROM trial UNION ALL "
                                      "SELECT id, 'peak x', NULL, 'not told', NULL, 7 FROM trial"),
                     SQLITE_OK);
    assert_near(number(f, "SELECT ratio FROM memory_by_purpose WHERE what = 'arena x'"), 1.5);
    assert_near(number(f, "SELECT n_seeds FROM memory_by_purpose WHERE what = 'arena x'"), 2);
    assert_near(number(f, "SELECT page_faults FROM memory_by_purpose WHERE what = 'peak x' AND "
                          "bytes IS NULL AND ratio IS NULL AND reason = 'not told'"),
                7);
}

/* The profile of fixed-8 with id 1, and a second one of the same checkpoint with id 2. */
static void profile_twice(struct fixture *f, double *first, double *second, int n) {
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5};
    int64_t here = environment(f, "{\"cores\": 2}");
    train(f, workload, "fixed-8", "fixed", ALL, 1, accuracy, 1);
    train(f, workload, "other", "fixed", ONE, 1, accuracy, 1);
    profile(f, workload, "fixed-8", "fixed", first, n, 2000, here);
    profile(f, workload, "other", "fixed", second, n, 2000, here);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET kind = 'again', arm = 'fixed-8', "
                                      "base_trial_id = (SELECT base_trial_id FROM trial WHERE kind "
                                      "= 'profile' AND arm = 'fixed-8') "
                                      "WHERE kind = 'profile' AND arm = 'other'"),
                     SQLITE_OK);
    assert_int_equal(raw_sql(f->path, "UPDATE profile_sample SET block = sample / 2"), SQLITE_OK);
}

static void noise_floor_is_the_far_end_of_the_interval_over_blocks(void **state) {
    struct fixture *f = *state;
    /* Medians per block: 100 and 101, 100 and 99, 200 and 206: ratios 1.01, 0.99, 1.03. */
    double first[] = {90, 110, 100, 100, 190, 210}, second[] = {100, 102, 98, 100, 206, 206};
    profile_twice(f, first, second, 6);
    assert_near(number(f, "SELECT count(*) FROM noise_floor"), 1);
    assert_near(number(f, "SELECT n_blocks FROM noise_floor"), 3);
    assert_near(number(f, "SELECT ratio_mean FROM noise_floor"), 1.01);
    double half = 4.3027 * 0.02 / sqrt(3); /* t of 2 degrees of freedom; sd 0.02 */
    assert_near(number(f, "SELECT ci95_high FROM noise_floor"), 1.01 + half);
    assert_near(number(f, "SELECT noise_floor FROM noise_floor"), 0.01 + half);
    assert_near(number(f, "SELECT count(*) FROM latency_vs_flops"), 1); /* it is no arm */
    assert_int_equal(
        raw_sql(f->path, "UPDATE trial SET environment_id = NULL WHERE kind = 'again'"), SQLITE_OK);
    assert_near(number(f, "SELECT count(*) FROM noise_floor"), 0); /* elsewhere is no noise */
}

static void one_block_has_no_noise_floor(void **state) {
    struct fixture *f = *state;
    double first[] = {100, 100}, second[] = {102, 102};
    profile_twice(f, first, second, 2);
    assert_near(number(f, "SELECT ratio_mean FROM noise_floor"), 1.02);
    assert_true(isnan(number(f, "SELECT noise_floor FROM noise_floor")));
}

static void outliers_are_far_in_deviations_and_in_percent(void **state) {
    struct fixture *f = *state;
    /* Median 1000, MAD 1: 1008 is 8 MADs away and less than 2%; 1100 is both. */
    double first[] = {999, 1000, 1000, 1001, 1008, 1001, 999, 1000, 1100};
    double second[] = {900, 950, 1000, 1050, 1100, 900, 1100, 1000, 1000}; /* wide: none */
    profile_twice(f, first, second, 9);
    assert_near(number(f, "SELECT n_outliers FROM latency_outlier"), 1);
    assert_near(number(f, "SELECT n_samples FROM latency_outlier"), 9);
    assert_near(number(f, "SELECT worst FROM latency_outlier"), 1.1);
    assert_near(number(f, "SELECT count(*) FROM latency_outlier"), 1);
}

static void report_says_that_a_machine_was_noisy(void **state) {
    struct fixture *f = *state;
    char page[16384] = "";
    double first[] = {100, 100, 100, 100, 100, 100}, second[] = {100, 100, 101, 101, 100, 100};
    profile_twice(f, first, second, 6);
    static const struct {
        const char *others, *cpu, *said;
    } cases[] = {{"0", "1", NULL},
                 {"1.4", "1", "1.4 other threads wanted to run"},
                 {"0", "0.9", "had a core for 90% of the time"}};
    for (int i = 0; i < 3; i++) {
        char sql[512];
        snprintf(sql, sizeof sql,
                 "DELETE FROM profile_block; INSERT INTO profile_block "
                 "SELECT id, 0, 1, %s, 10 * %s FROM profile; "
                 "INSERT INTO profile_block SELECT profile.id, b.value, 1, %s, 0 FROM profile, "
                 "json_each('[1,2,3,4,5,6,7,8,9]') b",
                 cases[i].cpu, cases[i].others, cases[i].cpu);
        assert_int_equal(raw_sql(f->path, sql), SQLITE_OK);
        memset(page, 0, sizeof page);
        FILE *out = fmemopen(page, sizeof page - 1, "w");
        OK(f, report_write(f->store, NULL, out, &f->error));
        fclose(out);
        if (!strstr(page, "fixed-8 profiled twice differs by +0.3 ± 1.4% at batch 32"))
            fail_msg("%s", page);
        if (cases[i].said && !strstr(page, cases[i].said)) fail_msg("%s", page);
        assert_true(!cases[i].said == !strstr(page, "NOISY MACHINE"));
    }
}

static void energy_is_per_input_and_carbon_needs_an_intensity(void **state) {
    struct fixture *f = *state;
    double first[] = {100, 100}, second[] = {102, 102};
    profile_twice(f, first, second, 2);
    assert_int_equal(
        raw_sql(f->path, "INSERT INTO energy SELECT p.id, 'package', 3.6, 40, 0.5, 0.05, '' FROM "
                         "profile p JOIN trial t ON t.id = trial_id WHERE kind = 'profile'; "
                         "INSERT INTO energy SELECT p.id, 'dram', NULL, NULL, NULL, NULL, 'none "
                         "here' FROM profile p JOIN trial t ON t.id = trial_id "
                         "WHERE kind = 'profile'"),
        SQLITE_OK);
#define PACKAGE " FROM energy_by_batch WHERE domain = 'package'"
    assert_near(number(f, "SELECT joules_per_input" PACKAGE), 3.6);
    assert_near(number(f, "SELECT added_joules_per_input" PACKAGE), 1.6);
    assert_true(isnan(number(f, "SELECT gco2_per_input" PACKAGE)));
    assert_true(isnan(number(f, "SELECT joules_per_input FROM energy_by_batch WHERE domain <> "
                                "'package'")));
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET config = "
                                      "'{\"profile\": {\"grid_gco2_per_kwh\": 400}}'"),
                     SQLITE_OK);
    assert_near(number(f, "SELECT gco2_per_input" PACKAGE), 400 * 1e-6);
#undef PACKAGE
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
         "executed_flops_per_input, active_flops_per_input, n_tuning_trials"},
        {"latency_vs_flops", "workload, arm, batch_size, latency_ns_median, latency_ns_mad, "
                             "flops_ratio, time_ratio"},
        {"budget_by_layer", "workload, arm, layer, k, share"},
        {"budget_trend", "workload, arm, difficulty_low, difficulty_high, heads_difference_mean, "
                         "heads_difference_ci95_low, heads_difference_ci95_high, n_seeds"},
        {"counter_vs_budget", "workload, arm, role, value, status, reason, scope"},
        {"trial_status", "trial_id, workload, arm, seed, status, reason, command"}};
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        char sql[64], names[512] = "";
        snprintf(sql, sizeof sql, "SELECT * FROM %s", views[i][0]);
        OK(f, store_query(f->store, sql, collect_names, names, &f->error));
        assert_string_equal(names, views[i][1]);
    }
    assert_false(store_query(f->store, "DELETE FROM trial", first_number, &ignored, &f->error));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(accuracy_vs_budget_gives_means_and_t_intervals),
        TEST(beyond_30_degrees_of_freedom_intervals_are_too_wide_never_too_narrow),
        TEST(paired_difference_pairs_by_seed),
        TEST(budgets_are_told_by_layer_and_by_difficulty),
        TEST(trend_is_heads_at_the_largest_minus_the_smallest_difficulty_by_seed),
        TEST(latency_is_median_and_mad_against_the_arm_with_all_heads),
        TEST(times_of_different_machines_or_builds_have_no_ratio),
        TEST(times_of_another_revision_keep_their_ratio_with_a_note),
        TEST(times_of_an_unknown_environment_have_no_ratio),
        TEST(a_warned_profile_is_shown_and_enters_no_ratio),
        TEST(the_report_shows_short_times_and_what_intervals_cover),
        TEST(training_cost_counts_candidates_and_bases),
        TEST(tuned_trial_shows_how_many_were_tried_and_what_was_chosen),
        TEST(methods_give_every_measure_its_interval),
        TEST(an_interval_of_large_numbers_keeps_its_digits),
        TEST(memory_stands_beside_what_the_shape_predicts),
        TEST(noise_floor_is_the_far_end_of_the_interval_over_blocks),
        TEST(one_block_has_no_noise_floor),
        TEST(outliers_are_far_in_deviations_and_in_percent),
        TEST(report_says_that_a_machine_was_noisy),
        TEST(energy_is_per_input_and_carbon_needs_an_intensity),
        TEST(views_have_the_promised_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
