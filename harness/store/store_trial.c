/*
 * Trials as rows: processes claim those that a plan put there (store_plan.c), and each ends with a
 * status and a reason. Every change is one guarded UPDATE ("set running where not running"), so that
 * two processes can never both believe that a trial is theirs.
 */
#include "harness/store/store_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- reading trials ---- */

static bool copy_text(sqlite3_stmt *statement, int column, char **out) {
    const unsigned char *text = sqlite3_column_text(statement, column);
    *out = strdup(text ? (const char *)text : "");
    return *out != NULL;
}

#define TRIAL_COLUMNS                                                                              \
    "SELECT t.id, t.base_trial_id, t.workload_id, t.kind, t.status, t.seed, t.expected_flops, "    \
    "t.wall_seconds, t.key, w.name, t.arm, t.policy, t.config, t.reason, t.command, "              \
    "t.checkpoint, t.checkpoint_sha256, t.data_sha256 "                                            \
    "FROM trial t JOIN workload w ON w.id = t.workload_id "

static bool read_row(sqlite3_stmt *statement, struct trial_row *row, struct error *error) {
    *row = (struct trial_row){.id = sqlite3_column_int64(statement, 0),
                              .base_trial_id = sqlite3_column_int64(statement, 1),
                              .workload_id = sqlite3_column_int64(statement, 2),
                              .seed = sqlite3_column_int64(statement, 5),
                              .expected_flops = store_real(statement, 6),
                              .wall_seconds = store_real(statement, 7)};
    snprintf(row->kind, sizeof row->kind, "%s", sqlite3_column_text(statement, 3));
    snprintf(row->status, sizeof row->status, "%s", sqlite3_column_text(statement, 4));
    char **texts[] = {&row->key,        &row->workload,   &row->arm,
                      &row->policy,     &row->config,     &row->reason,
                      &row->command,    &row->checkpoint, &row->checkpoint_sha256,
                      &row->data_sha256};
    for (int i = 0; i < (int)(sizeof texts / sizeof *texts); i++)
        if (!copy_text(statement, 8 + i, texts[i])) {
            trial_row_free(row);
            return error_set(error, "out of memory reading a trial");
        }
    return true;
}

void trial_row_free(struct trial_row *row) {
    char *texts[] = {row->key,        row->workload,   row->arm,
                     row->policy,     row->config,     row->reason,
                     row->command,    row->checkpoint, row->checkpoint_sha256,
                     row->data_sha256};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) free(texts[i]);
    *row = (struct trial_row){0};
}

bool store_load_trial(struct store *store, int64_t id, struct trial_row *out, struct error *error) {
    *out = (struct trial_row){0};
    sqlite3_stmt *statement =
        store_statement(store, TRIAL_COLUMNS "WHERE t.id = ?1", VALUES(INT(id)), error);
    if (!statement) return false;
    bool ok = false;
    switch (sqlite3_step(statement)) {
    case SQLITE_ROW:
        ok = read_row(statement, out, error);
        break;
    case SQLITE_DONE:
        error_set(error,
                  "no trial %lld in '%s'; see which there are: headroom list trials --db '%s'",
                  (long long)id, store->path, store->path);
        break;
    default:
        store_failed(store, error);
    }
    sqlite3_reset(statement);
    return ok;
}

bool store_list_trials(struct store *store, const char *status, struct trial_list *out,
                       struct error *error) {
    *out = (struct trial_list){0};
    size_t capacity = 0;
    sqlite3_stmt *statement =
        store_statement(store,
                        TRIAL_COLUMNS "WHERE t.current = 1 AND t.status = coalesce(?1, t.status) "
                                      "ORDER BY t.id",
                        VALUES(TEXT(status)), error);
    if (!statement) return false;
    int code;
    bool ok = true;
    while (ok && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (out->n == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            struct trial_row *rows = realloc(out->rows, capacity * sizeof *rows);
            if (!rows) {
                ok = error_set(error, "out of memory listing trials");
                break;
            }
            out->rows = rows;
        }
        ok = read_row(statement, &out->rows[out->n], error);
        out->n += ok;
    }
    if (ok && code != SQLITE_DONE) ok = store_failed(store, error);
    sqlite3_reset(statement);
    if (!ok) trial_list_free(out);
    return ok;
}

void trial_list_free(struct trial_list *list) {
    for (size_t i = 0; i < list->n; i++) trial_row_free(&list->rows[i]);
    free(list->rows);
    *list = (struct trial_list){0};
}

/* ---- the life of a trial ---- */

bool store_environment(struct store *store, const char *hash, const char *host, const char *machine,
                       const char *json, int64_t *id, struct error *error) {
    /* Looked up first: nearly every trial finds its machine there, and a write costs four syncs. */
    static const char known[] = "SELECT coalesce(max(id), 0) FROM environment WHERE hash = ?1";
    *id = store_number(store, known, VALUES(TEXT(hash)), error);
    if (*id != 0) return *id > 0;
    if (!store_run(store,
                   "INSERT INTO environment (hash, host, machine, json, seen_at) "
                   "VALUES (?1, ?2, ?3, ?4, " NOW ") ON CONFLICT (hash) DO NOTHING",
                   VALUES(TEXT(hash), TEXT(host), TEXT(machine), TEXT(json)), error))
        return false;
    *id = store_number(store, known, VALUES(TEXT(hash)), error);
    return *id > 0;
}

/* After a guarded UPDATE that touched no row: says what the trial is instead; returns false. */
static bool wrong_status(struct store *store, int64_t id, const char *wanted, struct error *error) {
    struct trial_row row;
    char owner[512];
    if (!store_load_trial(store, id, &row, error)) return false;
    if (strcmp(row.status, "running") != 0)
        error_set(error, "trial %lld cannot %s: it is %s", (long long)id, wanted, row.status);
    else if (store_describe_owner(store, id, owner, sizeof owner, error))
        error_set(error, "trial %lld cannot %s: it is run by %s", (long long)id, wanted, owner);
    trial_row_free(&row);
    return false;
}

/* One guarded change of a trial, in a transaction; *changed says whether the guard let it pass. */
static bool change_trial(struct store *store, const char *sql, const struct value *values, int n,
                         int *changed, struct error *error) {
    if (!store_begin(store, error)) return false;
    bool ok = store_run(store, sql, values, n, error);
    *changed = ok ? sqlite3_changes(store->db) : 0;
    return store_end(store, ok, error);
}

static bool mark_running(struct store *store, int64_t id, pid_t pid, int64_t environment_id,
                         bool locked, struct error *error) {
    if (!store_begin(store, error)) return false;
    bool ok = store_run(
        store,
        "UPDATE trial SET status = 'running', reason = '', started_at = " NOW ", "
        "finished_at = NULL, wall_seconds = NULL, environment_id = ?2, host = ?3, pid = ?4, "
        "pid_start_ticks = process_start(?4), boot_id = ?5, pid_namespace = ?6 "
        "WHERE id = ?1 AND status <> 'ok' AND (status <> 'running' OR " OWNER " = 'gone')",
        VALUES(INT(id), environment_id ? INT(environment_id) : TEXT(NULL), TEXT(store->host),
               INT(pid), TEXT(locked ? store->boot_id : NULL), TEXT(store->pid_namespace)),
        error);
    if (ok && sqlite3_changes(store->db) == 0) ok = wrong_status(store, id, "start", error);
    ok = ok && store_run(store, "DELETE FROM warning WHERE trial_id = ?1", VALUES(INT(id)), error);
    return store_end(store, ok, error);
}

/* The lock comes first: whoever has it may believe that a row which says `running` is of a dead
 * process, and nobody else may. */
bool store_claim(struct store *store, int64_t id, pid_t pid, int64_t environment_id,
                 struct error *error) {
    struct trial_row row;
    char owner[512];
    bool taken = false, locked, is_new, ok;
    if (!store_load_trial(store, id, &row, error)) return false;
    ok = store_owner_take(store, row.key, &taken, &locked, &is_new, error);
    if (ok && !taken) {
        ok = store_describe_owner(store, id, owner, sizeof owner, error) &&
             error_set(error, "trial %lld cannot start: it is run by %s", (long long)id, owner);
    } else if (ok) {
        ok = mark_running(store, id, pid, environment_id, locked, error);
        if (!ok && is_new) store_owner_drop(store, row.key);
    }
    trial_row_free(&row);
    return ok;
}

bool store_end_trial(struct store *store, int64_t id, const char *status, const char *reason,
                     struct error *error) {
    int changed;
    return change_trial(store,
                        "UPDATE trial SET status = ?2, reason = ?3, finished_at = " NOW " "
                        "WHERE id = ?1 AND ((status = 'planned' AND NOT is_locked(key)) "
                        "OR (status = 'running' AND " OWNER " IN ('own', 'gone')))",
                        VALUES(INT(id), TEXT(status), TEXT(reason)), &changed, error);
}

bool store_retry(struct store *store, int64_t id, struct error *error) {
    int changed;
    if (!change_trial(
            store,
            "UPDATE trial SET status = 'planned', reason = '', started_at = NULL, finished_at = NULL, pid = NULL "
            "WHERE id = ?1 AND status NOT IN ('ok', 'running')",
            VALUES(INT(id)), &changed, error))
        return false;
    return changed == 1 || wrong_status(store, id, "be planned again", error);
}

bool store_recover(struct store *store, bool take_over, int *n_recovered, struct error *error) {
    if (!store_owner_check(store, error)) return false;
    return change_trial(
        store,
        "UPDATE trial SET status = 'interrupted', finished_at = " NOW ", reason = CASE " OWNER
        " WHEN 'gone' THEN printf('its process %d is gone without a report', pid) "
        "ELSE printf('taken over from pid %d on host %s', pid, host) END "
        "WHERE status = 'running' AND (" OWNER " = 'gone' OR (?1 AND " OWNER " = 'elsewhere'))",
        VALUES(INT(take_over)), n_recovered, error);
}

bool store_warning(struct store *store, int64_t trial_id, const char *text, struct error *error) {
    return store_run(store, "INSERT INTO warning (trial_id, text, at) VALUES (?1, ?2, " NOW ")",
                     VALUES(INT(trial_id), TEXT(text)), error);
}
