/*
 * The order of the page. It is put together in memory, section by section, and trials first: rows
 * and points link to those that have an entry.
 */
#include "harness/report/report_page.h"
#include "harness/report/figures.h"
#include "harness/report/html.h"
#include "harness/report/overview.h"
#include "harness/report/points.h"
#include "harness/report/summary.h"
#include "harness/report/trials.h"
#include "harness/report/views.h"
#include "harness/store/findings.h"
#include "harness/store/report.h"
#include "harness/store/trial_page.h"
#include "harness/table/table.h"

#include <stdlib.h>
#include <string.h>

extern const char harness_report_report_css[], harness_report_report_js[];

struct page {
    const char *db;
    struct store *store;
    struct trial_index index;
    struct text out, trials;
    struct error *error;
};

/* ---- what was found, and what of it is doubtful ---- */

/* A paragraph of what `append` says, under a heading if there is one; *any: it said something. */
static bool append_paragraph(struct page *page, const char *heading,
                             bool (*append)(struct store *store, struct text *out,
                                            struct error *error),
                             bool *any) {
    struct text words = {0};
    bool ok = append(page->store, &words, page->error);
    if (ok && words.failed) ok = error_set(page->error, "out of memory");
    if (ok && words.size > 0) {
        *any = true;
        if (heading) text_append(&page->out, "<h3>%s</h3>\n", heading);
        text_append(&page->out, "<p>");
        html_append(&page->out, words.data);
        text_append(&page->out, "</p>\n");
    }
    text_free(&words);
    return ok;
}

/* How often, by workload. */
static bool append_overview(struct page *page) {
    struct text *out = &page->out;
    struct table table = {0};
    bool any, ok = append_paragraph(page, NULL, overview_append, &any) &&
                   overview_read(page->store, &table, page->error);
    if (ok && table.n_rows > 0)
        text_append(out,
                    "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Findings by "
                    "workload\"><table><caption>%s</caption><thead>",
                    overview_caption);
    for (size_t r = 0; ok && r < table.n_rows; r++) {
        text_append(out, "<tr>");
        for (size_t c = 0; c < table.n_columns; c++) {
            text_append(out, r == 0 ? "<th scope=\"col\">" : "<td>");
            html_append(out, table_cell(&table, r, c));
        }
        text_append(out, r == 0 ? "</thead><tbody>\n" : "\n");
    }
    if (ok && table.n_rows > 0) text_append(out, "</tbody></table></div>\n");
    table_free(&table);
    return ok;
}

/* The findings [begin, end) of a workload, closed where so many are not read one by one. */
static void append_workload(struct page *page, const struct table *found, size_t begin, size_t end,
                            bool open) {
    struct text *out = &page->out;
    text_append(out, "<details class=\"folded\"%s><summary><h3>", open ? " open" : "");
    html_append(out, table_cell(found, begin, 0));
    text_append(out, "</h3> <span class=\"count\">%zu finding%s</span></summary>\n<ul>\n",
                end - begin, PLURAL_S(end - begin));
    for (size_t r = begin; r < end; r++) {
        text_append(out, "<li>");
        html_append(out, table_cell(found, r, 1));
        text_append(out, "\n");
    }
    text_append(out, "</ul></details>\n");
}

static bool append_findings(struct page *page) {
    enum { OPEN_MOST = 4 }; /* workloads */
    struct text *out = &page->out;
    struct table found = {0};
    text_append(out, "<section id=\"findings\"><h2>What was found</h2>\n");
    bool any, ok = append_paragraph(page, NULL, summary_append_counts, &any) &&
                   append_overview(page) && findings_read(page->store, &found, page->error);
    if (ok && found.n_rows < 2) text_append(out, "<p>%s</p>\n", summary_no_findings);
    size_t n_workloads = 0;
    for (int pass = 0; ok && pass < 2; pass++) /* the first one counts */
        for (size_t begin = 1, end; begin < found.n_rows; begin = end) {
            for (end = begin + 1; end < found.n_rows; end++)
                if (strcmp(table_cell(&found, begin, 0), table_cell(&found, end, 0)) != 0) break;
            n_workloads += pass == 0;
            if (pass == 1) append_workload(page, &found, begin, end, n_workloads <= OPEN_MOST);
        }
    if (found.n_rows > 1) text_append(out, "<p class=\"note\">%s</p>\n", summary_verdicts);
    text_append(out, "</section>\n");
    table_free(&found);
    return ok;
}

/* A list of the report, under the words that it has there; *any: there is one. */
static bool append_list(struct page *page, enum report_list list, bool *any) {
    enum { OPEN_MOST = 12 }; /* lines */
    struct table lines = {0};
    bool ok = report_read_list(page->store, list, &lines, page->error);
    if (ok && lines.n_rows > 1) {
        *any = true;
        size_t n = lines.n_rows - 1;
        bool open = n <= OPEN_MOST;
        text_append(&page->out, open ? "<h3>" : "<details class=\"folded\"><summary><h3>");
        html_append(&page->out, lines.cells[0]);
        text_append(&page->out, "</h3>");
        if (!open) text_append(&page->out, " <span class=\"count\">%zu lines</span></summary>", n);
        text_append(&page->out, "\n<ul>\n");
        for (size_t r = 1; r < lines.n_rows; r++) {
            text_append(&page->out, "<li>");
            html_append(&page->out, lines.cells[r]);
            text_append(&page->out, "\n");
        }
        text_append(&page->out, open ? "</ul>\n" : "</ul></details>\n");
    }
    table_free(&lines);
    return ok;
}

static bool append_doubts(struct page *page) {
    bool ok = true, any = false;
    text_append(&page->out, "<section id=\"doubts\"><h2>What is doubtful, and why</h2>\n");
    for (size_t i = 0; ok && i < SUMMARY_DOUBTS; i++)
        ok = append_list(page, summary_doubts[i], &any);
    ok = ok && append_paragraph(page, "results of older code", summary_append_older_code, &any);
    if (!any) text_append(&page->out, "<p>Nothing that this database knows of.</p>\n");
    text_append(&page->out, "</section>\n");
    return ok;
}

/* ---- the environment ---- */

struct machines {
    struct text *out;
    char *before; /* the machine of the row before */
};

static bool append_fact(void *context, size_t n, const char *const *names,
                        const struct cell *cells) {
    struct machines *m = context;
    (void)n, (void)names;
    char *machine = cell_text(&cells[0]), *name = cell_text(&cells[1]); /* in lists there is none */
    if (!m->before || !machine || strcmp(m->before, machine) != 0) {
        text_append(m->out, "%s<h3>", m->before ? "</dl>\n" : "");
        html_append(m->out, machine);
        text_append(m->out, "</h3>\n<dl>\n");
    }
    free(m->before);
    m->before = machine;
    text_append(m->out, "<dt>");
    if (name) html_append_words(m->out, name);
    free(name);
    text_append(m->out, "<dd>");
    html_append_cell(m->out, &cells[2]);
    if (cells[2].kind == CELL_NULL) {
        text_append(m->out, "<em>not known</em>%s", cells[3].kind == CELL_NULL ? "" : ": ");
        html_append_cell(m->out, &cells[3]);
    }
    text_append(m->out, "\n");
    return machine && !m->out->failed;
}

static bool append_environment(struct page *page) {
    struct machines machines = {.out = &page->out};
    bool any = false;
    text_append(&page->out, "<section id=\"environment\"><h2>Data, machines and software</h2>\n");
    bool ok = append_list(page, REPORT_DATA, &any) &&
              trial_page_machines(page->store, append_fact, &machines, page->error);
    text_append(&page->out, machines.before ? "</dl>\n" : "<p>No trial has a result yet.</p>\n");
    text_append(&page->out, "</section>\n");
    free(machines.before);
    return ok;
}

/* ---- the page ---- */

/* Script and style are known by their hashes, so that a browser runs no other, whatever the page
 * holds. */
static void append_head(struct page *page, const char *name) {
    const char *css = harness_report_report_css, *js = harness_report_report_js;
    struct text *out = &page->out;
    text_append(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '");
    html_append_hash(out, css, strlen(css));
    text_append(out, "'; script-src '");
    html_append_hash(out, js, strlen(js));
    text_append(
        out,
        "'\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
    html_append(out, name);
    text_append(out, ": Headroom report</title>\n<style>%s</style>\n</head>\n<body>\n", css);
    text_append(
        out,
        "<a class=\"skip\" href=\"#main\">Skip to what was found</a>\n<header><h1>Headroom report "
        "<span class=\"name\">");
    html_append(out, name);
    text_append(
        out,
        "</span></h1>\n<p>How many attention heads do inputs need, and what does leaving the "
        "others out "
        "save? All of this page is from the database of that name.</p>\n</header>\n<nav "
        "aria-label=\"Parts\">"
        "<ul>\n<li><a href=\"#findings\">What was found</a>\n<li><a href=\"#doubts\">Doubtful</a>\n"
        "<li><a href=\"#figures\">Figures</a>\n<li><a href=\"#models\">Trained models</a>\n"
        "<li><a href=\"#tables\">Tables</a>\n<li><a href=\"#trials\">Trials</a>\n"
        "<li><a href=\"#environment\">Environment</a>\n</ul></nav>\n<main id=\"main\" "
        "tabindex=\"-1\">\n");
}

static bool append_trials(struct page *page) {
    struct text *out = &page->out;
    text_append(out, "<section id=\"trials\"><h2>Trials</h2>\n");
    if (page->index.n == 0)
        text_append(out, "<p>This database holds no trials yet.</p>\n");
    else if (page->index.n == TRIALS_MOST)
        text_append(out,
                    "<p>The first %d; <code>headroom export current_trial</code> has all.</p>\n",
                    TRIALS_MOST);
    text_append_bytes(out, page->trials.data ? page->trials.data : "", page->trials.size);
    text_append(out, "</section>\n");
    return true;
}

static bool append_all(struct page *page, struct error *problem) {
    const char *name = strrchr(page->db, '/');
    struct text *out = &page->out;
    bool ok = trials_append(&page->trials, page->store, page->db, &page->index, page->error);
    append_head(page, name ? name + 1 : page->db);
    ok = ok && append_findings(page) && append_doubts(page);
    text_append(out, "<section id=\"figures\"><h2>Figures</h2>\n");
    ok = ok && figures_append(out, page->store, page->db, &page->index, problem, page->error);
    text_append(out, "</section>\n<section id=\"models\"><h2>Trained models</h2>\n");
    ok = ok && points_append(out, page->store, &page->index, page->error);
    text_append(out, "</section>\n<section id=\"tables\"><h2>Tables</h2>\n");
    ok = ok && views_append(out, page->store, &page->index, page->error);
    text_append(out, "</section>\n");
    ok = ok && append_trials(page) && append_environment(page);
    text_append(
        out,
        "</main>\n<footer><p>Numbers are rounded to five digits: <code>headroom export VIEW"
        "</code> has all of them. An empty cell is what was not measured, never 0.</p></footer>\n"
        "<script>%s</script>\n</body>\n</html>\n",
        harness_report_report_js);
    return ok && (!out->failed || error_set(page->error, "out of memory"));
}

bool report_page_write(const char *db, const char *path, struct error *error) {
    struct page page = {.db = db, .error = error};
    struct error problem = {0};
    bool ok = store_open_reader(db, &page.store, error) && report_keep(page.store, error) &&
              append_all(&page, &problem) && summary_write_file(path, &page.out, error);
    if (ok && problem.text[0])
        ok = error_set(error, "'%s' is written without all figures: %s", path, problem.text);
    store_close(page.store);
    trial_index_free(&page.index);
    text_free(&page.out);
    text_free(&page.trials);
    return ok;
}
