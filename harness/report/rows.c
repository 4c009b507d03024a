/*
 * The body is written while rows come and the head when they have: only then is it known which
 * columns hold numbers. Those are aligned by a class of the table, not of each cell, and cells have
 * no end tags, which HTML does not ask for: half of the page would be markup.
 */
#include "harness/report/rows.h"
#include "harness/report/html.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MOST = 64 };

struct reading {
    const struct trial_index *trials;
    struct text head, body;
    size_t n_columns, n_rows;
    int workload, arm, seed, trial_id; /* columns; -1: there is none */
    bool number[COLUMNS_MOST];         /* all that is known of the column is numbers */
    bool known[COLUMNS_MOST];
};

static void read_names(struct reading *r, size_t n, const char *const *names) {
    r->n_columns = n;
    for (size_t i = 0; i < n; i++) {
        r->number[i] = true;
        if (strcmp(names[i], "workload") == 0) r->workload = (int)i;
        if (strcmp(names[i], "arm") == 0 || strcmp(names[i], "arm_a") == 0) r->arm = (int)i;
        if (strcmp(names[i], "seed") == 0) r->seed = (int)i;
        if (strcmp(names[i], "trial_id") == 0) r->trial_id = (int)i;
        text_append(&r->head, "<th scope=\"col\">");
        for (const char *c = names[i]; *c; c++) { /* a long name may break behind its underscores */
            html_append_bytes(&r->head, c, 1);
            if (*c == '_') text_append(&r->head, "<wbr>");
        }
    }
}

/* A text of a row that may be shorter than what is looked for with it; NULL: none. */
static char *text_of(const struct cell *cells, int column) {
    const struct cell *cell = column < 0 ? NULL : &cells[column];
    return cell && cell->kind == CELL_TEXT ? cell_text(cell) : NULL;
}

/* The trial that a cell leads to; 0: none. */
static int64_t trial_of(const struct reading *r, const struct cell *cells, size_t column) {
    if ((int)column == r->trial_id)
        return cells[column].kind == CELL_INTEGER &&
                       trial_index_has(r->trials, cells[column].integer)
                   ? cells[column].integer
                   : 0;
    if ((int)column != r->arm) return 0;
    char *workload = text_of(cells, r->workload), *arm = text_of(cells, r->arm);
    bool seeded = r->seed >= 0 && cells[r->seed].kind == CELL_INTEGER;
    int64_t id = workload && arm ? trial_index_find(r->trials, workload, arm,
                                                    seeded ? &cells[r->seed].integer : NULL)
                                 : 0;
    free(workload);
    free(arm);
    return id;
}

static bool read_row(void *context, size_t n, const char *const *names, const struct cell *cells) {
    struct reading *r = context;
    if (r->n_rows == 0) read_names(r, n, names);
    if (r->n_rows++ >= ROWS_MOST) return true; /* only counted */
    text_append(&r->body, "<tr>");
    for (size_t i = 0; i < n; i++) {
        int64_t id = trial_of(r, cells, i);
        text_append(&r->body, "<td>");
        if (id) text_append(&r->body, "<a href=\"#trial-%" PRId64 "\">", id);
        html_append_cell(&r->body, &cells[i]);
        if (id) text_append(&r->body, "</a>");
        if (cells[i].kind == CELL_NULL) continue;
        r->known[i] = true;
        r->number[i] &= cells[i].kind == CELL_INTEGER || cells[i].kind == CELL_REAL;
    }
    text_append(&r->body, "\n");
    return !r->body.failed;
}

static void append_table(struct text *out, const struct reading *r,
                         const struct rows_wanted *wanted) {
    text_append(out, "<details class=\"table\" id=\"%s\"><summary>", wanted->id);
    html_append(out, wanted->title);
    text_append(out, " <span class=\"count\">%zu row%s</span></summary>\n", r->n_rows,
                PLURAL_S(r->n_rows));
    if (wanted->note && *wanted->note) {
        text_append(out, "<p class=\"note\">");
        html_append(out, wanted->note);
        text_append(out, "</p>\n");
    }
    if (r->n_rows > ROWS_MOST) {
        text_append(out,
                    "<p class=\"note\">These are the first %d of %zu rows; all of them: <code>",
                    ROWS_MOST, r->n_rows);
        html_append(out, wanted->source);
        text_append(out, "</code></p>\n");
    }
    text_append(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"");
    html_append(out, wanted->title);
    text_append(out, "\"><table class=\"rows");
    for (size_t i = 0; i < r->n_columns; i++)
        if (r->number[i] && r->known[i]) text_append(out, " n%zu", i + 1);
    text_append(out, "\"><thead><tr>");
    text_append_bytes(out, r->head.data, r->head.size);
    text_append(out, "</thead><tbody>\n");
    text_append_bytes(out, r->body.data, r->body.size);
    text_append(out, "</tbody></table></div></details>\n");
}

bool rows_append(struct text *out, struct store *store, const struct trial_index *trials,
                 const struct rows_wanted *wanted, size_t *n_rows, struct error *error) {
    struct reading r = {.trials = trials, .workload = -1, .arm = -1, .seed = -1, .trial_id = -1};
    bool ok = store_query_cells(store, wanted->sql, NO_VALUES, read_row, &r, error);
    if (ok && (r.head.failed || r.body.failed)) ok = error_set(error, "out of memory");
    *n_rows = r.n_rows;
    if (ok && r.n_rows > 0) append_table(out, &r, wanted);
    text_free(&r.head);
    text_free(&r.body);
    return ok;
}
