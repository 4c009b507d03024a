/*
 * The methods this program knows: one line each. Order is the order of `headroom list policies`.
 */
#include "models/policies/registry.h"

#include <string.h>

extern const struct policy_ops policy_fixed, policy_fixed_matched, policy_flop_matched, policy_wide,
    policy_budgetformer, policy_budgetformer_paper, policy_random, policy_moh, policy_moh_pool,
    policy_drophead, policy_michel, policy_random_static, policy_voita, policy_dsp, policy_none,
    policy_bag_of_words, policy_bag_of_bigrams;

const struct policy_ops *const policy_registry[] = {
    &policy_fixed,          &policy_fixed_matched,
    &policy_flop_matched,   &policy_wide,
    &policy_budgetformer,   &policy_budgetformer_paper,
    &policy_random,         &policy_moh,
    &policy_moh_pool,       &policy_drophead,
    &policy_michel,         &policy_random_static,
    &policy_voita,          &policy_dsp,
    &policy_none,           &policy_bag_of_words,
    &policy_bag_of_bigrams,
};
const int policy_registry_size = sizeof policy_registry / sizeof *policy_registry;

const struct policy_ops *policy_find(const char *name) {
    for (int i = 0; i < policy_registry_size; i++)
        if (strcmp(policy_registry[i]->name, name) == 0) return policy_registry[i];
    return NULL;
}
