/*
 * What the finished base of a trial runs: its heads per layer and its executed FLOPs, counted by
 * running it over the validation slice. Methods that are given the same budget (`base: ARM`, policy
 * fixed-matched and the like) take their shape from this, so it must not come from the test split.
 */
#ifndef HEADROOM_HARNESS_TRIAL_BASE_BUDGET_H
#define HEADROOM_HARNESS_TRIAL_BASE_BUDGET_H

#include "harness/trial/saved_model.h"
#include "models/policy.h"

/* `trained` is the base's best weights; `dense` the full model over the same data, `batch` inputs
 * run at a time. */
bool base_budget_count(const struct trained *trained, const struct dataset *data,
                       const struct model_config *dense, int batch, struct base_budget *out,
                       struct error *error);

#endif
