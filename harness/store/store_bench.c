/*
 * A run of the bench: one row for the run and one for each line of its table, in one transaction,
 * so that a reader never sees half a table. And the two ceilings of an environment, for rooflines.
 */
#include "harness/store/store_private.h"

#include <inttypes.h>
#include <math.h>

bool store_machine(struct store *store, const struct environment *environment, int64_t *id,
                   struct error *error) {
    char hash[ENVIRONMENT_HASH_SIZE], machine[400];
    struct text json = {0};
    environment_hash(environment, hash);
    environment_write_json(environment, &json);
    environment_summary(environment, machine, sizeof machine);
    bool ok = !json.failed || error_set(error, "out of memory");
    ok = ok && store_environment(store, hash, environment->hostname, machine, json.data, id, error);
    text_free(&json);
    return ok;
}

static bool write_row(struct store *store, sqlite3_stmt *insert, int64_t run, int position,
                      const struct bench_row *row, struct error *error) {
    static const char *const kinds[] = {
        [LIMIT_NONE] = NULL, [LIMIT_AT_LEAST] = "at least", [LIMIT_AT_MOST] = "at most"};
    return store_rerun(store, insert,
                       VALUES(INT(run), INT(position), TEXT(row->section), TEXT(row->name),
                              TEXT(bench_unit_name(row->unit)), INT(row->n_samples),
                              REAL(row->median), REAL(row->lowest), REAL(row->highest),
                              REAL(row->share), TEXT(kinds[row->limit]), REAL(row->target),
                              TEXT(row->note)),
                       error);
}

bool store_bench(struct store *store, int64_t environment_id, const struct bench_table *table,
                 struct error *error) {
    if (!store_begin(store, error)) return false;
    bool ok =
        store_run(store,
                  "INSERT INTO bench_run (environment_id, finished_at, quick, wall_seconds) "
                  "VALUES (?1, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?2, ?3)",
                  VALUES(INT(environment_id), INT(table->quick), REAL(table->seconds)), error);
    int64_t run = sqlite3_last_insert_rowid(store->db);
    sqlite3_stmt *insert =
        ok ? store_prepare(store,
                           "INSERT INTO bench_result VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
                           "?10, ?11, ?12, ?13)",
                           NULL, 0, error)
           : NULL;
    ok = insert != NULL;
    for (int i = 0; ok && i < table->n_rows; i++)
        ok = write_row(store, insert, run, i, &table->rows[i], error);
    sqlite3_finalize(insert);
    return store_end(store, ok, error);
}

bool store_has_ceiling(struct store *store, int64_t environment_id, bool *known,
                       struct error *error) {
    char sql[96];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM ceiling WHERE environment_id = %" PRId64,
             environment_id);
    int64_t n = store_number(store, sql, error);
    *known = n > 0;
    return n >= 0;
}

/* Two profiles at once may both measure: the first stays, and all rooflines use the same. */
bool store_ceiling(struct store *store, int64_t environment_id, const struct ceiling *ceiling,
                   struct error *error) {
    if (!store_begin(store, error)) return false;
    bool ok = store_run(
        store,
        "INSERT OR IGNORE INTO ceiling VALUES (?1, ?2, ?3, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))",
        VALUES(INT(environment_id), REAL(ceiling->flops_per_second),
               REAL(ceiling->bytes_per_second)),
        error);
    return store_end(store, ok, error);
}
