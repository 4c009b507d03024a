/*
 * Comparisons of arms. SQL says which evaluations count; what it cannot do well, a two-way analysis
 * with intervals of Student's t for any degrees of freedom, is done here (statistics.c) and stored,
 * so that plain sqlite3 and the figures read the very numbers of the report. Each row names the
 * evaluations it is made of, and the views show it only while these are the current ones: a
 * comparison can be missing, never out of date. All arms of a workload are in memory at once, a
 * byte per answer, so that each prediction is read once although every pair of arms is compared.
 */
#include "harness/store/comparison.h"
#include "harness/store/statistics.h"
#include "harness/store/store_private.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As in the view current_comparison: a change of statistics.c that changes numbers adds 1. */
enum { FORMULAS = 2 };

/* One evaluation on the test split: which inputs were answered rightly. */
struct answers {
    int64_t seed;
    char data[65]; /* hash of the data set, "" if unknown: another one has other inputs */
    int n;
    int8_t *right; /* [n] 0 or 1 */
};

struct arm {
    char *name, *evaluations;
    size_t first, n; /* of the workload's answers */
};

/* Arms by name, and the answers of each by seed. */
struct workload {
    struct arm *arms;
    size_t n_arms, n_answers;
    struct answers *answers;
    int most_inputs;
};

static void workload_free(struct workload *workload) {
    for (size_t i = 0; i < workload->n_answers; i++) free(workload->answers[i].right);
    for (size_t i = 0; i < workload->n_arms; i++) {
        free(workload->arms[i].name);
        free(workload->arms[i].evaluations);
    }
    free(workload->arms);
    free(workload->answers);
}

/* ---- reading ---- */

/* The next place of a list that grows by doubling; NULL when out of memory. */
static void *append(void **list, size_t n, size_t size) {
    bool full = n == 0 || (n & (n - 1)) == 0;
    void *grown = full ? realloc(*list, (n ? 2 * n : 1) * size) : *list;
    if (!grown) return NULL;
    *list = grown;
    return memset((char *)grown + n * size, 0, size);
}

static bool add_arm(struct workload *workload, const char *name, const char *evaluations) {
    void *list = workload->arms;
    struct arm *arm = append(&list, workload->n_arms, sizeof *arm);
    workload->arms = list;
    if (!arm) return false;
    workload->n_arms++;
    *arm = (struct arm){strdup(name), strdup(evaluations), workload->n_answers, 0};
    return arm->name && arm->evaluations;
}

static bool read_answers(struct store *store, int64_t evaluation, struct answers *answers,
                         struct error *error) {
    static const char sql[] = "SELECT predicted = label FROM prediction WHERE evaluation_id = ?1 "
                              "ORDER BY input";
    int64_t n = store_number(store, "SELECT count(*) FROM prediction WHERE evaluation_id = ?1",
                             VALUES(INT(evaluation)), error);
    if (n < 0) return false;
    answers->right = malloc((size_t)n + 1);
    if (!answers->right) return error_set(error, "out of memory comparing arms");
    sqlite3_stmt *rows = store_statement(store, sql, VALUES(INT(evaluation)), error);
    bool ok = rows != NULL, row = false;
    while (ok && answers->n < n && (ok = store_step(store, rows, &row, error)) && row)
        answers->right[answers->n++] = (int8_t)sqlite3_column_int(rows, 0);
    if (rows) sqlite3_reset(rows);
    return ok;
}

/* One row of the list of evaluations: a new arm begins where the name changes. */
static bool add_evaluation(struct store *store, struct workload *workload, sqlite3_stmt *row,
                           struct error *error) {
    const char *name = (const char *)sqlite3_column_text(row, 0);
    const char *evaluations = (const char *)sqlite3_column_text(row, 1);
    const char *data = (const char *)sqlite3_column_text(row, 4);
    if (!name || !evaluations) return error_set(error, "out of memory comparing arms");
    bool is_new =
        workload->n_arms == 0 || strcmp(workload->arms[workload->n_arms - 1].name, name) != 0;
    if (is_new && !add_arm(workload, name, evaluations))
        return error_set(error, "out of memory comparing arms");
    void *list = workload->answers;
    struct answers *answers = append(&list, workload->n_answers, sizeof *answers);
    workload->answers = list;
    if (!answers) return error_set(error, "out of memory comparing arms");
    workload->n_answers++;
    workload->arms[workload->n_arms - 1].n++;
    answers->seed = sqlite3_column_int64(row, 3);
    snprintf(answers->data, sizeof answers->data, "%s", data ? data : "");
    if (!read_answers(store, sqlite3_column_int64(row, 2), answers, error)) return false;
    if (answers->n > workload->most_inputs) workload->most_inputs = answers->n;
    return true;
}

static bool read_workload(struct store *store, int64_t id, struct workload *workload,
                          struct error *error) {
    static const char sql[] =
        "SELECT a.arm, a.evaluations, r.evaluation_id, r.seed, t.data_sha256 FROM current_arm a "
        "JOIN accuracy_by_seed r ON r.workload = a.workload AND r.arm = a.arm "
        "JOIN trial t ON t.id = r.trial_id "
        "WHERE a.workload_id = ?1 AND r.accuracy IS NOT NULL ORDER BY a.arm, r.seed";
    sqlite3_stmt *rows = store_statement(store, sql, VALUES(INT(id)), error);
    bool ok = rows != NULL, row = false;
    while (ok && (ok = store_step(store, rows, &row, error)) && row)
        ok = add_evaluation(store, workload, rows, error);
    if (rows) sqlite3_reset(rows);
    return ok;
}

/* ---- comparing ---- */

/* Two arms over the seeds that both have. */
struct pair {
    int n_seeds, n_inputs;
    bool nested;
};

/* Fills table [seeds][inputs] with the first arm's answers less the second's. No seed is left
 * (n_seeds 0) where they have none in common, or were not tested on equally many inputs each. */
static struct pair join_arms(const struct workload *workload, const struct arm *a,
                             const struct arm *b, int8_t *table) {
    struct pair pair = {0};
    const char *data = NULL;
    for (size_t i = 0, j = 0; i < a->n && j < b->n;) {
        const struct answers *x = &workload->answers[a->first + i];
        const struct answers *y = &workload->answers[b->first + j];
        i += x->seed <= y->seed;
        j += y->seed <= x->seed;
        if (x->seed != y->seed) continue;
        if (!data) data = x->data, pair.n_inputs = x->n;
        if (x->n < 2 || x->n != pair.n_inputs || y->n != x->n || strcmp(x->data, y->data) != 0)
            return (struct pair){0};
        pair.nested |= strcmp(x->data, data) != 0;
        int8_t *row = table + (ptrdiff_t)pair.n_seeds * x->n;
        for (int k = 0; k < x->n; k++) row[k] = (int8_t)(x->right[k] - y->right[k]);
        pair.n_seeds++;
    }
    return pair;
}

#define INTERVAL(name, interval)                                                                   \
    {name "_half95_points", REAL(100 * (interval).half95)},                                        \
        {name "_half90_points", REAL(100 * (interval).half90)}, {name "_df", REAL((interval).df)}, \
    {                                                                                              \
        name "_p", REAL((interval).p)                                                              \
    }

static bool write_pair(struct store *store, int64_t id, const struct workload *workload,
                       const struct arm *a, const struct arm *b, int8_t *table,
                       struct error *error) {
    struct pair pair = join_arms(workload, a, b, table);
    struct interval unknown = {NAN, NAN, NAN, NAN};
    struct difference d = {NAN, unknown, unknown, unknown};
    struct components c = {NAN, NAN, NAN, NAN, pair.nested};
    bool known = pair.n_seeds > 0;
    if (known) {
        d = statistics_compare(table, pair.n_seeds, pair.n_inputs, pair.nested);
        c = statistics_components(table, pair.n_seeds, pair.n_inputs, pair.nested);
    }
    return store_insert(store, "comparison",
                        COLUMNS({"workload_id", INT(id)}, {"arm_a", TEXT(a->name)},
                                {"arm_b", TEXT(b->name)}, {"evaluations_a", TEXT(a->evaluations)},
                                {"evaluations_b", TEXT(b->evaluations)},
                                {"formulas", INT(FORMULAS)}, {"n_seeds", INT(pair.n_seeds)},
                                {"n_inputs", known ? INT(pair.n_inputs) : REAL(NAN)},
                                {"inputs", TEXT(!known        ? NULL
                                                : pair.nested ? "nested"
                                                              : "crossed")},
                                {"points", REAL(100 * d.mean)}, INTERVAL("seeds", d.over_seeds),
                                INTERVAL("inputs", d.over_inputs), INTERVAL("both", d.over_both),
                                {"seed_variance", REAL(c.seed)}, {"input_variance", REAL(c.input)},
                                {"rest_variance", REAL(c.rest)}, {"pseudo", REAL(c.pseudo)}),
                        error);
}

static bool compare_workload(struct store *store, int64_t id, struct error *error) {
    struct workload workload = {0};
    int8_t *table = NULL;
    bool ok = false;
    if (!read_workload(store, id, &workload, error) ||
        !store_run(store, "DELETE FROM comparison WHERE workload_id = ?1", VALUES(INT(id)), error))
        goto done;
    table = malloc(workload.n_answers * (size_t)workload.most_inputs + 1);
    ok = table || error_set(error, "out of memory comparing arms");
    for (size_t i = 0; ok && i < workload.n_arms; i++)
        for (size_t j = i + 1; ok && j < workload.n_arms; j++)
            ok = write_pair(store, id, &workload, &workload.arms[i], &workload.arms[j], table,
                            error);
done:
    free(table);
    workload_free(&workload);
    return ok;
}

/* ---- what is missing ---- */

/* The workloads that have fewer current comparisons than pairs of arms. */
static const char stale_sql[] =
    "WITH arms AS (SELECT workload_id, count(*) AS n FROM current_arm GROUP BY 1),"
    " made AS (SELECT workload_id, count(*) AS n FROM current_comparison GROUP BY 1)"
    " SELECT workload_id FROM arms a LEFT JOIN made m USING (workload_id)"
    " WHERE coalesce(m.n, 0) <> a.n * (a.n - 1) / 2 ORDER BY 1";

bool comparison_keep(struct store *store, struct error *error) {
    static const struct kept_view models[] = {
        {"accuracy_by_seed", "workload, arm, policy, seed", NULL}, {0}};
    static const struct kept_view arms[] = {
        {"mean_by_arm", "workload, arm, policy", NULL}, {"current_arm", "workload_id", NULL}, {0}};
    return store_keep(store, models, error) &&
           store_keep_as(store, "accuracy_in_order", "accuracy_by_seed", error) &&
           store_keep(store, arms, error);
}

struct ids {
    int64_t *id; /* [n] */
    size_t n;
    bool failed;
};

static bool add_id(void *context, int n, const char *const *names, const char *const *texts) {
    struct ids *ids = context;
    void *list = ids->id;
    int64_t *place = append(&list, ids->n, sizeof *place);
    (void)n, (void)names;
    ids->id = list;
    ids->failed = !place;
    if (!place) return false;
    *place = strtoll(texts[0], NULL, 10);
    ids->n++;
    return true;
}

/* Views of this connection find a TEMP table before the file's of its name. */
static bool prepare_reader(struct store *store, struct error *error) {
    return store_exec(store,
                      "CREATE TEMP TABLE IF NOT EXISTS comparison AS "
                      "SELECT * FROM main.comparison",
                      error);
}

/* Changes when another process has written to the file. */
static int64_t data_version(struct store *store, struct error *error) {
    return store_number(store, "PRAGMA data_version", NO_VALUES, error);
}

/* Within the transaction that writes: if others have written since `version`, evaluations that are
 * kept may be gone, so the views are read anew. */
static bool compare_unchanged(struct store *store, int64_t id, int64_t version,
                              struct error *error) {
    int64_t now = data_version(store, error);
    return now >= 0 && (now == version || store_release(store, error)) &&
           compare_workload(store, id, error);
}

static bool update(struct store *store, int64_t version, struct error *error) {
    struct ids stale = {0};
    bool ok = store_query(store, stale_sql, NO_VALUES, add_id, &stale, error);
    if (ok && stale.failed) ok = error_set(error, "out of memory comparing arms");
    if (ok && stale.n > 0 && store->reader) ok = prepare_reader(store, error);
    for (size_t i = 0; ok && i < stale.n; i++) {
        if (store->reader)
            ok = compare_workload(store, stale.id[i], error);
        else
            ok = store_begin(store, error) &&
                 store_end(store, compare_unchanged(store, stale.id[i], version, error), error);
    }
    free(stale.id);
    return ok;
}

bool comparison_update(struct store *store, struct error *error) {
    struct error ignored;
    bool before;
    int64_t version = data_version(store, error);
    if (version < 0 || !store_keeps(store, "accuracy_by_seed", &before, error)) return false;
    bool ok = comparison_keep(store, error) && update(store, version, error);
    return (before || store_release(store, ok ? error : &ignored)) && ok;
}
