/*
 * The timer of phases under a clock that advances by itself, the host's or a device's: every
 * nanosecond between the first mark and the stop belongs to exactly one phase. No test waits or
 * depends on the machine's speed.
 */
#include "harness/measure/phase_timer.h"
#include "models/base/clock.h"
#include "models/inference.h"
#include "models/policy.h"
#include "tests/models/small_model.h"

#include <limits.h>
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

/* A device whose mark i is noted at its own time, and who tells how late it was asked for it. */
struct made_up_device {
    struct device device; /* first */
    struct device_ops ops;
    struct made_up_marks {
        double at[DEVICE_MARKS];
        long number[DEVICE_MARKS], marks, least_behind;
    } * marks;
};

static struct made_up_marks *marks_of(const struct device *d) {
    return ((const struct made_up_device *)(const void *)d)->marks;
}

static void note_mark(const struct device *d, int i) {
    struct made_up_marks *m = marks_of(d);
    m->at[i] = made_up_clock();
    m->number[i] = m->marks++;
}

static double time_between(const struct device *d, int from, int to) {
    struct made_up_marks *m = marks_of(d);
    long behind = m->marks - 1 - m->number[to];
    assert_int_equal(m->number[to], m->number[from] + 1);
    if (behind < m->least_behind) m->least_behind = behind;
    return m->at[to] - m->at[from];
}

static void made_up(struct made_up_device *d, struct made_up_marks *marks) {
    memset(marks, 0, sizeof *marks);
    marks->least_behind = LONG_MAX;
    d->device = *device_cpu();
    d->ops = (struct device_ops){.mark = note_mark, .between = time_between}; /* no wait */
    d->device.ops = &d->ops;
    d->device.is_host = false;
    d->marks = marks;
}

/* Five phases, so that the ring begins anew in the middle of a round. */
static void marks_of_a_device_are_read_when_they_are_long_past(void **state) {
    (void)state;
    enum { ROUNDS = 1000, STOPS = 3 };
    struct made_up_device d;
    static struct made_up_marks marks;
    struct phase_timer t;
    double expected[PHASES] = {0}, began = 0, whole = 0;
    made_up(&d, &marks);
    phase_timer_start(&t, NULL);
    t.device = &d.device;
    for (int stop = 0; stop < STOPS; stop++) {
        marks.least_behind = LONG_MAX;
        for (int i = 0; i < 5 * ROUNDS; i++) {
            phase_enter(&t.phases, (enum phase)(i % 5));
            if (i > 0) expected[(i - 1) % 5] += now - began;
            if (i == 0) whole -= now;
            began = now;
        }
        assert_true(marks.least_behind >= PHASE_MARKS / 2 - 1);
        phase_timer_stop(&t);
        expected[4] += now - began;
        whole += now;
        phase_timer_stop(&t); /* notes nothing */
        if (stop == 0) phase_timer_read(&t);
        assert_int_equal(marks.marks, (stop + 1) * (5 * ROUNDS + 1));
    }
    phase_timer_read(&t);
    phase_timer_read(&t); /* reads nothing */
    for (int p = 0; p < PHASES; p++) assert_true(t.ns[p] == expected[p]);
    assert_true(phase_timer_sum(&t) == whole);
    assert_int_equal(t.marks, STOPS * 5 * ROUNDS);
}

static void reading_does_not_end_the_phase_that_lasts(void **state) {
    (void)state;
    struct made_up_device d;
    static struct made_up_marks marks;
    struct phase_timer t;
    double at[4];
    made_up(&d, &marks);
    phase_timer_start(&t, NULL);
    t.device = &d.device;
    for (int i = 0; i < 3; i++) {
        phase_enter(&t.phases, (enum phase)i);
        at[i] = now;
        phase_timer_read(&t);
        assert_true(t.ns[i] == 0);
    }
    phase_timer_stop(&t);
    at[3] = now;
    phase_timer_read(&t);
    for (int i = 0; i < 3; i++) assert_true(t.ns[i] == at[i + 1] - at[i] && t.ns[i] > 0);
}

static void a_mark_costs_something_but_little(void **state) {
    (void)state;
    double ns = phase_timer_mark_ns(NULL);
    assert_true(ns > 0 && isfinite(ns) && ns < 1e6);
}

/* A device that dawdles over the marks of the first run of five: 2000 and a stop. */
enum { MARKS_OF_A_RUN = 2001 };

static double first_run_ended;

static void dawdle_at_first(const struct device *d, int i) {
    if (marks_of(d)->marks < MARKS_OF_A_RUN)
        for (double start = clock_nanoseconds(); clock_nanoseconds() - start < 1000;) continue;
    note_mark(d, i);
    if (marks_of(d)->marks == MARKS_OF_A_RUN) first_run_ended = clock_nanoseconds();
}

static void a_mark_costs_what_it_does_in_the_quietest_run(void **state) {
    (void)state;
    struct made_up_device d;
    static struct made_up_marks marks;
    made_up(&d, &marks);
    d.ops.mark = dawdle_at_first;
    double ns = phase_timer_mark_ns(&d.device), ended = clock_nanoseconds();
    assert_int_equal(marks.marks, 5 * MARKS_OF_A_RUN);
    assert_true(4 * (MARKS_OF_A_RUN - 1) * ns <= ended - first_run_ended);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_phase_lasts_until_the_next, restart),
        cmocka_unit_test_setup(time_between_a_stop_and_the_next_mark_is_nobodys, restart),
        cmocka_unit_test(phases_of_an_inference_sum_to_the_enclosing_interval),
        cmocka_unit_test_setup(marks_of_a_device_are_read_when_they_are_long_past, restart),
        cmocka_unit_test_setup(reading_does_not_end_the_phase_that_lasts, restart),
        cmocka_unit_test(a_mark_costs_something_but_little),
        cmocka_unit_test(a_mark_costs_what_it_does_in_the_quietest_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
