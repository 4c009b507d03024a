/*
 * Trials as rows: the plan puts them there, processes claim them, and each ends with a status and a
 * reason. Every change is one guarded UPDATE ("set running where not running"), so that two
 * processes can never both believe that a trial is theirs.
 */
#include "harness/store/store_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- planning ---- */

/* All that planning may change, for comparing before and after. */
#define PLANNED                                                                                    \
    "SELECT id, current, arm, config, expected_flops, command, status FROM trial "                 \
    "UNION ALL SELECT id, name, summary, granularity, file, corpus, '' FROM workload"

/* temp.planned: the trials of the plan before. temp.before, where this one may stay: all of it. */
bool store_begin_plan(struct store *store, struct error *error) {
    if (!store_begin(store, error)) return false;
    if (store_exec(store,
                   "CREATE TEMP TABLE planned (id INTEGER PRIMARY KEY);"
                   "INSERT INTO temp.planned SELECT id FROM trial WHERE current = 1",
                   error) &&
        (store->copy || store_exec(store, "CREATE TEMP TABLE before AS " PLANNED, error)))
        return true;
    return store_end(store, false, error);
}

/* A plan that finds everything as it was is not written, so that the file keeps its time and nobody
 * draws figures again that cannot have changed. */
bool store_end_plan(struct store *store, bool commit, struct error *error) {
    int64_t changes = 0;
    if (commit)
        changes = store_number(
            store, "SELECT count(*) FROM (" PLANNED " EXCEPT SELECT * FROM temp.before)", NO_VALUES,
            error);
    bool ok = changes >= 0;
    if (changes > 0)
        return store_end(
            store, store_exec(store, "DROP TABLE temp.before; DROP TABLE temp.planned", error),
            error);
    store_end(store, false, error);
    return ok;
}

/* Runs an INSERT ... RETURNING id [, status] and reads that row. *found is false if none came. */
static bool insert_returning(struct store *store, const char *sql, const struct value *values,
                             int n, int64_t *id, char status_out[16], bool *found,
                             struct error *error) {
    sqlite3_stmt *statement = store_statement(store, sql, values, n, error);
    if (!statement) return false;
    int code = sqlite3_step(statement);
    *found = code == SQLITE_ROW;
    if (*found) {
        *id = sqlite3_column_int64(statement, 0);
        if (status_out) snprintf(status_out, 16, "%s", sqlite3_column_text(statement, 1));
        code = sqlite3_step(statement);
    }
    bool ok = code == SQLITE_DONE || store_failed(store, error);
    sqlite3_reset(statement);
    return ok;
}

bool store_workload_file(struct store *store, const char *name, char *file, size_t size,
                         struct error *error) {
    sqlite3_stmt *statement = store_statement(store, "SELECT file FROM workload WHERE name = ?1",
                                              VALUES(TEXT(name)), error);
    if (!statement) return false;
    int code = sqlite3_step(statement);
    snprintf(file, size, "%s",
             code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : "");
    bool ok = code == SQLITE_ROW || code == SQLITE_DONE || store_failed(store, error);
    sqlite3_reset(statement);
    return ok;
}

bool store_plan_workload(struct store *store, const struct workload_plan *plan, int64_t *id,
                         struct error *error) {
    bool found;
    return insert_returning(store,
                            "INSERT INTO workload (name, summary, granularity, corpus, file) "
                            "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (name) DO UPDATE SET "
                            "summary = excluded.summary, granularity = excluded.granularity, "
                            "corpus = excluded.corpus, file = excluded.file RETURNING id",
                            VALUES(TEXT(plan->name), TEXT(plan->summary), TEXT(plan->granularity),
                                   TEXT(plan->corpus), TEXT(plan->file)),
                            id, NULL, &found, error) &&
           store_run(store, "UPDATE trial SET current = 0 WHERE workload_id = ?1", VALUES(INT(*id)),
                     error);
}

/* The name of the arm that already has this key, for an error message. */
static bool same_trial_twice(struct store *store, const struct trial_plan *plan,
                             struct error *error) {
    sqlite3_stmt *statement =
        store_statement(store, "SELECT arm, seed FROM trial WHERE workload_id = ?1 AND key = ?2",
                        VALUES(INT(plan->workload_id), TEXT(plan->key)), error);
    if (!statement) return false;
    if (sqlite3_step(statement) == SQLITE_ROW)
        error_set(error,
                  "arm '%s' (seed %lld) would compute exactly what arm '%s' (seed %lld) does: "
                  "remove one of them or make them differ",
                  plan->arm, (long long)plan->seed, sqlite3_column_text(statement, 0),
                  (long long)sqlite3_column_int64(statement, 1));
    else
        store_failed(store, error);
    sqlite3_reset(statement);
    return false;
}

/* How a user runs the trial again; the path is quoted for the shell. */
bool store_set_command(struct store *store, int64_t id, struct error *error) {
    bool plain = strspn(store->path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789_./+-") == strlen(store->path);
    return store_run(
        store,
        plain ? "UPDATE trial SET command = printf('./headroom trial %d --db %s', id, ?2) "
                "WHERE id = ?1"
              : "UPDATE trial SET command = printf('./headroom trial %d --db ''%s''', "
                "id, replace(?2, '''', '''\\''''')) WHERE id = ?1",
        VALUES(INT(id), TEXT(store->path)), error);
}

bool store_plan_trial(struct store *store, const struct trial_plan *plan, int64_t *id,
                      char status_out[16], struct error *error) {
    bool found;
    /* A row that is current already was planned by this same plan: it stays, and we hear of it. */
    bool ok = insert_returning(
        store,
        "INSERT INTO trial (workload_id, kind, key, base_trial_id, arm, policy, cost_weight, "
        "base_heads, layers, dim, seed, config, expected_flops, device, precision, planned_at) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, "
        "coalesce(?14, 'cpu'), coalesce(?15, 'fp32'), " NOW ") "
        "ON CONFLICT (workload_id, key) DO UPDATE SET current = 1, arm = excluded.arm, "
        "config = excluded.config, expected_flops = excluded.expected_flops, "
        "base_trial_id = excluded.base_trial_id "
        "WHERE trial.current = 0 RETURNING id, status",
        VALUES(INT(plan->workload_id), TEXT(plan->kind), TEXT(plan->key),
               plan->base_trial_id ? INT(plan->base_trial_id) : TEXT(NULL), TEXT(plan->arm),
               TEXT(plan->policy), REAL(plan->cost_weight), INT(plan->base_heads),
               INT(plan->layers), INT(plan->dim), INT(plan->seed), TEXT(plan->config),
               REAL(plan->expected_flops), TEXT(plan->device), TEXT(plan->precision)),
        id, status_out, &found, error);
    if (ok && !found) return same_trial_twice(store, plan, error);
    return ok && store_set_command(store, *id, error);
}

/* Its checkpoint has its name by the key: the new row's training will write its own there. */
bool store_retire_trial(struct store *store, int64_t workload_id, const char *key,
                        const char *code_sha256, bool running, bool *retired, struct error *error) {
    bool ok = store_run(
        store,
        "UPDATE trial SET current = 0, checkpoint = NULL, key = key || '.' || (SELECT "
        "1 + coalesce(max(CAST(substr(o.key, length(?2) + 2) AS INTEGER)), 0) FROM trial o "
        "WHERE o.workload_id = ?1 AND o.key GLOB ?2 || '.*') "
        "WHERE workload_id = ?1 AND key = ?2 AND (?3 IS NULL OR code_sha256 IS NOT ?3) "
        "AND (status = 'ok' OR (?4 AND status = 'running'))",
        VALUES(INT(workload_id), TEXT(key), TEXT(code_sha256), INT(running)), error);
    *retired = ok && sqlite3_changes(store->db) == 1;
    return ok;
}

/* A result that is made again has another key by now; its new row stands in its place. */
int64_t store_hidden(struct store *store, int64_t workload_id, struct error *error) {
    return store_number(store,
                        "SELECT count(*) FROM trial t JOIN temp.planned b USING (id) "
                        "WHERE t.workload_id = ?1 "
                        "AND t.current = 0 AND t.status = 'ok' AND t.key NOT GLOB '*.*'",
                        VALUES(INT(workload_id)), error);
}

bool store_known_key(struct store *store, int64_t workload_id, const char *kind, const char *config,
                     char key[65], struct error *error) {
    sqlite3_stmt *statement = store_statement(
        store,
        "SELECT key FROM trial t WHERE workload_id = ?1 AND kind = ?2 AND config = ?3 "
        "AND key NOT GLOB '*.*' "
        "ORDER BY status <> 'skipped' AND id IN (SELECT id FROM temp.planned) DESC, "
        "status = 'ok' DESC, id DESC LIMIT 1",
        VALUES(INT(workload_id), TEXT(kind), TEXT(config)), error);
    if (!statement) return false;
    bool found, ok = store_step(store, statement, &found, error);
    if (found) snprintf(key, 65, "%s", sqlite3_column_text(statement, 0));
    sqlite3_reset(statement);
    return ok;
}

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
    sqlite3_stmt *known = store_statement(store, "SELECT id FROM environment WHERE hash = ?1",
                                          VALUES(TEXT(hash)), error);
    if (!known) return false;
    bool found, ok = store_step(store, known, &found, error);
    if (found) *id = sqlite3_column_int64(known, 0);
    sqlite3_reset(known);
    if (!ok || found) return ok;
    return insert_returning(store,
                            "INSERT INTO environment (hash, host, machine, json, seen_at) "
                            "VALUES (?1, ?2, ?3, ?4, " NOW ") "
                            "ON CONFLICT (hash) DO UPDATE SET hash = hash RETURNING id",
                            VALUES(TEXT(hash), TEXT(host), TEXT(machine), TEXT(json)), id, NULL,
                            &found, error);
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
