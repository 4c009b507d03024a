/*
 * Tables for people; see table.h.
 */
#include "harness/table/table.h"
#include "harness/table/aligned.h"
#include "harness/table/width.h"
#include "models/base/text.h"
#include "models/base/utf8.h"

#include <assert.h>
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* A copy of a cell with its control characters spelt out. */
static char *copy_shown(const char *text) {
    struct text copy = {0};
    text_append_bytes(&copy, "", 0);
    text_append_shown(&copy, text);
    return copy.data;
}

void table_append(struct table *table, size_t n, const char *const *texts) {
    size_t used = table->n_rows * table->n_columns;
    assert(table->n_rows == 0 || n == table->n_columns);
    if (table->failed) return;
    table->n_columns = n;
    char **grown = realloc(table->cells, (used + n) * sizeof *grown);
    if (grown) table->cells = grown;
    for (size_t i = 0; grown && i < n; i++) {
        if ((grown[used + i] = copy_shown(texts[i] ? texts[i] : "-"))) continue;
        while (i > 0) free(grown[used + --i]);
        grown = NULL;
    }
    table->failed = !grown;
    table->n_rows += !table->failed;
}

const char *table_cell(const struct table *table, size_t row, size_t column) {
    return table->cells[row * table->n_columns + column];
}

static bool is_number(const char *text) {
    return (*text >= '0' && *text <= '9') || *text == '+' || *text == '-';
}

bool table_is_right(const struct table *table, size_t c) {
    bool numbers = table->n_rows > 1, middle = c + 1 < table->n_columns;
    for (size_t r = 1; r < table->n_rows; r++)
        if (!is_number(table_cell(table, r, c))) numbers = false;
    return c > 0 && (table->middle_right ? middle : numbers);
}

static bool is_word(char c) {
    return isalnum((unsigned char)c);
}

/* Whether a character means something in Markdown: a link by what joins its halves, an entity by
 * what its & stands before. An underscore inside a name does not, and names stay readable. */
static bool is_markup(char before, const char *at) {
    switch (*at) {
    case '(':
        return before == ']';
    case '&':
        return is_word(at[1]) || at[1] == '#';
    case '_':
        return !is_word(before) || !is_word(at[1]);
    default:
        return strchr("|\\<*`~", *at) != NULL;
    }
}

void table_write_markdown_text(const char *text, FILE *out) {
    for (char before = '\0'; *text; before = *text++) {
        if (*text == '\n' || *text == '\r') {
            if (text[0] != '\r' || text[1] != '\n') fputs("<br>", out);
            continue;
        }
        char shown[UTF8_SHOWN_SIZE];
        int control = utf8_show_control(text, shown);
        if (control > 0) {
            fprintf(out, "\\%s", shown);
            text += control - 1;
            continue;
        }
        if (is_markup(before, text)) fputc('\\', out);
        fputc(*text, out);
    }
}

static void write_markdown(const struct table *table, FILE *out) {
    for (size_t r = 0; r < table->n_rows; r++) {
        for (size_t c = 0; c < table->n_columns; c++) {
            fputs("| ", out);
            table_write_markdown_text(table_cell(table, r, c), out);
            fputc(' ', out);
        }
        fputs("|\n", out);
        for (size_t c = 0; r == 0 && c < table->n_columns; c++)
            fputs(table_is_right(table, c) ? "| ---: " : "| --- ", out);
        if (r == 0) fputs("|\n", out);
    }
}

bool table_write(const struct table *table, enum table_format format, FILE *out,
                 struct error *error) {
    if (table->failed) return error_set(error, "out of memory writing a table");
    if (format == TABLE_MARKDOWN) {
        write_markdown(table, out);
        return true;
    }
    bool lines = table->n_columns == 1;
    int width = format == TABLE_WIDE ? INT_MAX : lines ? width_of_lines(out) : width_of(out);
    return aligned_write(table, width, out, error);
}

void table_free(struct table *table) {
    for (size_t i = 0; i < table->n_rows * table->n_columns; i++) free(table->cells[i]);
    free(table->cells);
    *table = (struct table){.middle_right = table->middle_right};
}
