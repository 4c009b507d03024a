/*
 * The readable end of a sweep: what was found, per workload and arm, from the database's views
 * alone, so that `headroom report` can print it again from the file.
 */
#ifndef HEADROOM_HARNESS_STORE_REPORT_H
#define HEADROOM_HARNESS_STORE_REPORT_H

#include "harness/store/store.h"
#include "harness/table/format.h"
#include "models/base/text.h"

#include <stdio.h>

/* What to report on, as JSON; NULL: everything. */
struct report_choice {
    const char *workloads; /* ["offsets", "topic"] */
    const char *arms;      /* [["offsets", "fixed-8"], ...], of these workloads */
};

/* Writes both lists: the workloads of these names (n_names 0: of all), and, with a filter, their
 * arms whose workload/arm it matches, a POSIX extended regular expression. A list that would hold
 * everything stays NULL. A name that the database does not hold is an error, and so is a filter
 * that nothing matches. */
bool report_choose(struct store *store, const char *const *names, size_t n_names,
                   const char *filter, struct text *workloads, struct text *arms,
                   struct error *error);

/* Arms that are not compared yet are compared first (comparison.h). For people: tables of results, comparisons of arms,
 * warnings, and the trials without result with their reasons; TABLE_ALIGNED is short of times, TABLE_WIDE
 * and TABLE_MARKDOWN say all of their noise. TABLE_CSV: the arms, a row each. TABLE_JSON: an object of all parts, arrays
 * of rows. */
bool report_write_chosen(struct store *store, const struct report_choice *choice,
                         enum table_format format, FILE *out, struct error *error);

/* The same of all arms of these workloads (NULL: of all). */
bool report_write(struct store *store, const char *workloads, enum table_format format, FILE *out,
                  struct error *error);

/* Its tables alone, of all arms and of methods, with what their columns mean. For people. */
bool report_write_tables(struct store *store, enum table_format format, FILE *out,
                         struct error *error);

/* What the report for people says in lines: of the data, of what is doubtful, of what has no result. */
enum report_list {
    REPORT_DATA,       /* what was read */
    REPORT_DATA_DOUBT, /* data that may not be meant */
    REPORT_MAJORITY,   /* arms that a constant answer equals */
    REPORT_SPLIT,      /* arms whose mean describes no seed */
    REPORT_WARNINGS,
    REPORT_NOISE, /* of times */
    REPORT_NOTES, /* on times */
    REPORT_UNFINISHED,
    REPORT_LISTS
};

/* Compares arms that are not compared yet, and reads once what lists, figures and tables of the whole database are
 * made of: the rows of this moment, until store_release. */
bool report_keep(struct store *store, struct error *error);

/* One of these lists, of the whole database, as a table of one column: its name, then its lines, as they
 * stand in the report. No row at all, not even the name, where there is no line. report_keep
 * comes first. */
struct table;
bool report_read_list(struct store *store, enum report_list list, struct table *out,
                      struct error *error);

/* One line if results are of other code than this program's (code_hash.h), or start from such, of
 * all workloads or of those; nothing else. */
bool report_older_code(struct store *store, const char *workloads, FILE *out, struct error *error);

/* One line if trials have failed, with the cause of the first; nothing else. */
bool report_failures(struct store *store, const char *workloads, FILE *out, struct error *error);

/* Every current trial with its status and reason; nothing, not even names, where there is none. */
bool report_trials(struct store *store, FILE *out, struct error *error);

/* One figure of merit of a finished trial, for the talk of a sweep: "accuracy 0.935, heads 2.10"
 * or, of a profile, its median pass, "1230.0 us at batch 1". "" where there is none. */
bool report_outcome(struct store *store, int64_t trial_id, char *out, size_t size,
                    struct error *error);

#endif
