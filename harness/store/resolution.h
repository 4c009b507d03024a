/*
 * How small a difference can be resolved, and with how many seeds: the interval of statistics.h for
 * other seeds and other inputs, taken apart into what more seeds would shrink and what only more
 * test inputs would. No database here: numbers in, numbers out.
 */
#ifndef HEADROOM_HARNESS_STORE_RESOLUTION_H
#define HEADROOM_HARNESS_STORE_RESOLUTION_H

/* Of a difference between two arms, as the view paired_difference has it. Points throughout. */
struct resolution {
    int seeds, inputs;     /* at least 2 seeds */
    double both_half, df;  /* of the 95% interval for other seeds and inputs; its degrees */
    double seeds_half;     /* for other seeds with these inputs; NaN where seeds have their own */
    double seed_variance;  /* out: of the mean of one seed, shrinks with seeds */
    double input_variance; /* out: shrinks with test inputs alone */
};

/* Fills the variances. */
void resolution_split(struct resolution *r);

/* Half of the 95% interval that so many seeds, at least 2, would have. */
double resolution_half(const struct resolution *r, int seeds);

/* The fewest seeds for an interval of at most +- margin; 0: not with RESOLUTION_SEEDS_MAX. */
enum { RESOLUTION_SEEDS_MAX = 1000 };
int resolution_seeds(const struct resolution *r, double margin);

/* About how many test inputs it takes before any number of seeds does. */
double resolution_inputs(const struct resolution *r, double margin);

#endif
