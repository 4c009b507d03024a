/*
 * A checkpoint and the test split of a workload: what `headroom evaluate` and `headroom count` run.
 * The file may come from elsewhere, so everything that both must agree on is checked.
 */
#ifndef HEADROOM_HARNESS_CLI_TESTED_MODEL_H
#define HEADROOM_HARNESS_CLI_TESTED_MODEL_H

#include "harness/cli/command.h"
#include "harness/config/experiment.h"
#include "harness/trial/saved_model.h"
#include "workloads/data/dataset.h"

struct tested_model {
    struct experiment *workload;
    struct saved_model model;
    struct dataset *data;
    bool drawn;                /* the data are those of the checkpoint's own seed */
    struct model_config dense; /* the workload's full model */
};

/* Reads the FILE of the first word over the workload of --workload. Returns an exit status; free
 * `out`, which starts as zeros, whatever it is. */
int tested_model_read(const struct arguments *arguments, struct tested_model *out,
                      struct error *error);
void tested_model_free(struct tested_model *t);

/* Says on stderr if this build is none to measure with. */
void tested_model_warn(const char *command);

#endif
