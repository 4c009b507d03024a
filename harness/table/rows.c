/*
 * Tables for programs; see rows.h.
 */
#include "harness/table/rows.h"
#include "models/base/json.h"
#include "models/base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

char *cell_text(const struct cell *cell) {
    return cell->kind == CELL_TEXT ? strndup(cell->bytes, cell->size) : strdup("");
}

void real_write(double real, char out[REAL_TEXT_SIZE]) {
    if (isinf(real)) {
        snprintf(out, REAL_TEXT_SIZE, real < 0 ? "-1e999" : "1e999");
        return;
    }
    char text[REAL_TEXT_SIZE - 4]; /* gcc 12 takes `out` for null where UBSan checks it */
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, real);
        if (strtod(text, NULL) == real) break;
    }
    snprintf(out, REAL_TEXT_SIZE, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
}

/* Text and blob as valid UTF-8 without zero bytes; in quotes, where `quote` is not 0, with those
 * inside doubled. */
static void append_text(struct text *line, const struct cell *cell, char quote) {
    const char *at = cell->bytes;
    if (quote) text_append_bytes(line, &quote, 1);
    for (size_t left = cell->size, length; left > 0; at += length, left -= length) {
        if (cell->kind == CELL_BLOB) {
            text_append(line, "%02x", (unsigned)(unsigned char)*at);
            length = 1;
            continue;
        }
        length = *at ? utf8_length(at, left) : 0;
        if (length == 0) {
            text_append_bytes(line, "\xEF\xBF\xBD", 3);
            length = 1;
            continue;
        }
        if (quote && *at == quote) text_append_bytes(line, &quote, 1);
        text_append_bytes(line, at, length);
    }
    if (quote) text_append_bytes(line, &quote, 1);
}

static void append_json_text(struct text *line, const struct cell *cell) {
    struct text clean = {0};
    append_text(&clean, cell, 0);
    text_append_json_string(line, clean.data ? clean.data : "");
    line->failed |= clean.failed;
    text_free(&clean);
}

/* A cell as it stands in CSV or JSON. */
static void append_cell(struct text *line, const struct cell *cell, bool json) {
    char number[REAL_TEXT_SIZE];
    switch (cell->kind) {
    case CELL_NULL:
        if (json) text_append(line, "null");
        break;
    case CELL_INTEGER:
        text_append(line, "%" PRId64, cell->integer);
        break;
    case CELL_REAL:
        real_write(cell->real, number);
        text_append(line, "%s", number);
        break;
    case CELL_TEXT:
    case CELL_BLOB:
        if (json)
            append_json_text(line, cell);
        else
            append_text(line, cell, '"');
        break;
    }
}

static bool write_line(struct rows *rows, struct error *error) {
    bool ok = !rows->line.failed || error_set(error, "out of memory writing a table");
    /* Whether it could be written is seen at the end, of the whole stream. */
    if (ok) (void)!fwrite(rows->line.data, 1, rows->line.size, rows->out);
    text_free(&rows->line);
    return ok;
}

/* ---- CSV ---- */

static bool write_csv(struct rows *rows, const struct cell *cells, struct error *error) {
    for (size_t i = 0; i < rows->n_columns; i++) {
        if (i > 0) text_append(&rows->line, ",");
        append_cell(&rows->line, &cells[i], false);
    }
    text_append(&rows->line, "\r\n");
    return write_line(rows, error);
}

static bool write_csv_names(struct rows *rows, const char *const *names, struct error *error) {
    for (size_t i = 0; i < rows->n_columns; i++) {
        struct cell name = {CELL_TEXT, .bytes = names[i], .size = strlen(names[i])};
        if (i > 0) text_append(&rows->line, ",");
        append_cell(&rows->line, &name, false);
    }
    text_append(&rows->line, "\r\n");
    return write_line(rows, error);
}

/* ---- JSON ---- */

static bool check_keys(const char *const *names, size_t n, struct error *error) {
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(names[i], names[j]) == 0)
                return error_set(error,
                                 "two columns are named '%s', which are keys in JSON: name one of "
                                 "them otherwise, with AS",
                                 names[i]);
    return true;
}

static bool write_json(struct rows *rows, const struct cell *cells, struct error *error) {
    if (rows->format == TABLE_JSON) text_append(&rows->line, rows->n_rows > 0 ? ",\n  " : "\n  ");
    text_append(&rows->line, "{");
    for (size_t i = 0; i < rows->n_columns; i++) {
        if (i > 0) text_append(&rows->line, ", ");
        text_append_json_string(&rows->line, rows->names[i]);
        text_append(&rows->line, ": ");
        append_cell(&rows->line, &cells[i], true);
    }
    text_append(&rows->line, rows->format == TABLE_JSON ? "}" : "}\n");
    return write_line(rows, error);
}

/* ---- for people ---- */

static bool keep(struct rows *rows, const struct cell *cells, struct error *error) {
    struct text *texts = calloc(rows->n_columns + 1, sizeof *texts);
    const char **cell = calloc(rows->n_columns + 1, sizeof *cell);
    bool ok = texts && cell;
    for (size_t i = 0; ok && i < rows->n_columns; i++) {
        bool text = cells[i].kind == CELL_TEXT || cells[i].kind == CELL_BLOB;
        if (cells[i].kind == CELL_TEXT && cells[i].size == 0)
            text_append(&texts[i], "\"\"");
        else if (text)
            append_text(&texts[i], &cells[i], 0);
        else
            append_cell(&texts[i], &cells[i], false);
        ok = !texts[i].failed;
        cell[i] = texts[i].data ? texts[i].data : "";
    }
    if (ok) table_append(&rows->table, rows->n_columns, cell);
    for (size_t i = 0; texts && i < rows->n_columns; i++) text_free(&texts[i]);
    free(texts);
    free(cell);
    return (ok && !rows->table.failed) || error_set(error, "out of memory writing a table");
}

/* ---- the whole ---- */

bool rows_begin(struct rows *rows, enum table_format format, FILE *out, size_t n_columns,
                const char *const *names, struct error *error) {
    *rows = (struct rows){.format = format, .out = out};
    rows->names = calloc(n_columns + 1, sizeof *rows->names);
    bool ok = rows->names != NULL;
    for (; ok && rows->n_columns < n_columns; rows->n_columns++)
        if (!(rows->names[rows->n_columns] = strdup(names[rows->n_columns]))) ok = false;
    if (!ok) return error_set(error, "out of memory writing a table");
    switch (format) {
    case TABLE_CSV:
        return write_csv_names(rows, names, error);
    case TABLE_JSON:
        fputc('[', out);
        return check_keys(names, n_columns, error);
    case TABLE_JSONL:
        return check_keys(names, n_columns, error);
    case TABLE_ALIGNED:
    case TABLE_WIDE:
    case TABLE_MARKDOWN:
        table_append(&rows->table, n_columns, names);
        break;
    }
    return true;
}

bool rows_add(struct rows *rows, const struct cell *cells, struct error *error) {
    bool ok = rows->format == TABLE_CSV ? write_csv(rows, cells, error)
              : rows->format == TABLE_JSON || rows->format == TABLE_JSONL
                  ? write_json(rows, cells, error)
                  : keep(rows, cells, error);
    rows->n_rows += ok;
    return ok;
}

bool rows_end(struct rows *rows, struct error *error) {
    if (rows->format == TABLE_JSON) fputs(rows->n_rows > 0 ? "\n]" : "]", rows->out);
    return !(rows->format & TABLE_FOR_PEOPLE) ||
           table_write(&rows->table, rows->format, rows->out, error);
}

void rows_free(struct rows *rows) {
    for (size_t i = 0; i < rows->n_columns; i++) free(rows->names[i]);
    free(rows->names);
    text_free(&rows->line);
    table_free(&rows->table);
    *rows = (struct rows){0};
}
