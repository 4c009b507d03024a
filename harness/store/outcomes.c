/*
 * Reading them from a database. Views show current results alone, so the trials that count are
 * chosen here, from the tables, and what is asked of them is the same SELECT for both. Medians are
 * worked out in C: the view of medians would have to be repeated for trials that are not current.
 */
#include "harness/store/outcomes.h"
#include "harness/store/statistics.h"
#include "harness/store/store_private.h"
#include "models/base/closest_name.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const measure_names[N_MEASURES] = {"accuracy", "heads", "flops", "latency", "memory"};

/* ---- lists ---- */

/* A place at the end of a list that grows by doubling; NULL when out of memory. */
static void *append(void **list, size_t n, size_t size) {
    bool full = (n & (n - 1)) == 0;
    void *grown = full ? realloc(*list, (n ? 2 * n : 1) * size) : *list;
    if (!grown) return NULL;
    *list = grown;
    return memset((char *)grown + n * size, 0, size);
}

struct answers *outcomes_add_answers(struct outcomes *outcomes, struct error *error) {
    void *list = outcomes->answers;
    struct answers *place = append(&list, outcomes->n_answers, sizeof *place);
    outcomes->answers = list;
    if (!place) error_set(error, "out of memory reading results");
    outcomes->n_answers += place != NULL;
    return place;
}

struct measured *outcomes_add_measured(struct outcomes *outcomes, struct error *error) {
    void *list = outcomes->measured;
    struct measured *place = append(&list, outcomes->n_measured, sizeof *place);
    outcomes->measured = list;
    if (!place) error_set(error, "out of memory reading results");
    outcomes->n_measured += place != NULL;
    return place;
}

void outcomes_free(struct outcomes *outcomes) {
    for (size_t i = 0; i < outcomes->n_answers; i++) {
        struct answers *answers = &outcomes->answers[i];
        for (int k = 0; answers->id && k < answers->n; k++) free(answers->id[k]);
        free(answers->id);
        free(answers->label);
        free(answers->right);
        free(answers->workload);
        free(answers->arm);
    }
    for (size_t i = 0; i < outcomes->n_measured; i++) {
        struct measured *measured = &outcomes->measured[i];
        free(measured->workload);
        free(measured->arm);
        free(measured->block);
        free(measured->conditions);
    }
    free(outcomes->answers);
    free(outcomes->measured);
    *outcomes = (struct outcomes){0};
}

uint32_t outcomes_label(const char *text) {
    uint32_t hash = 2166136261U;
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 16777619U;
    return hash;
}

/* ---- which trials ---- */

/* Trials that an environment has made, by revision or machine. Those put aside (KEY.1) are of the
 * trial that is planned now as KEY. */
#define PLACES                                                                                     \
    "place AS MATERIALIZED (SELECT e.id, v.revision, e.machine,"                                   \
    "  v.conditions || coalesce(v.card, '') AS conditions FROM environment e"                      \
    "  JOIN timing_environment v ON v.environment_id = e.id),"
#define CHOSEN                                                                                     \
    PLACES                                                                                         \
    "made AS (SELECT t.*, w.name AS workload FROM trial t JOIN workload w ON w.id = t.workload_id" \
    "  WHERE t.status = 'ok' AND (?1 IS NULL OR w.name = ?1)"                                      \
    "  AND CASE WHEN ?3 IS NULL THEN t.current = 1 ELSE"                                           \
    "   t.environment_id IN (SELECT id FROM place WHERE instr(revision, ?3) = 1"                   \
    "    OR instr(machine, ?3) > 0)"                                                               \
    "   AND EXISTS (SELECT 1 FROM trial c WHERE c.workload_id = t.workload_id AND c.current = 1"   \
    "    AND c.key = substr(t.key, 1, instr(t.key || '.', '.') - 1)) END),"                        \
    "chosen AS MATERIALIZED (SELECT * FROM made WHERE id IN"                                       \
    "  (SELECT max(id) FROM made GROUP BY workload_id, kind, arm, seed, device, precision)) "

static const char answers_sql[] =
    "WITH " CHOSEN
    "SELECT t.workload, t.arm || CASE e.control WHEN 'none' THEN '' ELSE ' (' || e.control || ')'"
    "  END AS full, t.seed, t.data_sha256, e.id,"
    " CASE e.layers WHEN 0 THEN 0.0 ELSE e.mean_heads END,"
    " CAST(e.executed_flops AS REAL) / e.n_inputs"
    " FROM chosen t JOIN evaluation e ON e.trial_id = t.id"
    " WHERE t.kind = 'train' AND e.weights = 'best' AND e.split = 'test'"
    "  AND e.accuracy IS NOT NULL AND (?2 IS NULL OR full = ?2)"
    " ORDER BY t.workload_id, min(t.id) OVER (PARTITION BY t.workload_id, t.arm), length(full),"
    "  full, t.seed";

/* Times on what trained the model: those on another device are another question. noise_floor is of
 * current profiles; the machine's noise is taken to be the same for others. */
static const char profiles_sql[] =
    "WITH " CHOSEN ", floor AS MATERIALIZED (SELECT workload, batch_size,"
    "  device, max(noise_floor) AS noise FROM noise_floor GROUP BY 1, 2, 3)"
    "SELECT t.workload, t.arm, t.seed, p.batch_size, p.id,"
    " EXISTS (SELECT 1 FROM warning m WHERE m.trial_id = t.id), v.conditions, f.noise, m.bytes"
    " FROM chosen t JOIN profile p ON p.trial_id = t.id"
    " JOIN trial b ON b.id = t.base_trial_id AND b.device = t.device AND b.precision = t.precision"
    " LEFT JOIN place v ON v.id = t.environment_id"
    " LEFT JOIN floor f ON f.workload = t.workload AND f.batch_size = p.batch_size"
    "  AND f.device = t.device || CASE t.precision WHEN 'fp32' THEN '' ELSE '-' || t.precision END"
    " LEFT JOIN memory m ON m.trial_id = t.id"
    "  AND m.what = 'peak resident, forward, batch ' || p.batch_size"
    " WHERE t.kind = 'profile' AND (?2 IS NULL OR t.arm = ?2)"
    " ORDER BY t.workload_id, t.arm, p.batch_size, t.seed";

/* Below noise_floor, and read once: planned as views, these take longer than all else that is
 * asked here. */
static const struct kept_view below_noise_floor[] = {
    {"accuracy_by_seed", NULL, NULL},
    {"current_profile", "id", NULL},
    {"median_by_group", "id, grouped_by", "grouped_by GLOB 'block *'"},
    {"value_by_part", NULL, "measure = 'profile_ratio'"},
    {0}};

/* ---- reading ---- */

static char *copy_text(sqlite3_stmt *row, int column) {
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text ? strdup(text) : NULL;
}

static double real_or(sqlite3_stmt *row, int column, double unknown) {
    return sqlite3_column_type(row, column) == SQLITE_NULL ? unknown
                                                           : sqlite3_column_double(row, column);
}

static bool read_predictions(struct store *store, int64_t evaluation, struct answers *answers,
                             struct error *error) {
    static const char sql[] = "SELECT predicted = label, label FROM prediction "
                              "WHERE evaluation_id = ?1 ORDER BY input";
    int64_t n = store_number(store, "SELECT count(*) FROM prediction WHERE evaluation_id = ?1",
                             VALUES(INT(evaluation)), error);
    if (n < 0) return false;
    answers->right = malloc((size_t)n + 1);
    answers->label = malloc(((size_t)n + 1) * sizeof *answers->label);
    if (!answers->right || !answers->label) return error_set(error, "out of memory");
    sqlite3_stmt *rows = store_statement(store, sql, VALUES(INT(evaluation)), error);
    bool ok = rows != NULL, row = false;
    while (ok && answers->n < n && (ok = store_step(store, rows, &row, error)) && row) {
        char text[24];
        snprintf(text, sizeof text, "%lld", (long long)sqlite3_column_int64(rows, 1));
        answers->right[answers->n] = (int8_t)sqlite3_column_int(rows, 0);
        answers->label[answers->n++] = outcomes_label(text);
    }
    if (rows) sqlite3_reset(rows);
    return ok;
}

static bool add_value(struct outcomes *out, const struct answers *of, enum measure measure,
                      double value, struct error *error) {
    if (isnan(value)) return true;
    struct measured *measured = outcomes_add_measured(out, error);
    if (!measured) return false;
    *measured = (struct measured){.workload = strdup(of->workload),
                                  .arm = strdup(of->arm),
                                  .seed = of->seed,
                                  .measure = measure,
                                  .value = value};
    return (measured->workload && measured->arm) || error_set(error, "out of memory");
}

static bool add_evaluation(struct store *store, sqlite3_stmt *row, struct outcomes *out,
                           struct error *error) {
    struct answers *answers = outcomes_add_answers(out, error);
    if (!answers) return false;
    const char *data = (const char *)sqlite3_column_text(row, 3);
    answers->workload = copy_text(row, 0);
    answers->arm = copy_text(row, 1);
    answers->seed = sqlite3_column_int64(row, 2);
    if (!answers->workload || !answers->arm) return error_set(error, "out of memory");
    snprintf(answers->data, sizeof answers->data, "%s", data ? data : "");
    return read_predictions(store, sqlite3_column_int64(row, 4), answers, error) &&
           add_value(out, answers, MEASURE_HEADS, real_or(row, 5, NAN), error) &&
           add_value(out, answers, MEASURE_FLOPS, real_or(row, 6, NAN), error);
}

/* Medians of the samples: of each block, and of all. */
static bool read_samples(struct store *store, int64_t profile, struct measured *measured,
                         struct error *error) {
    int64_t n = store_number(store, "SELECT count(*) FROM profile_sample WHERE profile_id = ?1",
                             VALUES(INT(profile)), error);
    if (n < 0) return false;
    double *samples = malloc(((size_t)n + 1) * sizeof *samples);
    measured->block = malloc(((size_t)n + 1) * sizeof *measured->block);
    measured->value = NAN;
    sqlite3_stmt *rows = NULL;
    size_t first = 0, n_read = 0; /* of this block, of all */
    int64_t last = 0;
    bool row = false, ok = (samples && measured->block) || error_set(error, "out of memory");
    if (ok)
        rows = store_statement(store,
                               "SELECT block, latency_ns FROM profile_sample WHERE profile_id = ?1 "
                               "ORDER BY block",
                               VALUES(INT(profile)), error);
    ok = rows != NULL;
    while (ok && (ok = store_step(store, rows, &row, error)) && row && n_read < (size_t)n) {
        int64_t block = sqlite3_column_int64(rows, 0);
        if (n_read > first && block != last) {
            measured->block[measured->n_blocks++] =
                statistics_median(samples + first, n_read - first);
            first = n_read;
        }
        last = block;
        samples[n_read++] = sqlite3_column_double(rows, 1);
    }
    if (rows) sqlite3_reset(rows);
    if (ok && n_read > first)
        measured->block[measured->n_blocks++] = statistics_median(samples + first, n_read - first);
    if (ok && n_read > 0) measured->value = statistics_median(samples, n_read);
    free(samples);
    return ok;
}

static bool add_profile(struct store *store, sqlite3_stmt *row, struct outcomes *out,
                        struct error *error) {
    double bytes = real_or(row, 8, NAN);
    for (int kind = 0; kind < (isnan(bytes) ? 1 : 2); kind++) {
        struct measured *measured = outcomes_add_measured(out, error);
        if (!measured) return false;
        *measured = (struct measured){.workload = copy_text(row, 0),
                                      .arm = copy_text(row, 1),
                                      .seed = sqlite3_column_int64(row, 2),
                                      .measure = kind ? MEASURE_MEMORY : MEASURE_LATENCY,
                                      .batch_size = sqlite3_column_int(row, 3),
                                      .value = bytes};
        if (!measured->workload || !measured->arm) return error_set(error, "out of memory");
        if (kind > 0) continue;
        measured->doubtful = sqlite3_column_int(row, 5) != 0;
        measured->conditions = copy_text(row, 6);
        measured->noise_floor = real_or(row, 7, 0.0);
        if (!read_samples(store, sqlite3_column_int64(row, 4), measured, error)) return false;
    }
    return true;
}

bool outcomes_read(struct store *store, const char *workload, const char *arm, const char *where,
                   struct outcomes *out, struct error *error) {
    static const char *const sql[] = {answers_sql, profiles_sql};
    bool ok = store_keep(store, below_noise_floor, error);
    for (int i = 0; ok && i < 2; i++) {
        sqlite3_stmt *rows =
            store_statement(store, sql[i], VALUES(TEXT(workload), TEXT(arm), TEXT(where)), error);
        bool row = false;
        ok = rows != NULL;
        while (ok && (ok = store_step(store, rows, &row, error)) && row)
            ok = (i ? add_profile : add_evaluation)(store, rows, out, error);
        if (rows) sqlite3_reset(rows);
    }
    return ok;
}

/* ---- why there is nothing ---- */

/* The names that a query returns, and all of them in one text. */
struct names {
    char **name;
    size_t n;
    bool failed;
};

static bool keep_name(void *context, int n, const char *const *names, const char *const *texts) {
    struct names *list = context;
    void *grown = list->name;
    char **place = append(&grown, list->n, sizeof *place);
    (void)n, (void)names;
    list->name = grown;
    if (place) *place = strdup(texts[0] ? texts[0] : "");
    list->failed = !place || !*place;
    list->n += place != NULL;
    return !list->failed;
}

/* "no WHAT 'word' in FILE; did you mean ...? There are a, b, c" */
static bool explain(struct store *store, const char *what, const char *word, const char *sql,
                    const char *workload, struct error *error) {
    struct names known = {0};
    if (!store_query(store, sql, VALUES(TEXT(workload)), keep_name, &known, error)) goto done;
    if (known.failed) {
        error_set(error, "out of memory");
        goto done;
    }
    struct text list = {0};
    for (size_t i = 0; i < known.n; i++) text_append(&list, "%s%s", i ? ", " : "", known.name[i]);
    const char *guess = closest_name(word, (const char *const *)known.name, known.n);
    error_set(error, "no results of %s '%s' in %s%s%s%s%s%.600s", what, word, store->path,
              guess ? "; did you mean '" : "", guess ? guess : "", guess ? "'?" : "",
              guess || known.n == 0 ? "" : "; there are ", guess || !list.data ? "" : list.data);
    text_free(&list);
done:
    for (size_t i = 0; i < known.n; i++) free(known.name[i]);
    free(known.name);
    return false;
}

bool outcomes_explain_none(struct store *store, const char *workload, const char *arm,
                           const char *where, struct error *error) {
    static const char workloads[] = "SELECT DISTINCT workload FROM current_arm WHERE ?1 IS NULL",
                      arms[] = "SELECT DISTINCT arm FROM current_arm"
                               " WHERE ?1 IS NULL OR workload = ?1",
                      places[] =
                          "SELECT DISTINCT revision || ' (' || machine || ')'"
                          " FROM environment e JOIN timing_environment ON environment_id = id"
                          " WHERE ?1 IS NULL AND EXISTS (SELECT 1 FROM trial t"
                          "  WHERE t.environment_id = e.id AND t.status = 'ok')";
    int64_t known =
        !workload ? 1
                  : store_number(store, "SELECT count(*) FROM current_arm WHERE workload = ?1",
                                 VALUES(TEXT(workload)), error);
    if (known < 0) return false;
    if (known == 0) return explain(store, "workload", workload, workloads, NULL, error);
    known = !arm ? 1
                 : store_number(store,
                                "SELECT count(*) FROM current_arm WHERE arm = ?1 AND (?2 IS NULL "
                                "OR workload = ?2)",
                                VALUES(TEXT(arm), TEXT(workload)), error);
    if (known < 0) return false;
    if (known == 0) return explain(store, "arm", arm, arms, workload, error);
    if (where) return explain(store, "revision or machine", where, places, NULL, error);
    return error_set(error, "no results in %s", store->path);
}
