/*
 * What the views over profiles compute, against numbers worked out by hand: latencies and their
 * ratios, which of them are refused, the noise floor, outliers and energy.
 */
#include "tests/harness/store/store_fixture.h"

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
    KEEP(f, "latency_vs_flops");
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

/* Median 25; 15 15 5 5 away from it; 1000 is more than 3 x 1.4826 x 2 away from 11. */
static void samples_are_summarised_when_they_are_stored_or_else_by_the_views(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5}, narrow[] = {10, 40, 20, 30}, burst[] = {9, 13, 11, 1000, 10};
    train(f, workload, "fixed-8", "fixed", ALL, 1, accuracy, 1);
    train(f, workload, "fixed-1", "fixed", ONE, 1, accuracy, 1);
    profile(f, workload, "fixed-8", "fixed", narrow, 4, 2000, environment(f, "{}"));
    profile(f, workload, "fixed-1", "fixed", burst, 5, 500, environment(f, "{}"));
    assert_near(number(f, "SELECT count(*) FROM profile WHERE marked_over_unmarked IS NULL AND "
                          "(n_samples, latency_ns_median, latency_ns_mad) IN "
                          "(VALUES (4, 25.0, 10.0), (5, 11.0, 2.0))"),
                2);
    for (int stored = 1; stored >= 0; stored--) {
        assert_near(number(f, "SELECT total(n_samples) FROM profile"), stored ? 9 : 0);
        KEEP(f, "latency_vs_flops");
        assert_near(
            number(f, "SELECT latency_ns_median FROM latency_by_seed WHERE arm = 'fixed-8'"), 25);
        assert_near(number(f, "SELECT latency_ns_mad FROM latency_vs_flops WHERE arm = 'fixed-8'"),
                    10);
        assert_near(number(f, "SELECT time_ratio FROM latency_vs_flops WHERE arm = 'fixed-1'"),
                    11.0 / 25);
        assert_near(number(f, "SELECT mean FROM measure_by_arm WHERE arm = 'fixed-1' AND "
                              "measure = 'latency_ns_batch_32'"),
                    11);
        assert_near(number(f, "SELECT worst FROM latency_outlier WHERE n_samples = 5"),
                    1000.0 / 11);
        assert_int_equal(raw_sql(f->path,
                                 "UPDATE profile SET n_samples = NULL, latency_ns_mad = NULL, "
                                 "latency_ns_median = NULL"),
                         SQLITE_OK);
    }
}

static void tails_of_the_samples_are_nearest_ranks(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5}, samples[100];
    for (int i = 0; i < 100; i++) samples[i] = 1 + 37 * i % 100; /* 1 .. 100 in disorder, 64 last */
    int64_t here = environment(f, "{}");
    static const struct {
        const char *arm;
        int n;
        double median, p90, p99;
    } cases[] = {{"many", 100, 50.5, 90, 99}, {"few", 99, 50, 91, NAN}, {"least", 9, 49, NAN, NAN}};
    for (size_t i = 0; i < 3; i++) {
        train(f, workload, cases[i].arm, "fixed", ALL, 1, accuracy, 1);
        profile(f, workload, cases[i].arm, "fixed", samples, cases[i].n, 2000, here);
    }
    static const char *const columns[] = {"n_samples", "p50_ns", "p90_ns", "p99_ns"};
    KEEP(f, "latency_quantiles");
    for (size_t i = 0; i < 3; i++) {
        const double expected[] = {cases[i].n, cases[i].median, cases[i].p90, cases[i].p99};
        for (int c = 0; c < 4; c++) {
            char sql[128];
            snprintf(sql, sizeof sql, "SELECT %s FROM latency_quantiles WHERE arm = '%s'",
                     columns[c], cases[i].arm);
            double value = number(f, sql);
            if (isnan(expected[c]))
                assert_true(isnan(value));
            else
                assert_near(value, expected[c]);
        }
    }
    assert_int_equal(raw_sql(f->path, "INSERT INTO warning (trial_id, text, at) SELECT id, 'x', '' "
                                      "FROM trial WHERE arm = 'few' AND kind = 'profile'"),
                     SQLITE_OK);
    KEEP(f, NULL);
    assert_near(number(f, "SELECT count(*) FROM latency_quantiles"), 2);
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
    KEEP(f, "latency_note", "latency_vs_flops");
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
    KEEP(f, "latency_note", "latency_vs_flops");
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
    char page[8192];
    time_pair(f, "{}", "{}");
    int64_t warned = (int64_t)number(f, "SELECT max(id) FROM trial WHERE arm = 'fixed-1'");
    OK(f, store_warning(f->store, warned, "threads_not_counted: other threads ran", &f->error));
    KEEP(f, "latency_note", "latency_vs_flops");
    assert_near(number(f, "SELECT time_ratio IS NULL AND note = 'timed with a warning' "
                          "FROM latency_note WHERE arm = 'fixed-1'"),
                1);
    assert_near(number(f, "SELECT time_ratio FROM latency_vs_flops WHERE arm = 'fixed-8'"), 1);
    KEEP(f, NULL);
    assert_near(number(f, "SELECT n_warnings = 1 AND n_trials = 2 FROM workload_status"), 1);
    assert_near(number(f, "SELECT trial_id FROM trial_warning"), (double)warned);
    report(f, page, sizeof page);
    assert_non_null(strstr(page, "w: threads_not_counted: other threads ran (profile trial 4)"));
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
    char page[8192];
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5}, samples[] = {4321};
    train(f, workload, "fixed-8", "fixed", ALL, 1, accuracy, 1);
    profile(f, workload, "fixed-8", "fixed", samples, 1, 2000, 0);
    report(f, page, sizeof page);
    assert_non_null(strstr(page, "us b32"));
    assert_non_null(strstr(page, " 4.3 "));
    assert_non_null(strstr(page, "initialisation and order"));
}

/* Two profiles of one checkpoint, in blocks of two samples. */
static void profile_arm_twice(struct fixture *f, int64_t workload, const char *arm, double *first,
                              double *second, int n) {
    double accuracy[] = {0.5};
    char other[32], sql[256];
    int64_t here = environment(f, "{\"cores\": 2}");
    snprintf(other, sizeof other, "%s-again", arm);
    train(f, workload, arm, "fixed", ALL, 1, accuracy, 1);
    train(f, workload, other, "fixed", ONE, 1, accuracy, 1);
    profile(f, workload, arm, "fixed", first, n, 2000, here);
    profile(f, workload, other, "fixed", second, n, 2000, here);
    snprintf(sql, sizeof sql,
             "UPDATE trial SET kind = 'again', arm = '%s', base_trial_id = (SELECT base_trial_id "
             "FROM trial WHERE kind = 'profile' AND arm = '%s') "
             "WHERE kind = 'profile' AND arm = '%s'",
             arm, arm, other);
    assert_int_equal(raw_sql(f->path, sql), SQLITE_OK);
    assert_int_equal(raw_sql(f->path, "UPDATE profile_sample SET block = sample / 2"), SQLITE_OK);
}

/* The profile of fixed-8 with id 1, and a second one of the same checkpoint with id 2. */
static void profile_twice(struct fixture *f, double *first, double *second, int n) {
    profile_arm_twice(f, one_workload(f, "w"), "fixed-8", first, second, n);
}

static void noise_floor_is_the_far_end_of_the_interval_over_blocks(void **state) {
    struct fixture *f = *state;
    /* Medians per block: 100 and 101, 100 and 99, 200 and 206: ratios 1.01, 0.99, 1.03. */
    double first[] = {90, 110, 100, 100, 190, 210}, second[] = {100, 102, 98, 100, 206, 206};
    profile_twice(f, first, second, 6);
    KEEP(f, "noise_floor");
    assert_near(number(f, "SELECT count(*) FROM noise_floor"), 1);
    assert_near(number(f, "SELECT n_blocks FROM noise_floor"), 3);
    assert_near(number(f, "SELECT ratio_mean FROM noise_floor"), 1.01);
    double half = 4.3027 * 0.02 / sqrt(3); /* t of 2 degrees of freedom; sd 0.02 */
    assert_near(number(f, "SELECT ci95_high FROM noise_floor"), 1.01 + half);
    assert_near(number(f, "SELECT noise_floor FROM noise_floor"), 0.01 + half);
    assert_near(number(f, "SELECT count(*) FROM latency_vs_flops"), 1); /* it is no arm */
    assert_int_equal(
        raw_sql(f->path, "UPDATE trial SET environment_id = NULL WHERE kind = 'again'"), SQLITE_OK);
    KEEP(f, NULL);
    assert_near(number(f, "SELECT count(*) FROM noise_floor"), 0); /* elsewhere is no noise */
}

/* Two arms were profiled twice, one of them on a card, too: medians per block over 100, so ratios
 * 1.02 and 1.04, 1.06 and 1.1; and on the card 0.8 twice, which is as far from 1 as 1.2. */
static void the_largest_floor_of_a_device_counts(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double first[] = {100, 100, 100, 100};
    double silent[] = {102, 102, 104, 104}, noisy[] = {106, 106, 110, 110},
           card[] = {80, 80, 80, 80};
    profile_arm_twice(f, workload, "fixed-8", first, silent, 4);
    profile_arm_twice(f, workload, "fixed-1", first, noisy, 4);
    profile_arm_twice(f, workload, "card", first, card, 4);
    assert_int_equal(
        raw_sql(f->path, "UPDATE trial SET arm = 'fixed-8', device = 'cuda' WHERE kind <> 'train' "
                         "AND arm = 'card'"),
        SQLITE_OK);
    KEEP(f, "latency_vs_flops");
    assert_near(number(f, "SELECT count(*) FROM latency_vs_flops"), 3);
    assert_near(number(f, "SELECT min(noise_floor) FROM latency_vs_flops WHERE device = 'cpu'"),
                0.08 + 12.7062 * 0.02); /* t of 1 degree of freedom; half of their distance */
    assert_near(number(f, "SELECT max(noise_floor) FROM latency_vs_flops WHERE device = 'cpu'"),
                0.08 + 12.7062 * 0.02);
    assert_near(number(f, "SELECT noise_floor FROM latency_vs_flops WHERE device = 'cuda'"), 0.2);
}

/* fixed-1 over fixed-8, seed by seed: 100 of 300 and 120 of 200, so 1/3 and 3/5; together, 110 of 250.
 * t of 1 degree of freedom; half of their distance is the standard error of two. */
static void a_time_ratio_has_an_interval_over_seeds_and_its_noise_floor(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w"), here = environment(f, "{\"cores\": 2}");
    double accuracy[] = {0.5, 0.5}, times[4][1] = {{300}, {100}, {200}, {120}};
    static const char *const arms[] = {"fixed-8", "fixed-1", "later-8", "later-1"};
    for (int i = 0; i < 4; i++) {
        train(f, workload, arms[i], "fixed", i % 2 ? ONE : ALL, i < 2 ? 2 : 1, accuracy, 1);
        profile(f, workload, arms[i], "fixed", times[i], 1, i % 2 ? 500 : 2000, here);
    }
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET arm = 'fixed-' || substr(arm, 7), seed = 1 "
                                      "WHERE kind = 'profile' AND arm GLOB 'later-*'; "
                                      "UPDATE trial SET current = 0 WHERE arm GLOB 'later-*'"),
                     SQLITE_OK);
#define NARROW " FROM latency_vs_flops WHERE arm = 'fixed-1'"
    double half = 12.7062 * (0.6 - 1.0 / 3) / 2, mean = (0.6 + 1.0 / 3) / 2;
    KEEP(f, "latency_vs_flops");
    assert_near(number(f, "SELECT time_ratio" NARROW), 110.0 / 250);
    assert_near(number(f, "SELECT time_ratio_ci95_low" NARROW), mean - half);
    assert_near(number(f, "SELECT time_ratio_ci95_high" NARROW), mean + half);
    assert_near(number(f, "SELECT n_ratios" NARROW), 2);
    assert_true(isnan(number(f, "SELECT noise_floor" NARROW))); /* nothing was timed twice */
    /* A second profile of what took 300, in one block of 330 and one of 330 with another 300. */
    assert_int_equal(
        raw_sql(f->path,
                "INSERT INTO trial (id, kind, key, base_trial_id, workload_id, arm, policy, "
                "base_heads, layers, dim, seed, config, status, planned_at, environment_id) SELECT "
                "99, 'again', 'again', base_trial_id, workload_id, arm, policy, base_heads, "
                "layers, dim, seed, config, status, planned_at, environment_id FROM trial "
                "WHERE kind = 'profile' AND arm = 'fixed-8' AND seed = 0;"
                "INSERT INTO profile (id, trial_id, batch_size, warmup_passes, inputs_per_sample) "
                "VALUES (99, 99, 32, 0, 32);"
                "INSERT INTO profile_sample (profile_id, sample, latency_ns, block) "
                "VALUES (99, 0, 330, 0), (99, 1, 300, 1);"
                "INSERT INTO profile_sample (profile_id, sample, latency_ns, block) SELECT id, 1, "
                "300, 1 FROM profile WHERE id = (SELECT first FROM profile_pair)"),
        SQLITE_OK);
    /* Ratios 1.1 and 1: a mean of 1.05 and a standard error of .05. */
    KEEP(f, "interval_by_measure");
    assert_near(number(f, "SELECT noise_floor" NARROW), 0.05 + 12.7062 * 0.05);
    assert_near(number(f, "SELECT noise_floor = (SELECT noise_floor FROM noise_floor)" NARROW), 1);
    KEEP(f, NULL);
    /* Without a ratio there is no interval, be each seed's own one known or not; and with one seed
     * there is none either. */
    char moved[120];
    snprintf(moved, sizeof moved, "UPDATE trial SET environment_id = %d WHERE seed = 1",
             (int)environment(f, "{\"cores\": 4}"));
    assert_int_equal(raw_sql(f->path, moved), SQLITE_OK);
    assert_near(number(f, "SELECT time_ratio IS NULL AND time_ratio_ci95_low IS NULL "
                          "AND time_ratio_ci95_high IS NULL AND n_ratios = 0" NARROW),
                1);
    snprintf(moved, sizeof moved, "UPDATE trial SET environment_id = %d WHERE seed = 1", (int)here);
    assert_int_equal(raw_sql(f->path, moved), SQLITE_OK);
    assert_near(number(f, "SELECT time_ratio" NARROW), 110.0 / 300);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET environment_id = NULL WHERE seed = 1 "
                                      "AND arm = 'fixed-1'"),
                     SQLITE_OK); /* who knows where that seed was timed */
    assert_true(isnan(number(f, "SELECT time_ratio" NARROW)));
    assert_int_equal(raw_sql(f->path, moved), SQLITE_OK);
    OK(f, store_warning(f->store,
                        (int64_t)number(f, "SELECT id FROM trial WHERE kind = 'profile' "
                                           "AND arm = 'fixed-1' AND seed = 1"),
                        "disturbed", &f->error));
    assert_near(number(f, "SELECT time_ratio IS NULL AND time_ratio_ci95_low IS NULL "
                          "AND time_ratio_ci95_high IS NULL AND n_ratios = 0" NARROW),
                1);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET current = 0 WHERE seed = 1"), SQLITE_OK);
    assert_near(number(f, "SELECT time_ratio = 1.0 / 3 AND time_ratio_ci95_low IS NULL "
                          "AND n_ratios = 1" NARROW),
                1);
#undef NARROW
}

static void one_block_has_no_noise_floor(void **state) {
    struct fixture *f = *state;
    double first[] = {100, 100}, second[] = {102, 102};
    profile_twice(f, first, second, 2);
    KEEP(f, "noise_floor");
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

/* Median 1000, MAD 10: a deviation is 14.826, so 1044 is within three of them and 1045 is not. */
static void outliers_are_beyond_three_deviations_of_a_normal_distribution(void **state) {
    struct fixture *f = *state;
    double first[] = {980, 990, 990, 1000, 1000, 1000, 1010, 1010, 1044, 1045, 1060};
    double second[] = {980, 990, 990, 1000, 1000, 1000, 1010, 1010, 1040, 1044, 1044};
    profile_twice(f, first, second, 11);
    assert_near(number(f, "SELECT n_outliers FROM latency_outlier"), 2);
    assert_near(number(f, "SELECT worst FROM latency_outlier"), 1.06);
}

static void a_median_is_of_all_seeds_samples_and_a_mean_of_the_seeds_medians(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w"), here = environment(f, "{}");
    double accuracy[] = {0.5, 0.5}, first[] = {200, 100}, second[] = {1000, 300, 400};
    train(f, workload, "fixed-8", "fixed", ALL, 2, accuracy, 1);
    train(f, workload, "other", "fixed", ONE, 1, accuracy, 1);
    profile(f, workload, "fixed-8", "fixed", first, 2, 2000, here);
    profile(f, workload, "other", "fixed", second, 3, 2000, here);
#define SAMPLES_OF(group) "SELECT count(*) FROM sample_by_group WHERE grouped_by = '" group "'"
    assert_near(number(f, SAMPLES_OF("alone")), 5);
    assert_near(number(f, SAMPLES_OF("arm")), 0);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET arm = 'fixed-8', seed = 1, base_trial_id = "
                                      "(SELECT id FROM trial WHERE arm = 'fixed-8' AND seed = 1) "
                                      "WHERE kind = 'profile' AND arm = 'other'"),
                     SQLITE_OK);
    assert_near(number(f, SAMPLES_OF("alone")), 0);
    assert_near(number(f, SAMPLES_OF("arm")), 5);
#undef SAMPLES_OF
    /* 100 200 300 400 1000; distances from 300: 0 100 100 200 700 */
    KEEP(f, "interval_by_measure", "latency_note");
    assert_near(number(f, "SELECT latency_ns_median FROM latency_note"), 300);
    assert_near(number(f, "SELECT latency_ns_mad FROM latency_note"), 100);
    assert_near(number(f, "SELECT latency_ns_median FROM latency_by_seed WHERE seed = 0"), 150);
    assert_near(number(f, "SELECT latency_ns_median FROM latency_by_seed WHERE seed = 1"), 400);
    /* Standard error |150 - 400| / 2; t of 1 degree of freedom */
#define LATENCY " FROM measure_by_arm WHERE arm = 'fixed-8' AND measure = 'latency_ns_batch_32'"
    assert_near(number(f, "SELECT mean" LATENCY), 275);
    assert_near(number(f, "SELECT ci95_low" LATENCY), 275 - 12.7062 * 125);
    assert_near(number(f, "SELECT ci95_high" LATENCY), 275 + 12.7062 * 125);
    assert_near(number(f, "SELECT n_seeds" LATENCY), 2);
#undef LATENCY
}

/* fixed-1 has two seeds, of which the second runs three times the FLOPs of the first. */
static void what_one_seed_was_timed_with_counts_for_its_arm(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    int64_t a = environment(f, "{\"git_revision\": \"a\"}");
    int64_t b = environment(f, "{\"git_revision\": \"b\"}");
    double accuracy[] = {0.5, 0.5}, samples[] = {100};
    train(f, workload, "fixed-8", "fixed", ALL, 1, accuracy, 1);
    train(f, workload, "fixed-1", "fixed", ONE, 2, accuracy, 1);
    train(f, workload, "other", "fixed", ONE, 1, accuracy, 1);
    profile(f, workload, "fixed-8", "fixed", samples, 1, 2000, a);
    profile(f, workload, "fixed-1", "fixed", samples, 1, 500, a);
    int64_t second = profile(f, workload, "other", "fixed", samples, 1, 1500, b);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET arm = 'fixed-1', seed = 1 "
                                      "WHERE kind = 'profile' AND arm = 'other'"),
                     SQLITE_OK);
#define NARROW " FROM latency_note WHERE arm = 'fixed-1'"
    assert_near(number(f, "SELECT flops_ratio" NARROW), 0.5);
    assert_near(number(f, "SELECT note LIKE '%same revision%'" NARROW), 1);
    assert_int_equal(raw_sql(f->path, "UPDATE environment SET json = "
                                      "'{\"git_revision\": \"' || char(99 - id) || '\"}'"),
                     SQLITE_OK); /* now the second seed's revision is the first in the alphabet */
    assert_near(number(f, "SELECT note LIKE '%same revision%'" NARROW), 1);
    OK(f, store_warning(f->store, second, "noisy", &f->error));
    assert_near(number(f, "SELECT note = 'timed with a warning'" NARROW), 1);
    assert_near(number(f, "SELECT count(*) FROM latency_quantiles WHERE arm = 'fixed-1'"), 0);
#undef NARROW
}

static void noise_is_the_mean_of_blocks(void **state) {
    struct fixture *f = *state;
    double first[] = {100, 100}, second[] = {102, 102};
    profile_twice(f, first, second, 2);
    assert_int_equal(raw_sql(f->path, "DELETE FROM profile_block; INSERT INTO profile_block "
                                      "VALUES (1, 0, 1, 0.5, 1), (1, 1, 2, 1, 4), (2, 0, 3, 1, 1)"),
                     SQLITE_OK);
    assert_near(number(f, "SELECT n_blocks FROM timing_noise"), 3);
    assert_near(number(f, "SELECT others_running FROM timing_noise"), 2);
    assert_near(number(f, "SELECT cpu_share FROM timing_noise"), 2.5 / 3);
}

static void conditions_leave_out_load_and_revision(void **state) {
    struct fixture *f = *state;
    environment(f, "{\"cores\": 2, \"load_average\": 0.1, \"pmu\": \"none\"}");
    environment(f, "{\"cores\": 2, \"git_revision\": \"a\", \"git_dirty\": true}");
    environment(f, "{\"cores\": 2, \"git_revision\": \"a\", \"git_dirty\": false}");
    environment(f, "{\"cores\": 2, \"cpu_quota\": null, \"blas_core_chosen_by\": \"user\"}");
    environment(f, "{\"cores\": 2, \"cpu_quota\": 0.5}"); /* that is another condition */
    assert_near(number(f, "SELECT count(*) FROM timing_environment "
                          "WHERE conditions = '{\"cores\":2}'"),
                4);
    assert_near(number(f, "SELECT group_concat(revision) = 'unknown,a-dirty,a,unknown,unknown' "
                          "FROM (SELECT * FROM timing_environment ORDER BY environment_id)"),
                1);
}

static void report_says_that_a_machine_was_noisy(void **state) {
    struct fixture *f = *state;
    char page[16384];
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
        report(f, page, sizeof page);
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
        raw_sql(f->path,
                "INSERT INTO energy SELECT p.id, 'package', 3.6, 40, 0.5, 0.05, 1, NULL, '' FROM "
                "profile p JOIN trial t ON t.id = trial_id WHERE kind = 'profile'; "
                "INSERT INTO energy SELECT p.id, 'dram', NULL, NULL, NULL, NULL, NULL, NULL, 'none "
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
    assert_true(isnan(number(f, "SELECT ci95_half_joules_per_input" PACKAGE))); /* one region */
    assert_int_equal(raw_sql(f->path, "UPDATE energy SET domain = 'card', n_regions = 5, "
                                      "ci95_half_joules_per_input = 0.2 WHERE domain = 'package'"),
                     SQLITE_OK);
#undef PACKAGE
#define CARD " FROM energy_by_batch WHERE domain = 'card'"
    double models = number(f, "SELECT n_seeds" CARD);
    assert_near(number(f, "SELECT n_regions" CARD), 5);
    assert_near(number(f, "SELECT ci95_half_joules_per_input" CARD), 0.2 / sqrt(models));
#undef CARD
}

/* Half the FLOPs in half the time, timed on the same machine or on another. */
static void a_saving_is_beside_all_heads_of_the_same_conditions(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w"), here = environment(f, "{\"cpu\":\"one\"}");
    double accuracy[] = {0.5}, all[] = {400, 400}, half[] = {200, 200};
    train(f, workload, "fixed-8", "fixed", ALL, 1, accuracy, 1);
    train(f, workload, "fixed-1", "fixed", ONE, 1, accuracy, 1);
    profile(f, workload, "fixed-8", "fixed", all, 2, 2000, here);
    profile(f, workload, "fixed-1", "fixed", half, 2, 1000, here);
#define RATIO "SELECT ratio FROM saving_by_seed WHERE arm = 'fixed-1' AND quantity = "
    assert_near(number(f, RATIO "'seconds'"), 0.5);
    assert_near(number(f, RATIO "'flops'"), 0.5);
    char sql[200];
    snprintf(sql, sizeof sql,
             "UPDATE trial SET environment_id = %lld WHERE arm = 'fixed-1' AND kind = 'profile'",
             (long long)environment(f, "{\"cpu\":\"another\"}"));
    assert_int_equal(raw_sql(f->path, sql), SQLITE_OK);
    assert_true(isnan(number(f, RATIO "'seconds'")));
    assert_near(number(f, RATIO "'flops'"), 0.5); /* wherever they are executed */
#undef RATIO
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_saving_is_beside_all_heads_of_the_same_conditions),
        TEST(latency_is_median_and_mad_against_the_arm_with_all_heads),
        TEST(samples_are_summarised_when_they_are_stored_or_else_by_the_views),
        TEST(tails_of_the_samples_are_nearest_ranks),
        TEST(times_of_different_machines_or_builds_have_no_ratio),
        TEST(times_of_another_revision_keep_their_ratio_with_a_note),
        TEST(times_of_an_unknown_environment_have_no_ratio),
        TEST(a_warned_profile_is_shown_and_enters_no_ratio),
        TEST(the_report_shows_short_times_and_what_intervals_cover),
        TEST(noise_floor_is_the_far_end_of_the_interval_over_blocks),
        TEST(the_largest_floor_of_a_device_counts),
        TEST(a_time_ratio_has_an_interval_over_seeds_and_its_noise_floor),
        TEST(one_block_has_no_noise_floor),
        TEST(outliers_are_far_in_deviations_and_in_percent),
        TEST(outliers_are_beyond_three_deviations_of_a_normal_distribution),
        TEST(a_median_is_of_all_seeds_samples_and_a_mean_of_the_seeds_medians),
        TEST(what_one_seed_was_timed_with_counts_for_its_arm),
        TEST(noise_is_the_mean_of_blocks),
        TEST(conditions_leave_out_load_and_revision),
        TEST(report_says_that_a_machine_was_noisy),
        TEST(energy_is_per_input_and_carbon_needs_an_intensity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
