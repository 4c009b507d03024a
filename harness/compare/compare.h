/*
 * Two sides, line by line: B against A, which is the one to compare with. A line is one measure of a
 * pair of arms: the difference B - A of accuracies and heads, the ratio B / A of FLOPs, times and
 * memory; how sure that is; and what can be said of it. Trained models are paired by their seed, and
 * answers by their input, so that what both sides share cancels out.
 */
#ifndef HEADROOM_HARNESS_COMPARE_COMPARE_H
#define HEADROOM_HARNESS_COMPARE_COMPARE_H

#include "harness/compare/side.h"
#include "harness/store/statistics.h"
#include "models/base/text.h"

/* The answers of a pair of models: inputs that only one of them gets right, and the exact p of
 * McNemar's test, which knows nothing of other seeds. */
struct mcnemar {
    int64_t seed_a, seed_b;
    int only_a, only_b;
    double p;
};

/* What is NaN is not known. Accuracies are in percent, differences of them in points; the rest is in
 * the units of struct measured. */
struct line {
    char *workload, *arm_a, *arm_b;
    enum measure measure;
    int batch_size; /* 0: no matter of batches */
    bool ratio;
    int n_models, n_inputs; /* that are paired; n_inputs of each, 0 where it is no matter of them */
    double a, b;            /* means over the models */
    double estimate, low, high;   /* of the difference or ratio, with its 95% interval */
    const char *covers;           /* what else could have been drawn */
    double p, p_holm;             /* of no difference; after Holm over all lines */
    double p_equal, p_equal_holm; /* of a difference of the margin or more (accuracy) */
    char verdict[200];

    /* The intervals that all have to agree, on the scale where they are symmetric: of logarithms for
     * ratios. A line without statistics, such as a count of one model, is exact. */
    double mean;
    struct interval interval[3];
    bool exact;

    /* of accuracy */
    double seeds_half, inputs_half;     /* points: for other seeds alone, for other inputs alone */
    double seeds_needed, inputs_needed; /* for an interval as narrow as the margin (statistics.h) */
    struct mcnemar *mcnemar;            /* [n_models] */
    int inputs_a, inputs_b; /* inputs that more models of that side get right than of the other */
    double inputs_p;        /* sign test of these */
};

struct comparison {
    double margin; /* points within which accuracies are as good as equal */
    struct line *line;
    size_t n;
    struct text notes; /* what else to know, a line each */
};

/* Compares what the sides hold. Nothing to compare is an error. */
bool compare_sides(const struct side sides[2], double margin, struct comparison *out,
                   struct error *error);
void comparison_free(struct comparison *comparison);

/* One-sided p of "the true difference or ratio is at most bound"; and, of the same kind, "at least
 * bound". 0 or 1 for what is exact, NaN where nothing is known. */
double line_above(const struct line *line, double bound);
double line_below(const struct line *line, double bound);

/* The part of compare_sides that needs all lines: Holm's correction, then words. */
bool compare_judge(struct comparison *comparison, struct error *error);

/* "accuracy", or "latency_batch_32" */
const char *line_measure(const struct line *line, char out[48]);

#endif
