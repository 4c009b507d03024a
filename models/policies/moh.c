/*
 * Mixture-of-Head attention (MoH, arXiv 2410.11842): every token runs the shared heads and the K
 * routed heads its router prefers. A token's query can be skipped in a head, but the head's keys
 * and values are needed as soon as one token of the input chose it, so what is executed lies
 * between the active share that MoH papers report and all heads. moh_router.h has the equations.
 */
#include "models/policies/moh_router.h"

const struct policy_ops policy_moh = {
    .name = "moh",
    .summary = "Mixture-of-Head: every token runs shared heads and the K its router prefers",
    .options = {"arm (policy moh)", moh_options, MOH_OPTIONS},
    .unit = GATE_PER_TOKEN,
    .shape = moh_shape,
    .tensors = moh_tensors,
    .saved_floats = moh_saved_floats,
    .gates_train = moh_gates_train,
    .gates_backward = moh_gates_backward,
    .decide = moh_decide,
    .gate_flops = moh_router_flops,
};
