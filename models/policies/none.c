/*
 * No attention: every layer is its FFN alone. Tokens never meet before the mean pool, so what this
 * arm still solves needs no attention at all, and no head budget can be credited for it. Of a pair
 * it sees each word with its text, and never a word of one text with a word of the other.
 */
#include "models/policy.h"

static bool shape(struct model_config *config, struct error *error) {
    (void)error;
    for (int l = 0; l < config->layers; l++) config->heads.value[l] = 0;
    return true;
}

const struct policy_ops policy_none = {
    .name = "none",
    .summary = "no attention sublayer at all: FFN layers over single tokens, then the mean pool",
    .options = {"arm (policy none)", NULL, 0},
    .shape = shape,
};
