/*
 * The methods by name. Only what reads a name looks here; everything else has the policy of its
 * model at hand (struct model_config).
 */
#ifndef HEADROOM_MODELS_POLICIES_REGISTRY_H
#define HEADROOM_MODELS_POLICIES_REGISTRY_H

#include "models/policy.h"

extern const struct policy_ops *const policy_registry[];
extern const int policy_registry_size;
const struct policy_ops *policy_find(const char *name); /* or NULL */

#endif
