/*
 * Fixed heads: k heads of dimension D/H per layer, trained from scratch; k = H is plain multi-head
 * attention. The same k in every layer or a list. At equal mean FLOPs this is the control an
 * adaptive method has to beat.
 */
#include "models/policy.h"

struct fixed_options {
    struct int_list heads;
};

static const struct option rows[] = {
    {"heads", OPTION_INT_LIST, offsetof(struct fixed_options, heads), NULL, 0, OPTION_LIST_MAX,
     NULL, "heads k: one number, or a list with one entry per layer"},
};

static bool shape(struct model_config *config, struct error *error) {
    const struct fixed_options *options = (const void *)config->policy_options;
    const struct int_list *heads = &options->heads;
    if (heads->n != 1 && heads->n != config->layers)
        return error_set(error, "heads lists %d entries for %d layers; give one, or one per layer",
                         heads->n, config->layers);
    for (int l = 0; l < config->layers; l++) {
        int k = heads->value[heads->n == 1 ? 0 : l];
        if (k > config->base_heads)
            return error_set(error, "heads asks for %d of the model's %d heads", k,
                             config->base_heads);
        config->heads.value[l] = k;
    }
    return true;
}

const struct policy_ops policy_fixed = {
    .name = "fixed",
    .summary = "k heads per layer trained from scratch; k = H is plain multi-head attention",
    .options = {"arm (policy fixed)", rows, sizeof rows / sizeof *rows},
    .shape = shape,
};
