/*
 * What the views over counters compute, against numbers worked out by hand: means over seeds, which
 * batch size is shown, rates, and instructions beside FLOPs.
 */
#include "tests/harness/store/store_fixture.h"

static void run_sql(struct fixture *f, const char *sql) {
    if (raw_sql(f->path, sql) != SQLITE_OK) fail_msg("%s", sql);
}

/* A profile of the arm's model of that seed; counters is a list of (role, value, status, reason,
 * scope). */
static void count(struct fixture *f, const char *arm, int seed, int batch_size, double mean_heads,
                  double flops, const char *counters) {
    char sql[2048];
    snprintf(sql, sizeof sql,
             "INSERT OR IGNORE INTO trial (kind, key, base_trial_id, workload_id, arm, policy,"
             "  base_heads, layers, dim, seed, config, status, planned_at)"
             " SELECT 'profile', key || '/profile', id, workload_id, arm, policy, 8, 2, 64, seed,"
             "  '{}', 'ok', '' FROM trial WHERE kind = 'train' AND arm = '%s' AND seed = %d;"
             "INSERT INTO profile (trial_id, batch_size, warmup_passes, inputs_per_sample,"
             "  mean_heads, executed_flops_per_input)"
             " SELECT id, %d, 0, %d, %g, %g FROM trial"
             " WHERE kind = 'profile' AND arm = '%s' AND seed = %d;"
             "INSERT INTO counter (profile_id, role, value_per_input, status, reason, scope, event,"
             "  repeats)"
             " SELECT (SELECT max(id) FROM profile), *, 'made up', 1 FROM (VALUES %s)",
             arm, seed, batch_size, batch_size, mean_heads, flops, arm, seed, counters);
    run_sql(f, sql);
}

/* Compares one column of one row; an expected NaN is NULL. */
static void expect(struct fixture *f, const char *column, const char *row, double expected) {
    char sql[512];
    snprintf(sql, sizeof sql, "SELECT %s FROM %s", column, row);
    double value = number(f, sql);
    if (isnan(expected) ? !isnan(value) : !(fabs(value - expected) <= 1e-9 * fabs(expected)))
        fail_msg("%s is %g, not %g: %s", column, value, expected, row);
}

static void counters_are_means_over_seeds_and_keep_the_reason_of_a_missing_one(void **state) {
    struct fixture *f = *state;
    double accuracy[] = {0.5, 0.5};
    train(f, one_workload(f, "w"), "fixed-8", "fixed", ALL, 2, accuracy, 1);
    count(f, "fixed-8", 0, 1, 8, 100,
          "('instructions', 100, 'counted', '', 'thread'), ('cycles', 50, 'counted', '', 'thread'),"
          "('instructions', 7, 'simulated', '', 'simulator')");
    count(f, "fixed-8", 1, 1, 6, 100,
          "('instructions', 300, 'multiplexed', '', 'thread'),"
          "('cycles', NULL, 'unavailable', 'busy', 'thread')");
#define INSTRUCTIONS "counter_by_batch WHERE role = 'instructions' AND scope = 'thread'"
#define CYCLES       "counter_by_batch WHERE role = 'cycles'"
    expect(f, "value_per_input", INSTRUCTIONS, 200);
    expect(f, "mean_heads", INSTRUCTIONS, 7);
    expect(f, "status = 'counted' AND reason = ''", INSTRUCTIONS, 1);
    expect(f, "value_per_input", CYCLES, 50); /* of the seed that has it */
    expect(f, "status = 'counted' AND reason = 'busy'", CYCLES, 1);
    expect(f, "value_per_input", "counter_by_batch WHERE scope = 'simulator'", 7);
    expect(f, "count(*)", "counter_by_batch", 3);
    run_sql(f, "UPDATE trial SET status = 'failed' WHERE kind = 'profile' AND seed = 1");
    expect(f, "value_per_input", INSTRUCTIONS, 100);
#undef INSTRUCTIONS
#undef CYCLES
}

static void counters_against_a_budget_are_those_of_an_arms_smallest_batch(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5};
    train(f, workload, "fixed-8", "fixed", ALL, 1, accuracy, 1);
    train(f, workload, "fixed-1", "fixed", ONE, 1, accuracy, 1);
    count(f, "fixed-8", 0, 32, 8, 100, "('cycles', 32, 'counted', '', 'thread')");
    count(f, "fixed-8", 0, 4, 8, 100, "('cycles', 4, 'counted', '', 'thread')");
    count(f, "fixed-8", 0, 16, 8, 100, "('cycles', 16, 'counted', '', 'thread')");
    count(f, "fixed-1", 0, 8, 1, 100, "('cycles', 8, 'counted', '', 'thread')");
    expect(f, "value", "counter_vs_budget WHERE arm = 'fixed-8'", 4);
    expect(f, "value", "counter_vs_budget WHERE arm = 'fixed-1'", 8);
    expect(f, "count(*)", "counter_vs_budget", 2);
}

static void rates_are_of_one_source_and_unknown_where_a_count_is_missing(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5};
    train(f, workload, "fixed-8", "fixed", ALL, 1, accuracy, 1);
    train(f, workload, "fixed-1", "fixed", ONE, 1, accuracy, 1);
    count(
        f, "fixed-8", 0, 1, 8, 1000,
        "('cycles', 200, 'counted', '', 'thread'), ('instructions', 400, 'counted', '', 'thread'),"
        "('l1d_misses', 8, 'counted', '', 'thread'), ('llc_misses', 2, 'counted', '', 'thread'),"
        "('branch_misses', 4, 'counted', '', 'thread'),"
        "('fp_operations', NULL, 'unavailable', 'no such event', 'thread'),"
        "('fp_single', 500, 'counted', '', 'thread'),"
        "('instructions', 500, 'simulated', '', 'simulator'),"
        "('executed_flops', 800, 'simulated', '', 'simulator'),"
        "('heads_run', 3, 'simulated', '', 'simulator')");
    count(f, "fixed-1", 0, 1, 1, 300,
          "('cycles', 150, 'multiplexed', '', 'thread'),"
          "('instructions', 200, 'counted', '', 'thread'),"
          "('fp_operations', 600, 'counted', '', 'thread'),"
          "('fp_single', 1, 'counted', '', 'thread')");
    const struct {
        const char *column;
        double measured, simulated, multiplexed;
    } cases[] = {{"mean_heads", 8, 3, 1},
                 {"executed_flops_per_input", 1000, 800, 300},
                 {"instructions_per_input", 400, 500, 200},
                 {"instructions_per_cycle", 2, NAN, 200.0 / 150},
                 {"l1d_misses_per_1000_instructions", 20, NAN, NAN},
                 {"llc_misses_per_1000_instructions", 5, NAN, NAN},
                 {"branch_misses_per_1000_instructions", 10, NAN, NAN},
                 {"flops_per_cycle", 5, NAN, 2},
                 {"flops_per_instruction", 2.5, 1.6, 1.5},
                 {"fp_operations_per_flop", 0.5, NAN, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
#define FROM(source) "counter_rates WHERE source = '" source "'"
        expect(f, cases[i].column, FROM("measured"), cases[i].measured);
        expect(f, cases[i].column, FROM("simulated"), cases[i].simulated);
        expect(f, cases[i].column, FROM("multiplexed"), cases[i].multiplexed);
#undef FROM
    }
    expect(f, "count(*)", "counter_rates", 3);
}

static void instructions_stand_beside_flops_of_the_same_seed_batch_and_source(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5, 0.5};
    train(f, workload, "fixed-8", "fixed", ALL, 2, accuracy, 1);
    train(f, workload, "fixed-1", "fixed", ONE, 2, accuracy, 1);
    count(f, "fixed-8", 0, 1, 8, 2000, "('instructions', 1000, 'counted', '', 'thread')");
    count(f, "fixed-8", 1, 1, 8, 2000, "('instructions', 3000, 'counted', '', 'thread')");
    count(f, "fixed-1", 0, 1, 1, 1000,
          "('instructions', 600, 'counted', '', 'thread'),"
          "('instructions', 1, 'simulated', '', 'simulator')"); /* all heads were not simulated, */
    count(f, "fixed-1", 0, 32, 1, 1000,
          "('instructions', 2, 'counted', '', 'thread')"); /* and have no batch of 32 */
    count(f, "fixed-1", 1, 1, 1, 1000, "('cycles', 1, 'counted', '', 'thread')");
    const struct {
        const char *column;
        double dense, narrow, uncounted;
    } cases[] = {{"instructions_per_input", 1000, 600, NAN},
                 {"flops_ratio", 1, 0.5, 0.5},
                 {"instructions_ratio", 1, 0.6, NAN},
                 {"instructions_over_flops", 1, 1.2, NAN}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
#define FROM(arm, seed) "instructions_vs_flops WHERE arm = '" arm "' AND seed = " seed
        expect(f, cases[i].column, FROM("fixed-8", "0"), cases[i].dense);
        expect(f, cases[i].column, FROM("fixed-1", "0"), cases[i].narrow);
        expect(f, cases[i].column, FROM("fixed-1", "1"), cases[i].uncounted);
#undef FROM
    }
    expect(f, "count(*)", "instructions_vs_flops", 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(counters_are_means_over_seeds_and_keep_the_reason_of_a_missing_one),
        TEST(counters_against_a_budget_are_those_of_an_arms_smallest_batch),
        TEST(rates_are_of_one_source_and_unknown_where_a_count_is_missing),
        TEST(instructions_stand_beside_flops_of_the_same_seed_batch_and_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
