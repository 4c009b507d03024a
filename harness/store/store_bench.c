/*
 * A run of the bench: one row for the run and one for each line of its table, in one transaction,
 * so that a reader never sees half a table. And the two ceilings of an environment, for rooflines.
 */
#include "harness/store/store_private.h"

const char *store_library(void) {
    return sqlite3_libversion();
}

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

static bool write_row(struct store *store, int64_t run, int position, const struct bench_row *row,
                      struct error *error) {
    static const char *const kinds[] = {
        [LIMIT_NONE] = NULL, [LIMIT_AT_LEAST] = "at least", [LIMIT_AT_MOST] = "at most"};
    return store_insert(store, "bench_result",
                        COLUMNS({"bench_run_id", INT(run)}, {"position", INT(position)},
                                {"section", TEXT(row->section)}, {"name", TEXT(row->name)},
                                {"unit", TEXT(bench_unit_name(row->unit))},
                                {"n_samples", INT(row->n_samples)}, {"median", REAL(row->median)},
                                {"lowest", REAL(row->lowest)}, {"highest", REAL(row->highest)},
                                {"share", REAL(row->share)},
                                {"target_kind", TEXT(kinds[row->limit])},
                                {"target", REAL(row->target)}, {"reason", TEXT(row->note)}),
                        error);
}

bool store_bench(struct store *store, int64_t environment_id, const struct bench_table *table,
                 struct error *error) {
    if (!store_begin(store, error)) return false;
    bool ok =
        store_run(store,
                  "INSERT INTO bench_run (environment_id, finished_at, quick, wall_seconds) "
                  "VALUES (?1, " NOW ", ?2, ?3)",
                  VALUES(INT(environment_id), INT(table->quick), REAL(table->seconds)), error);
    int64_t run = sqlite3_last_insert_rowid(store->db);
    for (int i = 0; ok && i < table->n_rows; i++)
        ok = write_row(store, run, i, &table->rows[i], error);
    return store_end(store, ok, error);
}

bool store_ceiling_is_fresh(struct store *store, int64_t environment_id, bool *fresh,
                            struct error *error) {
    int64_t n = store_number(store,
                             "SELECT count(*) FROM ceiling WHERE environment_id = ?1 "
                             "AND measured_at > strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-1 minute')",
                             VALUES(INT(environment_id)), error);
    *fresh = n > 0;
    return n >= 0;
}

/* Two profiles at once may both measure: all rooflines use the better of each. */
bool store_ceiling(struct store *store, int64_t environment_id, const struct ceiling *ceiling,
                   struct error *error) {
    if (!store_begin(store, error)) return false;
    bool ok = store_run(store,
                        "INSERT INTO ceiling (environment_id, sgemm_flops_per_second, "
                        "triad_bytes_per_second, measured_at) VALUES (?1, ?2, ?3, " NOW ") "
                        "ON CONFLICT (environment_id) DO UPDATE SET measured_at = " NOW ", "
                        "sgemm_flops_per_second = max(sgemm_flops_per_second, ?2), "
                        "triad_bytes_per_second = max(triad_bytes_per_second, ?3)",
                        VALUES(INT(environment_id), REAL(ceiling->flops_per_second),
                               REAL(ceiling->bytes_per_second)),
                        error);
    return store_end(store, ok, error);
}
