/*
 * Metrics against numbers that were worked out by hand, and what they say where a class is never
 * predicted, never a label, or the only one.
 */
#include "harness/trial/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>

static struct metrics make(int n, const int32_t *label, const int32_t *predicted, const double *p,
                           int n_classes) {
    static const double sure[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    struct metrics m;
    struct error error;
    assert_in_range(n, 1, 16);
    assert_true(metrics_make(label, predicted, p ? p : sure, n, n_classes, &m, &error));
    return m;
}

static void assert_near(double value, double expected) {
    if (!(fabs(value - expected) <= 1e-12)) fail_msg("%.15g is not %.15g", value, expected);
}

/* Labels 4 2 2 of three classes, predictions 3 3 2. TP 3, 1, 1; F1 = 6/7, 2/5, 2/4.
 * R_K: right 5, n 8: 5 x 8 - (4 x 3 + 2 x 3 + 2 x 2) = 18; 64 - (9 + 9 + 4) = 42 and
 * 64 - (16 + 4 + 4) = 40. */
static void three_classes_give_what_is_worked_out_by_hand(void **state) {
    (void)state;
    static const int32_t label[] = {0, 0, 0, 0, 1, 1, 2, 2};
    static const int32_t predicted[] = {0, 0, 0, 1, 1, 2, 2, 1};
    struct metrics m = make(8, label, predicted, NULL, 3);
    assert_near(m.macro_f1, (6.0 / 7 + 2.0 / 5 + 2.0 / 4) / 3);
    assert_near(m.matthews, 18 / sqrt(42.0 * 40.0));
}

/* Two classes: (TP TN - FP FN) / sqrt(...) with TP 3, TN 2, FP 1, FN 2. */
static void two_classes_give_the_binary_formula(void **state) {
    (void)state;
    static const int32_t label[] = {1, 1, 1, 1, 1, 0, 0, 0};
    static const int32_t predicted[] = {1, 1, 1, 0, 0, 0, 0, 1};
    struct metrics m = make(8, label, predicted, NULL, 2);
    assert_near(m.matthews, (3 * 2 - 1 * 2) / sqrt(4.0 * 5.0 * 3.0 * 4.0));
    assert_near(m.macro_f1, (6.0 / 9 + 4.0 / 7) / 2);
}

static void right_and_wrong_throughout_are_the_two_ends(void **state) {
    (void)state;
    static const int32_t label[] = {0, 1, 0, 1}, other[] = {1, 0, 1, 0};
    struct metrics right = make(4, label, label, NULL, 2), wrong = make(4, label, other, NULL, 2);
    assert_near(right.macro_f1, 1);
    assert_near(right.matthews, 1);
    assert_near(right.ece, 0);
    assert_near(wrong.macro_f1, 0);
    assert_near(wrong.matthews, -1);
    assert_near(wrong.ece, 1); /* sure, and never right */
}

/* Class 1 is never predicted: F1 of class 0 is 6/7, of class 1 it is 0; no prediction varies. */
static void a_class_that_is_never_predicted_counts_as_nothing_found(void **state) {
    (void)state;
    static const int32_t label[] = {0, 0, 0, 1}, predicted[] = {0, 0, 0, 0};
    struct metrics m = make(4, label, predicted, NULL, 2);
    assert_near(m.macro_f1, (6.0 / 7 + 0) / 2);
    assert_true(isnan(m.matthews));
}

/* Of five classes the split holds two and one more is predicted: three count. */
static void a_class_that_does_not_occur_does_not_count(void **state) {
    (void)state;
    static const int32_t label[] = {0, 0, 4, 4}, predicted[] = {0, 0, 4, 2};
    assert_near(make(4, label, predicted, NULL, 5).macro_f1, (1 + 2.0 / 3 + 0) / 3);
}

static void one_class_alone_has_no_correlation(void **state) {
    (void)state;
    static const int32_t label[] = {1, 1, 1}, predicted[] = {1, 0, 1};
    assert_true(isnan(make(3, label, predicted, NULL, 2).matthews)); /* labels do not vary */
    struct metrics m = make(3, label, label, NULL, 2);
    assert_true(isnan(m.matthews));
    assert_near(m.macro_f1, 1);
}

/* Bins of 1/15: .62 and .66 in (9/15, 10/15], one of two right, so |1 - 1.28|; .8 = 12/15 belongs
 * to the bin that it closes, with .75, of which one is right: |1 - 1.55|; 1 is in the last: right,
 * |1 - 1|. */
static void calibration_error_is_the_gap_in_each_bin(void **state) {
    (void)state;
    static const int32_t label[] = {0, 1, 1, 1, 0}, predicted[] = {0, 0, 0, 1, 0};
    static const double p[] = {0.62, 0.66, 0.8, 0.75, 1.0};
    assert_near(make(5, label, predicted, p, 2).ece, (0.28 + 0.55 + 0) / 5);
    /* .59 and .63 lie in different bins, so that their gaps do not cancel: in one bin it would be
     * |1 - 1.22| / 2. */
    static const double apart[] = {0.59, 0.63};
    assert_near(make(2, label, predicted, apart, 2).ece, (0.41 + 0.63) / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_classes_give_what_is_worked_out_by_hand),
        cmocka_unit_test(two_classes_give_the_binary_formula),
        cmocka_unit_test(right_and_wrong_throughout_are_the_two_ends),
        cmocka_unit_test(a_class_that_is_never_predicted_counts_as_nothing_found),
        cmocka_unit_test(a_class_that_does_not_occur_does_not_count),
        cmocka_unit_test(one_class_alone_has_no_correlation),
        cmocka_unit_test(calibration_error_is_the_gap_in_each_bin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
