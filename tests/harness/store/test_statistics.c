/*
 * The statistics of paired differences against numbers worked out by hand: quantiles of Student's
 * t, the analysis of variance of a small table, inputs that are nested in seeds, what becomes of
 * tables that leave something out, and how many seeds or inputs are asked for; tests of means and
 * signs, and Holm's correction.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "harness/store/statistics.h"

#include <math.h>

static void assert_close(double value, double expected, double tolerance) {
    if (!(fabs(value - expected) <= tolerance)) fail_msg("%.12g is not %.12g", value, expected);
}

/* Published quantiles, and closed forms: tan(pi / 2 (1 - p)) for 1 degree of freedom; for 2,
 * (1 - p) sqrt(2 / (1 - (1 - p)^2)). */
static void quantiles_of_t_are_those_of_the_tables(void **state) {
    (void)state;
    static const struct {
        double p, df, t;
    } cases[] = {{0.05, 4, 2.776445105},  {0.05, 10, 2.228138852}, {0.05, 30, 2.042272456},
                 {0.10, 5, 2.015048373},  {0.01, 10, 3.169272673}, {0.05, 120, 1.979930405},
                 {0.10, 60, 1.670648865}, {0.05, 1e6, 1.959966357}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_close(student_quantile(cases[i].p, cases[i].df), cases[i].t, 1e-8);
    for (int i = 0; i < 12; i++) {
        double p = 0.9 * pow(3, -i);
        double two = (1 - p) * sqrt(2 / (1 - (1 - p) * (1 - p)));
        assert_close(student_quantile(p, 1) / tan(0.5 * M_PI * (1 - p)), 1, 1e-9);
        assert_close(student_quantile(p, 2) / two, 1, 1e-9);
    }
}

static void tail_and_quantile_are_inverse_for_any_degrees_of_freedom(void **state) {
    (void)state;
    for (int i = 0; i < 23; i++) {
        double df = 0.5 * pow(1.7, i); /* to 60,000 */
        for (int k = 0; k < 12; k++) {
            double p = 0.999 * pow(0.2, k); /* to 2e-8 */
            assert_close(student_two_sided(student_quantile(p, df), df) / p, 1, 1e-9);
        }
    }
    assert_close(student_two_sided(0, 3), 1, 0);
    /* Between whole numbers it lies between theirs. */
    double t = student_quantile(0.05, 2.5);
    assert_true(t < student_quantile(0.05, 2) && t > student_quantile(0.05, 3));
}

/* 3 seeds x 4 inputs: input 0 is lost by all, 1 by two, 2 by none, 3 won by one.
 *     seed 0: -1 -1  0  0   sum -2
 *     seed 1: -1 -1  0  1   sum -1
 *     seed 2: -1  0  0  0   sum -1
 *     inputs: -3 -2  0  1   sum -4, of 12; squares 6
 * Correction 16/12. Seeds: (4+1+1)/4 - 16/12 = 1/6, of 2: MS 1/12. Inputs: (9+4+0+1)/3 - 16/12 =
 * 10/3, of 3. Residual: 6 - 16/12 - 1/6 - 10/3 = 7/6, of 6: MS 7/36. Three inputs differ, their
 * means over seeds squared are (9+4+1)/9, so a pseudo input is (2.5 + 14/9) / 5.5 = 73/99 and
 * adds 2.5 x 3 x 73/99 to the squares. */
static const int8_t small[] = {-1, -1, 0, 0, -1, -1, 0, 1, -1, 0, 0, 0};

static void a_small_table_by_hand(void **state) {
    (void)state;
    struct difference d = statistics_compare(small, 3, 4, false);
    double ms_seed = 1.0 / 12, ms_rest = 7.0 / 36;
    double ms_input = (10.0 / 3 + 2.5 * 3 * 73 / 99) / 3;
    double sum = ms_seed + ms_input - ms_rest;
    double df =
        sum * sum / (ms_seed * ms_seed / 2 + ms_input * ms_input / 3 + ms_rest * ms_rest / 6);
    assert_close(d.mean, -1.0 / 3, 1e-15);
    assert_close(d.over_seeds.df, 2, 0);
    assert_close(d.over_seeds.half95, 4.302652730 * sqrt(ms_seed / 12), 1e-9);
    assert_close(d.over_seeds.half90, 2.919985580 * sqrt(ms_seed / 12), 1e-9);
    /* t = (1/3) / sqrt(1/144) = 4: two-sided 1 - 4 / sqrt(2 + 16). */
    assert_close(d.over_seeds.p, 1 - 4 / sqrt(18), 1e-12);
    assert_close(d.over_inputs.df, 3, 0);
    assert_close(d.over_inputs.half95, 3.182446305 * sqrt(ms_input / 12), 1e-9);
    assert_close(d.over_both.df, df, 1e-12);
    /* The residual is larger than what seeds add: over both is not narrower than over inputs. */
    assert_true(sum < ms_input);
    assert_close(d.over_both.half95,
                 fmax(student_quantile(0.05, df) * sqrt(sum / 12), d.over_inputs.half95), 1e-12);
    assert_close(d.over_both.p, fmax(student_two_sided(sqrt(12 / sum) / 3, df), d.over_inputs.p),
                 1e-12);
}

/* Two seeds that differ by everything: over seeds is the wider one, and t has one degree of
 * freedom. */
static void over_both_is_never_narrower_than_over_one(void **state) {
    (void)state;
    int8_t table[200] = {0};
    for (int i = 0; i < 100; i++) table[i] = 1;
    struct difference d = statistics_compare(table, 2, 100, false);
    assert_close(d.mean, 0.5, 0);
    assert_close(d.over_seeds.half95, 12.706204736 * 0.5, 1e-8);
    assert_true(d.over_both.half95 >= d.over_seeds.half95);
    assert_true(d.over_both.half90 >= d.over_seeds.half90);
    assert_true(d.over_both.p >= d.over_seeds.p);
    assert_close(d.over_seeds.p, 0.5, 1e-12); /* t = 1 */
}

/* Arms that answer alike: seeds say 0 +- 0, 2.5 pseudo inputs of 500 keep inputs from doing so. */
static void no_difference_at_all_is_no_proof_of_none(void **state) {
    (void)state;
    int8_t table[1500] = {0};
    struct difference d = statistics_compare(table, 3, 500, false);
    double half = student_quantile(0.05, 499) * sqrt(2.5 / 499 / 500);
    assert_close(d.over_seeds.half95, 0, 0);
    assert_close(d.over_seeds.p, 1, 0);
    assert_close(d.over_inputs.half95, half, 1e-15);
    assert_close(d.over_both.half95, half, 1e-15);
    assert_close(d.over_both.p, 1, 0);
}

/* 50 of 500 inputs differ, half each way, with all of 5 seeds: the floor adds a fortieth to the
 * width. */
static void pseudo_inputs_vanish_where_many_inputs_differ(void **state) {
    (void)state;
    int8_t table[2500] = {0};
    for (int s = 0; s < 5; s++)
        for (int i = 0; i < 50; i++) table[500 * s + i] = i % 2 ? 1 : -1;
    struct difference d = statistics_compare(table, 5, 500, false);
    assert_close(d.over_inputs.half95, student_quantile(0.05, 499) * sqrt((50 + 2.5) / 499 / 500),
                 1e-12);
    assert_true(sqrt((50 + 2.5) / 50) < 1.025);
}

static void one_seed_says_nothing_of_others(void **state) {
    (void)state;
    struct difference d = statistics_compare(small, 1, 4, false);
    /* -1 -1 0 0: mean -1/2, squares around it 1; each of the 2.5 pseudo inputs (2.5 + 2) / 4.5. */
    assert_close(d.mean, -0.5, 0);
    assert_close(d.over_inputs.half95, 3.182446305 * sqrt((1 + 2.5) / 3 / 4), 1e-9);
    assert_true(isnan(d.over_seeds.half95) && isnan(d.over_seeds.p) && isnan(d.over_seeds.df));
    assert_true(isnan(d.over_both.half95) && isnan(d.over_both.p) && isnan(d.over_both.df));
}

/* The same table, but input i of one seed is another input with the next. Means -1/2, -1/4,
 * -1/4: around -1/3 squares 1/24, of 2, over 3 seeds. Within: 6 - (4+1+1)/4 = 4.5, and 2.5, of
 * 12 - 3. */
static void nested_inputs_make_seeds_cover_both(void **state) {
    (void)state;
    struct difference d = statistics_compare(small, 3, 4, true);
    double over_seeds = 4.302652730 * sqrt(1.0 / 24 / 2 / 3);
    double over_inputs = 2.262157163 * sqrt((4.5 + 2.5) / 9 / 12);
    assert_close(d.mean, -1.0 / 3, 1e-15);
    assert_true(isnan(d.over_seeds.half95));
    assert_close(d.over_inputs.half95, over_inputs, 1e-9);
    assert_close(d.over_inputs.df, 9, 0);
    assert_close(d.over_both.df, 2, 0);
    assert_close(d.over_both.half95, fmax(over_seeds, over_inputs), 1e-9);
}

/* Of the small table, where input mean squares without pseudo inputs are (10/3) / 3. */
static void components_of_the_small_table_by_hand(void **state) {
    (void)state;
    struct components c = statistics_components(small, 3, 4, false);
    assert_close(c.rest, 7.0 / 36, 1e-15);
    assert_close(c.input, (10.0 / 9 - 7.0 / 36) / 3, 1e-15);
    assert_close(c.seed, 0, 0); /* 1/12 is less than the rest */
    assert_close(c.pseudo, 2.5 * 73 / 99, 1e-15);
    c = statistics_components(small, 3, 4, true); /* between 1/24 x 4 / 2, within 4.5 / 9 */
    assert_close(c.rest, 0.5, 1e-15);
    assert_close(c.seed, 0, 0);
    assert_close(c.input, 0, 0);
    c = statistics_components(small, 1, 4, false);
    assert_true(isnan(c.seed));
    assert_close(c.input, 1.0 / 3, 1e-15);
}

/* Two seeds that differ by everything: their component is 1/2, and t sqrt(1/2 / S) <= 1/2 where
 * 2 t^2 <= S: 10.2 for 10 seeds, 9.9 for 11. No input helps there. */
static void as_many_seeds_are_asked_for_as_make_the_interval_narrow(void **state) {
    (void)state;
    int8_t table[200] = {0};
    for (int i = 0; i < 100; i++) table[i] = 1;
    struct components c = statistics_components(table, 2, 100, false);
    assert_close(c.seed, 0.5, 1e-12);
    assert_close(statistics_seeds_needed(&c, 2, 100, 0.5), 11, 0);
    assert_true(isinf(statistics_inputs_needed(&c, 2, 100, 0.5)));
}

/* -1 -1 0 0 of one seed: the variance of an input is 1/3, pseudo inputs are of full size. */
static void as_many_inputs_are_asked_for_as_make_the_interval_narrow(void **state) {
    (void)state;
    struct components c = statistics_components(small, 1, 4, false);
    int n = 5;
    while (student_quantile(0.05, n - 1) * sqrt((1.0 / 3 + 2.5 / (n - 1)) / n) > 0.1) n++;
    assert_true(n > 100);
    assert_close(statistics_inputs_needed(&c, 1, 4, 0.1), n, 0);
    assert_true(isnan(statistics_seeds_needed(&c, 1, 4, 0.1)));
}

/* Nested, of one seed with 4 inputs: the rest, 1/2, and 2.5 pseudo inputs, of 4 - 1. */
static void an_interval_to_expect_has_the_pseudo_inputs_too(void **state) {
    (void)state;
    struct components c = statistics_components(small, 3, 4, true);
    assert_close(statistics_half95(&c, 1, 4), 3.182446305 * sqrt((0.5 + 2.5 / 3) / 4), 1e-9);
    assert_close(statistics_half95(&c, 3, 4), 4.302652730 * sqrt(0.5 / 12), 1e-9);
}

static void means_have_their_t_intervals(void **state) {
    (void)state;
    static const double a[] = {1, 2, 3}, b[] = {4, 6, 8};
    double mean;
    struct interval i = statistics_mean(a, 3, &mean);
    assert_close(mean, 2, 0);
    assert_close(i.half95, 4.302652730 * sqrt(1.0 / 3), 1e-9);
    i = statistics_means(a, 3, b, 3, &mean); /* variances 1 and 4 of 3 each */
    assert_close(mean, 4, 0);
    assert_close(i.df, 50.0 / 17, 1e-12);
    assert_close(i.half95, student_quantile(0.05, 50.0 / 17) * sqrt(5.0 / 3), 1e-12);
    i = statistics_mean(a, 1, &mean);
    assert_close(mean, 1, 0);
    assert_true(isnan(i.half95));
    i = statistics_means(b, 1, a, 3, &mean);
    assert_close(mean, -2, 0);
    assert_true(isnan(i.half95));
}

static void a_widened_interval_is_one_of_a_larger_error(void **state) {
    (void)state;
    static const double a[] = {1, 2, 3};
    double mean;
    struct interval i = statistics_mean(a, 3, &mean), wide = statistics_widen(i, mean, 5);
    assert_close(wide.half95, 5, 1e-12);
    assert_close(wide.half90 / i.half90, 5 / i.half95, 1e-12);
    assert_true(wide.p > i.p);
    assert_close(statistics_widen(i, mean, 1).half95, i.half95, 0);
}

/* A bound at the end of an interval of 90% is passed with probability 5%, one at the mean with
 * 50%, and one on the other side is the rest of it. */
static void bounds_are_tested_on_one_side(void **state) {
    (void)state;
    static const double a[] = {1, 2, 3};
    double mean;
    struct interval i = statistics_mean(a, 3, &mean), exact = {0, 0, 2, 1},
                    none = {NAN, NAN, NAN, NAN};
    assert_close(statistics_above(&i, mean, mean - i.half90), 0.05, 1e-9);
    assert_close(statistics_above(&i, mean, mean), 0.5, 1e-12);
    assert_close(statistics_above(&i, mean, mean + i.half95), 0.975, 1e-9);
    assert_close(statistics_above(&exact, 1, 1), 1, 0);
    assert_close(statistics_above(&exact, 1.01, 1), 0, 0);
    assert_true(isnan(statistics_above(&none, 1, 0)));
    assert_close(statistics_equal(&i, 0.5, 0.5 + i.half90), 0.05, 1e-9);
    assert_close(statistics_equal(&i, -0.5, 0.5 + i.half90), 0.05, 1e-9);
    assert_true(statistics_equal(&i, 0, 0.99 * i.half90) > 0.05);
}

/* Sums of binomial coefficients over powers of two. */
static void the_sign_test_is_exact(void **state) {
    (void)state;
    assert_close(statistics_sign_test(5, 0), 2.0 / 32, 1e-14);
    assert_close(statistics_sign_test(2, 8), 2.0 * (1 + 10 + 45) / 1024, 1e-14);
    assert_close(statistics_sign_test(8, 2), 2.0 * (1 + 10 + 45) / 1024, 1e-14);
    assert_close(statistics_sign_test(3, 3), 1, 0);
    assert_close(statistics_sign_test(0, 0), 1, 0);
    assert_close(statistics_sign_test(0, 1), 1, 0);
}

static void holm_multiplies_by_those_that_are_left(void **state) {
    (void)state;
    static const double p[] = {0.01, 0.04, 0.03, NAN, 0.005};
    double adjusted[5];
    statistics_holm(p, adjusted, 5);
    assert_close(adjusted[4], 0.02, 1e-15);
    assert_close(adjusted[0], 0.03, 1e-15);
    assert_close(adjusted[2], 0.06, 1e-15);
    assert_close(adjusted[1], 0.06, 1e-15); /* not below the one before it */
    assert_true(isnan(adjusted[3]));
    statistics_holm((const double[]){0.7, 0.6}, adjusted, 2);
    assert_close(adjusted[0], 1, 0);
    assert_close(adjusted[1], 1, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_of_t_are_those_of_the_tables),
        cmocka_unit_test(tail_and_quantile_are_inverse_for_any_degrees_of_freedom),
        cmocka_unit_test(a_small_table_by_hand),
        cmocka_unit_test(over_both_is_never_narrower_than_over_one),
        cmocka_unit_test(no_difference_at_all_is_no_proof_of_none),
        cmocka_unit_test(pseudo_inputs_vanish_where_many_inputs_differ),
        cmocka_unit_test(one_seed_says_nothing_of_others),
        cmocka_unit_test(nested_inputs_make_seeds_cover_both),
        cmocka_unit_test(components_of_the_small_table_by_hand),
        cmocka_unit_test(as_many_seeds_are_asked_for_as_make_the_interval_narrow),
        cmocka_unit_test(as_many_inputs_are_asked_for_as_make_the_interval_narrow),
        cmocka_unit_test(an_interval_to_expect_has_the_pseudo_inputs_too),
        cmocka_unit_test(means_have_their_t_intervals),
        cmocka_unit_test(a_widened_interval_is_one_of_a_larger_error),
        cmocka_unit_test(bounds_are_tested_on_one_side),
        cmocka_unit_test(the_sign_test_is_exact),
        cmocka_unit_test(holm_multiplies_by_those_that_are_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
