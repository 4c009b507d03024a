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

/* Student's t with df > 0 degrees of freedom, not necessarily whole: the probability of a value
 * farther from 0 than t, on either side, and the t >= 0 that is exceeded with probability p, 0 <
 * p <= 1. */
double student_two_sided(double t, double df);
double student_quantile(double p, double df);

#endif
