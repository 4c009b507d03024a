/*
 * What is known of the difference between two arms, when both answered the same test inputs after
 * training from the same seeds: a table of seeds x inputs with 1 where only the first arm is right,
 * -1 where only the second is, else 0. Another training would have drawn other seeds, another test
 * set other inputs, and they are different questions, so each has its own interval, and a third
 * holds for both. No database here: numbers in, numbers out.
 */
#ifndef HEADROOM_HARNESS_STORE_STATISTICS_H
#define HEADROOM_HARNESS_STORE_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Two-sided: mean ± half95 is a 95% interval, ± half90 one of 90%; p is that of a difference of
 * 0. All NaN where it cannot be known, as over one seed. */
struct interval {
    double half95, half90, df, p;
};

struct difference {
    double mean; /* over seeds and inputs, -1 to 1 */
    struct interval over_seeds, over_inputs, over_both;
};

/* table: [seeds][inputs], at least 1 and 2 of them. nested: every seed drew test inputs of its
 * own, so that input i of one seed has nothing to do with input i of another. Seeds then differ
 * by their inputs too: the interval over seeds is the one over both, and over_seeds is NaN. */
struct difference statistics_compare(const int8_t *table, int seeds, int inputs, bool nested);

/* What the variance of one difference is made of: of seeds (NaN with one), of inputs (0 where they
 * are nested), and what is left of a single answer. pseudo: the squares that inputs nobody drew add
 * to all of them (statistics.c). */
struct components {
    double seed, input, rest, pseudo;
    bool nested;
};
struct components statistics_components(const int8_t *table, int seeds, int inputs, bool nested);

/* Half of the 95% interval to expect of so many seeds and inputs (over both; with one seed over inputs),
 * if the components are what they seem. */
double statistics_half95(const struct components *components, double seeds, double inputs);

/* How many seeds, with as many inputs, or how many inputs, with as many seeds, would make half of
 * the 95% interval (over both; with one seed over inputs) as narrow as half95, if the components are
 * what they seem: more than there are. INFINITY: no number up to a hundred thousand seeds or ten
 * million inputs; NaN: one seed does not say. */
double statistics_seeds_needed(const struct components *components, int seeds, int inputs,
                               double half95);
double statistics_inputs_needed(const struct components *components, int seeds, int inputs,
                                double half95);

/* The median of n >= 1 values, which it sorts: of an even n the mean of the two in the middle. */
double statistics_median(double *values, size_t n);

/* The mean of n >= 1 values with its t interval; and the mean of b less that of a, which are not
 * paired (Welch). All NaN with a single value on a side. */
struct interval statistics_mean(const double *values, int n, double *mean);
struct interval statistics_means(const double *a, int n_a, const double *b, int n_b,
                                 double *difference);

/* The same interval, at least that wide. */
struct interval statistics_widen(struct interval interval, double mean, double half95);

/* One-sided p of "the true value is at most bound", and p of "it is at least margin away from 0" (two
 * one-sided tests: below 0.05 where the 90% interval lies inside of the margin). NaN without an
 * interval. */
double statistics_above(const struct interval *interval, double mean, double bound);
double statistics_equal(const struct interval *interval, double mean, double margin);

/* Exact two-sided p of as many wins as losses being expected; of two classifiers on the same inputs
 * that is McNemar's test. */
double statistics_sign_test(int64_t wins, int64_t losses);

/* p values after Holm's correction for how many they are; a NaN is none of them and stays. */
void statistics_holm(const double *p, double *adjusted, size_t n);

/* Student's t with df > 0 degrees of freedom, not necessarily whole: the probability of a value
 * farther from 0 than t, on either side, and the t >= 0 that is exceeded with probability p, 0 <
 * p <= 1. */
double student_two_sided(double t, double df);
double student_quantile(double p, double df);

#endif
