/*
 * What is said of a line, word by word: which p values decide, what counts as equal, and what would
 * help where nobody can tell.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "harness/compare/compare.h"

#include <math.h>
#include <stdbool.h>

/* Accuracies of three models that differ by 0.5 points, with an interval of that half width. */
static struct line accuracy(double half, double p, double p_equal) {
    return (struct line){.measure = MEASURE_ACCURACY,
                         .n_models = 3,
                         .estimate = 0.5,
                         .mean = 0.5,
                         .low = 0.5 - half,
                         .high = 0.5 + half,
                         .interval = {{half, half, 9, p}},
                         .p = p,
                         .p_equal = p_equal,
                         .seeds_needed = NAN,
                         .inputs_needed = NAN};
}

static void judge(struct line *lines, size_t n) {
    struct error error = {0};
    struct comparison comparison = {.margin = 1, .line = lines, .n = n};
    assert_true(compare_judge(&comparison, &error));
}

/* 0.03 and 0.03 are 0.06 of two lines, and so no difference; as equalities they need no correction. */
static void differences_are_corrected_and_equalities_are_not(void **state) {
    (void)state;
    struct line lines[2] = {accuracy(0.4, 0.03, 0.6), accuracy(0.4, 0.03, 0.6)};
    judge(lines, 1);
    assert_string_equal(lines[0].verdict, "B is better");
    judge(lines, 2);
    assert_true(fabs(lines[0].p_holm - 0.06) < 1e-12);
    assert_string_equal(lines[0].verdict, "cannot tell: p 0.03 alone, but not among so many lines");
    lines[0] = lines[1] = accuracy(0.6, 0.5, 0.03);
    judge(lines, 2);
    assert_true(fabs(lines[1].p_equal_holm - 0.06) < 1e-12);
    assert_string_equal(lines[1].verdict, "equal within 1 point");
    lines[0] = accuracy(0.4, 0.01, 0.03);
    judge(lines, 1);
    assert_string_equal(lines[0].verdict, "B is better, by less than 1 point");
}

static void one_answer_on_either_side_is_a_difference(void **state) {
    (void)state;
    struct mcnemar mcnemar[3] = {{0}};
    for (int side = 0; side < 3; side++) {
        struct line line = accuracy(0.6, 1, 0.03);
        line.mcnemar = mcnemar;
        mcnemar[1].only_a = side == 1;
        mcnemar[1].only_b = side == 2;
        judge(&line, 1);
        assert_string_equal(line.verdict, side ? "equal within 1 point"
                                               : "equal within 1 point: right on the same inputs");
    }
}

/* Two digits, rounded up; whole numbers below 100. */
static void what_would_help_is_said_in_round_numbers(void **state) {
    (void)state;
    static const struct {
        double half, seeds, inputs;
        const char *verdict;
    } cases[] = {
        {2, 7, 1201, "cannot tell: ±2 points; about 7 seeds or 1,300 inputs would resolve 1 point"},
        {2, 101, INFINITY,
         "cannot tell: ±2 points; about 110 seeds would resolve 1 point, no number of inputs"},
        {2, INFINITY, 9910000,
         "cannot tell: ±2 points; about 10,000,000 inputs would resolve 1 point, no number of seeds"},
        {2, INFINITY, INFINITY,
         "cannot tell: ±2 points; neither seeds nor inputs alone would resolve 1 point"},
        {0.9, 99, 100,
         "cannot tell: ±0.9 points; about 99 seeds or 100 inputs would settle it if it stays so"},
        {0.9, NAN, NAN, "cannot tell: ±0.9 points"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct line line = accuracy(cases[i].half, 0.5, 0.5);
        line.seeds_needed = cases[i].seeds;
        line.inputs_needed = cases[i].inputs;
        judge(&line, 1);
        assert_string_equal(line.verdict, cases[i].verdict);
    }
}

/* An exact count at a bound is neither above nor below it. */
static void a_count_at_a_bound_is_on_no_side_of_it(void **state) {
    (void)state;
    struct line line = {.measure = MEASURE_HEADS, .exact = true, .estimate = 2};
    assert_true(line_above(&line, 2) > 0.5 && line_below(&line, 2) > 0.5);
    assert_true(line_above(&line, 1.9) < 0.5 && line_below(&line, 2.1) < 0.5);
}

/* A bound at the end of a 90% interval is passed with a probability of 5% on either side; of three
 * intervals the widest decides, and one that is not known decides nothing. */
static void the_least_sure_interval_decides_what_a_bound_says(void **state) {
    (void)state;
    struct line line = accuracy(0.1, 1, 1);
    line.mean = 2;
    for (int widest = 0; widest < 3; widest++) {
        for (int i = 0; i < 3; i++) line.interval[i] = (struct interval){0.2, 0.1, 9, 1};
        line.interval[(widest + 1) % 3].half95 = NAN;
        line.interval[widest] = (struct interval){1.2, 1, 9, 1};
        assert_true(fabs(line_above(&line, 1) - 0.05) < 1e-6);
        assert_true(fabs(line_below(&line, 3) - 0.05) < 1e-6);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_sure_interval_decides_what_a_bound_says),
        cmocka_unit_test(differences_are_corrected_and_equalities_are_not),
        cmocka_unit_test(one_answer_on_either_side_is_a_difference),
        cmocka_unit_test(what_would_help_is_said_in_round_numbers),
        cmocka_unit_test(a_count_at_a_bound_is_on_no_side_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
