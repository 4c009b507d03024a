/*
 * The router of MoH asked once per input, on the mean over its tokens (ours): a fixed number of
 * heads chosen per input, which skip K and V too. What BudgetFormer adds to this is the budget, so
 * it is the fairest peer. moh_router.h has the equations.
 */
#include "models/policies/moh_router.h"

/* The pool and one row of the router. */
static uint64_t gate_flops(const struct model_config *config, int layer, int n_tokens) {
    return (uint64_t)n_tokens * (uint64_t)config->dim + moh_router_flops(config, layer, 1);
}

const struct policy_ops policy_moh_pool = {
    .name = "moh-pool",
    .summary = "the router of MoH once per input, on its mean token: fixed K, skips K and V too",
    .options = {"arm (policy moh-pool)", moh_options, MOH_OPTIONS},
    .unit = GATE_PER_SAMPLE,
    .shape = moh_shape,
    .tensors = moh_tensors,
    .saved_floats = moh_saved_floats,
    .gates_train = moh_gates_train,
    .gates_backward = moh_gates_backward,
    .decide = moh_decide,
    .gate_flops = gate_flops,
};
