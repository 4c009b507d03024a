/*
 * Reading through SQLite's own guards: a read-only file, no writing to its schema (defensive), and
 * no function with side effects in anything that the file defines (untrusted schema).
 */
#include "harness/plot/reader.h"
#include "models/base/tree.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const char results_views_sql[]; /* made a C file by the Makefile */

enum { SCHEMA_VERSION = 2, APPLICATION_ID = 0x48454144, BUSY_MILLISECONDS = 10000 };

struct reader {
    sqlite3 *db;
    char *path;
};

static bool failed(struct reader *reader, struct error *error) {
    return error_set(error, "results database '%s': %s", reader->path, sqlite3_errmsg(reader->db));
}

/* views.sql with every view a temporary one. */
static bool make_views(struct reader *reader, struct error *error) {
    static const char create[] = "CREATE VIEW ";
    struct text sql = {0};
    const char *rest = results_views_sql;
    for (const char *at; (at = strstr(rest, create)); rest = at + sizeof create - 1)
        text_append(&sql, "%.*sCREATE TEMP VIEW ", (int)(at - rest), rest);
    text_append(&sql, "%s", rest);
    bool ok = sql.failed ? error_set(error, "out of memory")
                         : sqlite3_exec(reader->db, sql.data, NULL, NULL, NULL) == SQLITE_OK ||
                               failed(reader, error);
    text_free(&sql);
    return ok;
}

static int number(sqlite3 *db, const char *sql) {
    sqlite3_stmt *statement = NULL;
    int found = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        found = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return found;
}

bool reader_open(const char *path, struct reader **out, struct error *error) {
    *out = NULL;
    if (access(path, R_OK) != 0)
        return error_set(error, "%s: %s; run `headroom sweep` first, or name a database with --db",
                         path, strerror(errno));
    struct reader *reader = calloc(1, sizeof *reader);
    if (!reader || !(reader->path = strdup(path))) {
        error_set(error, "out of memory opening '%s'", path);
        goto fail;
    }
    if (sqlite3_open_v2(path, &reader->db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
        failed(reader, error);
        goto fail;
    }
    sqlite3_busy_timeout(reader->db, BUSY_MILLISECONDS);
    sqlite3_db_config(reader->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(reader->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    int version = number(reader->db, "PRAGMA user_version");
    if (version < 0 || number(reader->db, "PRAGMA application_id") != APPLICATION_ID) {
        error_set(error, "'%s' is not a results database; name another file with --db", path);
        goto fail;
    }
    if (version != SCHEMA_VERSION) {
        error_set(error,
                  "'%s' has schema version %d, this program knows version %d; use the "
                  "Headroom that wrote it, or name another file with --db",
                  path, version, SCHEMA_VERSION);
        goto fail;
    }
    if (!make_views(reader, error)) goto fail;
    *out = reader;
    return true;
fail:
    reader_close(reader);
    return false;
}

void reader_close(struct reader *reader) {
    if (!reader) return;
    sqlite3_close(reader->db);
    free(reader->path);
    free(reader);
}

bool reader_query(struct reader *reader, const char *sql,
                  bool (*row)(void *context, int n, const char *const *names,
                              const char *const *texts),
                  void *context, struct error *error) {
    enum { COLUMNS_MAX = 64 };
    const char *names[COLUMNS_MAX], *texts[COLUMNS_MAX];
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(reader->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return failed(reader, error);
    bool ok = true, more = true;
    int n = sqlite3_column_count(statement);
    if (n < 1 || n > COLUMNS_MAX || !sqlite3_stmt_readonly(statement))
        ok = more = error_set(error, "not a SELECT of at most %d columns", COLUMNS_MAX);
    while (more) {
        int code = sqlite3_step(statement);
        if (code != SQLITE_ROW) {
            ok = code == SQLITE_DONE || failed(reader, error);
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
