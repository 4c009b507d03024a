/*
 * `headroom list`: what there is to choose from. Policies and options are printed from the tables
 * the parser uses, so this text cannot be out of date.
 */
#include "harness/command.h"
#include "harness/experiment.h"
#include "harness/report.h"
#include "harness/store.h"
#include "models/policy.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_options(const struct option_table *table) {
    static const char *const types[] = {"whole number", "number", "true|false",
                                        "choice",       "text",   "whole numbers"};
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct option *row = &table->rows[i];
        const char *value = !row->default_text   ? "(required)"
                            : *row->default_text ? row->default_text
                                                 : "\"\"";
        printf("  %-18s %-12s %-14s %s", row->name, value, types[row->type], row->help);
        if (row->choices) printf(" (%s)", row->choices);
        putchar('\n');
    }
}

static bool list_policies(const struct arguments *arguments, struct error *error) {
    (void)arguments;
    (void)error;
    for (int i = 0; i < policy_registry_size; i++) {
        printf("%s%s: %s\n", i ? "\n" : "", policy_registry[i]->name, policy_registry[i]->summary);
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
        printf("%s%s:\n", i ? "\n" : "", tables[i]->section);
        print_options(tables[i]);
    }
    printf("\narms: a list; each entry has `arm` (its name), `policy`, and the policy's options\n"
           "(headroom list policies). A policy that starts from a finished trial has `base`: the "
           "arm of "
           "the\nsame file whose trial of the same seed it takes.\n"
           "tune: beside arms for all, or in an arm in its place: {option: [value, ...], ...} with "
           "options of\nthe policy or of train. Candidate i takes the i-th value of each list; all "
           "are "
           "trained, and the\nvalidation slice chooses. Every arm of a file has equally many.\n"
           "full: the same keys, overlaid by --tier full.\n");
    return true;
}

static bool list_workloads(const struct arguments *arguments, struct error *error) {
    static const char *const tiers[] = {"default", "full", "named"};
    struct experiment *experiment = malloc(sizeof *experiment);
    glob_t found = {0};
    size_t n_bad = 0;
    (void)arguments;
    if (!experiment) return error_set(error, "out of memory");
    if (glob("workloads/*.yaml", 0, NULL, &found) != 0)
        error_set(error,
                  "no workloads/*.yaml here: start headroom in the folder of its repository");
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char missing[256] = "", text[1400];
        struct error problem = {0};
        if (!experiment_read(found.gl_pathv[i], false, experiment, &problem)) {
            error_format(&problem, text, sizeof text);
            fprintf(stderr, "%s\n", text);
            n_bad++;
            continue;
        }
        bool present = dataset_is_present(&experiment->data, missing, sizeof missing);
        printf("%-16s %-8s %2d arm%s x %d seed%s  %s%s%s%s\n", experiment->name,
               tiers[experiment->tier], experiment->n_arms, PLURAL_S(experiment->n_arms),
               experiment->seeds.n, PLURAL_S(experiment->seeds.n), experiment->summary,
               present ? "" : " (absent: ", missing, present ? "" : ")");
    }
    if (n_bad > 0) error_set(error, "%zu file%s cannot be used", n_bad, PLURAL_S(n_bad));
    bool ok = found.gl_pathc > 0 && n_bad == 0;
    globfree(&found);
    free(experiment);
    return ok;
}

static bool list_trials(const struct arguments *arguments, struct error *error) {
    struct store *store = NULL;
    bool ok;
    if (access(arguments->db, F_OK) != 0)
        return error_set(error, "%s: %s; run `headroom sweep` first, or name a database with --db",
                         arguments->db, strerror(errno));
    ok = store_open(arguments->db, &store, error) &&
         report_table(store,
                      "SELECT trial_id AS id, kind, v.workload || '/' || v.arm || '/' || v.seed"
                      " AS trial, v.status, v.reason FROM trial_status v"
                      " JOIN trial t ON t.id = v.trial_id ORDER BY trial_id",
                      stdout, NULL, error);
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
    {"db"},
    "  policies   ways to choose heads, with their options and defaults\n"
    "  workloads  the files of workloads/, and whether their data is here\n"
    "  options    every key of a workload file: default, type, meaning\n"
    "  trials     the trials of the database with status and reason\n",
    run};
