/*
 * What other numbers of seeds and of test inputs would resolve, against the variances that the
 * interval was made of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "harness/store/resolution.h"
#include "harness/store/statistics.h"

#include <math.h>

/* An interval whose parts are known: variances of one seed and of the inputs, in points squared. */
static struct resolution made_of(double seed, double input, int seeds, int inputs) {
    struct resolution r = {.seeds = seeds, .inputs = inputs};
    double of_seeds = seed / seeds, sum = of_seeds + input;
    r.df = sum * sum / (of_seeds * of_seeds / (seeds - 1) + input * input / (inputs - 1));
    r.both_half = student_quantile(0.05, r.df) * sqrt(sum);
    r.seeds_half = student_quantile(0.05, seeds - 1) * sqrt(of_seeds);
    resolution_split(&r);
    return r;
}

static void the_parts_of_an_interval_are_found_again(void **state) {
    (void)state;
    struct resolution r = made_of(0.6, 0.25, 3, 500);
    assert_true(fabs(r.seed_variance - 0.6) < 1e-6 && fabs(r.input_variance - 0.25) < 1e-6);
    assert_true(fabs(resolution_half(&r, 3) - r.both_half) < 1e-6);
    struct resolution more = made_of(0.6, 0.25, 10, 500);
    assert_true(fabs(resolution_half(&r, 10) - more.both_half) < 1e-6);
}

static void the_fewest_seeds_are_enough_and_one_less_is_not(void **state) {
    (void)state;
    struct resolution r = made_of(2, 0.1, 3, 2000);
    int n = resolution_seeds(&r, 1);
    assert_true(n > 3 && n < 100);
    assert_true(resolution_half(&r, n) <= 1 && resolution_half(&r, n - 1) > 1);
    assert_int_equal(resolution_seeds(&r, r.both_half * (1 + 1e-9)), 3);
}

static void what_test_inputs_leave_open_no_seed_resolves(void **state) {
    (void)state;
    struct resolution r = made_of(0.5, 0.5, 3, 500); /* 1.96 sqrt(0.5) = 1.386 */
    assert_int_equal(resolution_seeds(&r, 1), 0);
    assert_true(resolution_seeds(&r, 1.4) > 0);
    assert_true(fabs(resolution_inputs(&r, 1) - 500 * 0.5 * 1.959964 * 1.959964) < 1);
}

static void seeds_with_inputs_of_their_own_shrink_all_of_it(void **state) {
    (void)state;
    struct resolution r = {
        .seeds = 3, .inputs = 500, .df = 2, .both_half = 4.302653, .seeds_half = NAN};
    resolution_split(&r);
    assert_true(fabs(r.seed_variance - 3) < 1e-5 && r.input_variance == 0);
    assert_true(fabs(resolution_half(&r, 12) - student_quantile(0.05, 11) * 0.5) < 1e-5);
    struct resolution none = {.seeds = 3, .inputs = 500, .df = 2};
    resolution_split(&none);
    assert_true(resolution_half(&none, 2) == 0 && resolution_seeds(&none, 0.1) == 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_of_an_interval_are_found_again),
        cmocka_unit_test(the_fewest_seeds_are_enough_and_one_less_is_not),
        cmocka_unit_test(what_test_inputs_leave_open_no_seed_resolves),
        cmocka_unit_test(seeds_with_inputs_of_their_own_shrink_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
