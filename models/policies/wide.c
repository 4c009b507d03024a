/*
 * Wide heads: k heads of dimension D/k in every layer, trained from scratch. Products cost what
 * those of H heads of dimension D/H cost, only the softmax shrinks with k: beside `fixed`, which
 * has fewer heads and less of everything, this separates the number of heads from capacity. Its
 * budget counts in its own heads, and it runs all of them; savings are held against the full model
 * as in every arm.
 */
#include "models/policy.h"

struct wide_options {
    int heads;
};

static const struct option rows[] = {
    {"heads", OPTION_INT, offsetof(struct wide_options, heads), NULL, 1, OPTION_LIST_MAX, NULL,
     "heads k, which must divide dim; each has dimension dim / k"},
};

static bool shape(struct model_config *config, struct error *error) {
    const struct wide_options *options = (const void *)config->policy_options;
    int k = options->heads;
    if (config->dim % k != 0)
        return error_set(error, "heads %d do not divide dim %d; a head's dimension is dim / heads",
                         k, config->dim);
    config->base_heads = k;
    config->head_dim = config->dim / k;
    for (int l = 0; l < config->layers; l++) config->heads.value[l] = k;
    return true;
}

const struct policy_ops policy_wide = {
    .name = "wide",
    .summary = "k heads of dimension D/k: fewer heads at the same cost of products",
    .options = {"arm (policy wide)", rows, sizeof rows / sizeof *rows},
    .shape = shape,
};
