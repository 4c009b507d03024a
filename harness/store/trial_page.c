/*
 * See trial_page.h. The result of a trial comes from the views that all else is made of.
 */
#include "harness/store/trial_page.h"

bool trial_page_trials(struct store *store, int64_t limit, trial_page_row *row, void *context,
                       struct error *error) {
    static const char sql[] =
        "WITH found AS MATERIALIZED (SELECT trial_id, accuracy, mean_heads, "
        "executed_flops_per_input"
        "  FROM accuracy_by_seed WHERE instr(policy, '/') = 0),"
        " timed AS MATERIALIZED (SELECT p.trial_id, group_concat(printf('%.1f us at batch %d',"
        "   m.median / 1e3, p.batch_size), ', ') AS times"
        "  FROM (SELECT * FROM current_profile ORDER BY trial_id, batch_size) p"
        "  JOIN profile_summary m USING (id) GROUP BY p.trial_id)"
        " SELECT t.id, t.key, t.workload, t.arm, t.kind, t.seed, t.status, t.config,"
        "  (SELECT group_concat(text, char(10)) FROM warning w WHERE w.trial_id = t.id) AS "
        "warnings,"
        "  nullif(t.reason, '') AS reason, t.policy, t.device_label AS device,"
        "  CASE WHEN t.kind = 'train' THEN f.accuracy END AS test_accuracy,"
        "  CASE WHEN t.kind = 'train' THEN f.mean_heads END AS heads_per_layer,"
        "  CASE WHEN t.kind = 'train' THEN f.executed_flops_per_input END AS "
        "executed_flops_per_input,"
        "  m.times AS median_forward_pass, t.best_epoch, t.steps, t.parameters, t.train_seconds,"
        "  t.wall_seconds, t.started_at, t.finished_at, t.host, t.base_trial_id,"
        "  nullif(t.command, '') AS command, t.checkpoint, t.data_sha256, t.code_sha256"
        " FROM current_trial t LEFT JOIN found f ON f.trial_id = t.id"
        " LEFT JOIN timed m ON m.trial_id = t.id"
        " JOIN (SELECT workload_id, arm, min(id) AS first FROM current_trial GROUP BY 1, 2) o"
        "  ON o.workload_id = t.workload_id AND o.arm = t.arm"
        " ORDER BY t.workload, o.first, t.kind <> 'train', t.seed, t.id LIMIT ?1";
    return store_query_cells(store, sql, VALUES(INT(limit)), row, context, error);
}

bool trial_page_epochs(struct store *store, int64_t trial_id, trial_page_row *row, void *context,
                       struct error *error) {
    return store_query_cells(store,
                             "SELECT train_loss, validation_loss, validation_accuracy,"
                             " validation_mean_heads FROM epoch WHERE trial_id = ?1 ORDER BY epoch",
                             VALUES(INT(trial_id)), row, context, error);
}

/* A list of reasons stands in the key `unknown` of the same text. */
bool trial_page_machines(struct store *store, trial_page_row *row, void *context,
                         struct error *error) {
    static const char sql[] =
        "SELECT printf('%s: %s (%d trials)', e.host, e.machine, u.n) AS machine, j.key AS name,"
        "  j.value, json_extract(e.json, '$.unknown.\"' || j.key || '\"') AS why_unknown"
        " FROM (SELECT environment_id, count(*) AS n FROM current_trial WHERE status = 'ok'"
        "  GROUP BY 1) u JOIN environment e ON e.id = u.environment_id, json_each(e.json) j"
        " WHERE j.key <> 'unknown' ORDER BY e.id, j.id";
    return store_query_cells(store, sql, NO_VALUES, row, context, error);
}
