/*
 * Statements: prepared once, kept, bound and run. See store_private.h.
 */
#include "harness/store/store_private.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

bool store_exec(struct store *store, const char *sql, struct error *error) {
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
           store_failed(store, error);
}

static int bind(sqlite3_stmt *statement, const struct value *values, int n_values) {
    int code = SQLITE_OK;
    for (int i = 0; i < n_values && code == SQLITE_OK; i++) {
        const struct value *value = &values[i];
        switch (value->kind) {
        case VALUE_INT:
            code = sqlite3_bind_int64(statement, i + 1, value->as.integer);
            break;
        case VALUE_REAL: /* SQLite stores a NaN as NULL */
            code = sqlite3_bind_double(statement, i + 1, value->as.real);
            break;
        case VALUE_TEXT:
            code = sqlite3_bind_text(statement, i + 1, value->as.text, -1, SQLITE_TRANSIENT);
            break;
        }
    }
    return code;
}

sqlite3_stmt *store_statement(struct store *store, const char *sql, const struct value *values,
                              int n_values, struct error *error) {
    unsigned n = store->n_kept < STATEMENTS_KEPT ? store->n_kept : STATEMENTS_KEPT, i = 0;
    while (i < n && strcmp(sqlite3_sql(store->kept[i]), sql) != 0) i++;
    if (i == n) {
        sqlite3_stmt *statement, **place = &store->kept[store->n_kept % STATEMENTS_KEPT];
        if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
            SQLITE_OK) {
            store_failed(store, error);
            return NULL;
        }
        if (store->n_kept++ >= STATEMENTS_KEPT) sqlite3_finalize(*place);
        *place = statement;
        i = (unsigned)(place - store->kept);
    }
    sqlite3_reset(store->kept[i]);
    if (bind(store->kept[i], values, n_values) == SQLITE_OK) return store->kept[i];
    store_failed(store, error);
    return NULL;
}

void store_forget_statements(struct store *store) {
    for (unsigned i = 0; i < store->n_kept && i < STATEMENTS_KEPT; i++)
        sqlite3_finalize(store->kept[i]);
    store->n_kept = 0;
}

bool store_step(struct store *store, sqlite3_stmt *statement, bool *row, struct error *error) {
    int code = sqlite3_step(statement);
    *row = code == SQLITE_ROW;
    return *row || code == SQLITE_DONE || store_failed(store, error);
}

double store_real(sqlite3_stmt *statement, int column) {
    return sqlite3_column_type(statement, column) == SQLITE_NULL
               ? (double)NAN
               : sqlite3_column_double(statement, column);
}

bool store_run(struct store *store, const char *sql, const struct value *values, int n_values,
               struct error *error) {
    sqlite3_stmt *statement = store_statement(store, sql, values, n_values, error);
    if (!statement) return false;
    bool ok = sqlite3_step(statement) == SQLITE_DONE || store_failed(store, error);
    sqlite3_reset(statement);
    return ok;
}

bool store_insert(struct store *store, const char *table, const struct column *columns,
                  int n_columns, struct error *error) {
    enum { COLUMNS_MAX = 32 };
    struct value values[COLUMNS_MAX];
    char sql[1280], marks[3 * COLUMNS_MAX + 1] = "";
    size_t size = (size_t)snprintf(sql, sizeof sql, "INSERT INTO %s (", table);
    assert(n_columns <= COLUMNS_MAX);
    for (int i = 0; i < n_columns; i++) {
        values[i] = columns[i].value;
        size +=
            (size_t)snprintf(sql + size, sizeof sql - size, "%s%s", i ? ", " : "", columns[i].name);
        assert(size < sizeof sql - sizeof marks);
        memcpy(marks + 3 * (size_t)i, ", ?", sizeof ", ?");
    }
    snprintf(sql + size, sizeof sql - size, ") VALUES (%s)", marks + 2);
    return store_run(store, sql, values, n_columns, error);
}

int64_t store_number(struct store *store, const char *sql, const struct value *values, int n_values,
                     struct error *error) {
    sqlite3_stmt *statement = store_statement(store, sql, values, n_values, error);
    if (!statement) return -1;
    int64_t number = -1;
    if (sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    else
        store_failed(store, error);
    sqlite3_reset(statement);
    return number;
}

/* A question from outside is asked once: it is not kept. */
bool store_query(struct store *store, const char *sql, const struct value *values, int n_values,
                 bool (*row)(void *context, int n, const char *const *names,
                             const char *const *texts),
                 void *context, struct error *error) {
    enum { COLUMNS_MAX = 64 };
    const char *names[COLUMNS_MAX], *texts[COLUMNS_MAX];
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) == SQLITE_OK &&
              bind(statement, values, n_values) == SQLITE_OK;
    if (!ok) store_failed(store, error);
    bool more = ok;
    int n = sqlite3_column_count(statement);
    if (ok && (!sqlite3_stmt_readonly(statement) || n > COLUMNS_MAX))
        ok = more = error_set(error, "not a SELECT of at most %d columns: %s", COLUMNS_MAX, sql);
    while (more) {
        int code = sqlite3_step(statement);
        if (code != SQLITE_ROW) {
            ok = code == SQLITE_DONE || store_failed(store, error);
            break;
        }
        for (int i = 0; i < n; i++) {
            names[i] = sqlite3_column_name(statement, i);
            texts[i] = (const char *)sqlite3_column_text(statement, i);
        }
        more = row(context, n, names, texts);
    }
    sqlite3_finalize(statement);
    return ok;
}
