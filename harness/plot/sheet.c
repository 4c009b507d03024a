/*
 * Rows of a SELECT as panels and blocks; see sheet.h. Rows are few thousand at most, so
 * everything is kept as the texts that SQLite gave: what is written into a data file is what the
 * database says, to the last digit.
 */
#include "harness/plot/sheet.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sheet_column(const struct sheet *sheet, const char *name) {
    for (int c = 0; c < sheet->n_columns; c++)
        if (strcmp(sheet->names[c], name) == 0) return c;
    return -1;
}

const char *sheet_cell(const struct sheet *sheet, size_t row, int column) {
    return column < 0 ? NULL : sheet->cells[row * (size_t)sheet->n_columns + (size_t)column];
}

/* ---- reading ---- */

static bool read_names(struct sheet *sheet, int n, const char *const *names) {
    sheet->names = calloc((size_t)n, sizeof *sheet->names);
    if (!sheet->names) return false;
    for (sheet->n_columns = 0; sheet->n_columns < n; sheet->n_columns++)
        if (!(sheet->names[sheet->n_columns] = strdup(names[sheet->n_columns]))) return false;
    return true;
}

/* A row that names no workload belongs to every choice: it says why there is nothing. */
static bool chosen(const struct sheet *sheet, const struct sheet_choice *choice,
                   const char *const *texts) {
    int w = sheet_column(sheet, "workload"), a = sheet_column(sheet, "arm");
    const char *workload = w < 0 ? NULL : texts[w], *arm = a < 0 ? NULL : texts[a];
    if (!workload) return true;
    if (choice->workload && strcmp(choice->workload, workload) != 0) return false;
    if (!choice->filter) return true;
    char label[1024];
    snprintf(label, sizeof label, "%s/%s", workload, arm ? arm : "");
    return regexec(choice->filter, label, 0, NULL, 0) == 0;
}

bool sheet_read_row(void *context, int n, const char *const *names, const char *const *texts) {
    struct sheet_reading *reading = context;
    struct sheet *sheet = reading->sheet;
    reading->failed = true; /* until all of it is stored */
    if (!sheet->names && !read_names(sheet, n, names)) return false;
    if (!chosen(sheet, reading->choice, texts)) {
        sheet->n_dropped++;
        reading->failed = false;
        return true;
    }
    size_t used = sheet->n_rows * (size_t)n;
    char **grown = realloc(sheet->cells, (used + (size_t)n) * sizeof *grown);
    if (!grown) return false;
    sheet->cells = grown;
    memset(grown + used, 0, (size_t)n * sizeof *grown);
    sheet->n_rows++;
    for (int c = 0; c < n; c++)
        if (texts[c] && !(grown[used + (size_t)c] = strdup(texts[c]))) return false;
    reading->failed = false;
    return true;
}

bool sheet_read(struct store *store, const char *sql, const struct sheet_choice *choice,
                struct sheet *sheet, struct error *error) {
    struct sheet_reading reading = {.sheet = sheet, .choice = choice};
    if (!store_query(store, sql, NO_VALUES, sheet_read_row, &reading, error)) return false;
    return !reading.failed || error_set(error, "out of memory");
}

void sheet_free(struct sheet *sheet) {
    for (size_t i = 0; i < sheet->n_rows * (size_t)sheet->n_columns; i++) free(sheet->cells[i]);
    for (int c = 0; c < sheet->n_columns; c++) free(sheet->names[c]);
    free(sheet->cells);
    free(sheet->names);
    free(sheet->panels);
    free(sheet->blocks);
    *sheet = (struct sheet){0};
}

/* ---- panels and blocks ---- */

static bool is_name(const char *name) {
    if (!islower((unsigned char)*name)) return false;
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static bool check_names(const struct sheet *sheet, struct error *error) {
    for (int c = 0; c < sheet->n_columns; c++) {
        if (!is_name(sheet->names[c]))
            return error_set(error,
                             "the column '%s' needs a name of lower-case letters, digits and _ "
                             "that gnuplot can use: SELECT ... AS name",
                             sheet->names[c]);
        if (sheet_column(sheet, sheet->names[c]) != c)
            return error_set(error, "there are two columns '%s'", sheet->names[c]);
    }
    if (sheet->n_columns > 0 && sheet_column(sheet, "panel") < 0)
        return error_set(error, "there is no column 'panel'");
    if (sheet->n_columns > 0 && sheet_column(sheet, "series") < 0)
        return error_set(error, "there is no column 'series'");
    return true;
}

static bool same(const char *a, const char *b) {
    return a && b && strcmp(a, b) == 0;
}

bool sheet_cut(struct sheet *sheet, struct error *error) {
    if (!check_names(sheet, error)) return false;
    int panel = sheet_column(sheet, "panel"), series = sheet_column(sheet, "series");
    int per_page = sheet_column(sheet, "panels_per_page");
    const char *last_panel = NULL, *last_series = NULL;

    sheet->panels = calloc(sheet->n_rows + 1, sizeof *sheet->panels);
    sheet->blocks = calloc(sheet->n_rows + 1, sizeof *sheet->blocks);
    if (!sheet->panels || !sheet->blocks) return error_set(error, "out of memory");
    sheet->panels_per_page = PANELS_PER_PAGE;
    for (size_t r = 0; r < sheet->n_rows; r++) {
        const char *own_panel = sheet_cell(sheet, r, panel);
        const char *own_series = sheet_cell(sheet, r, series);
        const char *limit = sheet_cell(sheet, r, per_page);
        if (!own_panel) continue;
        long most = limit ? strtol(limit, NULL, 10) : 0;
        if (most > 0) sheet->panels_per_page = (size_t)most;
        if (!same(own_panel, last_panel)) {
            sheet->panels[sheet->n_panels++] =
                (struct sheet_panel){.rows.first = r, .first_block = sheet->n_blocks};
            last_series = NULL;
        }
        struct sheet_panel *at = &sheet->panels[sheet->n_panels - 1];
        if (own_series && !same(own_series, last_series)) {
            sheet->blocks[sheet->n_blocks++].first = r;
            at->n_blocks++;
        }
        at->rows.n = r - at->rows.first + 1;
        if (own_series) {
            struct sheet_rows *block = &sheet->blocks[sheet->n_blocks - 1];
            block->n = r - block->first + 1;
        }
        last_panel = own_panel;
        last_series = own_series;
    }
    return true;
}

/* ---- what is asked about them ---- */

void sheet_range(const struct sheet *sheet, struct sheet_rows rows, int column, double *low,
                 double *high) {
    *low = *high = NAN;
    for (size_t r = rows.first; r < rows.first + rows.n; r++) {
        const char *text = sheet_cell(sheet, r, column);
        char *end;
        double value = text ? strtod(text, &end) : NAN;
        if (!text || end == text || *end || !isfinite(value)) continue;
        if (isnan(*low) || value < *low) *low = value;
        if (isnan(*high) || value > *high) *high = value;
    }
}

size_t sheet_pages(const struct sheet *sheet) {
    if (sheet->n_blocks == 0) return 0;
    return (sheet->n_panels + sheet->panels_per_page - 1) / sheet->panels_per_page;
}

const char *sheet_reason(const struct sheet *sheet) {
    int reason = sheet_column(sheet, "reason");
    for (size_t r = 0; r < sheet->n_rows; r++) {
        const char *text = sheet_cell(sheet, r, reason);
        if (text && *text) return text;
    }
    return NULL;
}
