/*
 * They are drawn anew, in a folder that is nobody else's: what lies in figures/ beside a database
 * may have come with it, and a picture can hold a script.
 */
#include "harness/report/figures.h"
#include "harness/measure/temporary.h"
#include "harness/plot/plot.h"
#include "harness/plot/scripts.h"
#include "harness/report/html.h"
#include "harness/report/rows.h"
#include "harness/report/svg.h"
#include "models/base/text_file.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct drawing {
    struct text *out;
    struct store *store;
    const struct trial_index *trials;
    struct temporary folder;
    struct scripts scripts;
};

/* Removes a folder of files in the private one, which temporary_remove leaves. */
static void remove_inner(const struct temporary *folder, const char *name) {
    char path[sizeof folder->path + 16];
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    DIR *files = opendir(path);
    for (struct dirent *entry; files && (entry = readdir(files));)
        unlinkat(dirfd(files), entry->d_name, 0);
    if (files) closedir(files);
    rmdir(path);
}

/* One page, from 0, of a figure; *there says whether there is one. */
static bool append_picture(struct drawing *d, const char *figure, int page, bool *there,
                           struct error *error) {
    struct text_file svg = {0};
    char *path = NULL, *id = NULL;
    char number[16] = "";
    if (page > 0) snprintf(number, sizeof number, "-%d", page + 1);
    bool ok = asprintf(&path, "%s/%s%s.svg", d->folder.path, figure, number) >= 0 &&
              asprintf(&id, "figure-%s%s", figure, number) >= 0;
    if (!ok) error_set(error, "out of memory");
    *there = ok && access(path, R_OK) == 0;
    if (*there && (ok = text_file_read(path, ENCODING_UTF_8, &svg, error))) {
        text_append(d->out, "<figure id=\"%s\"><h3 id=\"%s-title\">", id, id);
        svg_append_title(d->out, svg.data);
        text_append(d->out, "</h3>\n<div class=\"card\">");
        ok = svg_append(d->out, id, svg.data, error) || error_prefix(error, "%s", figure);
        if (ok)
            text_append(d->out,
                        "</div>\n<figcaption id=\"%s-note\">Figure <code>%s%s</code>; its "
                        "numbers are in the table below.</figcaption></figure>\n",
                        id, figure, number);
        text_file_free(&svg);
    }
    free(path);
    free(id);
    return ok;
}

static bool append_figure(struct drawing *d, const char *figure, struct error *error) {
    bool there = true;
    int pages = 0;
    while (there) {
        if (!append_picture(d, figure, pages, &there, error)) return false;
        pages += there;
    }
    if (pages == 0) return true;
    char *sql = NULL, *id = NULL, *title = NULL, *source = NULL;
    size_t n_rows;
    bool ok = scripts_query(&d->scripts, figure, &sql, error);
    if (ok && (asprintf(&id, "numbers-%s", figure) < 0 ||
               asprintf(&title, "Numbers of the figure %s", figure) < 0 ||
               asprintf(&source, "headroom export plots/%s.sql", figure) < 0))
        ok = error_set(error, "out of memory");
    const struct rows_wanted wanted = {id, title, NULL, sql, source};
    ok = ok && rows_append(d->out, d->store, d->trials, &wanted, &n_rows, error);
    free(sql);
    free(id);
    free(title);
    free(source);
    return ok;
}

/* What plot_draw said of figures that are not there. */
static void append_reasons(struct text *out, const char *talk) {
    static const char mark[] = ": not drawn: ";
    bool any = false;
    for (const char *line = talk; *line;) {
        size_t length = strcspn(line, "\n");
        const char *at = memmem(line, length, mark, sizeof mark - 1);
        if (at) {
            if (!any) text_append(out, "<h3>Not drawn</h3>\n<ul>\n");
            text_append(out, "<li><code>");
            html_append_bytes(out, line, (size_t)(at - line));
            text_append(out, "</code>: ");
            at += sizeof mark - 1;
            html_append_bytes(out, at, length - (size_t)(at - line));
            text_append(out, "\n");
            any = true;
        }
        line += length + (line[length] == '\n');
    }
    if (any) text_append(out, "</ul>\n");
}

static void draw(struct drawing *d, const char *db, FILE *talk, struct error *problem) {
    const struct plot_request request = {
        .db = db, .out = d->folder.path, .svg_alone = true, .scripts = d->scripts.folder};
    plot_draw(&request, talk, problem);
}

bool figures_append(struct text *out, struct store *store, const char *db,
                    const struct trial_index *trials, struct error *problem, struct error *error) {
    struct drawing d = {.out = out, .store = store, .trials = trials};
    char *said = NULL;
    size_t size = 0;
    FILE *talk = open_memstream(&said, &size);
    if (!talk) return error_set(error, "out of memory");
    bool ready = scripts_open(NULL, &d.scripts, problem) && temporary_make(&d.folder, problem);
    if (ready) draw(&d, db, talk, problem);
    fclose(talk);
    bool ok = said || error_set(error, "out of memory");
    for (size_t i = 0; ok && ready && i < d.scripts.n_figures; i++)
        ok = append_figure(&d, d.scripts.figures[i], error);
    if (ok && problem->text[0]) {
        text_append(out, "<p class=\"warning\"><strong>Figures are missing:</strong> ");
        html_append(out, problem->text);
        text_append(out, "</p>\n");
    }
    if (ok) append_reasons(out, said);
    if (d.folder.path[0]) remove_inner(&d.folder, "data");
    temporary_remove(&d.folder);
    scripts_close(&d.scripts);
    free(said);
    return ok;
}
