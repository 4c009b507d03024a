/*
 * What a plan puts into the database: workloads, and trials as rows. Most plans find nearly all of their
 * trials as they left them, so that each is looked up and only written where it differs; a plan that
 * changes nothing is not written at all.
 */
#include "harness/store/store_private.h"

#include <stdio.h>
#include <string.h>

/* ---- begin and end ---- */

/* Told of every row that is written. */
static void note_change(void *changed, int how, const char *database, const char *table,
                        sqlite3_int64 id) {
    (void)how, (void)table, (void)id;
    if (strcmp(database, "temp") != 0) *(bool *)changed = true;
}

/* temp.planned: the trials of the plan before. temp.leaving: those of them that belong to workloads of
 * this plan, as long as it has not planned them again. */
bool store_begin_plan(struct store *store, struct error *error) {
    if (!store_begin(store, error)) return false;
    if (!store_exec(store,
                    "CREATE TEMP TABLE planned (id INTEGER PRIMARY KEY);"
                    "INSERT INTO temp.planned SELECT id FROM trial WHERE current = 1;"
                    "CREATE TEMP TABLE leaving (id INTEGER PRIMARY KEY)",
                    error))
        return store_end(store, false, error);
    store->plan_changes = false;
    sqlite3_update_hook(store->db, note_change, &store->plan_changes);
    return true;
}

/* A plan that finds everything as it was is not written, so that the file keeps its time and nobody
 * draws figures again that cannot have changed. */
bool store_end_plan(struct store *store, bool commit, struct error *error) {
    bool ok = !commit || store_exec(store,
                                    "UPDATE trial SET current = 0 WHERE current = 1 "
                                    "AND id IN (SELECT id FROM temp.leaving)",
                                    error);
    sqlite3_update_hook(store->db, NULL, NULL);
    if (ok && commit && store->plan_changes)
        return store_end(
            store, store_exec(store, "DROP TABLE temp.planned; DROP TABLE temp.leaving", error),
            error);
    store_end(store, false, error);
    return ok;
}

/* ---- workloads ---- */

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
    if (!store_run(
            store,
            "INSERT INTO workload (name, summary, granularity, corpus, file) "
            "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (name) DO UPDATE SET "
            "summary = excluded.summary, granularity = excluded.granularity, "
            "corpus = excluded.corpus, file = excluded.file "
            "WHERE (workload.summary, workload.granularity, workload.corpus, workload.file) "
            "IS NOT (excluded.summary, excluded.granularity, excluded.corpus, excluded.file)",
            VALUES(TEXT(plan->name), TEXT(plan->summary), TEXT(plan->granularity),
                   TEXT(plan->corpus), TEXT(plan->file)),
            error))
        return false;
    *id = store_number(store, "SELECT id FROM workload WHERE name = ?1", VALUES(TEXT(plan->name)),
                       error);
    return *id > 0 && store_run(store,
                                "INSERT OR IGNORE INTO temp.leaving SELECT id FROM trial "
                                "WHERE workload_id = ?1 AND current = 1",
                                VALUES(INT(*id)), error);
}

/* ---- trials ---- */

/* How a user runs a trial again: the path is quoted for the shell. */
#define COMMAND(path)                                                                              \
    "printf('./headroom trial %d --db %s', id, CASE WHEN " path " GLOB '*[^a-zA-Z0-9_./+-]*' "     \
    "THEN '''' || replace(" path ", '''', '''\\''''') || '''' ELSE " path " END)"

bool store_set_command(struct store *store, int64_t id, struct error *error) {
    return store_run(store, "UPDATE trial SET command = " COMMAND("?2") " WHERE id = ?1",
                     VALUES(INT(id), TEXT(store->path)), error);
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

#define BASE(plan) ((plan)->base_trial_id ? INT((plan)->base_trial_id) : TEXT(NULL))

/* The row with the key of a trial. */
struct row {
    int64_t id; /* 0: none */
    char status[16];
    bool planned, same; /* in this plan already; current, with all that a plan says of it */
};

static bool find_row(struct store *store, const struct trial_plan *plan, struct row *out,
                     struct error *error) {
    bool found;
    *out = (struct row){.status = "planned"};
    sqlite3_stmt *statement = store_statement(
        store,
        "SELECT id, status, current AND NOT EXISTS (SELECT 1 FROM temp.leaving l WHERE l.id = t.id), "
        "current AND arm = ?3 AND config = ?4 AND expected_flops IS ?5 AND base_trial_id IS ?6 "
        "AND command = " COMMAND("?7") " FROM trial t WHERE workload_id = ?1 AND key = ?2",
        VALUES(INT(plan->workload_id), TEXT(plan->key), TEXT(plan->arm), TEXT(plan->config),
               REAL(plan->expected_flops), BASE(plan), TEXT(store->path)),
        error);
    if (!statement) return false;
    bool ok = store_step(store, statement, &found, error);
    if (found) {
        out->id = sqlite3_column_int64(statement, 0);
        snprintf(out->status, sizeof out->status, "%s", sqlite3_column_text(statement, 1));
        out->planned = sqlite3_column_int(statement, 2);
        out->same = sqlite3_column_int(statement, 3);
    }
    sqlite3_reset(statement);
    return ok;
}

/* Another trial had the place of this one in the plan before. */
static bool free_place(struct store *store, const struct trial_plan *plan, struct error *error) {
    return store_run(store,
                     "UPDATE trial SET current = 0 WHERE current = 1 AND workload_id = ?1 "
                     "AND kind = ?2 AND arm = ?3 AND seed = ?4 AND device = coalesce(?5, 'cpu') "
                     "AND precision = coalesce(?6, 'fp32') AND id IN (SELECT id FROM temp.leaving)",
                     VALUES(INT(plan->workload_id), TEXT(plan->kind), TEXT(plan->arm),
                            INT(plan->seed), TEXT(plan->device), TEXT(plan->precision)),
                     error);
}

static bool insert_row(struct store *store, const struct trial_plan *plan, int64_t *id,
                       struct error *error) {
    bool ok = store_run(
        store,
        "INSERT INTO trial (workload_id, kind, key, base_trial_id, arm, policy, cost_weight, "
        "base_heads, layers, dim, seed, config, expected_flops, device, precision, planned_at) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, "
        "coalesce(?14, 'cpu'), coalesce(?15, 'fp32'), " NOW ")",
        VALUES(INT(plan->workload_id), TEXT(plan->kind), TEXT(plan->key), BASE(plan),
               TEXT(plan->arm), TEXT(plan->policy), REAL(plan->cost_weight), INT(plan->base_heads),
               INT(plan->layers), INT(plan->dim), INT(plan->seed), TEXT(plan->config),
               REAL(plan->expected_flops), TEXT(plan->device), TEXT(plan->precision)),
        error);
    *id = sqlite3_last_insert_rowid(store->db);
    return ok;
}

static bool update_row(struct store *store, const struct trial_plan *plan, int64_t id,
                       struct error *error) {
    return store_run(store,
                     "UPDATE trial SET current = 1, arm = ?2, config = ?3, expected_flops = ?4, "
                     "base_trial_id = ?5 WHERE id = ?1",
                     VALUES(INT(id), TEXT(plan->arm), TEXT(plan->config),
                            REAL(plan->expected_flops), BASE(plan)),
                     error);
}

bool store_plan_trial(struct store *store, const struct trial_plan *plan, int64_t *id,
                      char status_out[16], struct error *error) {
    struct row row;
    if (!find_row(store, plan, &row, error)) return false;
    if (row.planned) return same_trial_twice(store, plan, error);
    *id = row.id;
    memcpy(status_out, row.status, sizeof row.status);
    bool ok = row.same || (free_place(store, plan, error) &&
                           (row.id > 0 ? update_row(store, plan, row.id, error)
                                       : insert_row(store, plan, id, error)) &&
                           store_set_command(store, *id, error));
    return ok &&
           store_run(store, "DELETE FROM temp.leaving WHERE id = ?1", VALUES(INT(*id)), error);
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
                        "SELECT count(*) FROM trial t WHERE workload_id = ?1 AND status = 'ok' "
                        "AND key NOT GLOB '*.*' "
                        "AND EXISTS (SELECT 1 FROM temp.leaving l WHERE l.id = t.id)",
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
