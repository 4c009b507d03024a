/*
 * Conditions, read and decided. Both ends of an interval of 95% leave out 2.5%, which is the level of
 * each one-sided question.
 */
#include "harness/compare/condition.h"
#include "models/base/closest_name.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double LEVEL = 0.025;

static bool refuse(const char *text, const char *at, const char *why, struct error *error) {
    return error_set(error, "--fail-if '%s': column %d: %s", text, (int)(at - text) + 1, why);
}

/* latency_batch_32; -1 where no batch is named, -2 where what stands there is none. */
static int read_batch(const char *suffix, size_t length) {
    static const char batch[] = "_batch_";
    const size_t n = sizeof batch - 1;
    int size = 0;
    if (length == 0) return -1;
    if (length <= n || length > n + 6 || memcmp(suffix, batch, n) != 0) return -2;
    for (size_t i = n; i < length; i++) {
        if (suffix[i] < '0' || suffix[i] > '9') return -2;
        size = 10 * size + (suffix[i] - '0');
    }
    return size > 0 ? size : -2;
}

static bool read_measure(const char *text, const char *word, size_t length, struct condition *out,
                         struct error *error) {
    char name[32];
    for (int m = 0; m < N_MEASURES; m++) {
        size_t n = strlen(measure_names[m]);
        if (length < n || memcmp(word, measure_names[m], n) != 0) continue;
        out->batch_size = read_batch(word + n, length - n);
        out->measure = (enum measure)m;
        if (out->batch_size == -1 || (out->batch_size > 0 && m >= MEASURE_LATENCY)) return true;
    }
    if (length == 0)
        return refuse(text, word, "expected a measure: accuracy, heads, flops, latency, memory",
                      error);
    if (length >= sizeof name) length = sizeof name - 1;
    memcpy(name, word, length);
    name[length] = '\0';
    const char *guess = closest_name(name, measure_names, N_MEASURES);
    return error_set(error,
                     "--fail-if '%s': column %d: unknown measure '%s'%s%s%s; there are accuracy, "
                     "heads, flops, latency, memory, and latency_batch_N, memory_batch_N",
                     text, (int)(word - text) + 1, name, guess ? ", did you mean '" : "",
                     guess ? guess : "", guess ? "'?" : "");
}

bool condition_parse(const char *text, struct condition *out, struct error *error) {
    static const char blanks[] = " \t",
                      letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_",
                      digits[] = "0123456789.+-eE";
    const char *at = text + strspn(text, blanks);
    char *end;
    *out = (struct condition){.text = text};
    if (strlen(text) > 200) return error_set(error, "--fail-if: a condition of over 200 bytes");
    if (!read_measure(text, at, strspn(at, letters), out, error)) return false;
    at += strspn(at, letters);
    at += strspn(at, blanks);
    if (*at != '<' && *at != '>') return refuse(text, at, "expected <, >, <= or >=", error);
    out->above = *at++ == '>';
    out->or_equal = *at == '=';
    at += out->or_equal;
    at += strspn(at, blanks);
    size_t length = strspn(at, digits);
    out->bound = length ? strtod(at, &end) : 0;
    if (length == 0 || end != at + length || !isfinite(out->bound))
        return refuse(text, at, "expected a number", error);
    if (out->measure >= MEASURE_FLOPS && out->bound <= 0)
        return refuse(text, at, "a ratio B / A is above 0: 1.05 is 5% more", error);
    at = end + strspn(end, blanks);
    return !*at || refuse(text, at, "expected nothing behind the number", error);
}

/* p of "it does not hold" and of "it does": 0 or 1 where there is nothing to estimate. */
static void ask(const struct condition *condition, const struct line *line, double *not_so,
                double *so) {
    double bound = condition->bound, at = line->estimate;
    if (line->exact || line->interval[0].half95 <= 0.0) {
        bool holds = condition->above ? at > bound : at < bound;
        if (condition->or_equal) holds = condition->above ? at >= bound : at <= bound;
        *not_so = holds ? 0.0 : 1.0;
        *so = holds ? 1.0 : 0.0;
        return;
    }
    *not_so = condition->above ? line_above(line, bound) : line_below(line, bound);
    *so = condition->above ? line_below(line, bound) : line_above(line, bound);
}

static void give_reason(const struct line *line, struct text *out) {
    char measure[48];
    text_append(out, "  %s%s%s: %s %.4g", line->workload, *line->workload ? ", " : "",
                *line->arm_b ? line->arm_b : "B", line_measure(line, measure), line->estimate);
    if (isnan(line->low))
        text_append(out, ", interval unknown\n");
    else
        text_append(out, " (%.4g to %.4g)\n", line->low, line->high);
}

bool condition_decide(const struct condition *condition, const struct comparison *comparison,
                      enum condition_state *out, struct text *reasons, struct error *error) {
    size_t n = 0;
    const struct line **line = malloc((comparison->n + 1) * sizeof *line);
    double *p = calloc(3 * comparison->n + 1, sizeof *p);
    double *so = p + comparison->n, *adjusted = so + comparison->n;
    bool ok = (line && p) || error_set(error, "out of memory comparing");
    for (size_t i = 0; ok && i < comparison->n; i++) {
        const struct line *one = &comparison->line[i];
        if (one->measure != condition->measure ||
            (condition->batch_size >= 0 && condition->batch_size != one->batch_size))
            continue;
        ask(condition, one, &p[n], &so[n]);
        line[n++] = one;
    }
    *out = n > 0 ? CONDITION_FALSE : CONDITION_UNKNOWN;
    if (ok && n == 0) text_append(reasons, "  nothing of that was compared\n");
    if (ok) statistics_holm(p, adjusted, n);
    for (size_t i = 0; ok && i < n; i++)
        if (adjusted[i] < LEVEL) {
            *out = CONDITION_TRUE;
            give_reason(line[i], reasons);
        }
    for (size_t i = 0; ok && *out != CONDITION_TRUE && i < n; i++)
        if (!(so[i] < LEVEL)) {
            *out = CONDITION_UNKNOWN;
            give_reason(line[i], reasons);
        }
    free(line);
    free(p);
    return ok;
}
