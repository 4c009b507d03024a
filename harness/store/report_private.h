/*
 * What the two dresses of the report share: for people (report.c) and for programs (report_data.c).
 */
#ifndef HEADROOM_HARNESS_STORE_REPORT_PRIVATE_H
#define HEADROOM_HARNESS_STORE_REPORT_PRIVATE_H

#include "harness/store/report.h"
#include "harness/table/table.h"

/* What its SELECTs read the choice from, TEMP tables: `chosen` is arms, with controls, and `shown` the
 * workloads that have one of them, or, without a choice of arms, also those that have none. Made once for a
 * report, because each of a dozen SELECTs would go through all trials for it. */
bool report_keep_choice(struct store *store, const struct report_choice *choice,
                        struct error *error);

/* The measures that the report for people shows of the arms in `told`: of methods that are tuned, or whose
 * gates are learned. */
#define REPORT_MEASURES                                                                            \
    "'heads', 'executed_flops', 'active_flops', 'dense_flops', 'training_flops', 'latency_ns'"

/* A format of TABLE_FOR_PEOPLE. These three are of the choice that was kept. */
bool report_for_people(struct store *store, enum table_format format, FILE *out,
                       struct error *error);

/* Of it the tables of arms and of methods alone. */
bool report_tables(struct store *store, enum table_format format, FILE *out, struct error *error);

/* TABLE_CSV: the arms. TABLE_JSON: an object of all parts, each an array of rows. */
bool report_for_programs(struct store *store, enum table_format format, FILE *out,
                         struct error *error);

/* For store_query with a table as the context: its rows, with the names of columns first. */
bool report_collect(void *context, int n, const char *const *names, const char *const *texts);

#endif
