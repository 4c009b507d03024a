/*
 * The two kinds of picture that the page draws itself, because gnuplot draws neither links nor
 * hundreds of small ones: trained models as points that lead to their trials, and the curves of a
 * training.
 */
#ifndef HEADROOM_HARNESS_REPORT_CHART_H
#define HEADROOM_HARNESS_REPORT_CHART_H

#include "models/base/error.h"
#include "models/base/text.h"

#include <stddef.h>
#include <stdint.h>

struct chart_point {
    char *name;       /* arm and seed, for the label; owned by the caller */
    int64_t trial_id; /* 0: the page has none */
    double heads, accuracy;
    int kind; /* from 0; of the same colour and mark, .kN of report.css */
};
enum { CHART_KINDS = 8 };

/* Accuracy of n > 0 points over heads per layer, 0 to most_heads, with a link at each. id and title
 * are of the element that names it; the title is escaped here. */
void chart_append_points(struct text *out, const char *id, const struct chart_point *points,
                         size_t n, double most_heads);

/* The mark of a kind alone, for a legend. */
void chart_append_mark(struct text *out, int kind);

/* A line of a small picture; a NaN leaves a gap. */
struct chart_line {
    const char *name, *style; /* what it is, and its class in report.css */
    const double *values;     /* [n], one for each epoch */
};

/* At most two lines over epochs 1 to n, with the least and the largest value beside them. */
void chart_append_curves(struct text *out, const char *name, const struct chart_line *lines,
                         size_t n_lines, size_t n);

#endif
