/*
 * Workloads that are merged, and whether both databases mean the same by a name. On another machine
 * the file has another path, so it is the trials that tell: an arm whose configuration is another one,
 * or a trial of equal configuration on other data. Seeds and arms of two definitions in one table
 * would be averaged or compared although nothing but their names is the same.
 */
#include "harness/store/store_merge_private.h"

#include <stdio.h>
#include <string.h>

/* Current trials of a workload in both: configurations of each arm without what its seeds differ in,
 * and then, slot by slot, with it. A trial whose data is absent has a key without them, and no result. */
#define PLANNED(schema, workload)                                                                           \
    "SELECT DISTINCT kind, arm, device, precision, json_remove(config, '$.seed', '$.data.seed') AS config " \
    "FROM " schema ".trial WHERE workload_id = " workload " AND current = 1"

static const char definition_sql[] = "WITH s AS (" PLANNED("source", "?1") "), o AS (" PLANNED(
    "main",
    "?2") "), "
          "pair (arm, there, here, data_there, data_here) AS ("
          "SELECT arm, s.config, o.config, '', '' FROM s JOIN o USING (kind, arm, device, precision) "
          "WHERE s.config <> o.config "
          "UNION ALL SELECT s.arm || '/' || s.seed, s.config, o.config, "
          "coalesce(substr(s.data_sha256, 1, 16), '?'), coalesce(substr(o.data_sha256, 1, 16), '?') "
          "FROM source.trial s JOIN main.trial o "
          "ON o.current = 1 AND o.workload_id = ?2 AND o.kind = s.kind AND o.arm = s.arm "
          "AND o.seed = s.seed AND o.device = s.device AND o.precision = s.precision "
          "WHERE s.current = 1 AND s.workload_id = ?1 AND s.key <> o.key "
          "AND (s.config <> o.config OR (s.status = 'ok' AND o.status = 'ok'))), "
          "first AS (SELECT * FROM pair LIMIT 1), "
          "setting AS (SELECT coalesce(t.fullkey, h.fullkey) AS name, quote(t.atom) AS there, "
          "quote(h.atom) AS here FROM first, "
          "(SELECT fullkey, atom FROM first, json_tree(there) WHERE type NOT IN ('object', 'array')) t "
          "LEFT JOIN (SELECT fullkey, atom FROM first, json_tree(here)) h USING (fullkey) "
          "WHERE t.atom IS NOT h.atom LIMIT 1) "
          "SELECT coalesce((SELECT printf('%s of %s is %s there, %s here', substr(setting.name, 3), arm, "
          "setting.there, setting.here) FROM setting), "
          "CASE WHEN there = here THEN printf('the data of %s are %s there, %s here', arm, data_there, "
          "data_here) ELSE printf('%s has other settings', arm) END) FROM first";

/* What is defined otherwise, "" if nothing is. */
static bool find_difference(struct merge *merge, int64_t there, int64_t here, char *what,
                            size_t size, struct error *error) {
    bool row;
    sqlite3_stmt *first =
        store_statement(merge->store, definition_sql, VALUES(INT(there), INT(here)), error);
    if (!first) return false;
    bool ok = store_step(merge->store, first, &row, error);
    snprintf(what, size, "%s", ok && row ? (const char *)sqlite3_column_text(first, 0) : "");
    sqlite3_reset(first);
    return ok;
}

/* As a sweep does with --replace: what was planned here stays, out of the plan. */
static bool make_way(struct merge *merge, int64_t there, int64_t here, struct error *error) {
    return store_run(merge->store, "UPDATE main.trial SET current = 0 WHERE workload_id = ?1",
                     VALUES(INT(here)), error) &&
           store_run(merge->store,
                     "UPDATE main.workload SET (summary, granularity, corpus, n_classes, file) = "
                     "(SELECT summary, granularity, corpus, n_classes, file FROM source.workload "
                     "WHERE id = ?2) WHERE id = ?1",
                     VALUES(INT(here), INT(there)), error);
}

static void refuse(struct merge *merge, const char *name, const char *what) {
    struct text text = {0};
    text_append(&text, "%s: its workload '%s' is not the one of '%s' (%s) and is kept out",
                merge->path, name, merge->store->path, what);
    if (text.data) merge->options->tell(merge->options->context, text.data);
    text_free(&text);
    merge->result->n_refused_workloads++;
}

/* One workload of the source; *here: its id here, 0: refused. */
static bool take_workload(struct merge *merge, int64_t there, const char *name, int64_t *here,
                          struct error *error) {
    static const struct replacement new_id[] = {{"id", "NULL"}, {NULL, NULL}};
    char what[512];
    struct store *store = merge->store;
    *here = store_number(store, "SELECT coalesce(max(id), 0) FROM main.workload WHERE name = ?1",
                         VALUES(TEXT(name)), error);
    if (*here < 0) return false;
    if (*here == 0) {
        bool ok = store_copy_rows(store, "INSERT INTO", "workload", new_id,
                                  "source.workload x WHERE x.id = ?1", VALUES(INT(there)), error);
        *here = sqlite3_last_insert_rowid(store->db);
        return ok;
    }
    if (!find_difference(merge, there, *here, what, sizeof what, error)) return false;
    if (*what && merge->options->replace) return make_way(merge, there, *here, error);
    if (*what) {
        refuse(merge, name, what);
        *here = 0;
        return true;
    }
    return store_run(store,
                     "UPDATE main.workload SET n_classes = (SELECT n_classes FROM source.workload "
                     "WHERE id = ?2) WHERE id = ?1 AND n_classes IS NULL",
                     VALUES(INT(*here), INT(there)), error);
}

bool merge_workloads(struct merge *merge, struct error *error) {
    struct store *store = merge->store;
    bool row = true, ok = store_exec(store,
                                     "CREATE TEMP TABLE incoming (id INTEGER PRIMARY KEY, "
                                     "here INTEGER NOT NULL)",
                                     error);
    for (int64_t there = 0; ok;) {
        char name[512];
        sqlite3_stmt *next = store_statement(store,
                                             "SELECT id, name FROM source.workload WHERE id > ?1 "
                                             "ORDER BY id LIMIT 1",
                                             VALUES(INT(there)), error);
        ok = next && store_step(store, next, &row, error);
        if (ok && row) {
            there = sqlite3_column_int64(next, 0);
            snprintf(name, sizeof name, "%s", (const char *)sqlite3_column_text(next, 1));
        }
        if (next) sqlite3_reset(next);
        if (!ok || !row) break;
        int64_t here;
        ok = take_workload(merge, there, name, &here, error) &&
             store_run(store, "INSERT INTO temp.incoming (id, here) VALUES (?1, ?2)",
                       VALUES(INT(there), INT(here)), error);
    }
    return ok;
}
