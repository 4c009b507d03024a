/*
 * Data files and prologues; see page.h. A prologue holds nothing but assignments of numbers and of
 * strings in single quotes, one in a line.
 */
#include "harness/plot/page.h"
#include "harness/plot/gnuplot_text.h"

#include <string.h>

void page_write_data(const struct sheet *sheet, const char *name, const char *query,
                     struct text *out) {
    text_append(out, "# Figure %s. Two empty lines separate blocks: a series of a panel each.\n",
                name);
    for (const char *line = query; strncmp(line, "--", 2) == 0;) {
        size_t length = strcspn(line, "\n");
        text_append(out, "#%.*s\n", (int)length - 2, line + 2);
        line += length + (line[length] == '\n');
    }
    text_append(out, "# ");
    for (int c = 0; c < sheet->n_columns; c++)
        text_append(out, "%s%s", c ? "\t" : "", sheet->names[c]);
    text_append(out, "\n");
    for (size_t b = 0; b < sheet->n_blocks; b++) {
        struct sheet_rows rows = sheet->blocks[b];
        if (b > 0) text_append(out, "\n\n");
        for (size_t r = rows.first; r < rows.first + rows.n; r++) {
            for (int c = 0; c < sheet->n_columns; c++) {
                if (c > 0) text_append(out, "\t");
                gnuplot_field(out, sheet_cell(sheet, r, c));
            }
            text_append(out, "\n");
        }
    }
}

/* ---- the prologue ---- */

/* Begins "array name[n] = [", which the values follow, as "1.0, 2.0]"; gnuplot knows no empty
 * array. */
static void begin_array(struct text *out, const char *prefix, const char *name, size_t n) {
    text_append(out, "array %s%s[%zu]%s", prefix, name, n > 0 ? n : 1, n > 0 ? " = [" : "\n");
}

static void end_value(struct text *out, size_t i, size_t n) {
    text_append(out, i + 1 < n ? ", " : "]\n");
}

/* Of one column: its number and its range in the figure. */
static void write_column(const struct sheet *sheet, int column, struct text *out) {
    const char *name = sheet->names[column];
    double low, high;
    sheet_range(sheet, (struct sheet_rows){0, sheet->n_rows}, column, &low, &high);
    text_append(out, "%s = %d\nlowest_%s = ", name, column + 1, name);
    gnuplot_real(out, low);
    text_append(out, "\nhighest_%s = ", name);
    gnuplot_real(out, high);
    text_append(out, "\n");
}

/* Its text and range in each panel of a page. */
static void write_panels(const struct sheet *sheet, int column, const struct sheet_panel *panels,
                         size_t n_panels, struct text *out) {
    const char *name = sheet->names[column];
    double low, high;
    begin_array(out, "text_", name, n_panels);
    for (size_t p = 0; p < n_panels; p++) {
        gnuplot_literal(out, sheet_cell(sheet, panels[p].rows.first, column));
        end_value(out, p, n_panels);
    }
    for (int end = 0; end < 2; end++) {
        begin_array(out, end ? "high_" : "low_", name, n_panels);
        for (size_t p = 0; p < n_panels; p++) {
            sheet_range(sheet, panels[p].rows, column, &low, &high);
            gnuplot_real(out, end ? high : low);
            end_value(out, p, n_panels);
        }
    }
}

static const char *series_of(const struct sheet *sheet, size_t block) {
    return sheet_cell(sheet, sheet->blocks[block].first, sheet_column(sheet, "series"));
}

/* Whether a series has a block on this page before this one. */
static bool is_repeated(const struct sheet *sheet, size_t first, size_t block) {
    for (size_t b = first; b < block; b++)
        if (strcmp(series_of(sheet, b), series_of(sheet, block)) == 0) return true;
    return false;
}

/* The different series of a page in the order of their first blocks: entries of a legend. */
static void write_entries(const struct sheet *sheet, struct sheet_rows blocks, struct text *out) {
    size_t n = 0, written = 0;
    for (size_t b = 0; b < blocks.n; b++) n += !is_repeated(sheet, blocks.first, blocks.first + b);
    text_append(out, "n_entries = %zu\n", n);
    begin_array(out, "", "entry", n);
    for (size_t b = 0; b < blocks.n; b++) {
        if (is_repeated(sheet, blocks.first, blocks.first + b)) continue;
        gnuplot_literal(out, series_of(sheet, blocks.first + b));
        end_value(out, written++, n);
    }
}

void page_write_shared(const struct sheet *sheet, const char *name, const struct sheet *facts,
                       const char *left_out, struct text *out) {
    text_append(out, "# Figure %s, as headroom plot found it in the database.\n", name);
    for (int c = 0; c < facts->n_columns && facts->n_rows > 0; c++) {
        text_append(out, "%s = ", facts->names[c]);
        gnuplot_literal(out, sheet_cell(facts, 0, c));
        text_append(out, "\n");
    }
    text_append(out, "left_out_workloads = ");
    gnuplot_literal(out, left_out);
    text_append(out, "\n");
    for (int c = 0; c < sheet->n_columns; c++) write_column(sheet, c, out);
    begin_array(out, "", "series_of", sheet->n_blocks);
    for (size_t b = 0; b < sheet->n_blocks; b++) {
        gnuplot_literal(out, series_of(sheet, b));
        end_value(out, b, sheet->n_blocks);
    }
}

void page_write_prologue(const struct sheet *sheet, size_t page, const struct text *shared,
                         struct text *out) {
    size_t begin = page * sheet->panels_per_page, n_panels = sheet->n_panels - begin;
    if (n_panels > sheet->panels_per_page) n_panels = sheet->panels_per_page;
    const struct sheet_panel *panels = &sheet->panels[begin], *last = &panels[n_panels - 1];
    struct sheet_rows blocks = {panels->first_block,
                                last->first_block + last->n_blocks - panels->first_block};

    text_append_bytes(out, shared->data, shared->size);
    text_append(out, "page = %zu\nn_pages = %zu\nn_panels = %zu\n", page + 1, sheet_pages(sheet),
                n_panels);
    for (int c = 0; c < sheet->n_columns; c++) write_panels(sheet, c, panels, n_panels, out);
    for (int end = 0; end < 2; end++) {
        begin_array(out, end ? "last" : "first", "_block", n_panels);
        for (size_t p = 0; p < n_panels; p++) {
            long first = (long)panels[p].first_block, n = (long)panels[p].n_blocks;
            text_append(out, "%ld", end ? first + n - 1 : first);
            end_value(out, p, n_panels);
        }
    }
    write_entries(sheet, blocks, out);
}
