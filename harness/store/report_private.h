/*
 * What the two dresses of the report share: for people (report.c) and for programs (report_data.c).
 */
#ifndef HEADROOM_HARNESS_STORE_REPORT_PRIVATE_H
#define HEADROOM_HARNESS_STORE_REPORT_PRIVATE_H

#include "harness/store/report.h"
#include "harness/table/table.h"

/* How each of its SELECTs begins, with the choice as ?1 and ?2: `chosen` is arms, with controls,
 * and `shown` the workloads that have one of them, or, without a choice of arms, also those that
 * have none. */
#define REPORT_CHOSEN                                                                              \
    "WITH asked (workload) AS (SELECT name FROM workload"                                          \
    " WHERE ?1 IS NULL OR name IN (SELECT value FROM json_each(?1))),"                             \
    " chosen (workload, arm) AS MATERIALIZED ("                                                    \
    "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?2)"           \
    " WHERE ?2 IS NOT NULL"                                                                        \
    " UNION SELECT workload, arm FROM trial_status WHERE ?2 IS NULL AND workload IN asked"         \
    " UNION SELECT workload, arm FROM accuracy_by_seed WHERE ?2 IS NULL AND workload IN asked),"   \
    " shown (workload) AS (SELECT workload FROM asked WHERE ?2 IS NULL"                            \
    " OR workload IN (SELECT workload FROM chosen))"

/* The measures that the report for people shows of the arms in `told`: of methods that are tuned, or whose
 * gates are learned. */
#define REPORT_MEASURES                                                                            \
    "'heads', 'executed_flops', 'active_flops', 'dense_flops', 'training_flops', 'latency_ns'"

/* A format of TABLE_FOR_PEOPLE. */
bool report_for_people(struct store *store, const struct report_choice *choice,
                       enum table_format format, FILE *out, struct error *error);

/* Of it the tables of arms and of methods alone. */
bool report_tables(struct store *store, const struct report_choice *choice,
                   enum table_format format, FILE *out, struct error *error);

/* TABLE_CSV: the arms. TABLE_JSON: an object of all parts, each an array of rows. */
bool report_for_programs(struct store *store, const struct report_choice *choice,
                         enum table_format format, FILE *out, struct error *error);

/* For store_query with a table as the context: its rows, with the names of columns first. */
bool report_collect(void *context, int n, const char *const *names, const char *const *texts);

#endif
