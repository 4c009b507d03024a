/*
 * `headroom new`: a workload file to start from.
 */
#include "harness/cli/command.h"
#include "harness/cli/starter.h"
#include "harness/config/experiment.h"
#include "workloads/data/data_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file that is already there is somebody's work: it is never written to. */
static bool write_new(const char *path, const char *name, struct error *error) {
    FILE *file = fopen(path, "wx");
    if (!file && errno == EEXIST)
        return error_set(error, "%s is there already; choose another name or remove it", path);
    if (!file) return error_set(error, "cannot write %s: %s", path, strerror(errno));
    starter_write(name, file);
    bool failed = ferror(file);
    if (fclose(file) == 0 && !failed) return true;
    error_set(error, "cannot write %s: %s", path, strerror(errno));
    unlink(path);
    return false;
}

static int run(const struct arguments *arguments, struct error *error) {
    const char *name = arguments->words[0];
    char path[EXPERIMENT_NAME_SIZE + sizeof ".yaml"];
    if (!experiment_check_name("workload", name, NULL, error)) return EXIT_USAGE;
    snprintf(path, sizeof path, "%s.yaml", name);
    if (!write_new(path, name, error)) return EXIT_FAILED;
    fprintf(stderr,
            "%s is written, for texts in %s/%s/train.csv with columns `label` and `text`.\n"
            "Change in it what is different for yours, then\n"
            "  ./headroom validate %s\n"
            "  ./headroom sweep %s\n"
            "  make plots\n",
            path, data_root(), name, path, path);
    return EXIT_OK;
}

const struct command new_command = {
    "new",
    "write a workload file to start from",
    "NAME",
    1,
    1,
    {NULL},
    "Writes NAME.yaml here: a complete experiment on a CSV file of your own, with every choice\n"
    "explained beside it. It is valid as it stands and never overwrites a file.\n"
    "\n"
    "example:\n"
    "  headroom new tickets\n",
    run};
