/*
 * The rows that all readers fill, and the reader of `label text` lines, which is little more than a
 * loop over lines.
 */
#include "workloads/reader.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for one more row and `more` more bytes of text. */
static bool reserve(struct rows *rows, size_t more) {
    if (rows->n == rows->row_capacity) {
        int capacity = rows->row_capacity > INT_MAX / 2 ? 0 : rows->row_capacity * 2 + 64;
        struct row *row = capacity ? realloc(rows->row, (size_t)capacity * sizeof *row) : NULL;
        if (!row) return false;
        rows->row = row;
        rows->row_capacity = capacity;
    }
    if (rows->pool_capacity - rows->pool_size < more) {
        size_t capacity = rows->pool_capacity * 2 + more;
        char *pool = realloc(rows->pool, capacity);
        if (!pool) return false;
        rows->pool = pool;
        rows->pool_capacity = capacity;
    }
    return true;
}

/* Appends a piece and one byte after it: a terminator, or the space between two pieces. */
static void append(struct rows *rows, struct piece piece, char end) {
    memcpy(rows->pool + rows->pool_size, piece.data, piece.size);
    rows->pool_size += piece.size;
    rows->pool[rows->pool_size++] = end;
}

bool rows_add(struct rows *rows, const struct location *at, struct piece label,
              const struct piece *text, int n, struct error *error) {
    if (label.size == 0) return error_set_at(error, at, "the label is empty");
    size_t more = label.size + 1;
    for (int i = 0; i < n; i++) more += text[i].size + 1;
    if (!reserve(rows, more)) return error_set_at(error, at, "out of memory");
    struct row *row = &rows->row[rows->n++];
    row->line = at->line;
    row->label = rows->pool_size;
    append(rows, label, '\0');
    row->text = rows->pool_size;
    for (int i = 0; i < n; i++) append(rows, text[i], i + 1 < n ? ' ' : '\0');
    return true;
}

void rows_free(struct rows *rows) {
    free(rows->row);
    free(rows->pool);
    *rows = (struct rows){0};
}

bool reader_label_text(const struct text_file *file, struct rows *out, struct error *error) {
    *out = (struct rows){0};
    struct location at = {0};
    snprintf(at.file, sizeof at.file, "%s", file->path);
    const char *next = file->data, *end = file->data + file->size;
    while (next < end) {
        at.line++;
        const char *newline = memchr(next, '\n', (size_t)(end - next));
        const char *stop = newline ? newline : end;
        size_t size = (size_t)(stop - next);
        if (size > 0 && next[size - 1] == '\r') size--;
        size_t label = 0;
        while (label < size && next[label] != ' ' && next[label] != '\t') label++;
        struct piece text = {next + label, size - label};
        bool ok = size > 0 ? rows_add(out, &at, (struct piece){next, label}, &text, 1, error)
                           : error_set_at(error, &at, "empty line; expected `label text`");
        if (!ok) {
            rows_free(out);
            return false;
        }
        next = newline ? newline + 1 : end;
    }
    return true;
}
