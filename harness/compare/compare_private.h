/*
 * What the files that make lines share: a pair of arms, and how models are paired.
 */
#ifndef HEADROOM_HARNESS_COMPARE_COMPARE_PRIVATE_H
#define HEADROOM_HARNESS_COMPARE_COMPARE_PRIVATE_H

#include "harness/compare/compare.h"

/* What is compared at a time: names as each side has them, and where lines go. */
struct pair {
    const struct side *sides;
    const char *workload[2], *arm[2];
    struct comparison *out;
};

/* Pairs of models as places in two lists. */
struct model_pairs {
    size_t (*place)[2];
    int n;
    bool by_order; /* no seed in common */
};

/* Those of equal seeds; where there is none, the first with the first and so on: the seeds then say
 * nothing of each other, and any order is as good. Seeds are in order on either side. */
bool pair_models(const int64_t *a, size_t n_a, const int64_t *b, size_t n_b,
                 struct model_pairs *out, struct error *error);

/* A line of the pair about which nothing is known yet; the one before may move. NULL with error set
 * when out of memory. */
struct line *add_line(struct pair *pair, enum measure measure, struct error *error);

/* Estimate and ends of the interval, from line->mean and the interval around it. */
void set_ends(struct line *line, const struct interval *interval);

/* Adds a note about the pair: "offsets/fixed-8: text". */
void note(struct pair *pair, const char *text);

/* The line of accuracy of the models a and b, both by seed, or a note why there is none. */
bool compare_answers(struct pair *pair, const struct answers *a, size_t n_a,
                     const struct answers *b, size_t n_b, struct error *error);

#endif
