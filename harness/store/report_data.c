/*
 * The report for programs, and what of a database is reported on. Each part is a view as it stands:
 * no number is rounded and none is worked out here.
 */
#include "harness/store/report_private.h"
#include "harness/store/figure_data.h"
#include "harness/store/filter.h"
#include "harness/store/store_private.h"
#include "models/base/closest_name.h"
#include "models/base/json.h"

#include <stdlib.h>
#include <string.h>

/* ---- for programs ---- */

struct part {
    const char *name, *sql;
};

static const struct part parts[] = {
    {"arms",
     "WITH latency AS MATERIALIZED (SELECT * FROM latency_vs_flops)"
     " SELECT a.*, one.latency_ns_median AS latency_ns_batch_1,"
     "  many.latency_ns_median AS latency_ns_batch_32, one.time_ratio AS time_ratio_batch_1,"
     "  many.time_ratio AS time_ratio_batch_32,"
     "  coalesce(many.flops_ratio, one.flops_ratio) AS flops_ratio"
     " FROM accuracy_vs_budget a"
     " LEFT JOIN latency one ON one.workload = a.workload AND one.arm = a.arm"
     "  AND one.batch_size = 1 AND one.device = a.device"
     " LEFT JOIN latency many ON many.workload = a.workload AND many.arm = a.arm"
     "  AND many.batch_size = 32 AND many.device = a.device"
     " WHERE (a.workload, a.arm) IN chosen ORDER BY a.workload, a.arm"},
    {"measures", " SELECT * FROM measure_by_arm WHERE (workload, arm) IN chosen"
                 " ORDER BY workload, arm, measure"},
    {"data", " SELECT * FROM data_set WHERE workload IN shown ORDER BY workload"},
    {"claims", " SELECT * FROM claim"
               " WHERE (workload, arm_a) IN chosen OR (workload, arm_b) IN chosen"
               " ORDER BY workload, question, arm_a, arm_b"},
    {"split_outcomes",
     " SELECT * FROM split_outcome WHERE (workload, arm) IN chosen ORDER BY workload, arm"},
    {"heads_needed",
     " SELECT * FROM heads_needed WHERE workload IN shown ORDER BY workload, policy"},
    {"warnings",
     " SELECT * FROM trial_warning WHERE (workload, arm) IN chosen ORDER BY trial_id, warning"},
    {"noise_floor", " SELECT * FROM noise_floor WHERE workload IN shown"
                    " ORDER BY workload, arm, seed, batch_size, device"},
    {"timing_noise",
     " SELECT * FROM timing_noise WHERE workload IN shown ORDER BY workload, device"},
    {"above_roof", " SELECT * FROM roofline_by_phase WHERE (workload, arm) IN chosen"
                   " AND flops_per_second > sgemm_flops_per_second"
                   " ORDER BY workload, arm, batch_size, phase"},
    {"times", " SELECT * FROM latency_note WHERE (workload, arm) IN chosen"
              " ORDER BY workload, arm, batch_size, device"},
    {"trials_without_result", " SELECT * FROM trial_status WHERE status <> 'ok'"
                              " AND (workload, arm) IN chosen ORDER BY trial_id"},
};
enum { N_PARTS = sizeof parts / sizeof *parts };

static bool write_part(struct store *store, const struct part *part, enum table_format format,
                       FILE *out, struct error *error) {
    sqlite3_stmt *statement = store_statement(store, part->sql, NO_VALUES, error);
    bool ok = statement && store_write_rows(store, statement, format, out, error);
    if (statement) sqlite3_reset(statement);
    return ok;
}

bool report_for_programs(struct store *store, enum table_format format, FILE *out,
                         struct error *error) {
    if (format == TABLE_CSV) return write_part(store, &parts[0], format, out, error);
    for (int i = 0; i < N_PARTS; i++) {
        fprintf(out, "%s\"%s\": ", i == 0 ? "{" : ",\n", parts[i].name);
        if (!write_part(store, &parts[i], TABLE_JSON, out, error)) return false;
    }
    fputs("}\n", out);
    return true;
}

/* ---- what both are made from ---- */

/* Pairs of arms that a claim can be about: with all heads, or with a control of the first. */
#define ASKED_PAIRS                                                                                \
    "(workload, arm_a) IN dense_arm OR (workload, arm_b) IN dense_arm"                             \
    " OR substr(arm_b, 1, length(arm_a) + 2) = arm_a || ' ('"

/* Read once, before the questions of the report and after what it shares with figures. */
static const struct kept_view kept[] = {
    {"median_by_group", "id, grouped_by", "grouped_by GLOB 'block *'"},
    {"current_comparison", NULL, ASKED_PAIRS},
    {"paired_difference", "workload, arm_a, arm_b", NULL},
    {"attention_gain", NULL, NULL},
    {"data_set", NULL, NULL},
    {0}};

/* Of all arms the accuracy alone is shown, with what the table of times needs. */
#define OF_ALL_ARMS "'accuracy', 'ratio_seconds', 'profile_ratio'"
#define SHOWN_TO_PEOPLE                                                                            \
    "measure IN (" OF_ALL_ARMS ", " REPORT_MEASURES ")"                                            \
    " AND (measure IN (" OF_ALL_ARMS ") OR (workload, arm) IN told)"
static const struct kept_view for_people[] = {{"training_cost", NULL, "(workload, arm) IN told"},
                                              {"value_by_part", NULL, SHOWN_TO_PEOPLE},
                                              {"spread_by_arm", NULL, NULL},
                                              {"interval_by_measure", NULL, SHOWN_TO_PEOPLE},
                                              {0}};

/* The arms of which people are shown more than the accuracy. */
static const char told_sql[] =
    "DROP TABLE IF EXISTS temp.told;"
    "CREATE TEMP TABLE told (workload, arm, PRIMARY KEY (workload, arm)) WITHOUT ROWID;"
    "INSERT INTO told SELECT DISTINCT workload, arm FROM mean_by_arm"
    " WHERE instr(policy, '/') = 0 AND (trained_accuracy IS NOT NULL OR workload IN"
    "  (SELECT workload FROM mean_by_arm WHERE n_tuning_trials > 1))";

typedef bool report_writer(struct store *store, enum table_format format, FILE *out,
                           struct error *error);

bool report_keep_choice(struct store *store, const struct report_choice *choice,
                        struct error *error) {
    static const char arms[] =
        "WITH asked (workload) AS (SELECT name FROM workload"
        "  WHERE ?1 IS NULL OR name IN (SELECT value FROM json_each(?1)))"
        " INSERT INTO temp.chosen"
        " SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?2)"
        "  WHERE ?2 IS NOT NULL"
        " UNION SELECT DISTINCT workload, arm FROM trial_status"
        "  WHERE ?2 IS NULL AND workload IN asked"
        " UNION SELECT workload, arm FROM mean_by_arm"
        "  WHERE ?2 IS NULL AND workload IN asked";
    static const char workloads[] =
        "INSERT INTO temp.shown SELECT name FROM workload"
        " WHERE (?1 IS NULL OR name IN (SELECT value FROM json_each(?1)))"
        "  AND (?2 IS NULL OR name IN (SELECT workload FROM temp.chosen))";
    return store_exec(store,
                      "DROP TABLE IF EXISTS temp.chosen; DROP TABLE IF EXISTS temp.shown;"
                      "CREATE TEMP TABLE chosen (workload, arm, PRIMARY KEY (workload, arm))"
                      " WITHOUT ROWID;"
                      "CREATE TEMP TABLE shown (workload PRIMARY KEY) WITHOUT ROWID",
                      error) &&
           store_run(store, arms, VALUES(TEXT(choice->workloads), TEXT(choice->arms)), error) &&
           store_run(store, workloads, VALUES(TEXT(choice->workloads), TEXT(choice->arms)), error);
}

bool report_keep(struct store *store, struct error *error) {
    return figure_data_keep(store, error) && store_exec(store, told_sql, error) &&
           report_keep_choice(store, &(struct report_choice){NULL, NULL}, error);
}

static bool write_kept(struct store *store, const struct report_choice *choice,
                       enum table_format format, report_writer *write, FILE *out,
                       struct error *error) {
    bool people = format & TABLE_FOR_PEOPLE;
    return shared_data_keep(store, error) && store_keep(store, kept, error) &&
           store_exec(store, told_sql, error) &&
           (!people || store_keep(store, for_people, error)) &&
           shared_data_keep_last(store, error) && report_keep_choice(store, choice, error) &&
           write(store, format, out, error);
}

/* With what is kept for it, which is given back. */
static bool write_and_release(struct store *store, const struct report_choice *choice,
                              enum table_format format, report_writer *write, FILE *out,
                              struct error *error) {
    struct error ignored;
    bool ok = write_kept(store, choice, format, write, out, error);
    return store_release(store, ok ? error : &ignored) && ok;
}

bool report_write_chosen(struct store *store, const struct report_choice *choice,
                         enum table_format format, FILE *out, struct error *error) {
    return write_and_release(store, choice, format,
                             format & TABLE_FOR_PEOPLE ? report_for_people : report_for_programs,
                             out, error);
}

bool report_write_tables(struct store *store, enum table_format format, FILE *out,
                         struct error *error) {
    return write_and_release(store, &(struct report_choice){NULL, NULL}, format, report_tables, out,
                             error);
}

bool report_write(struct store *store, const char *workloads, enum table_format format, FILE *out,
                  struct error *error) {
    return report_write_chosen(store, &(struct report_choice){workloads, NULL}, format, out, error);
}

/* ---- the choice ---- */

static bool choose_workloads(struct store *store, const char *const *names, size_t n_names,
                             struct text *out, struct error *error) {
    struct table known = {0};
    bool ok = store_query(store, "SELECT name FROM workload ORDER BY name", NO_VALUES,
                          report_collect, &known, error);
    if (ok && known.failed) ok = error_set(error, "out of memory");
    for (size_t i = 0; ok && i < n_names; i++) {
        size_t r = 1; /* the first row is the name of the column */
        while (r < known.n_rows && strcmp(known.cells[r], names[i]) != 0) r++;
        text_append(out, i == 0 ? "[" : ", ");
        text_append_json_string(out, names[i]);
        if (r < known.n_rows) continue;
        const char *guess =
            known.n_rows == 0
                ? NULL
                : closest_name(names[i], (const char *const *)known.cells + 1, known.n_rows - 1);
        ok = error_set(error, "'%s' holds no workload '%s'%s%s%s", store->path, names[i],
                       guess ? ", did you mean '" : "", guess ? guess : "", guess ? "'?" : "");
    }
    text_append(out, "]");
    table_free(&known);
    return ok && (!out->failed || error_set(error, "out of memory"));
}

struct search {
    const regex_t *filter;
    struct text *arms;
    bool any;
};

/* One workload and arm. */
static bool add_match(void *context, int n, const char *const *names, const char *const *texts) {
    struct search *search = context;
    struct text label = {0};
    (void)n, (void)names;
    text_append(&label, "%s/%s", texts[0], texts[1]);
    if (label.data && regexec(search->filter, label.data, 0, NULL, 0) == 0) {
        text_append(search->arms, search->any ? ", [" : "[[");
        text_append_json_string(search->arms, texts[0]);
        text_append(search->arms, ", ");
        text_append_json_string(search->arms, texts[1]);
        text_append(search->arms, "]");
        search->any = true;
    }
    search->arms->failed |= label.failed;
    text_free(&label);
    return !search->arms->failed;
}

static bool choose_arms(struct store *store, const char *workloads, const char *filter,
                        struct text *out, struct error *error) {
    regex_t compiled;
    struct search search = {&compiled, out, false};
    if (!filter_compile(&compiled, filter, error)) return false;
    bool ok = report_keep_choice(store, &(struct report_choice){workloads, NULL}, error) &&
              store_query(store, "SELECT workload, arm FROM temp.chosen ORDER BY 1, 2", NO_VALUES,
                          add_match, &search, error);
    regfree(&compiled);
    text_append(out, "]");
    if (ok && out->failed) ok = error_set(error, "out of memory");
    if (ok && !search.any) ok = error_set(error, "no workload/arm matches --filter %s", filter);
    return ok;
}

bool report_choose(struct store *store, const char *const *names, size_t n_names,
                   const char *filter, struct text *workloads, struct text *arms,
                   struct error *error) {
    return (n_names == 0 || choose_workloads(store, names, n_names, workloads, error)) &&
           (!filter || choose_arms(store, workloads->data, filter, arms, error));
}
