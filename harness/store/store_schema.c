/*
 * The shape of a results database. Tables hold data, so their shape has a number (user_version) and
 * changes by steps: results/migrations/N.sql leads from version N - 1 to N, in the transaction that
 * opens the file. Views hold none, so nobody migrates them: whoever writes puts the built-in ones in
 * place of those that differ, for plain sqlite3, and never touches a view of the user's.
 * Whoever reads does not trust what is stored: every connection of ours has the built-in views as
 * TEMP views, which need no right to write and hide stored ones of their names, from each other too.
 */
#include "harness/store/store_private.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Made C files by the Makefile. */
extern const char results_tables_sql[], results_views_sql[], results_migrations_4_sql[],
    results_migrations_5_sql[], results_migrations_6_sql[], results_migrations_7_sql[],
    results_migrations_8_sql[], results_migrations_9_sql[], results_migrations_10_sql[];

enum { APPLICATION_ID = 0x48454144 }; /* "HEAD", as in tables.sql */

/* ---- views ---- */

bool store_next_view(const char **at, struct built_in_view *view) {
    static const char start[] = "\nCREATE VIEW ";
    const char *begin = strstr(*at ? *at : results_views_sql, start);
    if (!begin) return false;
    view->comment = begin;
    for (const char *line = begin; line > results_views_sql;) {
        while (line > results_views_sql && line[-1] != '\n') line--;
        if (strncmp(line, "-- ", 3) != 0) break;
        view->comment = line--;
    }
    view->comment_length = (int)(begin - view->comment);
    view->name = begin + sizeof start - 1;
    view->name_length = (int)strcspn(view->name, " (\n");
    view->rest = view->name + view->name_length;
    *at = strstr(view->rest, ";\n");
    view->rest_length = (int)(*at - view->rest);
    return true;
}

bool store_views_shadow(struct store *store, struct error *error) {
    struct text sql = {0};
    struct built_in_view view;
    for (const char *at = NULL; store_next_view(&at, &view);)
        text_append(&sql, "CREATE TEMP VIEW %.*s%.*s;\n", view.name_length, view.name,
                    view.rest_length, view.rest);
    bool ok = sql.failed ? error_set(error, "out of memory") : store_exec(store, sql.data, error);
    text_free(&sql);
    return ok;
}

/* A stored view of ours has its own name once more in a comment behind its name. So a copy of it under
 * another name is not ours, and neither is what only speaks of Headroom. */
#define MARKED(name) "'CREATE VIEW ' || " name " || ' /* headroom: ' || " name " || ' */'"

/* What stands in the file under the name of a built-in view. */
enum stored { STORED_NONE, STORED_CURRENT, STORED_OLD, STORED_FOREIGN, STORED_UNKNOWN };

/* Made by hand from views.sql it has no mark, but the very text (`plain`). */
static enum stored find_stored(struct store *store, const char *name, const char *plain,
                               const char *marked, struct error *error) {
    sqlite3_stmt *found =
        store_statement(store,
                        "SELECT CASE WHEN sql = ?3 THEN ?4 WHEN sql = ?2 OR instr(sql, " MARKED(
                            "?1") ") = 1 THEN ?5 ELSE ?6 END "
                                  "FROM main.sqlite_schema WHERE name = ?1 COLLATE NOCASE",
                        VALUES(TEXT(name), TEXT(plain), TEXT(marked), INT(STORED_CURRENT),
                               INT(STORED_OLD), INT(STORED_FOREIGN)),
                        error);
    if (!found) return STORED_UNKNOWN;
    bool row, ok = store_step(store, found, &row, error);
    enum stored stored = row ? (enum stored)sqlite3_column_int(found, 0) : STORED_NONE;
    sqlite3_reset(found);
    return ok ? stored : STORED_UNKNOWN;
}

static bool drop_view(struct store *store, const char *name, struct error *error) {
    char *sql = sqlite3_mprintf("DROP VIEW main.\"%w\"", name);
    bool ok = sql ? store_exec(store, sql, error) : error_set(error, "out of memory");
    sqlite3_free(sql);
    return ok;
}

/* A name that is taken by something of the user's stays theirs. SQLite keeps a view's text from its
 * name on, so what is stored is known to the letter. */
static bool write_view(struct store *store, const struct built_in_view *view, bool *changed,
                       struct error *error) {
    struct text plain = {0}, marked = {0};
    char name[64];
    snprintf(name, sizeof name, "%.*s", view->name_length, view->name);
    text_append(&plain, "CREATE VIEW %s%.*s", name, view->rest_length, view->rest);
    text_append(&marked, "CREATE VIEW %s /* headroom: %s */%.*s", name, name, view->rest_length,
                view->rest);
    enum stored stored = STORED_UNKNOWN;
    if (plain.failed || marked.failed)
        error_set(error, "out of memory");
    else
        stored = find_stored(store, name, plain.data, marked.data, error);
    bool ok = stored != STORED_UNKNOWN;
    if (stored == STORED_FOREIGN)
        snprintf(store->notice, sizeof store->notice,
                 "%s: its '%s' is not Headroom's and stays; rename it for plain sqlite3 to find "
                 "Headroom's own view of that name",
                 store->path, name);
    if (stored == STORED_OLD) ok = drop_view(store, name, error);
    if (ok && (stored == STORED_OLD || stored == STORED_NONE)) {
        ok = store_exec(store, marked.data, error);
        *changed = true;
    }
    text_free(&plain);
    text_free(&marked);
    return ok;
}

/* Views of ours whose names are no longer built in: `names` is those that are, a JSON list. */
static bool drop_old_views(struct store *store, const char *names, bool *changed,
                           struct error *error) {
    for (;;) {
        sqlite3_stmt *found =
            store_statement(store,
                            "SELECT name FROM main.sqlite_schema WHERE type = 'view' "
                            "AND instr(sql, " MARKED(
                                "name") ") = 1 "
                                        "AND name NOT IN (SELECT value FROM json_each(?1)) LIMIT 1",
                            VALUES(TEXT(names)), error);
        if (!found) return false;
        bool row, ok = store_step(store, found, &row, error);
        char *name = row ? sqlite3_mprintf("%s", sqlite3_column_text(found, 0)) : NULL;
        sqlite3_reset(found);
        if (!name) return ok;
        ok = drop_view(store, name, error);
        sqlite3_free(name);
        if (!ok) return false;
        *changed = true;
    }
}

static bool write_views(struct store *store, bool *changed, struct error *error) {
    struct text names = {0};
    struct built_in_view view;
    bool ok = true;
    for (const char *at = NULL; ok && store_next_view(&at, &view);) {
        text_append(&names, "%s\"%.*s\"", names.size ? "," : "[", view.name_length, view.name);
        ok = write_view(store, &view, changed, error);
    }
    text_append(&names, "]");
    if (ok && names.failed) ok = error_set(error, "out of memory");
    ok = ok && drop_old_views(store, names.data, changed, error);
    text_free(&names);
    return ok;
}

/* ---- tables ---- */

void store_normalise_ddl(const char *sql, struct text *out) {
    char last = '(', quote = '\0';
    bool blank = false;
    for (; *sql; sql++) {
        if (!quote && sql[0] == '-' && sql[1] == '-') {
            while (sql[1] && *sql != '\n') sql++;
            blank = true;
        } else if (!quote && isspace((unsigned char)*sql)) {
            blank = true;
        } else {
            if (blank && !strchr("(),", last) && !strchr("(),", *sql))
                text_append_bytes(out, " ", 1);
            if (quote && *sql == quote)
                quote = '\0';
            else if (!quote && (*sql == '\'' || *sql == '"'))
                quote = *sql;
            text_append_bytes(out, sql, 1);
            last = *sql;
            blank = false;
        }
    }
}

/* Does the file have this table or index, and is it ours? */
static bool check_object(struct store *store, const char *name, const char *wanted,
                         struct error *error) {
    struct text here = {0}, there = {0};
    sqlite3_stmt *found = store_statement(
        store, "SELECT sql FROM main.sqlite_schema WHERE name = ?1", VALUES(TEXT(name)), error);
    if (!found) return false;
    bool row, read = store_step(store, found, &row, error);
    const char *sql = row ? (const char *)sqlite3_column_text(found, 0) : NULL;
    store_normalise_ddl(wanted, &here);
    store_normalise_ddl(sql ? sql : "", &there);
    sqlite3_reset(found);
    bool ok = here.data && there.data && strcmp(here.data, there.data) == 0;
    text_free(&here);
    text_free(&there);
    if (!read || ok) return read;
    return error_set(error,
                     "'%s' says that it has version %d of the schema, but its '%s' is %s: it was "
                     "changed by hand, or written between two versions of Headroom; name another "
                     "file with --db",
                     store->path, SCHEMA_VERSION, name, sql ? "another one" : "missing");
}

/* Unique indices over a table, beside those of its own constraints. */
#define UNIQUE_INDICES(table)                                                                      \
    "(SELECT count(*) FROM pragma_index_list(" table ") i WHERE i.\"unique\" AND i.origin = 'c')"

/* One that somebody made over a table of ours may have a row take another's place. */
static bool refuse_unique(struct store *store, const char *name, int64_t n_own,
                          struct error *error) {
    int64_t n = store_number(store, "SELECT " UNIQUE_INDICES("?1"), VALUES(TEXT(name)), error);
    if (n < 0 || n == n_own) return n >= 0;
    return error_set(error,
                     "'%s' has a unique index over its '%s' that is not Headroom's and could have "
                     "results take each other's place: drop it, or name another file with --db",
                     store->path, name);
}

/* Whoever writes would set them off: a result could be another one by the time it is stored. */
static bool refuse_triggers(struct store *store, int64_t n_own, struct error *error) {
    int64_t n = store_number(
        store, "SELECT count(*) FROM main.sqlite_schema WHERE type = 'trigger'", NO_VALUES, error);
    if (n < 0 || n <= n_own) return n >= 0;
    return error_set(error,
                     "'%s' has triggers that are not Headroom's and could change what is stored: "
                     "drop them (SELECT name FROM sqlite_schema WHERE type = 'trigger'), or name "
                     "another file with --db",
                     store->path);
}

static const char objects_sql[] = "SELECT name, sql, type = 'trigger', " UNIQUE_INDICES(
    "o.name") " FROM sqlite_schema o WHERE sql IS NOT NULL ORDER BY rowid";

/* The number alone is not believed: what was written with tables that differ would fail only when
 * results are stored, after hours. What the file holds besides is its owner's, but for what changes
 * what is written. */
static bool check_tables(struct store *store, struct error *error) {
    sqlite3 *fresh = NULL;
    sqlite3_stmt *object = NULL;
    int64_t n_triggers = 0;
    bool ok = sqlite3_open(":memory:", &fresh) == SQLITE_OK &&
              sqlite3_exec(fresh, results_tables_sql, NULL, NULL, NULL) == SQLITE_OK &&
              sqlite3_prepare_v2(fresh, objects_sql, -1, &object, NULL) == SQLITE_OK;
    if (!ok) error_set(error, "the built-in tables cannot be made: %s", sqlite3_errmsg(fresh));
    while (ok && sqlite3_step(object) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(object, 0);
        ok = check_object(store, name, (const char *)sqlite3_column_text(object, 1), error) &&
             (store->reader || refuse_unique(store, name, sqlite3_column_int64(object, 3), error));
        n_triggers += sqlite3_column_int(object, 2);
    }
    sqlite3_finalize(object);
    sqlite3_close(fresh);
    return ok && (store->reader || refuse_triggers(store, n_triggers, error));
}

/* ---- versions ---- */

/* results/migrations/N.sql, from N = FIRST_VERSION + 1 on. */
enum { FIRST_VERSION = 3 };
static const char *const steps[] = {results_migrations_4_sql, results_migrations_5_sql,
                                    results_migrations_6_sql, results_migrations_7_sql,
                                    results_migrations_8_sql, results_migrations_9_sql,
                                    results_migrations_10_sql};
enum { STEPS = sizeof steps / sizeof *steps };
_Static_assert(FIRST_VERSION + STEPS == SCHEMA_VERSION, "a version without its step");

struct shape {
    int64_t version, application, objects; /* objects: tables and all else in the file */
};

static bool read_shape(struct store *store, struct shape *shape, struct error *error) {
    shape->version = store_number(store, "PRAGMA user_version", NO_VALUES, error);
    if (shape->version < 0) return false;
    shape->application = store_number(store, "PRAGMA application_id", NO_VALUES, error);
    if (shape->application < 0) return false;
    shape->objects =
        store_number(store, "SELECT count(*) FROM main.sqlite_schema", NO_VALUES, error);
    return shape->objects >= 0;
}

/* Older than any step: it can be read by the program that wrote it, which the file names. */
static bool refuse_old(struct store *store, int64_t version, struct error *error) {
    struct error ignored;
    char revision[64] = "";
    sqlite3_stmt *newest =
        store_statement(store,
                        "SELECT json_extract(json, '$.git_revision') FROM main.environment "
                        "ORDER BY id DESC LIMIT 1",
                        NO_VALUES, &ignored);
    if (newest && sqlite3_step(newest) == SQLITE_ROW && sqlite3_column_text(newest, 0)) {
        const char *text = (const char *)sqlite3_column_text(newest, 0);
        int digits = (int)strspn(text, "0123456789abcdef"); /* "5a2acd0-dirty" is no commit */
        if (digits >= 4 && digits <= 40)
            snprintf(revision, sizeof revision, " (git checkout %.*s)", digits, text);
    }
    if (newest) sqlite3_reset(newest);
    return error_set(
        error,
        "'%s' has schema version %lld, and this program reads %d and later: keep it for "
        "the Headroom that wrote it%s, and start a new one: headroom sweep --db NEW.db",
        store->path, (long long)version, FIRST_VERSION, revision);
}

static bool check_version(struct store *store, const struct shape *shape, struct error *error) {
    if (shape->application != APPLICATION_ID)
        return error_set(error,
                         "'%s' is a database of another program; name another file with --db",
                         store->path);
    if (shape->version > SCHEMA_VERSION)
        return error_set(error,
                         "'%s' has schema version %lld, and this program knows %d: use a newer "
                         "Headroom (git pull && make), or name another file with --db",
                         store->path, (long long)shape->version, SCHEMA_VERSION);
    return shape->version >= FIRST_VERSION || refuse_old(store, shape->version, error);
}

/* Without our views, of which every ALTER TABLE would read each again; whoever migrates makes them
 * anew. */
static bool migrate(struct store *store, int64_t version, struct error *error) {
    bool changed;
    if (version < SCHEMA_VERSION && !drop_old_views(store, "[]", &changed, error)) return false;
    for (int64_t i = version - FIRST_VERSION; i < STEPS; i++)
        if (!store_exec(store, steps[i], error)) return false;
    return true;
}

bool store_schema_write(struct store *store, bool *changed, struct error *error) {
    struct shape shape;
    if (!read_shape(store, &shape, error)) return false;
    *changed = shape.objects == 0 && shape.version == 0 && shape.application == 0;
    if (*changed)
        return store_exec(store, results_tables_sql, error) && write_views(store, changed, error);
    if (!check_version(store, &shape, error)) return false;
    *changed = shape.version < SCHEMA_VERSION;
    /* Write in any case: a read-only file must show now, not after hours. */
    return migrate(store, shape.version, error) && check_tables(store, error) &&
           write_views(store, changed, error) &&
           store_exec(store, "PRAGMA application_id = 1212498244", error);
}

/* From now on the store is the copy. */
static void become_copy(struct store *store, sqlite3 *copy) {
    store_forget_statements(store);
    sqlite3_close(store->db);
    store->db = copy;
    store_wait_start(store);
}

bool store_copy_to_memory(struct store *store, struct error *error) {
    sqlite3 *copy = NULL;
    sqlite3_backup *backup = NULL;
    if (sqlite3_open(":memory:", &copy) == SQLITE_OK)
        backup = sqlite3_backup_init(copy, "main", store->db, "main");
    if (backup) sqlite3_backup_step(backup, -1);
    if (!backup || sqlite3_backup_finish(backup) != SQLITE_OK) {
        error_set(error, "'%s' cannot be read: %s", store->path, sqlite3_errmsg(copy));
        sqlite3_close(copy);
        return false;
    }
    become_copy(store, copy);
    return true;
}

bool store_copy_plan(struct store *store, struct error *error) {
    sqlite3 *copy = NULL;
    bool current;
    if (!store_schema_is_current(store, &current, error)) return false;
    if (!current) return store_copy_to_memory(store, error);
    if (sqlite3_open_v2(":memory:", &copy,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI,
                        NULL) != SQLITE_OK ||
        sqlite3_exec(copy, results_tables_sql, NULL, NULL, NULL) != SQLITE_OK) {
        error_set(error, "'%s' cannot be copied: %s", store->path, sqlite3_errmsg(copy));
        sqlite3_close(copy);
        return false;
    }
    become_copy(store, copy);
    /* All of one moment. What they were checked for when they were written is not asked again. */
    return store_attach_reader(store, store->path, error) &&
           store_exec(store,
                      "PRAGMA ignore_check_constraints = ON;"
                      "BEGIN;"
                      "INSERT INTO environment SELECT * FROM source.environment;"
                      "INSERT INTO workload SELECT * FROM source.workload;"
                      "INSERT INTO trial SELECT * FROM source.trial;"
                      "COMMIT;"
                      "PRAGMA ignore_check_constraints = OFF",
                      error) &&
           store_detach(store, error) && (store->copy = true);
}

bool store_schema_version(struct store *store, int64_t *version, struct error *error) {
    struct shape shape;
    if (!read_shape(store, &shape, error)) return false;
    if (shape.objects == 0)
        return error_set(error, "'%s' is empty: `headroom sweep --db '%s'` fills it", store->path,
                         store->path);
    *version = shape.version;
    return check_version(store, &shape, error);
}

bool store_schema_is_current(struct store *store, bool *current, struct error *error) {
    struct shape shape;
    if (!read_shape(store, &shape, error)) return false;
    *current = shape.application == APPLICATION_ID && shape.version == SCHEMA_VERSION;
    return !*current || check_tables(store, error);
}

bool store_schema_read(struct store *store, struct error *error) {
    int64_t version = 0;
    bool changed;
    if (!store_schema_version(store, &version, error)) return false;
    if (version < SCHEMA_VERSION) {
        if (!store_copy_to_memory(store, error) || !migrate(store, version, error) ||
            !write_views(store, &changed, error))
            return false;
        store_distrust(store);
    }
    return check_tables(store, error);
}
