/*
 * Loading in the order in which mistakes are cheapest to find: the workload, the file, its data.
 */
#include "harness/cli/tested_model.h"

#include "harness/config/workload_files.h"
#include "harness/measure/environment.h"
#include "harness/table/shown.h"
#include "harness/trial/training.h"
#include "workloads/data/dataset_load.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static bool load(const char *file, const struct arguments *arguments, struct tested_model *t,
                 struct error *error) {
    char path[sizeof t->workload->file];
    struct model_config unused;
    t->workload = calloc(1, sizeof *t->workload);
    if (!t->workload) return error_set(error, "out of memory");
    if (!workload_files_path(arguments->workload, arguments->workloads, path, sizeof path, error) ||
        !experiment_read_tree(path, arguments->full, &arguments->overrides, t->workload, NULL,
                              error) ||
        !saved_model_read(file, &t->model, error))
        return false;
    t->drawn = t->workload->data.seed == DATA_SEED_PER_TRIAL;
    data_config_set_seed(&t->workload->data, (int)(t->model.parameters->seed & INT_MAX));
    if (!dataset_load(&t->workload->data, &t->data, error) ||
        !trial_models(t->workload, t->data, &unused, &t->dense, error))
        return false;
    if (!saved_model_check_data(&t->model, t->data, error))
        return error_prefix(error, "%s does not fit workload '%s'", file, t->workload->name);
    if (t->model.words.words.n == 0 && !t->model.vocab_sha256[0])
        shown_print(stderr,
                    "%s does not say which words it knows: their number is all that agrees\n",
                    file);
    return true;
}

int tested_model_read(const struct arguments *arguments, struct tested_model *out,
                      struct error *error) {
    if (arguments->workload)
        return load(arguments->words[0], arguments, out, error) ? EXIT_OK : EXIT_FAILED;
    error_set(error, "which data? --workload W is a workload file or the name of one in "
                     "workloads/");
    return EXIT_USAGE;
}

void tested_model_free(struct tested_model *t) {
    saved_model_free(&t->model);
    dataset_free(t->data);
    free(t->workload);
}

void tested_model_warn(const char *command) {
    struct environment environment;
    environment_read("", &environment);
    if (strcmp(environment.build, "release") != 0)
        shown_print(stderr, "headroom %s: this is a %s build: its times mean nothing\n", command,
                    environment.build);
}
