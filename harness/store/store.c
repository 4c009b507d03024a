/*
 * The connection to the results database: opening, transactions, and what to tell a user when
 * SQLite refuses. The journal is SQLite's default rollback journal: one file that can be copied,
 * published read-only and put on a network disk, which a write-ahead log cannot; the few writers
 * here commit rarely and wait for each other.
 */
#include "harness/measure/space.h"
#include "harness/store/store_private.h"
#include "models/base/clock.h"
#include "models/base/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    OLDEST_SQLITE = 3037000, /* STRICT tables; printf instead of format() */
    FREE_MEBIBYTES = 16      /* less is no room for one trial's rows and its journal */
};

/* A reader cannot undo what a killed writer began. */
static bool needs_a_writer(const struct store *store) {
    int code = sqlite3_extended_errcode(store->db);
    return store->reader && (code == SQLITE_READONLY_ROLLBACK || code == SQLITE_READONLY_RECOVERY);
}

static bool damaged(const struct store *store, const char *text, struct error *error) {
    return error_set(error,
                     "'%s' is damaged (%s): move it away, and a sweep makes a new one; what can be "
                     "read of it: sqlite3 '%s' .dump",
                     store->path, text, store->path);
}

bool store_failed(struct store *store, struct error *error) {
    const char *text = sqlite3_errmsg(store->db);
    int code = sqlite3_errcode(store->db);
    if (needs_a_writer(store))
        return error_set(error,
                         "'%s' was left by a program that was killed while it wrote: whoever may "
                         "write the file and its folder must open it once (headroom list trials "
                         "--db '%s')",
                         store->path, store->path);
    if (store->reader && (code == SQLITE_READONLY || code == SQLITE_CANTOPEN ||
                          code == SQLITE_PERM || code == SQLITE_IOERR))
        return error_set(error, "cannot read the results database '%s': %s", store->path, text);
    switch (code) {
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
                         "the results database '%s' is locked by another process; see who uses it "
                         "(fuser '%s') and try again",
                         store->path, store->path);
    case SQLITE_CORRUPT:
        return damaged(store, text, error);
    case SQLITE_NOTADB:
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
    bool ok = store->depth > 0 || store_exec(store, "BEGIN IMMEDIATE", error);
    store->depth += ok;
    return ok;
}

bool store_end(struct store *store, bool ok, struct error *error) {
    if (--store->depth > 0) return ok;
    if (ok && store_exec(store, "COMMIT", error)) return true;
    /* Some errors have rolled back already; a second ROLLBACK then only complains. */
    sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return false;
}

/* SQLite reports a full disk at the first write that does not fit: perhaps after hours of
 * training. */
static bool check_free_space(const char *path, struct error *error) {
    if (strcmp(path, ":memory:") == 0) return true;
    int64_t known = space_free(path);
    if (known < 0) return true; /* the writes will tell */
    unsigned long long free_bytes = (unsigned long long)known;
    if (free_bytes >= (unsigned long long)FREE_MEBIBYTES << 20) return true;
    return error_set(error,
                     "the disk of '%s' is nearly full (%llu KiB left, %d MiB needed): free some "
                     "space or name a file on another disk with --db",
                     path, free_bytes >> 10, FREE_MEBIBYTES);
}

/* The folder of the database, where it is missing; if that fails, opening the file says why. */
static void make_folder(const char *path) {
    char folder[4096];
    if (path_beside(path, "", folder, sizeof folder) && folder[0]) mkdir(folder, 0777);
}

bool store_check_sqlite(int number, const char *name, struct error *error) {
    return number >= OLDEST_SQLITE ||
           error_set(error,
                     "SQLite %s is too old: Headroom needs 3.37 or later, as Ubuntu 22.04 and "
                     "Debian 12 have it",
                     name);
}

/* A file may come from anywhere. For a writer this cannot be: until 3.41 SQLite takes its own
 * json_valid, which our CHECKs call, for unsafe. */
void store_distrust(struct store *store) {
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
}

/* Sorting and TEMP views need no disk. */
static bool connect(struct store *store, int flags, struct error *error) {
    struct stat info;
    if (!store_check_sqlite(sqlite3_libversion_number(), sqlite3_libversion(), error)) return false;
    /* A file that is attached can only be kept from being written by a URI; a path stays a path. */
    if (strncmp(store->path, "file:", 5) != 0) flags |= SQLITE_OPEN_URI;
    /* SQLite would wait for a pipe and take a device for an empty database. */
    if (stat(store->path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))
        return error_set(error, "%s: not a regular file, so no database", store->path);
    /* A store is asked by one thread, and nobody asks how much memory SQLite holds: its locks and
     * its counting would take a tenth of a long question. Refused, and as good, once SQLite has
     * begun. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    flags |= SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(store->path, &store->db, flags, NULL) != SQLITE_OK)
        return store_failed(store, error);
    store_wait_start(store);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (store->reader) store_distrust(store);
    return store_exec(store, "PRAGMA temp_store = MEMORY", error);
}

static struct store *new_store(const char *path, struct error *error) {
    struct store *store = calloc(1, sizeof *store);
    if (store && (store->path = strdup(path))) return store;
    error_set(error, "out of memory opening '%s'", path);
    free(store);
    return NULL;
}

/* Makes the connection one that writes: the functions of our statements, the shape of the file, our
 * views. */
static bool become_writer(struct store *store, struct error *error) {
    bool changed = false;
    if (!store_owner_open(store, error) || !store_begin(store, error)) return false;
    bool ok = store_schema_write(store, &changed, error);
    bool committed = store_end(store, ok && changed, error);
    return ok && committed == changed && store_exec(store, "PRAGMA foreign_keys = ON", error) &&
           store_views_shadow(store, error);
}

/* The same without views, where the file has its shape already. */
static bool become_trial(struct store *store, struct error *error) {
    bool current;
    if (!store_schema_is_current(store, &current, error)) return false;
    return current ? store_owner_open(store, error) &&
                         store_exec(store, "PRAGMA foreign_keys = ON", error)
                   : become_writer(store, error);
}

/* Hands the store over, or closes it. */
static bool hand_over(struct store *store, bool ok, struct store **out) {
    *out = ok ? store : NULL;
    if (!ok) store_close(store);
    return ok;
}

static bool open_patiently(const char *path, bool (*become)(struct store *, struct error *),
                           void (*tell)(void *context, const char *who), void *context,
                           struct store **out, struct error *error) {
    struct store *store = *out = new_store(path, error);
    if (!store) return false;
    store->wait = tell;
    store->wait_context = context;
    make_folder(store->path);
    /* Before the first write, which a full disk refuses in other words; and of a new file after it. */
    bool ok = connect(store, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error) &&
              check_free_space(path, error) && become(store, error) &&
              check_free_space(path, error);
    return hand_over(store, ok, out);
}

bool store_open_patiently(const char *path, void (*tell)(void *context, const char *who),
                          void *context, struct store **out, struct error *error) {
    return open_patiently(path, become_writer, tell, context, out, error);
}

bool store_open_trial(const char *path, void (*tell)(void *context, const char *who), void *context,
                      struct store **out, struct error *error) {
    return open_patiently(path, become_trial, tell, context, out, error);
}

bool store_open(const char *path, struct store **out, struct error *error) {
    return store_open_patiently(path, NULL, NULL, out, error);
}

static bool open_copy(const char *path, bool (*copy)(struct store *, struct error *),
                      struct store **out, struct error *error) {
    struct store *store = *out = new_store(path, error);
    if (!store) return false;
    bool ok = connect(store, SQLITE_OPEN_READONLY, error) && copy(store, error) &&
              become_writer(store, error);
    return hand_over(store, ok, out);
}

bool store_open_copy(const char *path, struct store **out, struct error *error) {
    return open_copy(path, store_copy_to_memory, out, error);
}

bool store_open_plan(const char *path, struct store **out, struct error *error) {
    return open_copy(path, store_copy_plan, out, error);
}

/* Lets SQLite undo what a killed writer began, where we may. */
static void roll_back(const char *path) {
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK)
        sqlite3_exec(db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    sqlite3_close(db);
}

bool store_connect_reader(const char *path, struct store **out, struct error *error) {
    struct store *store = *out = new_store(path, error);
    if (!store) return false;
    store->reader = true;
    return hand_over(store, connect(store, SQLITE_OPEN_READONLY, error), out);
}

bool store_open_reader(const char *path, struct store **out, struct error *error) {
    struct error problem = {0};
    bool ok = false;
    if (access(path, F_OK) != 0) {
        *out = NULL;
        return error_set(error, "%s: %s; run `headroom sweep` first, or name a database with --db",
                         path, strerror(errno));
    }
    for (int tries = 0; !ok && tries < 2; tries++) {
        struct store *store = *out = new_store(path, error);
        if (!store) return false;
        store->reader = true;
        ok = connect(store, SQLITE_OPEN_READONLY, &problem) && store_schema_read(store, &problem) &&
             store_views_shadow(store, &problem);
        bool undo = !ok && needs_a_writer(store);
        hand_over(store, ok, out);
        if (!undo) break;
        if (tries == 0) roll_back(path);
    }
    if (!ok)
        *error =
            problem; /* what the first of two tries met is no error where the second succeeds */
    return ok;
}

/* Stops a statement at a moment of the monotonic clock. */
static int is_late(void *end) {
    return clock_seconds() > *(const double *)end;
}

/* While it reads nobody can write, so it has less time than writers wait. */
bool store_check(struct store *store, struct error *error) {
    enum { CHECK_SECONDS = 4, STEPS_BETWEEN = 10000 };
    double end = clock_seconds() + CHECK_SECONDS;
    char found[256] = "";
    if (store->copy) return true; /* all of the file that it has was read, row by row */
    sqlite3_progress_handler(store->db, STEPS_BETWEEN, is_late, &end);
    sqlite3_stmt *check = store_statement(store, "PRAGMA quick_check(1)", NO_VALUES, error);
    int code = check ? sqlite3_step(check) : SQLITE_ERROR;
    bool ok = code == SQLITE_ROW || code == SQLITE_INTERRUPT;
    if (check && !ok) store_failed(store, error);
    if (code == SQLITE_ROW)
        snprintf(found, sizeof found, "%s", (const char *)sqlite3_column_text(check, 0));
    if (check) sqlite3_reset(check);
    sqlite3_progress_handler(store->db, 0, NULL, NULL);
    if (!*found || strcmp(found, "ok") == 0) return ok;
    const char *line = strchr(found, '\n'); /* behind the name of the database */
    return damaged(store, line ? line + 1 : found, error);
}

const char *store_notice(const struct store *store) {
    return store->notice;
}

void store_close(struct store *store) {
    if (!store) return;
    store_forget_statements(store);
    sqlite3_close(store->db);
    trial_locks_free(store->locks);
    free(store->path);
    free(store);
}
