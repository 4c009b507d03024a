/*
 * `headroom list`: what there is to choose from. Policies and options are printed from the tables
 * the parser uses, so this text cannot be out of date.
 */
#include "harness/cli/command.h"
#include "harness/config/experiment.h"
#include "harness/store/report.h"
#include "harness/store/store.h"
#include "harness/config/workload_files.h"
#include "harness/table/shown.h"
#include "harness/table/table.h"
#include "harness/table/width.h"
#include "harness/table/wrap.h"
#include "models/policies/registry.h"
#include "workloads/data/data_files.h"
#include "models/policy.h"
#include "models/base/closest_name.h"

#include <stdlib.h>
#include <string.h>

static void print_options(const struct option_table *table) {
    static const char *const types[] = {
        [OPTION_INT] = "whole number",  [OPTION_FLOAT] = "number",
        [OPTION_BOOL] = "true|false",   [OPTION_CHOICE] = "choice",
        [OPTION_STRING] = "text",       [OPTION_INT_LIST] = "whole numbers",
        [OPTION_NAME_LIST] = "names",   [OPTION_GROUPS] = "map of lists",
        [OPTION_SWITCH] = "true|false", [OPTION_FILES] = "paths"};
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct option *row = &table->rows[i];
        const char *value = !row->default_text   ? "(required)"
                            : *row->default_text ? row->default_text
                                                 : "\"\"";
        bool choices = row->choices != NULL;
        wrap_print(stdout, width_of_lines(stdout), 6, "  %-18s %-12s %-14s %s%s%s%s%s", row->name,
                   value, types[row->type], row->help, choices ? " (" : "",
                   choices && row->type != OPTION_CHOICE ? "or " : "", choices ? row->choices : "",
                   choices ? ")" : "");
    }
}

static bool list_policies(const struct arguments *arguments, struct error *error) {
    (void)arguments;
    (void)error;
    for (int i = 0; i < policy_registry_size; i++) {
        if (i > 0) putchar('\n');
        wrap_print(stdout, width_of_lines(stdout), 6, "%s: %s", policy_registry[i]->name,
                   policy_registry[i]->summary);
        print_options(&policy_registry[i]->options);
    }
    return true;
}

static const char more_options[] =
    "\narms: a list; each entry has `arm` (its name), `policy`, and the policy's options (headroom list "
    "policies). A policy that starts from a finished trial has `base`: the arm of the same file whose "
    "trial of the same seed it takes.\n"
    "tune: beside arms for all, or in an arm in its place: {option: [value, ...], ...} with options of "
    "the policy or of train. Candidate i takes the i-th value of each list; all are trained, and the "
    "validation slice chooses. Every arm of a file has equally many.\n"
    "full: the same keys, overlaid by --tier full.\n"
    "extends: all keys but `workload` may come from another file, and that one's from a third. Maps are "
    "merged key by key, also in `full`; values and lists (so `arms` as a whole) are replaced; `KEY: ~` "
    "removes an inherited key.";

static bool list_options(const struct arguments *arguments, struct error *error) {
    const struct option_table *tables[] = {&experiment_options, &data_options,    &model_options,
                                           &train_options,      &profile_options, &arm_options};
    (void)arguments;
    (void)error;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        shown_print(stdout, "%s%s:\n", i ? "\n" : "", tables[i]->section);
        print_options(tables[i]);
    }
    wrap_print(stdout, width_of(stdout), 6, "%s", more_options);
    return true;
}

enum { COLUMNS = 7, CELL = 2 * OPTION_STRING_MAX };

/* One row of the table of workloads. */
static void add_row(struct table *table, const struct experiment *e) {
    static const char *const tiers[] = {"default", "full", "named"};
    char missing[OPTION_STRING_MAX] = "", cell[COLUMNS][CELL] = {0};
    const char *row[COLUMNS];
    snprintf(cell[0], CELL, "%s", e->name);
    snprintf(cell[1], CELL, "%s", tiers[e->tier]);
    for (int i = 0; i < e->tags.n; i++) {
        size_t used = strlen(cell[2]);
        snprintf(cell[2] + used, CELL - used, "%s%s", i ? "," : "", e->tags.name[i]);
    }
    snprintf(cell[3], CELL, "%s", e->granularity);
    snprintf(cell[4], CELL, "%d arm%s x %d seed%s", e->n_arms, PLURAL_S(e->n_arms), e->seeds.n,
             PLURAL_S(e->seeds.n));
    snprintf(cell[5], CELL, "%s", e->duration);
    bool present = data_files_present(&e->data, missing, sizeof missing);
    snprintf(cell[6], CELL, "%s%s%s%s", e->summary, present ? "" : " (absent: ", missing,
             present ? "" : ")");
    for (int c = 0; c < COLUMNS; c++) row[c] = *cell[c] ? cell[c] : NULL;
    table_append(table, COLUMNS, row);
}

static bool list_workloads(const struct arguments *arguments, struct error *error) {
    struct workload_files files;
    if (!workload_files_find(NULL, 0, arguments->workloads, arguments->tag, &files, error))
        return false;
    struct experiment *experiment = malloc(sizeof *experiment);
    struct table table = {0};
    char first[sizeof error->text + sizeof error->at.file + 32] = "";
    size_t n_bad = 0;
    bool ok = experiment || error_set(error, "out of memory");
    table_append(&table, COLUMNS,
                 (const char *const[COLUMNS]){"WORKLOAD", "TIER", "TAGS", "GRANULARITY", "SIZE",
                                              "DURATION", "SUMMARY"});
    for (size_t i = 0; ok && i < files.n; i++) {
        struct error problem = {0};
        char text[sizeof first];
        if (experiment_read(files.paths[i], false, experiment, &problem)) {
            if (!arguments->tag || experiment_has_tag(experiment, arguments->tag))
                add_row(&table, experiment);
            continue;
        }
        error_format(&problem, text, sizeof text);
        if (n_bad++ == 0) memcpy(first, text, sizeof first);
        shown_print(stderr, "%s\n", text);
    }
    if (ok && table.n_rows > 1) ok = table_write(&table, TABLE_ALIGNED, stdout, error);
    if (ok && n_bad > 0)
        ok = error_set(error, "%zu file%s cannot be used%s: %s", n_bad, PLURAL_S(n_bad),
                       n_bad > 1 ? ", the first" : "", first);
    else if (ok && table.n_rows == 1)
        ok = error_set(error,
                       "no workload has the tag '%s'; `headroom list workloads` shows the tags",
                       arguments->tag);
    table_free(&table);
    free(experiment);
    workload_files_free(&files);
    return ok;
}

static bool list_trials(const struct arguments *arguments, struct error *error) {
    struct store *store;
    bool ok =
        store_open_reader(arguments->db, &store, error) && report_trials(store, stdout, error);
    fflush(stdout); /* what is said of the table stands below it */
    ok = ok && report_older_code(store, NULL, stderr, error);
    store_close(store);
    return ok;
}

static int run(const struct arguments *arguments, struct error *error) {
    static const char *const names[] = {"policies", "workloads", "options", "trials"};
    static bool (*const lists[])(const struct arguments *, struct error *) = {
        list_policies, list_workloads, list_options, list_trials};
    enum { N = sizeof names / sizeof *names };
    const char *name = arguments->words[0];
    for (size_t i = 0; i < N; i++)
        if (strcmp(name, names[i]) == 0) return lists[i](arguments, error) ? EXIT_OK : EXIT_FAILED;
    const char *guess = closest_name(name, names, N);
    error_set(error, "cannot list '%s'%s%s%s; it lists policies, workloads, options or trials",
              name, guess ? ", did you mean '" : "", guess ? guess : "", guess ? "'?" : "");
    return EXIT_USAGE;
}

const struct command list_command = {
    "list",
    "policies, workloads, options or trials",
    "policies|workloads|options|trials",
    1,
    1,
    {"db", "tag"},
    "  policies   ways to choose heads, with their options and defaults\n"
    "  workloads  the files of workloads/ (--tag T: those with a tag, also of the current folder);\n"
    "             whether their data is here\n"
    "  options    every key of a workload file: default, type, meaning\n"
    "  trials     the trials of the database with status and reason\n",
    run};
