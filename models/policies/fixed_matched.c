/*
 * Fixed heads of the size that a budgeted method chose (ours): in each layer as many heads as the
 * finished base runs there on average over the validation slice, rounded, trained from scratch. At
 * about equal mean FLOPs, less the gate, this is what deciding per input has to beat.
 */
#include "models/policy.h"

#include <math.h>

struct fixed_matched_options {
    int least;
};

static const struct option rows[] = {
    {"least", OPTION_INT, offsetof(struct fixed_matched_options, least), "1", 0, OPTION_LIST_MAX,
     NULL, "heads that each layer keeps at least"},
};

static bool shape(struct model_config *config, struct error *error) {
    const struct fixed_matched_options *options = (const void *)config->policy_options;
    if (options->least <= config->base_heads) return true;
    return error_set(error, "least asks for %d of the model's %d heads", options->least,
                     config->base_heads);
}

static bool shape_like(struct model_config *config, const struct base_budget *base,
                       struct error *error) {
    const struct fixed_matched_options *options = (const void *)config->policy_options;
    if (base->layers != config->layers)
        return error_set(error,
                         "the base has %d layers and this model %d: choose a base of as many",
                         base->layers, config->layers);
    for (int l = 0; l < config->layers; l++) {
        int k = (int)lround(base->heads[l]);
        if (k < options->least) k = options->least;
        config->heads.value[l] = k < config->base_heads ? k : config->base_heads;
    }
    return true;
}

const struct policy_ops policy_fixed_matched = {
    .name = "fixed-matched",
    .summary = "as many fixed heads per layer as the finished base runs, trained from scratch",
    .options = {"arm (policy fixed-matched)", rows, sizeof rows / sizeof *rows},
    .base = BASE_BUDGET,
    .shape = shape,
    .shape_like = shape_like,
};
