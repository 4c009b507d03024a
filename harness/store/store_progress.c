/*
 * How far a running trial is. It is worth knowing and not worth waiting for: neither the training that
 * writes it nor the sweep that draws it stops because somebody else has the database.
 */
#include "harness/store/store_private.h"

/* Gives up at once where the database is locked, until store_wait_start. */
static void wait_never(struct store *store) {
    sqlite3_busy_handler(store->db, NULL, NULL);
}

/* Only while this process has the trial: it may have been taken over by another machine. */
bool store_progress(struct store *store, int64_t id, const struct training_progress *progress) {
    struct error ignored;
    wait_never(store);
    bool ok = store_begin(store, &ignored);
    if (ok) {
        ok = store_run(
            store,
            "INSERT OR REPLACE INTO progress (trial_id, heard_at, candidate, n_candidates, epoch, "
            "n_epochs, train_loss, validation_accuracy, validation_mean_heads) "
            "SELECT id, " NOW ", ?2, ?3, ?4, ?5, ?6, ?7, ?8 "
            "FROM trial WHERE id = ?1 AND status = 'running' AND " OWNER " = 'own'",
            VALUES(INT(id), INT(progress->candidate), INT(progress->n_candidates),
                   INT(progress->epoch), INT(progress->n_epochs), REAL(progress->train_loss),
                   REAL(progress->validation_accuracy), REAL(progress->validation_mean_heads)),
            &ignored);
        ok = ok && sqlite3_changes(store->db) == 1;
        ok = store_end(store, ok, &ignored) && ok;
    }
    store_wait_start(store);
    return ok;
}

bool store_read_progress(struct store *store, int64_t id, struct training_progress *out) {
    struct error ignored;
    bool row = false;
    wait_never(store);
    sqlite3_stmt *found =
        store_statement(store,
                        "SELECT candidate, n_candidates, epoch, n_epochs, train_loss, "
                        "validation_accuracy, validation_mean_heads FROM progress "
                        "WHERE trial_id = ?1",
                        VALUES(INT(id)), &ignored);
    if (found && store_step(store, found, &row, &ignored) && row)
        *out = (struct training_progress){
            .candidate = sqlite3_column_int(found, 0),
            .n_candidates = sqlite3_column_int(found, 1),
            .epoch = sqlite3_column_int(found, 2),
            .n_epochs = sqlite3_column_int(found, 3),
            .train_loss = store_real(found, 4),
            .validation_accuracy = store_real(found, 5),
            .validation_mean_heads = store_real(found, 6),
        };
    if (found) sqlite3_reset(found);
    store_wait_start(store);
    return row;
}
