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
    return store_run(store, "ATTACH ?1 AS source", VALUES(TEXT(name)), error) &&
           store_exec(
               store,
               "CREATE TEMP TABLE copied (position INTEGER PRIMARY KEY, there INTEGER NOT NULL, "
               "here INTEGER NOT NULL UNIQUE, distance INTEGER)",
               error);
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
    return store_exec(store, "DROP TABLE IF EXISTS temp.copied; DETACH source", error);
}

/* What becomes of a column: as it is, or what the caller puts in its place. */
static const char *expression(const struct replacement *replacements, const char *column,
                              char *as_it_is, size_t size) {
    for (const struct replacement *r = replacements; r->column; r++)
        if (strcmp(r->column, column) == 0) return r->expression;
    snprintf(as_it_is, size, "x.%s", column);
    return as_it_is;
}

bool store_copy_sql(struct store *store, const char *verb, const char *table,
                    const struct replacement *replacements, const char *from, struct text *sql,
                    struct error *error) {
    struct text columns = {0}, expressions = {0};
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
    text_append(sql, "%s main.%s (%s) SELECT %s FROM %s", verb, table, columns.data,
                expressions.data, from);
    if (ok && (columns.failed || expressions.failed || sql->failed))
        ok = error_set(error, "out of memory copying '%s'", table);
    text_free(&columns);
    text_free(&expressions);
    return ok;
}

bool store_copy_rows(struct store *store, const char *verb, const char *table,
                     const struct replacement *replacements, const char *from,
                     const struct value *values, int n_values, struct error *error) {
    struct text sql = {0};
    bool ok = store_copy_sql(store, verb, table, replacements, from, &sql, error) &&
              store_run(store, sql.data, values, n_values, error);
    text_free(&sql);
    return ok;
}

/* ---- all that trials found ---- */

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
    {"class_head_usage", "evaluation", false},
    {"profile", NULL, true},
    {"phase", "profile", false},
    {"profile_block", "profile", false},
    {"profile_sample", "profile", false},
    {"counter", "profile", false},
    {"energy", "profile", false},
};
enum { N_FOUND = sizeof found / sizeof *found };

/* How far the ids of each trial's rows are moved: the first gets the next free one, as if the trials
 * were copied one after the other. */
static bool find_distances(struct store *store, const char *table, struct error *error) {
    struct text sql = {0};
    text_append(&sql,
                "WITH span AS (SELECT position, max(1, min(x.id)) AS first, max(x.id) AS last "
                "FROM temp.copied CROSS JOIN source.%s x ON x.trial_id = there GROUP BY position), "
                "moved AS (SELECT position, (SELECT coalesce(max(id), 0) FROM main.%s) + 1 - first "
                "+ coalesce(sum(last - first + 1) OVER (ORDER BY position "
                "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS distance FROM span) "
                "UPDATE temp.copied SET distance = moved.distance FROM moved "
                "WHERE moved.position = copied.position",
                table, table);
    bool ok = sql.failed ? error_set(error, "out of memory copying '%s'", table)
                         : store_exec(store, sql.data, error);
    text_free(&sql);
    return ok;
}

static bool copy_own(struct store *store, const struct found *f, struct error *error) {
    static const struct replacement own[] = {
        {"trial_id", "c.here"}, {"id", "x.id + c.distance"}, {NULL, NULL}};
    char rows[96];
    snprintf(rows, sizeof rows, "temp.copied c CROSS JOIN source.%s x ON x.trial_id = c.there",
             f->table);
    return store_copy_rows(store, "INSERT INTO", f->table, own, rows, NO_VALUES, error);
}

/* CROSS JOIN: parents first, whose children lie together in the order of their keys. */
static bool copy_children(struct store *store, const struct found *f, struct error *error) {
    char key[32], moved[48], rows[192];
    snprintf(key, sizeof key, "%s_id", f->parent);
    snprintf(moved, sizeof moved, "x.%s + c.distance", key);
    snprintf(rows, sizeof rows,
             "temp.copied c CROSS JOIN source.%s p ON p.trial_id = c.there "
             "CROSS JOIN source.%s x ON x.%s = p.id",
             f->parent, f->table, key);
    const struct replacement children[] = {{key, moved}, {NULL, NULL}};
    return store_copy_rows(store, "INSERT INTO", f->table, children, rows, NO_VALUES, error);
}

/* What the predictions are about stands once for each data set: the first trial on it brings it. */
static bool copy_data(struct store *store, const char *table, const char *key,
                      struct error *error) {
    static const struct replacement none[] = {{NULL, NULL}};
    char rows[320];
    snprintf(rows, sizeof rows,
             "source.%s x WHERE x.%s IN (SELECT t.%s FROM temp.copied c "
             "JOIN source.trial t ON t.id = c.there) "
             "AND NOT EXISTS (SELECT 1 FROM main.%s h WHERE h.%s = x.%s)",
             table, key, key, table, key, key);
    return store_copy_rows(store, "INSERT INTO", table, none, rows, NO_VALUES, error);
}

bool store_copy_note(struct store *store, int64_t from, int64_t to, struct error *error) {
    return store_run(store, "INSERT INTO temp.copied (there, here) VALUES (?1, ?2)",
                     VALUES(INT(from), INT(to)), error);
}

bool store_copy_results(struct store *store, struct error *error) {
    bool ok = copy_data(store, "class", "data_sha256", error) &&
              copy_data(store, "input", "sources_sha256", error);
    for (const struct found *f = found; ok && f < found + N_FOUND; f++) {
        if (f->numbered) ok = find_distances(store, f->table, error);
        ok = ok && (f->parent ? copy_children : copy_own)(store, f, error);
    }
    return ok && store_exec(store, "DELETE FROM temp.copied", error);
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
