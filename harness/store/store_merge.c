/*
 * Merging, trial by trial: what is already here, what has more to say than what is here, and what
 * contradicts it. A trial comes after the one that it starts from, and is taken only if that is the
 * same here. All of a source comes in one transaction, and the rows below trials are copied from table
 * to table when all trials are in, so that neither a kill nor the size of a file matters.
 */
#include "harness/store/store_merge.h"
#include "harness/store/store_merge_private.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* A trial of the source. */
struct arrival {
    int64_t id, base,
        base_here; /* base 0: it starts from none; base_here 0: from one that is not here */
    bool earlier, current, ok, profile, refused; /* refused: its workload is */
    char status[16];
};

/* The row with its workload and key, or in its place of the plan. */
struct local {
    int64_t id; /* 0: none */
    bool ok, alive;
    char status[16];
};

/* ---- the order ---- */

/* Keys of results that were made again have a dot and a number behind them: KEY.1. */
static bool list_arrivals(struct merge *merge, struct error *error) {
    struct store *store = merge->store;
    static const char sql[] =
        "CREATE TEMP TABLE arrival (position INTEGER PRIMARY KEY, id INTEGER UNIQUE, "
        "workload_id INTEGER, key TEXT, earlier INTEGER, here INTEGER);"
        "WITH RECURSIVE ordered (id, depth) AS ("
        "SELECT id, 0 FROM source.trial WHERE base_trial_id IS NULL UNION ALL "
        "SELECT t.id, depth + 1 FROM source.trial t JOIN ordered o ON t.base_trial_id = o.id) "
        "INSERT INTO temp.arrival (id, workload_id, key, earlier) "
        "SELECT t.id, w.here, substr(key, 1, instr(key || '.', '.') - 1), instr(key, '.') > 0 "
        "FROM ordered JOIN source.trial t USING (id) JOIN temp.incoming w ON w.id = t.workload_id "
        "ORDER BY depth, t.id";
    if (!store_exec(store, sql, error)) return false;
    int64_t lost = store_number(store,
                                "SELECT (SELECT count(*) FROM source.trial) - "
                                "(SELECT count(*) FROM temp.arrival)",
                                NO_VALUES, error);
    return lost == 0 ||
           (lost > 0 &&
            error_set(error,
                      "'%s' is damaged: %lld of its trials start from trials that are not "
                      "there",
                      merge->path, (long long)lost));
}

static bool read_arrival(struct store *store, int64_t position, struct arrival *out,
                         struct error *error) {
    bool row;
    sqlite3_stmt *statement = store_statement(
        store,
        "SELECT s.id, coalesce(s.base_trial_id, 0), coalesce(b.here, 0), a.earlier, s.current, "
        "s.kind <> 'train', s.status, a.workload_id = 0 FROM temp.arrival a JOIN source.trial s ON s.id = a.id "
        "LEFT JOIN temp.arrival b ON b.id = s.base_trial_id WHERE a.position = ?1",
        VALUES(INT(position)), error);
    if (!statement) return false;
    bool ok = store_step(store, statement, &row, error);
    if (ok && row) {
        *out = (struct arrival){.id = sqlite3_column_int64(statement, 0),
                                .base = sqlite3_column_int64(statement, 1),
                                .base_here = sqlite3_column_int64(statement, 2),
                                .earlier = sqlite3_column_int(statement, 3),
                                .current = sqlite3_column_int(statement, 4),
                                .profile = sqlite3_column_int(statement, 5),
                                .refused = sqlite3_column_int(statement, 7)};
        snprintf(out->status, sizeof out->status, "%s", sqlite3_column_text(statement, 6));
        out->ok = strcmp(out->status, "ok") == 0;
    }
    sqlite3_reset(statement);
    return ok;
}

/* ---- what is here ---- */

static bool read_local(struct store *store, const char *sql, int64_t id, struct local *out,
                       struct error *error) {
    bool row;
    *out = (struct local){0};
    sqlite3_stmt *statement = store_statement(store, sql, VALUES(INT(id)), error);
    if (!statement) return false;
    bool ok = store_step(store, statement, &row, error);
    if (ok && row) {
        out->id = sqlite3_column_int64(statement, 0);
        snprintf(out->status, sizeof out->status, "%s", sqlite3_column_text(statement, 1));
        out->ok = strcmp(out->status, "ok") == 0;
        out->alive = sqlite3_column_int(statement, 2);
    }
    sqlite3_reset(statement);
    return ok;
}

/* What of a workload there is one current trial of. */
#define PLACE_IN_PLAN "kind, arm, seed, device, precision"

#define LOCAL "SELECT id, status, status = 'running' AND " OWNER " = 'alive' FROM main.trial "

static bool find_by_key(struct store *store, int64_t id, struct local *out, struct error *error) {
    return read_local(store,
                      LOCAL "WHERE (workload_id, key) = "
                            "(SELECT workload_id, key FROM temp.arrival WHERE id = ?1)",
                      id, out, error);
}

/* Where its data is absent a trial has another key, but its place in the plan. */
static bool find_in_plan(struct store *store, int64_t id, struct local *out, struct error *error) {
    return read_local(store,
                      LOCAL "WHERE current = 1 AND (workload_id, " PLACE_IN_PLAN ") = (SELECT "
                            "a.workload_id, s.kind, s.arm, s.seed, s.device, s.precision "
                            "FROM temp.arrival a "
                            "JOIN source.trial s USING (id) WHERE s.id = ?1)",
                      id, out, error);
}

/* The very same run of a trial, under its key or as an earlier result; 0: it is not here. */
static bool find_run(struct store *store, int64_t there, int64_t *here, struct error *error) {
    char what[64];
    for (*here = 0;;) {
        *here = store_number(
            store,
            "SELECT coalesce(min(o.id), 0) FROM main.trial o, temp.arrival a "
            "JOIN source.trial s ON s.id = a.id WHERE s.id = ?1 AND o.id > ?2 AND o.status = 'ok' "
            "AND o.workload_id = a.workload_id AND o.kind = s.kind "
            "AND o.key >= a.key AND o.key < a.key || '/' " /* as an index has them: a.key, a.key.1 */
            "AND substr(o.key || '.', 1, length(a.key) + 1) = a.key || '.' AND o.host IS s.host "
            "AND o.pid IS s.pid AND o.started_at IS s.started_at "
            "AND o.finished_at IS s.finished_at "
            "AND (SELECT hash FROM main.environment WHERE id = o.environment_id) IS "
            "(SELECT hash FROM source.environment WHERE id = s.environment_id)",
            VALUES(INT(there), INT(*here)), error);
        if (*here <= 0) return *here == 0;
        if (!merge_differ(store, there, *here, what, sizeof what, error)) return false;
        if (!*what) return true;
    }
}

/* ---- taking ---- */

/* A trial that is current there becomes current here, if its place in the plan is free or has no
 * result. */
static bool take_place(struct store *store, const struct arrival *a, int64_t here,
                       struct error *error) {
    if (!a->current || a->earlier) return true;
    return store_run(store,
                     "UPDATE main.trial SET current = 0 WHERE current = 1 AND status <> 'ok' "
                     "AND id <> ?1 AND (workload_id, " PLACE_IN_PLAN
                     ") = (SELECT workload_id, " PLACE_IN_PLAN
                     " FROM main.trial WHERE id = ?1 AND status = 'ok')",
                     VALUES(INT(here)), error) &&
           store_run(store,
                     "UPDATE main.trial SET current = 1 WHERE id = ?1 AND current = 0 "
                     "AND instr(key, '.') = 0 AND NOT EXISTS (SELECT 1 FROM main.trial o, "
                     "(SELECT workload_id, " PLACE_IN_PLAN " FROM main.trial WHERE id = ?1) t "
                     "WHERE o.current = 1 AND o.workload_id = t.workload_id AND o.kind = t.kind "
                     "AND o.arm = t.arm AND o.seed = t.seed AND o.device = t.device "
                     "AND o.precision = t.precision)",
                     VALUES(INT(here)), error);
}

/* `here` has its result, or as much of one. */
static bool settle(struct merge *merge, const struct arrival *a, int64_t here, int64_t *count,
                   struct error *error) {
    *count += 1;
    return store_run(merge->store, "UPDATE temp.arrival SET here = ?2 WHERE id = ?1",
                     VALUES(INT(a->id), INT(here)), error) &&
           take_place(merge->store, a, here, error);
}

static const struct replacement new_id[] = {{"id", "NULL"}, {NULL, NULL}};

/* Its environment, known by its hash. */
#define ENVIRONMENT                                                                                \
    "(SELECT h.id FROM main.environment h JOIN source.environment e USING (hash) "                 \
    "WHERE e.id = x.environment_id)"

/* A process that ran it elsewhere does not run it here. */
static const struct replacement as_incoming[] = {
    {"id", "nullif(?2, 0)"},
    {"workload_id", "a.workload_id"},
    {"base_trial_id", "b.here"},
    {"key",
     "a.key || CASE ?3 WHEN 1 THEN '.' || (SELECT 1 + coalesce(max(CAST(substr(o.key, "
     "length(a.key) + 2) AS INTEGER)), 0) FROM main.trial o WHERE o.workload_id = a.workload_id "
     "AND substr(o.key, 1, length(a.key) + 1) = a.key || '.') ELSE '' END"},
    {"checkpoint", "CASE ?3 WHEN 1 THEN NULL ELSE x.checkpoint END"},
    {"current", "coalesce((SELECT current FROM main.trial WHERE id = ?2), 0)"},
    {"environment_id", ENVIRONMENT},
    {"status", "CASE x.status WHEN 'running' THEN 'interrupted' ELSE x.status END"},
    {"reason", "CASE x.status WHEN 'running' THEN printf('it was running as pid %d on host %s when "
               "its database was merged', x.pid, x.host) ELSE x.reason END"},
    {NULL, NULL}};

static bool take_environment(struct store *store, int64_t trial, struct error *error) {
    int64_t n = store_number(store,
                             "SELECT count(*) FROM source.trial t JOIN source.environment e "
                             "ON e.id = t.environment_id WHERE t.id = ?1 AND NOT EXISTS "
                             "(SELECT 1 FROM main.environment h WHERE h.hash = e.hash)",
                             VALUES(INT(trial)), error);
    return n == 0 ||
           (n > 0 && store_copy_rows(store, "INSERT OR IGNORE INTO", "environment", new_id,
                                     "source.environment x WHERE x.id = "
                                     "(SELECT environment_id FROM source.trial WHERE id = ?1)",
                                     VALUES(INT(trial)), error));
}

/* Of row `here` there is nothing any more that could be found, now or by what was noted. */
static bool forget(struct store *store, int64_t here, struct error *error) {
    return store_run(store, "DELETE FROM temp.copied WHERE here = ?1", VALUES(INT(here)), error) &&
           store_forget_results(store, here, error);
}

/* The trial as a row here: in place of row `here`, which has no result, or new; under its key, or
 * behind that as an earlier result. */
static bool take(struct merge *merge, const struct arrival *a, int64_t here, bool earlier,
                 int64_t *count, struct error *error) {
    struct store *store = merge->store;
    struct text *sql = &merge->take_sql;
    if (sql->size == 0 &&
        !store_copy_sql(store, "INSERT OR REPLACE INTO", "trial", as_incoming,
                        "source.trial x JOIN temp.arrival a ON a.id = x.id "
                        "LEFT JOIN temp.arrival b ON b.id = x.base_trial_id WHERE x.id = ?1",
                        sql, error))
        return false;
    if ((here > 0 && !forget(store, here, error)) || !take_environment(store, a->id, error) ||
        !store_run(store, sql->data, VALUES(INT(a->id), INT(here), INT(earlier)), error))
        return false;
    here = sqlite3_last_insert_rowid(store->db);
    return store_copy_note(store, a->id, here, error) && store_set_command(store, here, error) &&
           settle(merge, a, here, count, error);
}

/* ---- a result here and a result there ---- */

/* Who made a result, for people: "5a2acd0 on lab2 (AMD EPYC, 16 cores, ...)". */
#define MAKER                                                                                      \
    "SELECT printf('%s on %s (%s)', coalesce(json_extract(e.json, '$.git_revision'), "             \
    "'an unknown revision'), coalesce(t.host, e.host, 'an unknown host'), "                        \
    "coalesce(e.machine, 'an unknown machine')) "

/* Its name, and who made it there and here. */
static const char conflict_sql[] =
    "SELECT printf('%s/%s/%d', w.name, o.arm, o.seed), o.kind, substr(o.key, 1, 16), "
    "(" MAKER "FROM source.trial t LEFT JOIN source.environment e ON e.id = t.environment_id "
    "WHERE t.id = ?1), "
    "(" MAKER "FROM main.trial t LEFT JOIN main.environment e ON e.id = t.environment_id "
    "WHERE t.id = o.id) "
    "FROM main.trial o JOIN main.workload w ON w.id = o.workload_id WHERE o.id = ?2";

static bool tell_conflict(struct merge *merge, const struct arrival *a, int64_t here,
                          const char *what, struct error *error) {
    struct text text = {0};
    bool row;
    sqlite3_stmt *who =
        store_statement(merge->store, conflict_sql, VALUES(INT(a->id), INT(here)), error);
    if (!who) return false;
    bool ok = store_step(merge->store, who, &row, error);
    if (ok && row) {
        const unsigned char *word[5];
        for (int i = 0; i < 5; i++) word[i] = sqlite3_column_text(who, i);
        text_append(&text,
                    "%s: %s (%s, key %s) has other numbers than in '%s' and %s: %s; there by %s, "
                    "here by %s",
                    merge->path, word[0], word[1], word[2], merge->store->path,
                    merge->options->replace ? "takes its place" : "is kept out", what, word[3],
                    word[4]);
    }
    sqlite3_reset(who);
    if (text.data) merge->options->tell(merge->options->context, text.data);
    text_free(&text);
    return ok;
}

/* Takes a result and all that starts from it out of the way, as a sweep does that makes it again. */
static bool retire(struct store *store, int64_t here, struct error *error) {
    for (;;) {
        int64_t id = store_number(
            store,
            "WITH RECURSIVE family (id) AS (SELECT ?1 UNION SELECT t.id FROM main.trial t "
            "JOIN family f ON t.base_trial_id = f.id) SELECT coalesce(min(id), 0) FROM main.trial "
            "JOIN family USING (id) WHERE status = 'ok' AND instr(key, '.') = 0",
            VALUES(INT(here)), error);
        if (id <= 0) return id == 0;
        struct trial_row row;
        bool retired = false;
        if (!store_load_trial(store, id, &row, error)) return false;
        bool ok = store_retire_trial(store, row.workload_id, row.key, NULL, false, &retired, error);
        trial_row_free(&row);
        if (!ok || !retired) return ok && error_set(error, "trial %lld changed", (long long)id);
    }
}

/* What is not done yet starts from the result that counts. */
static bool replace(struct merge *merge, const struct arrival *a, int64_t here,
                    struct error *error) {
    int64_t *count = &merge->result->n_replaced;
    int64_t planned = store_number(merge->store, "SELECT current FROM main.trial WHERE id = ?1",
                                   VALUES(INT(here)), error);
    struct arrival successor = *a;
    successor.current |= planned > 0;
    return planned >= 0 && retire(merge->store, here, error) &&
           take(merge, &successor, 0, false, count, error) &&
           store_run(merge->store,
                     "UPDATE main.trial SET base_trial_id = (SELECT here FROM temp.arrival "
                     "WHERE id = ?1) WHERE base_trial_id = ?2 AND status <> 'ok'",
                     VALUES(INT(a->id), INT(here)), error);
}

/* Times are no contradiction: those of another environment are as true, and are kept beside. */
static bool is_timed_elsewhere(struct store *store, const struct arrival *a, int64_t here,
                               bool *elsewhere, struct error *error) {
    int64_t n = store_number(store,
                             "SELECT count(*) FROM source.trial x JOIN main.trial o ON o.id = ?2 "
                             "WHERE x.id = ?1 AND (SELECT hash FROM source.environment "
                             "WHERE id = x.environment_id) IS NOT "
                             "(SELECT hash FROM main.environment WHERE id = o.environment_id)",
                             VALUES(INT(a->id), INT(here)), error);
    *elsewhere = a->profile && n > 0;
    return n >= 0;
}

static bool compare_results(struct merge *merge, const struct arrival *a, int64_t here,
                            struct error *error) {
    struct merge_result *result = merge->result;
    char what[512];
    bool elsewhere;
    if (!merge_differ(merge->store, a->id, here, what, sizeof what, error)) return false;
    if (*what) {
        if (!tell_conflict(merge, a, here, what, error)) return false;
        if (merge->options->replace) return replace(merge, a, here, error);
        result->n_conflicts++;
        return true;
    }
    if (!is_timed_elsewhere(merge->store, a, here, &elsewhere, error)) return false;
    if (elsewhere) return take(merge, a, 0, true, &result->n_timed, error);
    return settle(merge, a, here, &result->n_here, error);
}

/* ---- all of a source ---- */

/* How much a status says. */
static int rank(const char *status) {
    if (strcmp(status, "ok") == 0) return 3;
    if (strcmp(status, "planned") == 0) return 0;
    bool cut_off = strcmp(status, "interrupted") == 0 || strcmp(status, "running") == 0 ||
                   strcmp(status, "skipped") == 0;
    return cut_off ? 1 : 2;
}

static bool is_at_work(struct merge *merge, int64_t here, struct error *error) {
    char owner[512];
    return store_describe_owner(merge->store, here, owner, sizeof owner, error) &&
           error_set(error,
                     "'%s' has a result of trial %lld of '%s', which is run by %s: merge when that "
                     "has ended",
                     merge->path, (long long)here, merge->store->path, owner);
}

static bool merge_trial(struct merge *merge, const struct arrival *a, struct error *error) {
    struct store *store = merge->store;
    struct merge_result *result = merge->result;
    struct local local = {0};
    int64_t same = 0;
    if (a->base > 0 && a->base_here == 0) {
        result->n_dependent++;
        return true;
    }
    if (a->ok && !find_run(store, a->id, &same, error)) return false;
    if (same > 0) return settle(merge, a, same, &result->n_here, error);
    int64_t *taken = a->ok ? &result->n_taken : &result->n_open;
    if (a->earlier) return !a->ok || take(merge, a, 0, true, taken, error);
    if (!find_by_key(store, a->id, &local, error)) return false;
    if (local.id == 0 && !a->ok && a->current && !find_in_plan(store, a->id, &local, error))
        return false;
    if (local.id == 0) return take(merge, a, 0, false, taken, error);
    if (a->ok && local.ok) return compare_results(merge, a, local.id, error);
    if (rank(a->status) <= rank(local.status))
        return settle(merge, a, local.id, &result->n_open, error);
    if (local.alive) return is_at_work(merge, local.id, error);
    return take(merge, a, local.id, false, taken, error);
}

static bool merge_trials(struct merge *merge, struct error *error) {
    int64_t n = store_number(merge->store, "SELECT count(*) FROM temp.arrival", NO_VALUES, error);
    for (int64_t position = 1; position <= n; position++) {
        struct arrival arrival = {0};
        if (!read_arrival(merge->store, position, &arrival, error)) return false;
        if (!arrival.refused && !merge_trial(merge, &arrival, error)) return false;
    }
    return n >= 0 && store_copy_results(merge->store, error);
}

/* Runs of the bench are known by when they ended; of two ceilings of an environment the better
 * of each number stays, and nothing is written where that is here already. */
static bool merge_benches(struct merge *merge, struct error *error) {
    struct store *store = merge->store;
    static const struct replacement run[] = {
        {"id", "x.id + ?1"}, {"environment_id", ENVIRONMENT}, {NULL, NULL}};
    static const struct replacement line[] = {{"bench_run_id", "x.bench_run_id + ?1"},
                                              {NULL, NULL}};
#define BEST(column)                                                                               \
    {                                                                                              \
        column, "max(x." column ", coalesce((SELECT c." column " FROM main.ceiling c "             \
                "WHERE c.environment_id = " ENVIRONMENT "), x." column "))"                        \
    }
    static const struct replacement ceiling[] = {{"environment_id", ENVIRONMENT},
                                                 BEST("sgemm_flops_per_second"),
                                                 BEST("triad_bytes_per_second"),
                                                 BEST("measured_at"),
                                                 {NULL, NULL}};
#undef BEST
    if (!store_exec(
            store,
            "CREATE TEMP TABLE new_bench AS SELECT b.id FROM source.bench_run b "
            "JOIN source.environment e ON e.id = b.environment_id WHERE NOT EXISTS ("
            "SELECT 1 FROM main.bench_run o JOIN main.environment h ON h.id = o.environment_id "
            "WHERE h.hash = e.hash AND o.finished_at = b.finished_at AND o.quick = b.quick "
            "AND o.wall_seconds = b.wall_seconds)",
            error))
        return false;
    int64_t last =
        store_number(store, "SELECT coalesce(max(id), 0) FROM main.bench_run", NO_VALUES, error);
    int64_t first = store_number(store, "SELECT max(1, coalesce(min(id), 1)) FROM temp.new_bench",
                                 NO_VALUES, error);
    int64_t n = store_number(store, "SELECT count(*) FROM temp.new_bench", NO_VALUES, error);
    if (last < 0 || first < 0 || n < 0) return false;
    merge->result->n_benches = n;
    const struct value distance = INT(last + 1 - first);
    return store_copy_rows(store, "INSERT OR IGNORE INTO", "environment", new_id,
                           "source.environment x WHERE x.id IN (SELECT environment_id FROM "
                           "source.bench_run JOIN temp.new_bench USING (id))",
                           NO_VALUES, error) &&
           store_copy_rows(store, "INSERT INTO", "bench_run", run,
                           "source.bench_run x WHERE x.id IN (SELECT id FROM temp.new_bench)",
                           &distance, 1, error) &&
           store_copy_rows(store, "INSERT INTO", "bench_result", line,
                           "source.bench_result x WHERE x.bench_run_id IN "
                           "(SELECT id FROM temp.new_bench)",
                           &distance, 1, error) &&
           store_copy_rows(store, "INSERT OR REPLACE INTO", "ceiling", ceiling,
                           "source.ceiling x WHERE " ENVIRONMENT " IS NOT NULL AND NOT EXISTS ("
                           "SELECT 1 FROM main.ceiling c WHERE c.environment_id = " ENVIRONMENT
                           " AND c.sgemm_flops_per_second >= x.sgemm_flops_per_second "
                           "AND c.triad_bytes_per_second >= x.triad_bytes_per_second)",
                           NO_VALUES, error);
}

/* One transaction. The checkpoints are of what it stored, and so come behind it. */
static bool merge_attached(struct merge *merge, struct error *error) {
    struct store *store = merge->store;
    if (!store_begin(store, error)) return false;
    bool ok = merge_workloads(merge, error) && list_arrivals(merge, error) &&
              merge_trials(merge, error) && merge_benches(merge, error) &&
              merge_count_waiting(merge, error);
    bool damaged = !ok && sqlite3_errcode(store->db) == SQLITE_CORRUPT;
    store_forget_statements(store); /* none may be in the middle of a table that is rolled back */
    ok = store_end(store, ok, error);
    if (!ok) {
        error_prefix(error, "'%s' is not merged", merge->path);
        if (damaged) merge_source_blame(merge->path, error);
        return false;
    }
    ok = !merge->options->checkpoints || merge_checkpoints(merge, error);
    return store_exec(
               store,
               "DROP TABLE temp.arrival; DROP TABLE temp.incoming; DROP TABLE temp.new_bench",
               error) &&
           ok;
}

bool store_merge(struct store *store, const char *path, const struct merge_options *options,
                 struct merge_result *result, struct error *error) {
    struct merge merge = {.store = store, .path = path, .options = options, .result = result};
    struct temporary copy = {0};
    struct error ignored;
    *result = (struct merge_result){0};
    assert(options->tell);
    bool ok = store_merge_check(store->path, path, error) &&
              /* Pages that change often wait in memory instead of being written each time. */
              store_exec(store, "PRAGMA main.cache_size = -65536", error) &&
              merge_source_attach(store, path, &copy, error);
    if (ok) {
        ok = merge_attached(&merge, error);
        ok = store_detach(store, ok ? error : &ignored) && ok;
    }
    text_free(&merge.take_sql);
    temporary_remove(&copy);
    return ok;
}
