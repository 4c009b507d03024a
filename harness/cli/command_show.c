/*
 * `headroom show`: what a workload file says, with all that it extends and, if asked for, with all
 * that it leaves to defaults. What is printed is a workload file again.
 */
#include "harness/cli/command.h"
#include "harness/config/experiment.h"
#include "harness/config/resolve.h"
#include "harness/config/workload_files.h"
#include "models/base/yaml_write.h"

#include <stdlib.h>

static bool show(const struct arguments *arguments, struct experiment *experiment,
                 struct text *text, struct error *error) {
    char path[sizeof experiment->file];
    struct node *root;
    if (!workload_files_path(arguments->words[0], arguments->workloads, path, sizeof path, error) ||
        !experiment_read_tree(path, arguments->full, &arguments->overrides, experiment, &root,
                              error))
        return false;
    bool ok = true;
    if (arguments->resolved)
        ok = resolve(root, experiment, error);
    else
        node_free(node_take(root, "extends"));
    if (ok) yaml_write(root, path, text);
    node_free(root);
    return ok && (!text->failed || error_set(error, "out of memory"));
}

static int run(const struct arguments *arguments, struct error *error) {
    struct experiment *experiment = malloc(sizeof *experiment);
    struct text text = {0};
    bool ok =
        experiment ? show(arguments, experiment, &text, error) : error_set(error, "out of memory");
    if (ok) fputs(text.data, stdout);
    text_free(&text);
    free(experiment);
    return ok ? EXIT_OK : EXIT_FAILED;
}

const struct command show_command = {
    "show",
    "print a workload file in one piece",
    "FILE",
    1,
    1,
    {"resolved", "tier", "set", "seeds", "device", "precision"},
    "Prints the file, a path or NAME for NAME.yaml here or in workloads/, merged with those it\n"
    "extends; a comment names the place of what comes from elsewhere. With --resolved every key\n"
    "that was left out is there with its default: what a sweep would run, also after a default has\n"
    "changed. What is printed is a workload file of the same trials. --tier full applies the section\n"
    "`full:`, and --set comes above both.\n"
    "\n"
    "examples:\n"
    "  headroom show offsets --resolved\n"
    "  headroom show my.yaml --resolved --tier full >kept.yaml\n"
    "  headroom show my.yaml --set train.epochs=3 --seeds 1-5\n",
    run};
