/*
 * The rows of a statement with the types that SQLite has for them: as a table for programs, or one by one.
 */
#include "harness/store/store_private.h"
#include "harness/table/rows.h"

#include <stdlib.h>

static void read_cell(sqlite3_stmt *statement, int column, struct cell *out) {
    *out = (struct cell){.kind = CELL_NULL};
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        out->kind = CELL_INTEGER;
        out->integer = sqlite3_column_int64(statement, column);
        break;
    case SQLITE_FLOAT:
        out->kind = CELL_REAL;
        out->real = sqlite3_column_double(statement, column);
        break;
    case SQLITE_TEXT:
        out->kind = CELL_TEXT;
        out->bytes = (const char *)sqlite3_column_text(statement, column);
        break;
    case SQLITE_BLOB:
        out->kind = CELL_BLOB;
        out->bytes = sqlite3_column_blob(statement, column);
        break;
    default:
        break;
    }
    if (out->kind == CELL_TEXT || out->kind == CELL_BLOB)
        out->size = (size_t)sqlite3_column_bytes(statement, column);
}

static bool write_all(struct store *store, sqlite3_stmt *statement, size_t n, struct cell *cells,
                      struct rows *rows, struct error *error) {
    bool more;
    for (;;) {
        if (!store_step(store, statement, &more, error)) return false;
        if (!more) return rows_end(rows, error);
        for (size_t i = 0; i < n; i++) read_cell(statement, (int)i, &cells[i]);
        if (!rows_add(rows, cells, error)) return false;
    }
}

bool store_write_rows(struct store *store, sqlite3_stmt *statement, enum table_format format,
                      FILE *out, struct error *error) {
    size_t n = (size_t)sqlite3_column_count(statement);
    struct rows rows = {0};
    struct cell *cells = calloc(n + 1, sizeof *cells);
    const char **names = calloc(n + 1, sizeof *names);
    bool ok = cells && names;
    if (!ok) error_set(error, "out of memory writing a table");
    for (size_t i = 0; ok && i < n; i++)
        if (!(names[i] = sqlite3_column_name(statement, (int)i)))
            ok = error_set(error, "out of memory writing a table");
    ok = ok && rows_begin(&rows, format, out, n, names, error) &&
         write_all(store, statement, n, cells, &rows, error);
    rows_free(&rows);
    free(cells);
    free(names);
    return ok;
}

bool store_query_cells(struct store *store, const char *sql, const struct value *values,
                       int n_values,
                       bool (*row)(void *context, size_t n, const char *const *names,
                                   const struct cell *cells),
                       void *context, struct error *error) {
    enum { COLUMNS_MAX = 64 };
    const char *names[COLUMNS_MAX];
    struct cell cells[COLUMNS_MAX];
    sqlite3_stmt *statement = store_statement(store, sql, values, n_values, error);
    if (!statement) return false;
    size_t n = (size_t)sqlite3_column_count(statement);
    bool ok = (sqlite3_stmt_readonly(statement) && n <= COLUMNS_MAX) ||
              error_set(error, "not a SELECT of at most %d columns: %s", COLUMNS_MAX, sql);
    for (bool more = ok; more;) {
        ok = store_step(store, statement, &more, error);
        if (!ok || !more) break;
        for (size_t i = 0; i < n; i++) {
            names[i] = sqlite3_column_name(statement, (int)i);
            read_cell(statement, (int)i, &cells[i]);
        }
        more = row(context, n, names, cells);
    }
    sqlite3_reset(statement);
    return ok;
}
