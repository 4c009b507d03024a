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
#include "models/policies/registry.h"
#include "workloads/data/data_files.h"
#include "models/policy.h"
#include "models/base/closest_name.h"
#include "models/base/utf8.h"

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
        shown_print(stdout, "  %-18s %-12s %-14s %s", row->name, value, types[row->type],
                    row->help);
        if (row->choices)
            shown_print(stdout, " (%s%s)", row->type == OPTION_CHOICE ? "" : "or ", row->choices);
        putchar('\n');
    }
}

static bool list_policies(const struct arguments *arguments, struct error *error) {
    (void)arguments;
    (void)error;
    for (int i = 0; i < policy_registry_size; i++) {
        shown_print(stdout, "%s%s: %s\n", i ? "\n" : "", policy_registry[i]->name,
                    policy_registry[i]->summary);
        print_options(&policy_registry[i]->options);
    }
    return true;
}

static bool list_options(const struct arguments *arguments, struct error *error) {
    const struct option_table *tables[] = {&experiment_options, &data_options,    &model_options,
                                           &train_options,      &profile_options, &arm_options};
    (void)arguments;
    (void)error;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        shown_print(stdout, "%s%s:\n", i ? "\n" : "", tables[i]->section);
        print_options(tables[i]);
    }
    printf("\n"
           "arms: a list; each entry has `arm` (its name), `policy`, and the policy's options\n"
           "(headroom list policies). A policy that starts from a finished trial has `base`: the\n"
           "arm of the same file whose trial of the same seed it takes.\n"
           "tune: beside arms for all, or in an arm in its place: {option: [value, ...], ...}\n"
           "with options of the policy or of train. Candidate i takes the i-th value of each\n"
           "list; all are trained, and the validation slice chooses. Every arm of a file has\n"
           "equally many.\n"
           "full: the same keys, overlaid by --tier full.\n"
           "extends: all keys but `workload` may come from another file, and that one's from a\n"
           "third. Maps are merged key by key, also in `full`; values and lists (so `arms` as a\n"
           "whole) are replaced; `KEY: ~` removes an inherited key.\n");
    return true;
}

enum { COLUMNS = 6, CELL = 256 };

/* One line of the table of workloads; the summary comes last and may be of any length. */
struct workload_row {
    char cell[COLUMNS][CELL];
    char summary[2 * OPTION_STRING_MAX];
};

static void fill_row(const struct experiment *e, struct workload_row *row) {
    static const char *const tiers[] = {"default", "full", "named"};
    char missing[OPTION_STRING_MAX] = "", (*cell)[CELL] = row->cell;
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
    snprintf(row->summary, sizeof row->summary, "%s%s%s%s", e->summary,
             present ? "" : " (absent: ", missing, present ? "" : ")");
}

static void print_rows(const struct workload_row *rows, size_t n) {
    int width[COLUMNS] = {0};
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < COLUMNS; c++) {
            int length = utf8_count(*rows[i].cell[c] ? rows[i].cell[c] : "-");
            if (length > width[c]) width[c] = length;
        }
    for (size_t i = 0; i < n; i++) {
        for (int c = 0; c < COLUMNS; c++) {
            const char *text = *rows[i].cell[c] ? rows[i].cell[c] : "-";
            shown_print(stdout, "%s%*s", text, width[c] - utf8_count(text) + 2, "");
        }
        shown_print(stdout, "%s\n", rows[i].summary);
    }
}

static bool list_workloads(const struct arguments *arguments, struct error *error) {
    struct workload_files files;
    if (!workload_files_find(NULL, 0, arguments->workloads, arguments->tag, &files, error))
        return false;
    struct experiment *experiment = malloc(sizeof *experiment);
    struct workload_row *rows = calloc(files.n + 1, sizeof *rows);
    size_t n_bad = 0, n = 1;
    bool ok = experiment && rows;
    if (!ok) error_set(error, "out of memory");
    if (ok)
        rows[0] = (struct workload_row){
            {"WORKLOAD", "TIER", "TAGS", "GRANULARITY", "SIZE", "DURATION"}, "SUMMARY"};
    for (size_t i = 0; ok && i < files.n; i++) {
        struct error problem = {0};
        char text[sizeof problem.text + sizeof problem.at.file + 32];
        if (experiment_read(files.paths[i], false, experiment, &problem)) {
            if (!arguments->tag || experiment_has_tag(experiment, arguments->tag))
                fill_row(experiment, &rows[n++]);
            continue;
        }
        error_format(&problem, text, sizeof text);
        shown_print(stderr, "%s\n", text);
        n_bad++;
    }
    if (ok && n > 1) print_rows(rows, n);
    if (n_bad > 0)
        ok = error_set(error, "%zu file%s cannot be used", n_bad, PLURAL_S(n_bad));
    else if (ok && n == 1)
        ok = error_set(error,
                       "no workload has the tag '%s'; `headroom list workloads` shows the tags",
                       arguments->tag);
    free(rows);
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
