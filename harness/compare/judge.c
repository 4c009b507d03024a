/*
 * What can be said of each line. A difference is real if its p value after Holm's correction over
 * all lines is below 5%; accuracies are equal within the margin if two one-sided tests say so; and
 * where neither is so, nobody can tell, and what would help is said instead. Equality is not
 * corrected: a reader of many lines wants to hear that all are equal, and for that each has to pass.
 */
#include "harness/compare/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double LEVEL = 0.05;

double line_above(const struct line *line, double bound) {
    double at = line->ratio ? log(bound) : bound, p = NAN;
    if (line->exact) return line->estimate > bound ? 0.0 : 1.0;
    for (int i = 0; i < 3; i++) p = fmax(p, statistics_above(&line->interval[i], line->mean, at));
    return p;
}

double line_below(const struct line *line, double bound) {
    double at = line->ratio ? log(bound) : bound, p = NAN;
    if (line->exact) return line->estimate < bound ? 0.0 : 1.0;
    for (int i = 0; i < 3; i++) p = fmax(p, statistics_above(&line->interval[i], -line->mean, -at));
    return p;
}

/* "1 point", "0.5 points" */
static void write_points(char out[40], double points) {
    snprintf(out, 40, "%g point%s", points, points == 1.0 ? "" : "s");
}

/* Two digits, rounded up, with commas: a plan is no more exact than that. */
static void write_about(char out[32], double n) {
    char digits[24];
    double unit = n < 100 ? 1.0 : pow(10.0, floor(log10(n)) - 1.0);
    int size = snprintf(digits, sizeof digits, "%.0f", ceil(n / unit) * unit), at = 0;
    for (int i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0) out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

static void say_what_would_help(struct line *line, double margin, char *out, size_t size) {
    char seeds[32] = "", inputs[32] = "", goal[64], points[40];
    bool few_seeds = line->n_models < 2;
    double half = line->interval[0].half95;
    write_points(points, margin);
    if (half > margin)
        snprintf(goal, sizeof goal, "resolve %s", points);
    else
        snprintf(goal, sizeof goal, "settle it if it stays so");
    if (isfinite(line->seeds_needed)) write_about(seeds, line->seeds_needed);
    if (isfinite(line->inputs_needed)) write_about(inputs, line->inputs_needed);
    int n = snprintf(out, size, "cannot tell: ±%.2g points", half);
    out += n, size -= (size_t)n;
    if (isnan(line->inputs_needed)) return;
    if (*seeds && *inputs)
        snprintf(out, size, "; about %s seeds or %s inputs would %s", seeds, inputs, goal);
    else if (*seeds)
        snprintf(out, size, "; about %s seeds would %s, no number of inputs", seeds, goal);
    else if (*inputs)
        snprintf(out, size, "; about %s inputs would %s%s", inputs, goal,
                 few_seeds ? " for these models" : ", no number of seeds");
    else
        snprintf(out, size,
                 few_seeds ? "; no number of inputs would %s"
                           : "; neither seeds nor inputs alone would %s",
                 goal);
}

/* Whether every model of A and its partner of B got the same inputs right. Where both are wrong their
 * answers may differ, which nobody has kept. */
static bool is_same(const struct line *line) {
    int n_different = 0;
    for (int i = 0; line->mcnemar && i < line->n_models; i++)
        n_different += line->mcnemar[i].only_a + line->mcnemar[i].only_b;
    return line->mcnemar && n_different == 0;
}

/* More and less of B, of each measure. */
static const char *const words[N_MEASURES][2] = {{"B is better", "A is better"},
                                                 {"B runs more heads", "B runs fewer heads"},
                                                 {"B executes more", "B executes less"},
                                                 {"B is slower", "B is faster"},
                                                 {"B needs more memory", "B needs less memory"}};

static void judge(struct line *line, double margin) {
    char *out = line->verdict, points[40];
    const size_t size = sizeof line->verdict;
    double nothing = line->ratio ? 1.0 : 0.0;
    bool equal = line->p_equal < LEVEL, same = is_same(line);
    write_points(points, margin);
    const char *which = words[line->measure][line->estimate < nothing];
    if (line->p_holm < LEVEL ||
        (line->exact && (line->estimate < nothing || line->estimate > nothing)))
        snprintf(out, size, "%s%s%s%s", which, equal ? ", by less than " : "", equal ? points : "",
                 line->exact ? " (one model)" : "");
    else if (equal)
        snprintf(out, size, "equal within %s%s", points, same ? ": right on the same inputs" : "");
    else if (same)
        snprintf(out, size, "right on the same inputs, too few of them for %s", points);
    else if (line->exact || (line->low >= nothing && line->high <= nothing))
        snprintf(out, size, "equal");
    else if (isnan(line->low))
        snprintf(out, size, "cannot tell: one model a side");
    else if (line->p < LEVEL)
        snprintf(out, size, "cannot tell: p %.2g alone, but not among so many lines", line->p);
    else if (line->measure == MEASURE_ACCURACY)
        say_what_would_help(line, margin, out, size);
    else
        snprintf(out, size, "cannot tell");
}

bool compare_judge(struct comparison *comparison, struct error *error) {
    size_t n = comparison->n;
    double *list = calloc(4 * n + 1, sizeof *list);
    if (!list) return error_set(error, "out of memory comparing");
    double *p = list, *adjusted = list + n, *equal = list + 2 * n, *equal_adjusted = list + 3 * n;
    for (size_t i = 0; i < n; i++) {
        p[i] = comparison->line[i].p;
        equal[i] = comparison->line[i].p_equal;
    }
    statistics_holm(p, adjusted, n);
    statistics_holm(equal, equal_adjusted, n);
    for (size_t i = 0; i < n; i++) {
        comparison->line[i].p_holm = adjusted[i];
        comparison->line[i].p_equal_holm = equal_adjusted[i];
        judge(&comparison->line[i], comparison->margin);
    }
    free(list);
    return true;
}
