/*
 * How often a case is run. A budget of seconds that nothing meets, or none at all, makes it a matter
 * of counting: no timing is asserted.
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_round_is_run_where_time_is_not_bounded),
        cmocka_unit_test(own_time_is_that_of_the_thread),
        cmocka_unit_test(a_warm_up_that_took_all_the_time_is_the_only_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
