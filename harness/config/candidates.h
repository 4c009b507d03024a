/*
 * What is tried on an arm before it is compared: `tune: {learning_rate: [3e-4, 1e-3], cost: [0,
 * 1]}` are two candidates, the first values of all lists and the second ones. A fair comparison
 * gives every arm equally many, so a file with arms of different numbers is refused
 * (experiment_check.c).
 */
#ifndef HEADROOM_HARNESS_CONFIG_CANDIDATES_H
#define HEADROOM_HARNESS_CONFIG_CANDIDATES_H

#include "models/policy.h"

struct train_config;

enum { CANDIDATES_MAX = 32 };

struct candidates {
    int n;                /* 1 where nothing is tuned */
    double target_budget; /* share of the heads that the chosen one should run; 0: no target */
    char values[1024];    /* canonical JSON: option -> list of n values; "" where nothing is */
};

/* Reads `tune:` for an arm of this policy: the keys are options of the policy or of `train:` (a
 * name that both have, such as `epochs`, is the policy's), each with a list of values, all equally
 * long. Every value is held to the range of its option. */
bool candidates_read(const struct node *tune, const struct policy_ops *policy,
                     struct candidates *out, struct error *error);

/* Whether an option is tuned. */
bool candidates_have(const struct candidates *candidates, const char *option);

/* Overwrites the options that are tuned with the values of candidate i. `settings` (may be NULL)
 * receives them as a JSON object. */
bool candidates_apply(const struct candidates *candidates, int i, const struct policy_ops *policy,
                      struct train_config *train, void *policy_options, struct text *settings,
                      struct error *error);

#endif
