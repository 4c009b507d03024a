/*
 * --fail-if 'latency > 1.05': a condition under which a comparison ends with an error, for CI. Noise
 * must not fail a build: a condition holds only where the data exclude that it does not, and that for
 * all lines it is about at once (Holm). Where the data cannot say, they say so.
 */
#ifndef HEADROOM_HARNESS_COMPARE_CONDITION_H
#define HEADROOM_HARNESS_COMPARE_CONDITION_H

#include "harness/compare/compare.h"

struct condition {
    const char *text; /* as written */
    enum measure measure;
    int batch_size; /* -1: any */
    bool above, or_equal;
    double bound; /* points, heads, or a ratio B / A */
};

/* Reads MEASURE < > <= >= NUMBER. An error names the column and what is known. */
bool condition_parse(const char *text, struct condition *out, struct error *error);

enum condition_state { CONDITION_FALSE, CONDITION_TRUE, CONDITION_UNKNOWN };

/* Decides it, and appends a line per line of the comparison that is the reason; none for a condition
 * that is false. A condition about nothing that was compared is unknown. */
bool condition_decide(const struct condition *condition, const struct comparison *comparison,
                      enum condition_state *out, struct text *reasons, struct error *error);

#endif
