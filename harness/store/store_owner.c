/*
 * Whose a running trial is. Its lock says whether its process lives (trial_lock.h); the host, process
 * id and time of the row are for people. A row whose process held no lock, because its disk has none
 * or an older Headroom wrote it, has no boot_id: then only its own host can say whether it lives.
 */
#include "harness/store/store_private.h"
#include "harness/measure/process.h"
#include "models/base/path.h"
#include "models/base/system_file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Host, boot and namespace as the kernel names them; a value in any case, so that NULL means "no lock". */
static void read_place(struct store *store) {
    gethostname(store->host, sizeof store->host - 1);
    if (!system_line("", "/proc/sys/kernel/random/boot_id", store->boot_id, sizeof store->boot_id))
        strcpy(store->boot_id, "unknown");
    ssize_t length =
        readlink("/proc/self/ns/pid", store->pid_namespace, sizeof store->pid_namespace - 1);
    if (length < 0) strcpy(store->pid_namespace, "unknown");
}

static enum lock_state look(const struct store *store, const char *key) {
    return store->locks && key ? trial_locks_look(store->locks, key) : LOCK_UNKNOWN;
}

/* SQL function process_start(pid): what tells a process from a later one with the same id, or
 * NULL. */
static void sql_process_start(sqlite3_context *context, int n, sqlite3_value **values) {
    (void)n;
    struct process process;
    if (process_read((pid_t)sqlite3_value_int64(values[0]), &process))
        sqlite3_result_int64(context, process.start_ticks);
}

/* SQL function is_locked(key): another process holds it now, whatever the row says. */
static void sql_is_locked(sqlite3_context *context, int n, sqlite3_value **values) {
    (void)n;
    const struct store *store = sqlite3_user_data(context);
    sqlite3_result_int(context,
                       look(store, (const char *)sqlite3_value_text(values[0])) == LOCK_TAKEN);
}

/* SQL function owner(key, boot_id, host, pid_namespace, pid, pid_start_ticks) of a running trial:
 * 'own' (this process), 'alive', 'gone', or 'elsewhere', where it cannot be asked. */
static void sql_owner(sqlite3_context *context, int n, sqlite3_value **values) {
    (void)n;
    const struct store *store = sqlite3_user_data(context);
    const char *text[4];
    for (int i = 0; i < 4; i++) text[i] = (const char *)sqlite3_value_text(values[i]);
    const char *boot = text[1], *host = text[2], *namespace = text[3], *owner = "gone";
    pid_t pid = (pid_t)sqlite3_value_int64(values[4]);
    bool known = sqlite3_value_type(values[5]) != SQLITE_NULL;
    bool gone = process_is_gone(pid, known ? sqlite3_value_int64(values[5]) : -1);
    enum lock_state lock = boot ? look(store, text[0]) : LOCK_UNKNOWN;
    bool here = host && strcmp(host, store->host) == 0 &&
                (!namespace || strcmp(namespace, store->pid_namespace) == 0);
    /* A process that is there has its trial, also if somebody removed its lock file. */
    if (here && !gone && (known || lock == LOCK_UNKNOWN))
        owner = pid == getpid() && lock != LOCK_TAKEN ? "own" : "alive";
    else if (lock == LOCK_TAKEN)
        owner = "alive";
    else if (lock == LOCK_UNKNOWN && !here)
        owner = "elsewhere";
    sqlite3_result_text(context, owner, -1, SQLITE_TRANSIENT);
}

bool store_owner_open(struct store *store, struct error *error) {
    const int own_use = SQLITE_UTF8 | SQLITE_DIRECTONLY;
    char folder[4096];
    const char *file = sqlite3_db_filename(store->db, "main");
    read_place(store);
    if (file && *file && path_beside(file, "locks", folder, sizeof folder) &&
        !(store->locks = trial_locks_new(folder)))
        return error_set(error, "out of memory opening '%s'", store->path);
    sqlite3_create_function(store->db, "process_start", 1, own_use, NULL, sql_process_start, NULL,
                            NULL);
    sqlite3_create_function(store->db, "is_locked", 1, own_use, store, sql_is_locked, NULL, NULL);
    sqlite3_create_function(store->db, "owner", 6, own_use, store, sql_owner, NULL, NULL);
    return true;
}

bool store_owner_take(struct store *store, const char *key, bool *taken, bool *locked, bool *is_new,
                      struct error *error) {
    enum lock_state state = LOCK_UNKNOWN;
    *is_new = false;
    if (store->locks && !trial_locks_take(store->locks, key, &state, is_new, error)) return false;
    *locked = state == LOCK_OURS;
    *taken = state != LOCK_TAKEN;
    return true;
}

void store_owner_drop(struct store *store, const char *key) {
    if (store->locks) trial_locks_drop(store->locks, key);
}

bool store_owner_check(struct store *store, struct error *error) {
    static const char key[] = "check";
    bool taken, locked, is_new;
    if (!store->locks) return true;
    if (!store_owner_take(store, key, &taken, &locked, &is_new, error)) return false;
    store_owner_drop(store, key);
    size_t used = strlen(store->notice);
    if (taken && !locked)
        snprintf(store->notice + used, sizeof store->notice - used,
                 "%s%s: its disk has no locks (%s): trials that another machine runs are known by "
                 "their rows alone",
                 used ? "\n" : "", store->path, trial_locks_missing(store->locks));
    return true;
}

bool store_describe_owner(struct store *store, int64_t id, char *out, size_t size,
                          struct error *error) {
    sqlite3_stmt *row = store_statement(
        store,
        "SELECT printf('pid %d on host %s since %s %s UTC%s', pid, host, substr(started_at, 1, 10), "
        "substr(started_at, 12, 5), CASE " OWNER
        " WHEN 'elsewhere' THEN '; if that machine is gone: "
        "headroom sweep --take-over' ELSE '' END) "
        "FROM trial WHERE id = ?1 AND status = 'running'",
        VALUES(INT(id)), error);
    if (!row) return false;
    bool found, ok = store_step(store, row, &found, error);
    snprintf(out, size, "%s",
             found ? (const char *)sqlite3_column_text(row, 0) : "another process");
    sqlite3_reset(row);
    return ok;
}

bool store_may_run(const struct store *store, const char *key_prefix) {
    return !store->locks || trial_locks_any(store->locks, key_prefix);
}
