/*
 * The timer of phases under a clock that advances by itself: every nanosecond between the first
 * mark and the stop belongs to exactly one phase. No test waits or depends on the machine's speed.
 */
#include "harness/measure/phase_timer.h"
#include "models/inference.h"
#include "models/policy.h"
#include "tests/models/small_model.h"

#include <math.h>

/* Time passes only when it is read: 1, 3, 6, 10, ... */
static double now, pace;
static double made_up_clock(void) {
    return now += ++pace;
}

static int restart(void **state) {
    (void)state;
    now = pace = 0;
    return 0;
}

static void each_phase_lasts_until_the_next(void **state) {
    (void)state;
    struct phase_timer t;
    phase_timer_start(&t, made_up_clock);
    phase_enter(&t.phases, PHASE_QKV); /* at 1 */
    phase_enter(&t.phases, PHASE_MAP); /* at 3 */
    phase_enter(&t.phases, PHASE_QKV); /* at 6 */
    phase_timer_stop(&t);              /* at 10 */
    assert_true(t.ns[PHASE_QKV] == 2 + 4);
    assert_true(t.ns[PHASE_MAP] == 3);
    assert_true(phase_timer_sum(&t) == 9);
    assert_int_equal(t.marks, 3);
}

static void time_between_a_stop_and_the_next_mark_is_nobodys(void **state) {
    (void)state;
    struct phase_timer t;
    phase_timer_start(&t, made_up_clock);
    phase_enter(&t.phases, PHASE_FFN); /* at 1 */
    phase_timer_stop(&t);              /* at 3 */
    phase_timer_stop(&t);              /* nothing lasts: the clock is not read */
    made_up_clock();                   /* at 6 */
    phase_enter(&t.phases, PHASE_FFN); /* at 10 */
    phase_timer_stop(&t);              /* at 15 */
    assert_true(t.ns[PHASE_FFN] == 2 + 5);
}

/* One inference under the timer: the clock is read once per mark and once at the end, so the sum is
 * the whole interval between its first and its last reading. */
static void phases_of_an_inference_sum_to_the_enclosing_interval(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"fixed", "{\"heads\":4}"},
                                           {"random", "{\"heads\":2}"},
                                           {"moh", "{\"shared\":1,\"routed\":2}"},
                                           {"bag-of-words", "{}"}};
    for (int i = 0; i < 4; i++) {
        struct model_config config = small_config(policy_find(cases[i][0]), cases[i][1], 2, 16, 4);
        struct parameters *p = small_parameters(&config, 3);
        struct inference *inf = NULL;
        struct small_batch data;
        struct error error;
        struct phase_timer t;
        assert_true(inference_new(p, &small_limits, &inf, &error));
        small_batch_fill(&data, 3);
        restart(NULL);
        phase_timer_start(&t, made_up_clock);
        struct work work = {.phases = &t.phases};
        inference_run(inf, &data.batch, &work, NULL);
        phase_timer_stop(&t);
        assert_true(phase_timer_sum(&t) == now - 1);
        assert_int_equal((long)pace, t.marks + 1);
        inference_free(inf);
        parameters_free(p);
    }
}

static void a_mark_costs_something_but_little(void **state) {
    (void)state;
    double ns = phase_timer_mark_ns(NULL);
    assert_true(ns > 0 && isfinite(ns) && ns < 1e6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_phase_lasts_until_the_next, restart),
        cmocka_unit_test_setup(time_between_a_stop_and_the_next_mark_is_nobodys, restart),
        cmocka_unit_test(phases_of_an_inference_sum_to_the_enclosing_interval),
        cmocka_unit_test(a_mark_costs_something_but_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
