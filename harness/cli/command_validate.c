/*
 * `headroom validate`: reads workload files as a sweep would, in both tiers, and starts nothing.
 * Every file is looked at, so that one pass of corrections is enough.
 */
#include "harness/cli/command.h"
#include "harness/config/column_places.h"
#include "harness/config/experiment.h"
#include "harness/config/workload_files.h"
#include "harness/table/shown.h"
#include "harness/table/width.h"
#include "harness/table/wrap.h"

#include <stdlib.h>
#include <string.h>

/* Reads one file at both tiers; the second reading can only fail in `full:`. */
static bool validate_file(const char *path, const struct overrides *overrides,
                          struct experiment *experiment, struct error *error) {
    bool ok = true;
    for (int full = 1; ok && full >= 0; full--) {
        struct node *root = NULL;
        ok = experiment_read_tree(path, full, overrides, experiment, &root, error) &&
             experiment_check_columns(experiment, root, error);
        node_free(root);
    }
    return ok;
}

static void print_valid(const struct experiment *e) {
    struct text doubts = {0};
    wrap_print(stdout, width_of_lines(stdout), 2, "%s: ok: workload '%s', %d arm%s, %d seed%s",
               e->file, e->name, e->n_arms, PLURAL_S(e->n_arms), e->seeds.n, PLURAL_S(e->seeds.n));
    experiment_write_doubts(e, &doubts);
    if (doubts.data) shown_print(stderr, "%s", doubts.data);
    text_free(&doubts);
}

/* A file that cannot be read has no tags, so it is reported whichever tag was asked for. */
static int validate_files(const struct workload_files *files, const struct arguments *arguments,
                          struct experiment *experiment, struct error *error) {
    const char *tag = arguments->tag;
    size_t n_bad = 0, n_looked_at = 0;
    char first[sizeof error->text + sizeof error->at.file + 32] = "";
    for (size_t i = 0; i < files->n; i++) {
        struct error problem = {0};
        char text[sizeof first];
        bool valid = validate_file(files->paths[i], &arguments->overrides, experiment, &problem);
        if (valid && tag && !experiment_has_tag(experiment, tag)) continue;
        n_looked_at++;
        if (valid) {
            print_valid(experiment);
            continue;
        }
        if (files->n == 1) *error = problem;
        error_format(&problem, text, sizeof text);
        if (n_bad++ == 0) memcpy(first, text, sizeof first);
        if (files->n > 1) shown_print(stderr, "%s\n", text);
    }
    if (n_bad > 0 && files->n > 1)
        error_set(error, "%zu of %zu files cannot be used%s: %s", n_bad, n_looked_at,
                  n_bad > 1 ? ", the first" : "", first);
    else if (n_looked_at == 0)
        error_set(error, "no workload has the tag '%s'; `headroom list workloads` shows the tags",
                  tag);
    return n_bad > 0 || n_looked_at == 0 ? EXIT_FAILED : EXIT_OK;
}

static int run(const struct arguments *arguments, struct error *error) {
    struct workload_files files;
    struct experiment *experiment = malloc(sizeof *experiment);
    int status = EXIT_FAILED;
    if (!experiment) {
        error_set(error, "out of memory");
        return EXIT_FAILED;
    }
    if (workload_files_find(arguments->words, arguments->n_words, arguments->workloads,
                            arguments->tag, &files, error)) {
        status = validate_files(&files, arguments, experiment, error);
        workload_files_free(&files);
    }
    free(experiment);
    return status;
}

const struct command validate_command = {
    "validate",
    "check workload files without running anything",
    "[FILES...]",
    0,
    1000000,
    {"tag", "set", "seeds", "device", "precision"},
    "Reads each file, and those it extends, in both tiers and prints the place and the fix of the\n"
    "first error in each. Without FILES: every file of workloads/. FILES and --tag are as in\n"
    "`headroom sweep`. Their data is not needed, but of files that are there the first row says\n"
    "whether the columns exist. Nothing is written.\n"
    "\n"
    "examples:\n"
    "  headroom validate my.yaml\n"
    "  headroom validate --tag real\n",
    run};
