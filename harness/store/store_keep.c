/*
 * Views that are read once. A report asks a dozen questions of views that are all built from the same
 * few, and SQLite works these out anew for each of them, several times in some: with 100,000 trials a
 * minute. What stands here is worked out once and kept in a TEMP table, with an index where the views
 * above it join, and the view of that name reads the table. So every number still comes from views.sql.
 * Each view's rows are those of the moment when it was read: who writes lets go of them.
 */
#include "harness/store/store_private.h"

#include <stdio.h>
#include <string.h>

bool store_keeps(struct store *store, const char *view, bool *kept, struct error *error) {
    int64_t n = store_number(store,
                             "SELECT count(*) FROM sqlite_temp_schema WHERE type = 'view' "
                             "AND name = ?1 AND instr(sql, 'FROM kept_') > 0",
                             VALUES(TEXT(view)), error);
    *kept = n > 0;
    return n >= 0;
}

/* Nothing is nothing to do. Frees the text. */
static bool run(struct store *store, struct text *sql, struct error *error) {
    bool ok = sql->failed ? error_set(error, "out of memory")
                          : !sql->data || store_exec(store, sql->data, error);
    text_free(sql);
    return ok;
}

/* From now on a view reads the kept table of a name. */
static void read_kept(struct text *sql, const char *view, const char *table) {
    text_append(sql, "DROP VIEW temp.%s; CREATE TEMP VIEW %s AS SELECT * FROM kept_%s; ", view,
                view, table);
}

static bool keep(struct store *store, const struct kept_view *view, struct error *error) {
    struct text sql = {0};
    bool kept;
    if (!store_keeps(store, view->name, &kept, error) || kept) return kept;
    text_append(&sql, "CREATE TEMP TABLE kept_%s AS SELECT * FROM %s", view->name, view->name);
    if (view->where) text_append(&sql, " WHERE %s", view->where);
    text_append(&sql, "; ");
    read_kept(&sql, view->name, view->name);
    if (view->index)
        text_append(&sql, "CREATE INDEX temp.index_of_%s ON kept_%s (%s); ", view->name, view->name,
                    view->index);
    /* Without numbers SQLite 3.46 takes any index to be worth as much as the best; rough ones do. */
    text_append(&sql, "PRAGMA analysis_limit = 1000; ANALYZE temp.kept_%s;", view->name);
    return run(store, &sql, error);
}

bool store_keep_as(struct store *store, const char *view, const char *kept, struct error *error) {
    struct text sql = {0};
    read_kept(&sql, view, kept);
    return run(store, &sql, error);
}

bool store_keep(struct store *store, const struct kept_view *views, struct error *error) {
    for (; views->name; views++)
        if (!keep(store, views, error)) return false;
    return true;
}

bool store_release(struct store *store, struct error *error) {
    struct text sql = {0};
    struct built_in_view view;
    bool ok = true, kept;
    char name[64];
    for (const char *at = NULL; ok && store_next_view(&at, &view);) {
        snprintf(name, sizeof name, "%.*s", view.name_length, view.name);
        ok = store_keeps(store, name, &kept, error);
        if (ok && kept)
            text_append(
                &sql,
                "DROP VIEW temp.%s; DROP TABLE IF EXISTS temp.kept_%s; CREATE TEMP VIEW %s%.*s;",
                name, name, name, view.rest_length, view.rest);
    }
    if (ok) return run(store, &sql, error);
    text_free(&sql);
    return false;
}
