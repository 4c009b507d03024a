/*
 * Phases as they are stored, and what the views over them compute, against numbers worked out by
 * hand.
 */
#include "tests/harness/store/store_fixture.h"
#include "harness/bench/bench_ceiling.h"

enum { SAMPLES = 3 };

/* A profile of batch 2 in which the FFN takes 60 ns an input of 100, and the QKV product 40; the
 * other phases none; 202 ns a pass with the readings of the clock that are no phase's. */
static void profile_phases(struct fixture *f, int64_t workload, const char *arm, int seed,
                           double scale) {
    double samples[SAMPLES] = {170, 170, 170};
    double unmarked[SAMPLES] = {180, 190, 170}, marked[SAMPLES] = {198, 199.5, 208.5};
    char sql[160];
    snprintf(sql, sizeof sql,
             "SELECT id FROM trial WHERE arm = '%s' AND seed = %d AND kind = 'train'", arm, seed);
    int64_t base = (int64_t)number(f, sql);
    OK(f, store_begin_plan(f->store, &f->error));
    int64_t id = plan_trial(f, workload, arm, "fixed", seed, base);
    OK(f, store_end_plan(f->store, true, &f->error));
    struct profile_result p = {.batch_size = 2,
                               .n_samples = SAMPLES,
                               .inputs_per_sample = 2,
                               .latency_ns = samples,
                               .marked_ns = marked,
                               .unmarked_ns = unmarked,
                               .mean_heads = 4,
                               .mean_s = NAN,
                               .executed_flops_per_input = 800,
                               .dense_flops_per_input = 1000,
                               .marks = 4,
                               .mark_ns = 10};
    p.phase[PHASE_FFN] = (struct phase_result){60 * scale, 600, 100};
    p.phase[PHASE_QKV] = (struct phase_result){40 * scale, 200, 400};
    p.n_energy = 2;
    p.energy[0] =
        (struct energy_result){.domain = "dram", .reason = "no such domain", .n_regions = 1};
    p.energy[1] = (struct energy_result){"card", 5 * scale, 100, 6, 0.02, 3, 0.3, ""};
    struct profiling_result result = {.n_profiles = 1, .profiles = &p, .wall_seconds = 1};
    OK(f, store_claim(f->store, id, getpid(), environment(f, "{}"), &f->error));
    OK(f, store_finish_profiling(f->store, id, &result, &f->error));
}

static void joules_are_stored_with_what_is_known_of_them(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5, 0.5};
    train(f, workload, "fixed-8", "fixed", ALL, 2, accuracy, 1);
    profile_phases(f, workload, "fixed-8", 0, 1);
    profile_phases(f, workload, "fixed-8", 1, 3);
#define CARD " FROM energy_by_batch WHERE domain = 'card'"
    assert_near(number(f, "SELECT joules_per_input" CARD), 10);
    assert_near(number(f, "SELECT added_joules_per_input" CARD), 8);
    assert_near(number(f, "SELECT n_regions" CARD), 3);
    assert_near(number(f, "SELECT ci95_half_joules_per_input" CARD), 0.3 / sqrt(2));
    assert_near(number(f, "SELECT n_seeds" CARD), 2);
#undef CARD
    assert_near(number(f, "SELECT count(*) FROM energy WHERE domain = 'dram' AND n_regions IS NULL "
                          "AND joules_per_input IS NULL AND reason = 'no such domain'"),
                2);
}

static void time_share_by_phase_stands_beside_the_heads(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5, 0.5};
    train(f, workload, "fixed-8", "fixed", ALL, 2, accuracy, 1);
    profile_phases(f, workload, "fixed-8", 0, 1);
    profile_phases(f, workload, "fixed-8", 1, 3);
    assert_near(number(f, "SELECT count(*) FROM phase_by_budget"),
                2); /* phases without time: none */
    assert_int_equal(
        raw_sql(f->path,
                "UPDATE profile SET mean_heads = 6 WHERE id = 2;"
                "UPDATE phase SET share = share / 2, bytes = 2 * bytes WHERE profile_id = 2;"
                "UPDATE phase SET flops = 1800 WHERE profile_id = 2 AND phase = 'ffn'"),
        SQLITE_OK);
    static const struct {
        const char *column;
        double ffn, qkv;
    } cases[] = {{"time_ns", 120, 80},
                 {"time_share", 0.45, 0.3},
                 {"flops", 1200, 200},
                 {"bytes", 150, 600},
                 {"flops_share", (0.75 + 0.9) / 2, (0.25 + 0.1) / 2},
                 {"mean_heads", 5, 5},
                 {"batch_size", 2, 2},
                 {"n_seeds", 2, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[160];
        const char *select = "SELECT %s FROM phase_by_budget WHERE phase = '%s'";
        snprintf(sql, sizeof sql, select, cases[i].column, "ffn");
        assert_near(number(f, sql), cases[i].ffn);
        snprintf(sql, sizeof sql, select, cases[i].column, "qkv");
        assert_near(number(f, sql), cases[i].qkv);
    }
}

/* The FFN of two seeds: 600 + 1800 FLOPs, 100 + 200 bytes, 60 + 180 ns; ceilings are the mean of
 * the machines'. */
static void a_phase_of_several_seeds_is_their_work_over_their_time(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5, 0.5};
    train(f, workload, "fixed-8", "fixed", ALL, 2, accuracy, 1);
    profile_phases(f, workload, "fixed-8", 0, 1);
    profile_phases(f, workload, "fixed-8", 1, 3);
    environment(f, "{\"cores\": 2}");
    assert_int_equal(
        raw_sql(f->path,
                "UPDATE trial SET environment_id = 2 WHERE kind = 'profile' AND seed = 1;"
                "INSERT INTO ceiling VALUES (1, 20e9, 16e9, ''), (2, 10e9, 8e9, '');"
                "UPDATE profile SET mean_heads = 6 WHERE id = 2;"
                "UPDATE phase SET share = share / 2, bytes = 2 * bytes WHERE profile_id = 2;"
                "UPDATE phase SET flops = 1800 WHERE profile_id = 2 AND phase = 'ffn'"),
        SQLITE_OK);
    static const struct {
        const char *column;
        double expected;
    } cases[] = {{"flops_per_byte", 8},
                 {"flops_per_second", 10e9},
                 {"roof_flops_per_second", 15e9},
                 {"sgemm_flops_per_second", 15e9},
                 {"triad_bytes_per_second", 12e9},
                 {"mean_heads", 5},
                 {"time_share", 0.45},
                 {"n_seeds", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[160];
        snprintf(sql, sizeof sql, "SELECT %s FROM roofline_by_phase WHERE phase = 'ffn'",
                 cases[i].column);
        assert_near(number(f, sql), cases[i].expected);
    }
}

/* 202 ns a marked pass of two inputs; 1.1, 1.05 and 1.23 times as long as without; 4 marks of 10
 * ns. */
static void the_cost_of_markers_is_told(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5};
    train(f, workload, "fixed-8", "fixed", ALL, 1, accuracy, 1);
    profile_phases(f, workload, "fixed-8", 0, 1);
    assert_near(number(f, "SELECT marks_share FROM phase_cost"), 40.0 / 202);
    assert_near(number(f, "SELECT marked_over_unmarked FROM phase_cost"), 1.1);
    assert_int_equal(
        raw_sql(f->path, "UPDATE profile SET n_samples = NULL, marked_over_unmarked = NULL"),
        SQLITE_OK);
    assert_near(number(f, "SELECT marked_over_unmarked FROM phase_cost"), 1.1);
    assert_near(number(f, "SELECT unaccounted_share FROM phase_cost"), 1.0 / 101);
    char page[8192];
    assert_non_null(strstr(report(f, page, sizeof page),
                           "phase markers make a pass 1.10 to 1.10 times as long at batch 2; "
                           "phases add up to all but 1.0% of it (fixed-8, batch 2)"));
}

static void a_warned_profile_has_no_phases_in_the_views(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5};
    train(f, workload, "fixed-8", "fixed", ALL, 1, accuracy, 1);
    profile_phases(f, workload, "fixed-8", 0, 1);
    int64_t id = (int64_t)number(f, "SELECT id FROM trial WHERE kind = 'profile'");
    OK(f, store_warning(f->store, id, "timed with two threads", &f->error));
    assert_near(number(f, "SELECT count(*) FROM phase_by_budget"), 0);
}

/* The FFN has 6 FLOPs per byte and 10 GFLOP/s, the product 0.5 and 5. */
static void a_phase_stands_below_the_roof_of_its_intensity(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5};
    bool fresh = true;
    train(f, workload, "fixed-8", "fixed", ALL, 1, accuracy, 1);
    profile_phases(f, workload, "fixed-8", 0, 1);
    OK(f, store_ceiling_is_fresh(f->store, 1, &fresh, &f->error));
    assert_false(fresh);
    assert_near(number(f,
                       "SELECT count(*) FROM roofline_by_phase WHERE roof_flops_per_second IS NULL "
                       "AND roof_share IS NULL AND bound IS NULL AND reason LIKE '%--no-ceiling%'"),
                2);
    struct ceiling ceiling = {20e9, 16e9};
    OK(f, store_ceiling(f->store, 1, &ceiling, &f->error));
    assert_near(number(f, "SELECT count(*) FROM roofline_by_phase WHERE reason IS NULL"), 2);
    static const struct {
        const char *column;
        double ffn, qkv;
    } cases[] = {{"flops_per_byte", 6, 0.5},
                 {"flops_per_second", 10e9, 5e9},
                 {"roof_flops_per_second", 20e9, 8e9},
                 {"roof_share", 0.5, 0.625},
                 {"bound = 'compute'", 1, 0},
                 {"bound = 'memory'", 0, 1},
                 {"time_share", 0.6, 0.4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[160];
        const char *select = "SELECT %s FROM roofline_by_phase WHERE phase = '%s'";
        snprintf(sql, sizeof sql, select, cases[i].column, "ffn");
        assert_near(number(f, sql), cases[i].ffn);
        snprintf(sql, sizeof sql, select, cases[i].column, "qkv");
        assert_near(number(f, sql), cases[i].qkv);
    }
}

/* What was seen last is not what is reached: of each number the best stays, and the time of the last
 * measurement says when the next is due. */
static void a_ceiling_is_the_best_that_was_ever_seen(void **state) {
    struct fixture *f = *state;
    bool fresh;
    environment(f, "{}");
    const struct ceiling seen[] = {{20e9, 8e9}, {10e9, 16e9}, {15e9, 12e9}};
    for (int i = 0; i < 3; i++) OK(f, store_ceiling(f->store, 1, &seen[i], &f->error));
    assert_near(number(f, "SELECT count(*) FROM ceiling"), 1);
    assert_near(number(f, "SELECT sgemm_flops_per_second FROM ceiling"), 20e9);
    assert_near(number(f, "SELECT triad_bytes_per_second FROM ceiling"), 16e9);
    /* The first two are a minute and more from the bound, so a slow test is as right. */
    static const char *const at[] = {"-2 minutes", "+30 seconds", "2000-01-01", "9999-01-01"};
    for (int i = 0; i < 4; i++) {
        char sql[160];
        snprintf(
            sql, sizeof sql,
            "UPDATE ceiling SET measured_at = strftime('%%Y-%%m-%%dT%%H:%%M:%%SZ', '%s', '%s')",
            i < 2 ? "now" : at[i], i < 2 ? at[i] : "+0 days");
        assert_int_equal(raw_sql(f->path, sql), SQLITE_OK);
        OK(f, store_ceiling_is_fresh(f->store, 1, &fresh, &f->error));
        assert_int_equal(fresh, i % 2);
        OK(f, store_ceiling_is_fresh(f->store, 2, &fresh, &f->error)); /* nobody measured there */
        assert_false(fresh);
    }
    OK(f, store_ceiling(f->store, 1, &seen[2], &f->error));
    assert_near(number(f, "SELECT measured_at < '9999' FROM ceiling"), 1);
}

/* The FFN has 10 GFLOP/s, the product 5, below a slanted roof of 0.5 x 4 GB/s: it may lie in cache. */
static void a_phase_above_the_peak_is_a_fault_that_the_report_names(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5};
    char page[8192];
    train(f, workload, "fixed-8", "fixed", ALL, 1, accuracy, 1);
    profile_phases(f, workload, "fixed-8", 0, 1);
    struct ceiling ceiling = {10e9, 4e9}, low = {8e9, 4e9};
    OK(f, store_ceiling(f->store, 1, &ceiling, &f->error));
    assert_near(number(f, "SELECT count(*) FROM roofline_by_phase WHERE reason IS NULL"), 2);
    assert_null(strstr(report(f, page, sizeof page), "ROOF TOO LOW"));
    assert_int_equal(raw_sql(f->path, "DELETE FROM ceiling"), SQLITE_OK);
    OK(f, store_ceiling(f->store, 1, &low, &f->error));
    assert_near(number(f, "SELECT reason LIKE 'above its roof,%' AND roof_share = 1.25 "
                          "FROM roofline_by_phase WHERE phase = 'ffn'"),
                1);
    assert_near(number(f, "SELECT reason IS NULL AND roof_share = 2.5 FROM roofline_by_phase "
                          "WHERE phase = 'qkv'"),
                1);
    assert_non_null(
        strstr(report(f, page, sizeof page),
               "w: ROOF TOO LOW: 1 of 2 phases are faster than large products on this "
               "machine, ffn of fixed-8 at batch 2 by 1.25 times: above its roof, which "
               "others were in the way of when it was measured; the next sweep that "
               "profiles measures it again, and the best stays"));
}

static void the_ceilings_are_measured_in_sane_units(void **state) {
    (void)state;
    struct ceiling ceiling;
    struct error error;
    if (!bench_ceiling(&ceiling, &error)) fail_msg("%s", error.text);
    /* Some FLOPs and some bytes a microsecond, on anything that runs this; less than any core. */
    assert_true(ceiling.flops_per_second > 1e6 && ceiling.flops_per_second < 1e14);
    assert_true(ceiling.bytes_per_second > 1e6 && ceiling.bytes_per_second < 1e14);
}

static void training_phases_are_stored_once_per_training(void **state) {
    struct fixture *f = *state;
    int64_t id = one_trial(f);
    struct made_up m;
    for (int run = 0; run < 2; run++) { /* its checkpoint is lost: it runs again */
        make_up(&m, 0.5, ALL);
        m.result.phase_seconds[PHASE_FORWARD] = 1 + run;
        m.result.phase_seconds[PHASE_BACKWARD] = 3;
        OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
        OK(f, store_finish_training(f->store, id, &m.result, &f->error));
        enum checkpoint_state lost;
        if (run == 0) OK(f, store_replan_lost_checkpoint(f->store, id, &lost, &f->error));
    }
    assert_near(number(f, "SELECT count(*) FROM training_phase_share"), 2);
    assert_near(number(f, "SELECT share FROM training_phase_share WHERE phase = 'forward'"), 0.4);
    assert_near(number(f, "SELECT seconds FROM training_phase_share WHERE phase = 'backward'"), 3);
    assert_int_equal(
        raw_sql(
            f->path,
            "INSERT INTO trial (kind, key, workload_id, arm, policy, base_heads, layers, dim,"
            "  seed, config, status, planned_at) SELECT kind, 'other', workload_id, arm, policy,"
            "  base_heads, layers, dim, 1, config, 'ok', planned_at FROM trial;"
            "INSERT INTO training_phase VALUES (2, 'forward', 4, 0.8), (2, 'backward', 1, 0.2)"),
        SQLITE_OK);
    assert_near(number(f, "SELECT share FROM training_phase_share WHERE phase = 'forward'"), 0.6);
    assert_near(number(f, "SELECT seconds FROM training_phase_share WHERE phase = 'forward'"), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(joules_are_stored_with_what_is_known_of_them),
        TEST(time_share_by_phase_stands_beside_the_heads),
        TEST(a_phase_of_several_seeds_is_their_work_over_their_time),
        TEST(the_cost_of_markers_is_told),
        TEST(a_warned_profile_has_no_phases_in_the_views),
        TEST(a_phase_stands_below_the_roof_of_its_intensity),
        TEST(a_ceiling_is_the_best_that_was_ever_seen),
        TEST(a_phase_above_the_peak_is_a_fault_that_the_report_names),
        TEST(the_ceilings_are_measured_in_sane_units),
        TEST(training_phases_are_stored_once_per_training),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
