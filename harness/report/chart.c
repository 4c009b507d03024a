/*
 * SVG by hand; see chart.h. Colours are those of report.css, so that they change with the theme. A
 * point is an element with a shape of its own for each kind: colour alone tells nothing to some
 * readers.
 */
#include "harness/report/chart.h"
#include "harness/report/html.h"
#include "harness/report/svg_path.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* Pixels of the picture, and of the part with points. */
enum { WIDTH = 720, HEIGHT = 340, LEFT = 64, RIGHT = 700, TOP = 16, BOTTOM = 290 };

struct scale {
    double low, high; /* values */
    double from, to;  /* their places */
};

static double place(const struct scale *s, double value) {
    return s->from + (value - s->low) / (s->high - s->low) * (s->to - s->from);
}

/* 1, 2 or 5 times a power of ten, about a fifth of the width. */
static double step_of(double width) {
    double power = pow(10, floor(log10(width / 5))), times = width / 5 / power;
    return power * (times < 1.5 ? 1 : times < 3.5 ? 2 : times < 7.5 ? 5 : 10);
}

static void append_shape(struct text *out, int kind, double x, double y) {
    kind %= CHART_KINDS;
    text_append(out, "<path class=\"k%d\" d=\"M%.1f %.1f", kind, x, y);
    switch (kind % 5) {
    case 0: /* a disc */
        text_append(out, "m-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z");
        break;
    case 1: /* a square */
        text_append(out, "m-4.5-4.5h9v9h-9z");
        break;
    case 2: /* a triangle */
        text_append(out, "m0-6l5.5 10h-11z");
        break;
    case 3: /* a diamond */
        text_append(out, "m0-6.5l5.5 6.5l-5.5 6.5l-5.5-6.5z");
        break;
    default: /* a triangle on its tip */
        text_append(out, "m0 6l5.5-10h-11z");
        break;
    }
    text_append(out, "\"/>");
}

void chart_append_mark(struct text *out, int kind) {
    text_append(out, "<svg class=\"mark\" viewBox=\"0 0 16 16\" aria-hidden=\"true\">");
    append_shape(out, kind, 8, 8);
    text_append(out, "</svg>");
}

static void append_axes(struct text *out, const struct scale *x, const struct scale *y) {
    double step = step_of(y->high - y->low);
    int last = (int)floor(y->high / step + 1e-9), heads = (int)step_of(x->high - x->low);
    text_append(out, "<g class=\"axis\" aria-hidden=\"true\">");
    for (int i = (int)ceil(y->low / step); i <= last; i++)
        text_append(out,
                    "<path d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" "
                    "text-anchor=\"end\">%g%%</text>",
                    LEFT, place(y, i * step), RIGHT, LEFT - 8, place(y, i * step) + 4,
                    round(i * step * 1e6) / 1e4);
    if (heads < 1) heads = 1;
    for (int h = 0; h <= x->high; h += heads)
        text_append(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d</text>", place(x, h),
                    BOTTOM + 22, h);
    text_append(
        out,
        "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">heads per layer that run</text>"
        "<text x=\"14\" y=\"%d\" transform=\"rotate(-90 14 %d)\" text-anchor=\"middle\">test "
        "accuracy</text></g>\n",
        (LEFT + RIGHT) / 2, BOTTOM + 44, (TOP + BOTTOM) / 2, (TOP + BOTTOM) / 2);
}

static void append_point(struct text *out, const struct chart_point *p, double x, double y) {
    if (p->trial_id) text_append(out, "<a href=\"#trial-%" PRId64 "\" aria-label=\"", p->trial_id);
    struct text label = {0};
    html_append(&label, p->name);
    text_append(&label, ": %.1f%% with %.2f heads", 100 * p->accuracy, p->heads);
    const char *text = label.data ? label.data : "";
    if (p->trial_id) text_append(out, "%s\">", text);
    text_append(out, "<g><title>%s</title>", text);
    append_shape(out, p->kind, x, y);
    text_append(out, "</g>%s\n", p->trial_id ? "</a>" : "");
    out->failed |= label.failed;
    text_free(&label);
}

void chart_append_points(struct text *out, const char *id, const struct chart_point *points,
                         size_t n, double most_heads) {
    double low = 1, high = 0;
    for (size_t i = 0; i < n; i++) {
        low = fmin(low, points[i].accuracy);
        high = fmax(high, points[i].accuracy);
    }
    double space = fmax(0.02, 0.06 * (high - low)); /* also where all points are at one height */
    struct scale x = {-0.3, fmax(1, most_heads) + 0.3, LEFT, RIGHT};
    struct scale y = {fmax(0, low - space), fmin(1, high + space), BOTTOM, TOP};
    text_append(
        out, "<svg class=\"points\" viewBox=\"0 0 %d %d\" role=\"group\" aria-labelledby=\"%s\">\n",
        WIDTH, HEIGHT, id);
    append_axes(out, &x, &y);
    for (size_t i = 0; i < n; i++)
        append_point(out, &points[i], place(&x, points[i].heads), place(&y, points[i].accuracy));
    text_append(out, "</svg>\n");
}

/* ---- curves ---- */

enum { CURVE_WIDTH = 300, CURVE_HEIGHT = 96, CURVE_LEFT = 48, CURVE_TOP = 8, CURVE_BOTTOM = 78 };

static void append_line(struct text *out, const struct chart_line *line, size_t n,
                        const struct scale *x, const struct scale *y) {
    struct text path = {0};
    bool drawing = false;
    for (size_t i = 0; i < n; i++) {
        bool known = isfinite(line->values[i]);
        if (known)
            text_append(&path, "%c%.1f %.1f", drawing ? 'L' : 'M', place(x, (double)i + 1),
                        place(y, line->values[i]));
        drawing = known;
    }
    text_append(out, "<path class=\"%s\" d=\"", line->style);
    svg_path_append(out, path.data ? path.data : "", path.size);
    text_append(out, "\"/>");
    out->failed |= path.failed;
    text_free(&path);
}

void chart_append_curves(struct text *out, const char *name, const struct chart_line *lines,
                         size_t n_lines, size_t n) {
    double low = INFINITY, high = -INFINITY;
    for (size_t l = 0; l < n_lines; l++)
        for (size_t i = 0; i < n; i++)
            if (isfinite(lines[l].values[i])) {
                low = fmin(low, lines[l].values[i]);
                high = fmax(high, lines[l].values[i]);
            }
    if (n == 0 || low > high) return;
    double space = high > low ? 0 : fmax(1e-9, fabs(high) / 10);
    struct scale x = {n > 1 ? 1 : 0, n > 1 ? (double)n : 2, CURVE_LEFT, CURVE_WIDTH - 8};
    struct scale y = {low - space, high + space, CURVE_BOTTOM, CURVE_TOP};
    text_append(out,
                "<svg class=\"curves\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s over %zu "
                "epoch%s: ",
                CURVE_WIDTH, CURVE_HEIGHT, name, n, PLURAL_S(n));
    for (size_t l = 0; l < n_lines; l++)
        text_append(out, "%s%s ends at %.4g", l ? ", " : "", lines[l].name, lines[l].values[n - 1]);
    text_append(out, "\"><g class=\"axis\"><path d=\"M%d %dV%dH%d\"/>", CURVE_LEFT, CURVE_TOP,
                CURVE_BOTTOM, CURVE_WIDTH - 8);
    for (int i = 0; i < (high > low ? 2 : 1); i++) /* one value alone is where its line is */
        text_append(out, "<text x=\"%d\" y=\"%.0f\" text-anchor=\"end\">%.3g</text>",
                    CURVE_LEFT - 4, place(&y, i ? low : high) + 4, i ? low : high);
    text_append(out, "</g>");
    text_append(out, "<text x=\"%d\" y=\"%d\">%s:", CURVE_LEFT, CURVE_BOTTOM + 16, name);
    for (size_t l = 0; l < n_lines; l++)
        text_append(out, " <tspan class=\"%s\">%s</tspan>", lines[l].style, lines[l].name);
    text_append(out, "</text>");
    for (size_t l = 0; l < n_lines; l++) append_line(out, &lines[l], n, &x, &y);
    text_append(out, "</svg>\n");
}
