/*
 * Columns of a width; see aligned.h. A cell may take several lines; so may a row, which is then as high
 * as its highest cell.
 */
#include "harness/table/aligned.h"
#include "harness/table/wrap.h"
#include "models/base/text.h"
#include "models/base/utf8.h"

#include <stdlib.h>

/* Between columns; to the right of the lines of a text behind its first; of what stands below. */
enum { GAP = 2, HANG = 2, BELOW = 4 };

/* Texts should not be narrower than that: what rows are of, what is said of them, others; and must not be
 * than the last. */
enum { NARROW_NAME = 28, NARROW_SENTENCE = 30, NARROW = 16, NARROWEST = 8 };

struct column {
    int natural, least, width;
    bool right, shown;
};

struct layout {
    const struct table *table;
    struct column *column;
    const char **rest; /* of the cells of a row, what is still to be written */
    int width;         /* of the page */
    bool below;        /* the last column stands below its row */
    size_t n_beside;   /* columns that do not */
    size_t n_keys;     /* in every block */
};

/* ---- widths ---- */

static int at_most(int value, int most) {
    return value < most ? value : most;
}

static struct column measure(const struct table *table, size_t c) {
    struct column column = {.right = table_is_right(table, c), .shown = true};
    int cells = 0, words = wrap_longest_word(table_cell(table, 0, c));
    for (size_t r = 1; r < table->n_rows; r++) {
        int width = utf8_count(table_cell(table, r, c));
        if (width > cells) cells = width;
    }
    int name = utf8_count(table_cell(table, 0, c));
    int narrow = c == 0 ? NARROW_NAME : c + 1 == table->n_columns ? NARROW_SENTENCE : NARROW;
    column.natural = cells > name ? cells : name;
    column.least = column.right ? (cells > words ? cells : words) : at_most(column.natural, narrow);
    return column;
}

static int sum(const struct layout *l, bool least) {
    int width = 0;
    for (size_t c = 0; c < l->n_beside; c++)
        if (l->column[c].shown)
            width += (c > 0 ? GAP : 0) + (least ? l->column[c].least : l->column[c].width);
    return width;
}

/* The widest column that can be narrower, names of numbers first; NULL: none can. hard: a text may be
 * narrower than it should. */
static struct column *find_widest(const struct layout *l, bool hard) {
    struct column *widest = NULL;
    for (size_t c = 0; c < l->n_beside; c++) {
        struct column *column = &l->column[c];
        int least = hard && !column->right ? NARROWEST : column->least;
        if (!column->shown || column->width <= least) continue;
        if (!widest || column->right > widest->right ||
            (column->right == widest->right && column->width > widest->width))
            widest = column;
    }
    return widest;
}

/* Gives each column its natural width, and takes from them until all fit. */
static void share(struct layout *l) {
    struct column *widest;
    for (size_t c = 0; c < l->n_beside; c++) l->column[c].width = l->column[c].natural;
    while (sum(l, false) > l->width &&
           ((widest = find_widest(l, false)) || (widest = find_widest(l, true))))
        widest->width--;
}

/* ---- writing ---- */

/* The next line of a cell from `*rest` on: how many bytes it has, and where it begins. */
static size_t next_line(const struct column *column, bool first, size_t c, const char **rest,
                        const char **begin, int *indent) {
    *begin = *rest;
    *indent = !first && c == 0 && **rest ? HANG : 0;
    return wrap_line(*begin, column->width - *indent, rest);
}

static void write_bytes(const char *text, size_t size, FILE *out) {
    for (size_t i = 0; i < size; i++)
        fputc(text[i] == '\n' || text[i] == '\r' || text[i] == '\t' ? ' ' : text[i], out);
}

/* One line of a row; false: no cell has another one. */
static bool write_line(struct layout *l, bool first, FILE *out) {
    int gap = 0; /* blanks owed before the next cell, so that no line ends in blanks */
    bool more = false;
    for (size_t c = 0; c < l->n_beside; c++) {
        const struct column *column = &l->column[c];
        const char *begin;
        int indent;
        if (!column->shown) continue;
        size_t size = next_line(column, first, c, &l->rest[c], &begin, &indent);
        int pad = column->width - indent - utf8_count_bytes(begin, size);
        if (column->right) gap += pad;
        if (size > 0) {
            fprintf(out, "%*s", gap + indent, "");
            write_bytes(begin, size, out);
            gap = 0;
        } else if (!column->right) {
            gap += indent;
        }
        gap += column->right ? GAP : pad + GAP;
        more = more || *l->rest[c];
    }
    fputc('\n', out);
    return more;
}

static void write_row(struct layout *l, size_t r, bool with_sentence, FILE *out) {
    for (size_t c = 0; c < l->n_beside; c++) l->rest[c] = table_cell(l->table, r, c);
    for (bool first = true; write_line(l, first, out); first = false) continue;
    if (!with_sentence) return;
    const char *rest = table_cell(l->table, r, l->n_beside);
    while (*rest) {
        const char *begin = rest;
        size_t size = wrap_line(begin, l->width - BELOW, &rest);
        fprintf(out, "%*s", BELOW, "");
        write_bytes(begin, size, out);
        fputc('\n', out);
    }
}

/* Chooses the keys and as many columns from `next` on as fit, one at least; returns the one behind. */
static size_t choose(struct layout *l, size_t next) {
    for (size_t c = l->n_keys; c < l->n_beside; c++) l->column[c].shown = false;
    for (size_t c = next; c < l->n_beside; c++) {
        l->column[c].shown = true;
        if (c > next && sum(l, true) > l->width) {
            l->column[c].shown = false;
            return c;
        }
    }
    return l->n_beside;
}

static void name_left_out(const struct layout *l, size_t from, FILE *out) {
    struct text names = {0};
    for (size_t c = from; c < l->n_beside; c++)
        text_append(&names, "%s%s", c > from ? ", " : "", table_cell(l->table, 0, c));
    wrap_print(out, l->width, HANG, "left out for want of room: %s (--verbose)",
               names.data ? names.data : "");
    text_free(&names);
}

static void write_blocks(struct layout *l, FILE *out) {
    size_t n_needed = l->table->n_needed;
    if (n_needed == 0 || n_needed > l->n_beside) n_needed = l->n_beside;
    size_t next = l->n_keys;
    for (bool first = true; first || next < n_needed; first = false) {
        next = choose(l, next);
        share(l);
        if (!first) fputc('\n', out);
        for (size_t r = 0; r < l->table->n_rows; r++) write_row(l, r, first && l->below, out);
    }
    if (next < l->n_beside) name_left_out(l, next, out);
}

bool aligned_write(const struct table *table, int width, FILE *out, struct error *error) {
    struct layout l = {.table = table, .width = width, .n_beside = table->n_columns};
    l.column = calloc(table->n_columns + 1, sizeof *l.column);
    l.rest = calloc(table->n_columns + 1, sizeof *l.rest);
    bool ok = (l.column && l.rest) || error_set(error, "out of memory writing a table");
    for (size_t c = 0; ok && c < table->n_columns; c++) l.column[c] = measure(table, c);
    if (ok && table->n_rows > 0) {
        size_t last = table->n_columns - 1;
        l.below = last > 1 && !l.column[last].right && sum(&l, true) > width;
        l.n_beside -= l.below;
        l.n_keys = table->n_keys > 0 ? table->n_keys : 1;
        write_blocks(&l, out);
    }
    free(l.rest);
    free(l.column);
    return ok;
}
