/*
 * Rows of another database, which is attached under the name `source`. Both files were checked to be
 * of this version when they were opened, so their tables have the same columns: these are asked for and
 * not written down again, and a column that is added to tables.sql is copied from then on. Numbers of
 * rows mean something in their own file alone. A row that other rows refer to gets the next free one
 * here, and all that refer to it are moved by the same distance.
 */
#include "harness/store/store_private.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool store_attach(struct store *store, const char *name, struct error *error) {
    return store_run(store, "ATTACH ?1 AS source", VALUES(TEXT(name)), error);
}

/* As SQLite reads names of files: what is not plain is %XX. */
static void write_uri(const char *path, struct text *out) {
    text_append(out, path[0] == '/' ? "file://" : "file:./");
    for (; *path; path++)
        if (isalnum((unsigned char)*path) || strchr("/._-", *path))
            text_append(out, "%c", *path);
        else
            text_append(out, "%%%02X", (unsigned)(unsigned char)*path);
    text_append(out, "?mode=ro");
}

bool store_attach_reader(struct store *store, const char *path, struct error *error) {
    struct text uri = {0};
    write_uri(path, &uri);
    bool ok = uri.failed ? error_set(error, "out of memory attaching '%s'", path)
                         : store_attach(store, uri.data, error);
    text_free(&uri);
    return ok;
}

bool store_detach(struct store *store, struct error *error) {
    store_forget_statements(store); /* they would keep the file attached */
    return store_exec(store, "DETACH source", error);
}

/* What becomes of a column: as it is, or what the caller puts in its place. */
static const char *expression(const struct replacement *replacements, const char *column,
                              char *as_it_is, size_t size) {
    for (const struct replacement *r = replacements; r->column; r++)
        if (strcmp(r->column, column) == 0) return r->expression;
    snprintf(as_it_is, size, "x.%s", column);
    return as_it_is;
}

bool store_copy_rows(struct store *store, const char *verb, const char *table,
                     const struct replacement *replacements, const char *from,
                     const struct value *values, int n_values, struct error *error) {
    struct text columns = {0}, expressions = {0}, sql = {0};
    sqlite3_stmt *column = store_statement(store, "SELECT name FROM pragma_table_info(?1, 'main')",
                                           VALUES(TEXT(table)), error);
    bool more = false, ok = column && store_step(store, column, &more, error);
    while (ok && more) {
        char as_it_is[128];
        const char *name = (const char *)sqlite3_column_text(column, 0);
        const char *value = expression(replacements, name, as_it_is, sizeof as_it_is);
        text_append(&columns, "%s%s", columns.size ? ", " : "", name);
        text_append(&expressions, "%s%s", expressions.size ? ", " : "", value);
        ok = store_step(store, column, &more, error);
    }
    if (column) sqlite3_reset(column);
    text_append(&sql, "%s main.%s (%s) SELECT %s FROM %s", verb, table, columns.data,
                expressions.data, from);
    if (ok && (columns.failed || expressions.failed || sql.failed))
        ok = error_set(error, "out of memory copying '%s'", table);
    ok = ok && store_run(store, sql.data, values, n_values, error);
    text_free(&columns);
    text_free(&expressions);
    text_free(&sql);
    return ok;
}

/* ---- all that one trial found ---- */

/* Tables that hang on a trial, those that hang on another's rows behind it. */
static const struct found {
    const char *table, *parent; /* parent NULL: the trial itself */
    bool numbered;              /* its rows have an id */
} found[] = {
    {"epoch", NULL, false},
    {"tuning", NULL, false},
    {"training_phase", NULL, false},
    {"memory", NULL, false},
    {"warning", NULL, true},
    {"evaluation", NULL, true},
    {"prediction", "evaluation", false},
    {"layer_budget", "evaluation", false},
    {"head_usage", "evaluation", false},
    {"profile", NULL, true},
    {"phase", "profile", false},
    {"profile_block", "profile", false},
    {"profile_sample", "profile", false},
    {"counter", "profile", false},
    {"energy", "profile", false},
};
enum { N_FOUND = sizeof found / sizeof *found };

/* How far the ids of a trial's rows are moved: its first gets the next free one. */
static bool find_distance(struct store *store, const char *table, int64_t from, int64_t *distance,
                          struct error *error) {
    char sql[160];
    snprintf(sql, sizeof sql, "SELECT coalesce(max(id), 0) FROM main.%s", table);
    int64_t last = store_number(store, sql, NO_VALUES, error);
    snprintf(sql, sizeof sql,
             "SELECT max(1, coalesce(min(id), 1)) FROM source.%s WHERE trial_id = ?1", table);
    int64_t first = store_number(store, sql, VALUES(INT(from)), error);
    *distance = last + 1 - first;
    return last >= 0 && first >= 0;
}

static bool copy_own(struct store *store, const struct found *f, int64_t from, int64_t to,
                     int64_t distance, struct error *error) {
    static const struct replacement own[] = {{"trial_id", "?2"}, {"id", "x.id + ?3"}, {NULL, NULL}};
    char rows[96];
    snprintf(rows, sizeof rows, "source.%s x WHERE x.trial_id = ?1", f->table);
    const struct value values[] = {INT(from), INT(to), INT(distance)};
    return store_copy_rows(store, "INSERT INTO", f->table, own, rows, values, f->numbered ? 3 : 2,
                           error);
}

/* CROSS JOIN: parents first, whose children lie together in the order of their keys. */
static bool copy_children(struct store *store, const struct found *f, int64_t from,
                          int64_t distance, struct error *error) {
    char key[32], moved[48], rows[192];
    snprintf(key, sizeof key, "%s_id", f->parent);
    snprintf(moved, sizeof moved, "x.%s + ?2", key);
    snprintf(rows, sizeof rows,
             "source.%s p CROSS JOIN source.%s x ON x.%s = p.id WHERE p.trial_id = ?1", f->parent,
             f->table, key);
    const struct replacement children[] = {{key, moved}, {NULL, NULL}};
    return store_copy_rows(store, "INSERT INTO", f->table, children, rows,
                           VALUES(INT(from), INT(distance)), error);
}

/* What the predictions are about stands once for each data set: the first trial on it brings it. */
static bool copy_data(struct store *store, const char *table, const char *key, int64_t from,
                      struct error *error) {
    static const struct replacement none[] = {{NULL, NULL}};
    char rows[256];
    snprintf(rows, sizeof rows,
             "source.%s x WHERE x.%s = (SELECT %s FROM source.trial WHERE id = ?1) "
             "AND NOT EXISTS (SELECT 1 FROM main.%s h WHERE h.%s = x.%s)",
             table, key, key, table, key, key);
    return store_copy_rows(store, "INSERT INTO", table, none, rows, VALUES(INT(from)), error);
}

bool store_copy_results(struct store *store, int64_t from, int64_t to, struct error *error) {
    bool ok = copy_data(store, "class", "data_sha256", from, error) &&
              copy_data(store, "input", "sources_sha256", from, error);
    int64_t distance = 0;
    for (const struct found *f = found; ok && f < found + N_FOUND; f++) {
        if (f->numbered) ok = find_distance(store, f->table, from, &distance, error);
        if (f->parent)
            ok = ok && copy_children(store, f, from, distance, error);
        else
            ok = ok && copy_own(store, f, from, to, distance, error);
    }
    return ok;
}

bool store_forget_results(struct store *store, int64_t id, struct error *error) {
    bool ok = true;
    for (const struct found *f = found + N_FOUND; ok && f-- > found;) {
        char sql[192];
        snprintf(sql, sizeof sql,
                 f->parent ? "DELETE FROM main.%s WHERE %s_id IN "
                             "(SELECT id FROM main.%s WHERE trial_id = ?1)"
                           : "DELETE FROM main.%s WHERE trial_id = ?1",
                 f->table, f->parent, f->parent);
        ok = store_run(store, sql, VALUES(INT(id)), error);
    }
    return ok;
}
