/*
 * Texts of a database go through table_write_markdown_text, so that none of them is markup. Figures are
 * files of their own, because no forge shows a picture that stands in the text.
 */
#include "harness/report/report_markdown.h"
#include "harness/report/drawing.h"
#include "harness/report/overview.h"
#include "harness/report/summary.h"
#include "harness/report/svg.h"
#include "harness/store/findings.h"
#include "harness/store/trial_page.h"
#include "harness/table/rows.h"
#include "harness/table/table.h"
#include "models/base/text_file.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct markdown {
    const char *db;
    struct store *store;
    FILE *out;
    char figures
        [PATH_MAX]; /* the folder; in the text it is known by what is behind the last slash */
    struct error *error;
};

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ---- what was found, and what of it is doubtful ---- */

/* A paragraph of what `append` says, under a heading if there is one; *any: it said something. */
static bool write_paragraph(struct markdown *m, const char *heading,
                            bool (*append)(struct store *store, struct text *out,
                                           struct error *error),
                            bool *any) {
    struct text words = {0};
    bool ok = append(m->store, &words, m->error);
    if (ok && words.failed) ok = error_set(m->error, "out of memory");
    if (ok && words.size > 0) {
        *any = true;
        if (heading) fprintf(m->out, "### %s\n\n", heading);
        table_write_markdown_text(words.data, m->out);
        fputs("\n\n", m->out);
    }
    text_free(&words);
    return ok;
}

static void write_item(struct markdown *m, const char *text) {
    fputs("- ", m->out);
    table_write_markdown_text(text, m->out);
    fputc('\n', m->out);
}

/* How often, by workload. */
static bool write_overview(struct markdown *m) {
    struct table table = {0};
    bool any, ok = write_paragraph(m, NULL, overview_append, &any) &&
                   overview_read(m->store, &table, m->error);
    if (ok && table.n_rows > 0) {
        fprintf(m->out, "%s:\n\n", overview_caption);
        ok = table_write(&table, TABLE_MARKDOWN, m->out, m->error);
        fputc('\n', m->out);
    }
    table_free(&table);
    return ok;
}

static bool write_findings(struct markdown *m) {
    struct table found = {0};
    fputs("## What was found\n\n", m->out);
    bool any, ok = write_paragraph(m, NULL, summary_append_counts, &any) && write_overview(m) &&
                   findings_read(m->store, &found, m->error);
    if (ok && found.n_rows < 2) fprintf(m->out, "%s\n\n", summary_no_findings);
    for (size_t r = 1; ok && r < found.n_rows; r++) {
        const char *workload = table_cell(&found, r, 0);
        if (r == 1 || strcmp(table_cell(&found, r - 1, 0), workload) != 0) {
            fputs(r > 1 ? "\n### " : "### ", m->out);
            table_write_markdown_text(workload, m->out);
            fputs("\n\n", m->out);
        }
        write_item(m, table_cell(&found, r, 1));
    }
    if (found.n_rows > 1) fprintf(m->out, "\n%s\n\n", summary_verdicts);
    table_free(&found);
    return ok;
}

/* A list of the report, under the words that it has there; *any: there is one. */
static bool write_list(struct markdown *m, enum report_list list, bool *any) {
    struct table lines = {0};
    bool ok = report_read_list(m->store, list, &lines, m->error);
    if (ok && lines.n_rows > 1) {
        *any = true;
        fputs("### ", m->out);
        table_write_markdown_text(lines.cells[0], m->out);
        fputs("\n\n", m->out);
        for (size_t r = 1; r < lines.n_rows; r++) write_item(m, lines.cells[r]);
        fputc('\n', m->out);
    }
    table_free(&lines);
    return ok;
}

static bool write_doubts(struct markdown *m) {
    bool ok = true, any = false;
    fputs("## What is doubtful, and why\n\n", m->out);
    for (size_t i = 0; ok && i < SUMMARY_DOUBTS; i++) ok = write_list(m, summary_doubts[i], &any);
    ok = ok && write_paragraph(m, "results of older code", summary_append_older_code, &any);
    if (!any) fputs("Nothing that this database knows of.\n\n", m->out);
    return ok;
}

/* ---- figures ---- */

/* Copies a picture into the folder of figures, and links to it under its title. */
static bool write_picture(struct markdown *m, const char *path, const char *name) {
    struct text_file svg = {0};
    struct text picture = {0}, title = {0};
    char copy[PATH_MAX];
    bool ok = text_file_read(path, ENCODING_UTF_8, &svg, m->error);
    if (!ok) return false;
    int length = snprintf(copy, sizeof copy, "%s/%s.svg", m->figures, name);
    text_append_bytes(&picture, svg.data, strlen(svg.data));
    svg_append_title(&title, svg.data);
    text_append_bytes(&title, "", 0);
    ok = length < (int)sizeof copy || error_set(m->error, "%s: the path is too long", m->figures);
    if (ok && (picture.failed || title.failed)) ok = error_set(m->error, "out of memory");
    ok = ok && summary_write_file(copy, &picture, m->error);
    if (ok)
        fprintf(m->out, "### %s\n\n![%s](<%s/%s.svg>)\n\n", title.data, name, last_part(m->figures),
                name);
    text_free(&picture);
    text_free(&title);
    text_file_free(&svg);
    return ok;
}

static bool write_pages(struct markdown *m, const struct drawing *drawing, const char *figure) {
    char *path = NULL, *name = NULL;
    bool ok = true;
    for (int page = 0; ok; page++) {
        ok = drawing_page(drawing, figure, page, &path, &name, m->error);
        if (!path) break;
        ok = write_picture(m, path, name);
        free(path);
        free(name);
    }
    return ok;
}

static bool write_reasons(struct markdown *m, const struct drawing *drawing) {
    const char *at = NULL, *figure, *why;
    size_t figure_size, why_size;
    bool any = false;
    for (; drawing_next_reason(drawing, &at, &figure, &figure_size, &why, &why_size); any = true) {
        struct text line = {0};
        text_append(&line, "%.*s: %.*s", (int)figure_size, figure, (int)why_size, why);
        if (line.failed) return error_set(m->error, "out of memory");
        if (!any) fputs("### Not drawn\n\n", m->out);
        write_item(m, line.data);
        text_free(&line);
    }
    if (any) fputc('\n', m->out);
    return true;
}

static bool write_figures(struct markdown *m, struct error *problem) {
    struct drawing drawing;
    fputs("## Figures\n\n", m->out);
    bool ok = drawing_make(m->db, &drawing, problem, m->error);
    if (ok && mkdir(m->figures, 0777) != 0 && errno != EEXIST)
        ok = error_set(m->error, "cannot make the folder '%s': %s", m->figures, strerror(errno));
    for (size_t i = 0; ok && i < drawing.scripts.n_figures; i++)
        ok = write_pages(m, &drawing, drawing.scripts.figures[i]);
    if (ok && problem->text[0]) {
        fputs("**Figures are missing:** ", m->out);
        table_write_markdown_text(problem->text, m->out);
        fputs("\n\n", m->out);
    }
    ok = ok && write_reasons(m, &drawing);
    drawing_free(&drawing);
    return ok;
}

/* ---- data and machines ---- */

struct machines {
    struct markdown *m;
    char *before; /* the machine of the row before */
};

static void write_cell(const struct cell *cell, FILE *out) {
    char *text = cell_text(cell);
    if (cell->kind == CELL_INTEGER) fprintf(out, "%" PRId64, cell->integer);
    if (cell->kind == CELL_REAL) fprintf(out, "%.6g", cell->real);
    if (text) table_write_markdown_text(text, out);
    free(text);
}

static bool write_fact(void *context, size_t n, const char *const *names,
                       const struct cell *cells) {
    struct machines *machines = context;
    FILE *out = machines->m->out;
    (void)n, (void)names;
    char *machine = cell_text(&cells[0]);
    if (!machine) return false;
    if (!machines->before || strcmp(machines->before, machine) != 0) {
        fputs(machines->before ? "\n### " : "### ", out);
        table_write_markdown_text(machine, out);
        fputs("\n\n| what | value |\n| --- | --- |\n", out);
    }
    free(machines->before);
    machines->before = machine;
    fputs("| ", out);
    write_cell(&cells[1], out);
    fputs(" | ", out);
    write_cell(&cells[2], out);
    if (cells[2].kind == CELL_NULL) {
        fputs(cells[3].kind == CELL_NULL ? "not known" : "not known: ", out);
        write_cell(&cells[3], out);
    }
    fputs(" |\n", out);
    return true;
}

static bool write_environment(struct markdown *m) {
    struct machines machines = {.m = m};
    bool any = false;
    fputs("## Data, machines and software\n\n", m->out);
    bool ok = write_list(m, REPORT_DATA, &any) &&
              trial_page_machines(m->store, write_fact, &machines, m->error);
    if (!machines.before) fputs("No trial has a result yet.\n", m->out);
    free(machines.before);
    return ok;
}

/* ---- the whole ---- */

static bool write_all(struct markdown *m, struct error *problem) {
    fputs("# Headroom report of ", m->out);
    table_write_markdown_text(last_part(m->db), m->out);
    fputs(
        "\n\nHow many attention heads do inputs need, and what does leaving the others out save? All of "
        "this is from the database of that name, by `headroom report --md`. The same command with "
        "`--html` writes a page with every trained model and every trial.\n\n",
        m->out);
    if (!write_findings(m) || !write_doubts(m) || !write_figures(m, problem)) return false;
    fputs("## Tables\n\n", m->out);
    if (!report_write_tables(m->store, TABLE_MARKDOWN, m->out, m->error)) return false;
    fputs("`headroom export VIEW` has these numbers and all others with every digit.\n\n", m->out);
    return write_environment(m);
}

/* NAME-figures beside NAME.md. */
static bool name_folder(struct markdown *m, const char *path) {
    const char *dot = strrchr(last_part(path), '.');
    int stem = (int)(dot ? (size_t)(dot - path) : strlen(path));
    int length = snprintf(m->figures, sizeof m->figures, "%.*s-figures", stem, path);
    return length < (int)sizeof m->figures ||
           error_set(m->error, "'%.64s...': the path is too long", path);
}

bool report_markdown_write(const char *db, const char *path, struct error *error) {
    struct markdown m = {.db = db, .error = error};
    struct error problem = {0};
    struct text whole = {0};
    char *text = NULL;
    size_t size = 0;
    bool ok = name_folder(&m, path) && store_open_reader(db, &m.store, error) &&
              report_keep(m.store, error);
    m.out = ok ? open_memstream(&text, &size) : NULL;
    if (ok && !m.out) ok = error_set(error, "out of memory");
    ok = ok && write_all(&m, &problem);
    if (m.out && fclose(m.out) != 0 && ok) ok = error_set(error, "out of memory");
    if (ok) text_append_bytes(&whole, text, size);
    if (ok && whole.failed) ok = error_set(error, "out of memory");
    ok = ok && summary_write_file(path, &whole, error);
    if (ok && problem.text[0])
        ok = error_set(error, "'%s' is written without all figures: %s", path, problem.text);
    store_close(m.store);
    text_free(&whole);
    free(text);
    return ok;
}
