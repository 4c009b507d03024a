/*
 * The connection to the results database: opening, the schema version, transactions, and what to
 * tell a user when SQLite refuses. The journal is SQLite's default rollback journal: one
 * file that can be copied, published read-only and put on a network disk, which a write-ahead log
 * cannot; the few writers here commit rarely and wait for each other.
 */
#include "harness/store/store_private.h"
#include "models/base/path.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

extern const char results_tables_sql[], results_views_sql[]; /* made C files by the Makefile */

enum {
    SCHEMA_VERSION = 2,
    APPLICATION_ID = 0x48454144, /* "HEAD"; both as in tables.sql */
    BUSY_MILLISECONDS = 10000,
    FREE_MEBIBYTES = 16 /* less is no room for one trial's rows and its journal */
};

bool store_failed(struct store *store, struct error *error) {
    const char *text = sqlite3_errmsg(store->db);
    switch (sqlite3_errcode(store->db)) {
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return error_set(error,
                         "cannot write the results database '%s': %s; make the file and its folder "
                         "writable (create the folder if it is missing) or name another file with "
                         "--db",
                         store->path, text);
    case SQLITE_FULL:
    case SQLITE_IOERR:
        return error_set(error,
                         "cannot write the results database '%s': %s; the disk is probably full: "
                         "free some space or name a file on another disk with --db",
                         store->path, text);
    case SQLITE_BUSY:
        return error_set(error,
                         "the results database '%s' stayed locked by another process for %d s; see "
                         "who uses it (fuser '%s') and try again",
                         store->path, BUSY_MILLISECONDS / 1000, store->path);
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return error_set(error,
                         "'%s' is not a readable database: %s; move it away or name another file "
                         "with --db",
                         store->path, text);
    default:
        return error_set(error, "results database '%s': %s", store->path, text);
    }
}

bool store_begin(struct store *store, struct error *error) {
    /* IMMEDIATE takes the write lock at once: a reader that upgrades later could deadlock. */
    return store_exec(store, "BEGIN IMMEDIATE", error);
}

bool store_end(struct store *store, bool ok, struct error *error) {
    if (ok && store_exec(store, "COMMIT", error)) return true;
    /* Some errors have rolled back already; a second ROLLBACK then only complains. */
    sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return false;
}

/* Inside a transaction: makes an empty file a Headroom database, or checks that it is one and can
 * be written. */
static bool check_schema(struct store *store, bool *created, struct error *error) {
    int64_t version = store_number(store, "PRAGMA user_version", NO_VALUES, error);
    int64_t application = store_number(store, "PRAGMA application_id", NO_VALUES, error);
    int64_t objects = store_number(store, "SELECT count(*) FROM sqlite_schema", NO_VALUES, error);
    if (version < 0 || application < 0 || objects < 0) return false;
    *created = version == 0 && application == 0 && objects == 0;
    if (*created)
        return store_exec(store, results_tables_sql, error) &&
               store_exec(store, results_views_sql, error);
    if (application != APPLICATION_ID)
        return error_set(error,
                         "'%s' is a database of another program; name another file with --db",
                         store->path);
    if (version != SCHEMA_VERSION)
        return error_set(error,
                         "'%s' has schema version %lld, this program knows version %d; use the "
                         "Headroom that wrote it, or name another file with --db",
                         store->path, (long long)version, SCHEMA_VERSION);
    /* Nothing to change, but write all the same: a read-only file must show now, not after
     * hours. */
    return store_exec(store, "PRAGMA application_id = 1212498244", error);
}

/* SQLite reports a full disk at the first write that does not fit: perhaps after hours of
 * training. */
static bool check_free_space(const char *path, struct error *error) {
    if (strcmp(path, ":memory:") == 0) return true;
    struct statvfs disk;
    if (statvfs(path, &disk) != 0) return true; /* not to be known here: the writes will tell */
    unsigned long long free_bytes = (unsigned long long)disk.f_bavail * disk.f_frsize;
    if (free_bytes >= (unsigned long long)FREE_MEBIBYTES << 20) return true;
    return error_set(error,
                     "the disk of '%s' is nearly full (%llu KiB left, %d MiB needed): free some "
                     "space or name a file on another disk with --db",
                     path, free_bytes >> 10, FREE_MEBIBYTES);
}

/* State letter and start time (clock ticks since boot) of a process; false where /proc cannot
 * say. */
static bool process_stat(pid_t pid, char *state, long long *start_ticks) {
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "r");
    if (!file) return false;
    bool ok = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    /* The second field is the program's name in parentheses and may hold anything. */
    const char *rest = ok ? strrchr(line, ')') : NULL;
    return rest && sscanf(rest + 1,
                          " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                          "%*s %lld",
                          state, start_ticks) == 2;
}

/* SQL function process_start(pid): what tells a process from a later one with the same id, or
 * NULL. */
static void sql_process_start(sqlite3_context *context, int n, sqlite3_value **values) {
    (void)n;
    char state;
    long long ticks;
    if (process_stat((pid_t)sqlite3_value_int64(values[0]), &state, &ticks))
        sqlite3_result_int64(context, ticks);
}

/* SQL function process_is_gone(pid, start): no such process, a zombie, or another one by now. */
static void sql_process_is_gone(sqlite3_context *context, int n, sqlite3_value **values) {
    (void)n;
    pid_t pid = (pid_t)sqlite3_value_int64(values[0]);
    char state = '?';
    long long ticks = 0;
    bool gone = kill(pid, 0) != 0 && errno == ESRCH;
    if (!gone && process_stat(pid, &state, &ticks))
        gone = state == 'Z' || (sqlite3_value_type(values[1]) != SQLITE_NULL &&
                                ticks != sqlite3_value_int64(values[1]));
    sqlite3_result_int(context, gone);
}

/* The folder of the database, where it is missing; if that fails, opening the file says why. */
static void make_folder(const char *path) {
    char folder[4096];
    if (path_beside(path, "", folder, sizeof folder) && folder[0]) mkdir(folder, 0777);
}

bool store_open(const char *path, struct store **out, struct error *error) {
    *out = NULL;
    struct store *store = calloc(1, sizeof *store);
    if (!store || !(store->path = strdup(path))) {
        error_set(error, "out of memory opening '%s'", path);
        goto fail;
    }
    make_folder(store->path);
    gethostname(store->host, sizeof store->host - 1);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    if (sqlite3_open_v2(path, &store->db, flags, NULL) != SQLITE_OK) {
        store_failed(store, error);
        goto fail;
    }
    sqlite3_busy_timeout(store->db, BUSY_MILLISECONDS);
    sqlite3_create_function(store->db, "process_start", 1, SQLITE_UTF8, NULL, sql_process_start,
                            NULL, NULL);
    sqlite3_create_function(store->db, "process_is_gone", 2, SQLITE_UTF8, NULL, sql_process_is_gone,
                            NULL, NULL);
    bool created = false;
    if (!store_exec(store, "PRAGMA foreign_keys = ON", error) || !store_begin(store, error))
        goto fail;
    bool ok = check_schema(store, &created, error);
    bool committed = store_end(store, ok && created, error);
    if (!ok || committed != created || !check_free_space(path, error)) goto fail;
    *out = store;
    return true;
fail:
    store_close(store);
    return false;
}

void store_close(struct store *store) {
    if (!store) return;
    store_forget_statements(store);
    sqlite3_close(store->db);
    free(store->path);
    free(store);
}
