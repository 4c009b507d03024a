/*
 * `headroom validate`: reads workload files as a sweep would, in both tiers, and starts nothing.
 * Every file is looked at, so that one pass of corrections is enough.
 */
#include "harness/command.h"
#include "harness/experiment.h"

#include <stdlib.h>
#include <string.h>

/* Reads one file at both tiers; the second reading can only fail in `full:`. */
static bool validate_file(const char *path, struct experiment *experiment, struct error *error) {
    return experiment_read(path, true, experiment, error) &&
           experiment_read(path, false, experiment, error);
}

static int run(const struct arguments *arguments, struct error *error) {
    int n_bad = 0;
    struct experiment *experiment = malloc(sizeof *experiment);
    if (!experiment) {
        error_set(error, "out of memory");
        return EXIT_FAILED;
    }
    for (int i = 0; i < arguments->n_words; i++) {
        struct error problem = {0};
        char text[sizeof problem.text + sizeof problem.at.file + 32];
        if (validate_file(arguments->words[i], experiment, &problem)) {
            printf("%s: ok: workload '%s', %d arm%s, %d seed%s\n", arguments->words[i],
                   experiment->name, experiment->n_arms, PLURAL_S(experiment->n_arms),
                   experiment->seeds.n, PLURAL_S(experiment->seeds.n));
            continue;
        }
        n_bad++;
        error_format(&problem, text, sizeof text);
        fprintf(stderr, "%s\n", text);
    }
    free(experiment);
    if (n_bad > 0) error_set(error, "%d of %d files cannot be used", n_bad, arguments->n_words);
    return n_bad > 0 ? EXIT_FAILED : EXIT_OK;
}

const struct command validate_command = {
    "validate",
    "check workload files without running anything",
    "FILES...",
    1,
    1000000,
    {NULL},
    "Reads each file in both tiers and prints the place and the fix of the first error in each.\n"
    "Nothing is written.\n"
    "\n"
    "examples:\n"
    "  headroom validate workloads/*.yaml\n",
    run};
