/*
 * Pictures become parts of the page, so that it needs no file beside it.
 */
#include "harness/report/figures.h"
#include "harness/report/drawing.h"
#include "harness/report/html.h"
#include "harness/report/rows.h"
#include "harness/report/svg.h"
#include "harness/report/svg_short.h"
#include "models/base/text_file.h"

#include <stdlib.h>
#include <string.h>

/* A page of twenty workloads would have 6 MB of pictures: of each figure as many pages are on it as
 * begin within that, and the first. */
enum { FIGURE_BYTES = 150 * 1000 };

struct figures {
    struct text *out;
    struct store *store;
    const struct trial_index *trials;
    struct drawing drawing;
};

/* One page, from 0, of a figure, if it is shown; *there says whether there is one. */
static bool append_picture(struct figures *f, const char *figure, int page, bool shown, bool *there,
                           struct error *error) {
    struct text_file svg = {0};
    char *path, *name;
    bool ok = drawing_page(&f->drawing, figure, page, &path, &name, error);
    *there = path != NULL;
    if (*there && shown && (ok = text_file_read(path, ENCODING_UTF_8, &svg, error))) {
        struct text id = {0}, picture = {0};
        text_append(&id, "figure-%s", name);
        ok = !id.failed || error_set(error, "out of memory");
        if (ok) text_append(f->out, "<figure id=\"%s\"><h3 id=\"%s-title\">", id.data, id.data);
        if (ok) svg_append_title(f->out, svg.data);
        text_append(f->out, "</h3>\n<div class=\"card\">");
        ok =
            ok &&
            (svg_append(&picture, id.data, svg.data, error) || error_prefix(error, "%s", figure)) &&
            (!picture.failed || error_set(error, "out of memory"));
        if (ok) svg_short_append(f->out, picture.data);
        if (ok)
            text_append(f->out,
                        "</div>\n<figcaption id=\"%s-note\">Figure <code>%s</code>; its "
                        "numbers are in the table below.</figcaption></figure>\n",
                        id.data, name);
        text_free(&id);
        text_free(&picture);
        text_file_free(&svg);
    }
    free(path);
    free(name);
    return ok;
}

static bool append_figure(struct figures *f, const char *figure, struct error *error) {
    bool there = true;
    int pages = 0, n_shown = 0;
    size_t begin = f->out->size;
    while (there) {
        bool shown = pages == n_shown && f->out->size - begin < FIGURE_BYTES;
        if (!append_picture(f, figure, pages, shown, &there, error)) return false;
        pages += there;
        n_shown += there && shown;
    }
    if (pages == 0) return true;
    if (n_shown < pages)
        text_append(f->out,
                    "<p class=\"note\">These are the first %d of %d pages; all of them: "
                    "<code>headroom plot %s</code></p>\n",
                    n_shown, pages, figure);
    char *sql = NULL, *id = NULL, *title = NULL, *source = NULL;
    size_t n_rows;
    bool ok = scripts_query(&f->drawing.scripts, figure, &sql, error);
    if (ok && (asprintf(&id, "numbers-%s", figure) < 0 ||
               asprintf(&title, "Numbers of the figure %s", figure) < 0 ||
               asprintf(&source, "headroom export plots/%s.sql", figure) < 0))
        ok = error_set(error, "out of memory");
    const struct rows_wanted wanted = {id, title, NULL, sql, source};
    ok = ok && rows_append(f->out, f->store, f->trials, &wanted, &n_rows, error);
    free(sql);
    free(id);
    free(title);
    free(source);
    return ok;
}

static void append_reasons(struct text *out, const struct drawing *drawing) {
    const char *at = NULL, *figure, *why;
    size_t figure_size, why_size;
    bool any = false;
    for (; drawing_next_reason(drawing, &at, &figure, &figure_size, &why, &why_size); any = true) {
        text_append(out, "%s<li><code>", any ? "" : "<h3>Not drawn</h3>\n<ul>\n");
        html_append_bytes(out, figure, figure_size);
        text_append(out, "</code>: ");
        html_append_bytes(out, why, why_size);
        text_append(out, "\n");
    }
    if (any) text_append(out, "</ul>\n");
}

bool figures_append(struct text *out, struct store *store, const char *db,
                    const struct trial_index *trials, struct error *problem, struct error *error) {
    struct figures f = {.out = out, .store = store, .trials = trials};
    bool ok = drawing_make(db, &f.drawing, problem, error);
    for (size_t i = 0; ok && i < f.drawing.scripts.n_figures; i++)
        ok = append_figure(&f, f.drawing.scripts.figures[i], error);
    if (ok && problem->text[0]) {
        text_append(out, "<p class=\"warning\"><strong>Figures are missing:</strong> ");
        html_append(out, problem->text);
        text_append(out, "</p>\n");
    }
    if (ok) append_reasons(out, &f.drawing);
    drawing_free(&f.drawing);
    return ok;
}
