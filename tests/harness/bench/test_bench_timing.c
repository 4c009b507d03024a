/*
 * How often a case is run, and what a row says of samples that are given. A budget of seconds that
 * nothing meets, or none at all, makes it a matter of counting: no timing is asserted.
 */
#include "harness/bench/bench_timing.h"
#include "models/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Lasts until the clock has moved, so that a sample of no length is one call. */
static void count_call(void *context) {
    double start = clock_seconds();
    while (clock_seconds() <= start) continue;
    ++*(int *)context;
}

static void every_round_is_run_where_time_is_not_bounded(void **state) {
    (void)state;
    int calls[2] = {0};
    struct bench_case cases[2] = {{.run = count_call, .context = &calls[0]},
                                  {.run = count_call, .context = &calls[1]}};
    assert_int_equal(bench_time(cases, 2, &(struct bench_effort){.rounds = 4}), 4);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(calls[i], 1 + 4);
        for (int r = 0; r < 4; r++) assert_true(cases[i].seconds[r] > 0);
    }
}

static void a_warm_up_that_took_all_the_time_is_the_only_round(void **state) {
    (void)state;
    int calls[2] = {0};
    struct bench_case cases[2] = {{.run = count_call, .context = &calls[0]},
                                  {.run = count_call, .context = &calls[1]}};
    struct bench_effort effort = {.rounds = 4, .most_seconds = 1e-300};
    assert_int_equal(bench_time(cases, 2, &effort), 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(calls[i], 1);
        assert_true(cases[i].seconds[0] > 0);
    }
}

static void sleep_for_20_ms(void *context) {
    (void)context;
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

/* However busy the machine is, a call that sleeps has no core meanwhile. */
static void own_time_is_that_of_the_thread(void **state) {
    (void)state;
    struct bench_case timed = {.run = sleep_for_20_ms};
    for (int own = 0; own < 2; own++) {
        struct bench_effort effort = {.rounds = 2, .own_time = own};
        assert_int_equal(bench_time(&timed, 1, &effort), 2);
        for (int r = 0; r < 2; r++) assert_true((timed.seconds[r] < 0.01) == own);
    }
}

/* Lasts for 0.1 ms of the thread's time, at least. */
static void work_for_100_us(void *context) {
    double start = clock_thread_seconds();
    while (clock_thread_seconds() - start < 1e-4) continue;
    ++*(int *)context;
}

/* Twenty calls or so to a sample: together they are no longer than the whole. */
static void a_sample_says_what_one_call_of_many_takes(void **state) {
    (void)state;
    int calls = 0;
    struct bench_case timed = {.run = work_for_100_us, .context = &calls};
    struct bench_effort effort = {.rounds = 3, .sample_seconds = 2e-3, .own_time = true};
    double start = clock_thread_seconds(), sum = 0;
    assert_int_equal(bench_time(&timed, 1, &effort), 3);
    double whole = clock_thread_seconds() - start;
    assert_true(calls > 3 * timed.calls);
    for (int r = 0; r < 3; r++) {
        assert_true(timed.seconds[r] >= 1e-4);
        sum += timed.calls * timed.seconds[r];
    }
    assert_true(sum <= whole);
}

/* The middle of an odd number, the mean of the two in the middle of an even one. */
static void a_row_has_the_median_and_both_ends_of_its_samples(void **state) {
    (void)state;
    double odd[] = {9, 1, 2}, even[] = {8, 1, 4, 2};
    struct bench_row row = {0};
    bench_row_fill(&row, odd, 3);
    assert_true(row.median == 2 && row.lowest == 1 && row.highest == 9 && row.n_samples == 3);
    bench_row_fill(&row, even, 4);
    assert_true(row.median == 3 && row.lowest == 1 && row.highest == 8 && row.n_samples == 4);
}

/* 4 G of work in 4, 1 and 2 s: 1, 4 and 2 G/s, of a peak of 8. */
static void a_rate_is_work_by_seconds_and_a_share_of_the_peak(void **state) {
    (void)state;
    static struct bench_table table;
    struct bench_case timed = {.unit = GFLOP_PER_S, .work = 4e9, .seconds = {4, 1, 2}};
    struct bench_row *row = bench_row_case(&table, "kernels", &timed, 3, 8);
    assert_true(row->median == 2 && row->lowest == 1 && row->highest == 4 && row->share == 0.25);
    assert_true(bench_best_rate(&timed, 1, 3) == 2);
    timed.unit = MILLISECONDS; /* 4 G of work in 2 s are 2 G/s, whatever is shown */
    row = bench_row_case(&table, "model", &timed, 3, 8);
    assert_true(row->median == 2000 && row->lowest == 1000 && row->highest == 4000);
    assert_true(row->share == 0.25);
}

/* The fastest round of the second case, and neither the last nor the middle one. */
static void a_ceiling_is_the_fastest_round_of_any_case(void **state) {
    (void)state;
    struct bench_case cases[2] = {{.work = 6, .seconds = {2, 3, 6}},
                                  {.work = 8, .seconds = {4, 1, 2}}};
    assert_true(bench_best_round(cases, 2, 3) == 8);
    assert_true(bench_best_round(cases, 2, 1) == 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_round_is_run_where_time_is_not_bounded),
        cmocka_unit_test(own_time_is_that_of_the_thread),
        cmocka_unit_test(a_sample_says_what_one_call_of_many_takes),
        cmocka_unit_test(a_row_has_the_median_and_both_ends_of_its_samples),
        cmocka_unit_test(a_ceiling_is_the_fastest_round_of_any_case),
        cmocka_unit_test(a_rate_is_work_by_seconds_and_a_share_of_the_peak),
        cmocka_unit_test(a_warm_up_that_took_all_the_time_is_the_only_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
