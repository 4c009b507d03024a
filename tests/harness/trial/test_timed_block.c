/*
 * Blocks beside a made-up machine that takes the core away in chosen tries: which are thrown away,
 * how often, and what is left, against numbers worked out by hand.
 */
#include "harness/trial/timed_block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

/* A pass computes for 1 s; in try t it then waits for wait[t] s. All globals are the clocks'. */
enum { WARMUP = 2, FIRST = 3, END = 7, PASSES = 8 };

static struct {
    double now, own;
    const double *wait; /* [BLOCK_TRIES] */
    int tries, passes, rests;
    char order[128];
} machine;

static double read_now(void) {
    return machine.now;
}

static double read_own(void) {
    return machine.own;
}

static void rest(double seconds) {
    assert_true(seconds > 0);
    machine.now += seconds;
    machine.rests++;
}

static const struct block_clock made_up = {read_now, read_own, rest};

/* The first pass of a block is number 0: it warms up, and begins a try. */
static double pass(void *context, int i) {
    char *at = machine.order + strlen(machine.order);
    assert_ptr_equal(context, &machine);
    machine.tries += i == 0;
    machine.passes++;
    *at = (char)('0' + i);
    machine.own += 1;
    machine.now += 1 + machine.wait[machine.tries - 1];
    return 1e9 * (1 + machine.wait[machine.tries - 1]) + i;
}

static struct profile_block take(const double wait[BLOCK_TRIES], double latency[PASSES]) {
    struct profile_block block = {0};
    memset(&machine, 0, sizeof machine);
    machine.now = 100;
    machine.wait = wait;
    for (int i = 0; i < PASSES; i++) latency[i] = -1;
    timed_block_take(&made_up, WARMUP, FIRST, END, pass, &machine, latency, &block);
    assert_true(latency[FIRST - 1] == -1 && latency[END] == -1);
    return block;
}

static void assert_near(double value, double expected) {
    if (!(fabs(value - expected) <= 1e-9 * (1 + fabs(expected))))
        fail_msg("%.15g is not %.15g", value, expected);
}

static void a_quiet_block_is_taken_once(void **state) {
    static const double wait[BLOCK_TRIES] = {0, 9, 9, 9, 9};
    double latency[PASSES];
    (void)state;
    struct profile_block block = take(wait, latency);
    assert_string_equal(machine.order, "013456");
    assert_int_equal(machine.rests, 0);
    assert_near(block.cpu_share, 1);
    assert_near(block.started_s, 102); /* behind the warm-up */
    for (int i = FIRST; i < END; i++) assert_near(latency[i], 1e9 + i);
    assert_false(timed_block_is_disturbed(&block));
}

/* 1 / 1.0205 is below .98, 1 / 1.0203 is not. */
static void a_disturbed_block_is_taken_again_until_it_is_quiet(void **state) {
    static const double wait[BLOCK_TRIES] = {1, 0.0205, 0.0203, 0, 0};
    double latency[PASSES];
    (void)state;
    struct profile_block block = take(wait, latency);
    assert_string_equal(machine.order, "013456013456013456");
    assert_int_equal(machine.rests, 2);
    assert_near(block.cpu_share, 1 / 1.0203);
    for (int i = FIRST; i < END; i++) assert_near(latency[i], 1.0203e9 + i); /* of the last try */
    assert_false(timed_block_is_disturbed(&block));
    /* Six passes of 2 s, six of 1.0205 and two that warm up, and two rests of 50 ms. */
    assert_near(block.started_s, 100 + 12 + 6.123 + 2 * 1.0203 + 0.1);
}

static void a_block_that_stays_disturbed_is_kept_after_the_last_try(void **state) {
    static const double wait[BLOCK_TRIES] = {1, 1, 1, 1, 0.25};
    double latency[PASSES];
    (void)state;
    struct profile_block block = take(wait, latency);
    assert_int_equal(machine.tries, 5);
    assert_int_equal(machine.passes, 30);
    assert_int_equal(machine.rests, 4);
    assert_near(block.cpu_share, 0.8);
    for (int i = FIRST; i < END; i++) assert_near(latency[i], 1.25e9 + i);
    assert_true(timed_block_is_disturbed(&block));
}

static void one_disturbed_block_is_a_warning_of_its_profile(void **state) {
    struct profile_block blocks[3] = {{.cpu_share = 1}, {.cpu_share = 0.98}, {.cpu_share = 1.01}};
    char text[160] = "";
    (void)state;
    timed_block_describe(blocks, 3, text, sizeof text);
    assert_string_equal(text, "");
    blocks[2].cpu_share = 0.979;
    timed_block_describe(blocks, 2, text, sizeof text);
    assert_string_equal(text, "");
    timed_block_describe(blocks, 3, text, sizeof text);
    assert_string_equal(text, "disturbed: a block of timed passes waited for a core for more than "
                              "2% of its time, 5 times in a row");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quiet_block_is_taken_once),
        cmocka_unit_test(a_disturbed_block_is_taken_again_until_it_is_quiet),
        cmocka_unit_test(a_block_that_stays_disturbed_is_kept_after_the_last_try),
        cmocka_unit_test(one_disturbed_block_is_a_warning_of_its_profile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
