/*
 * BudgetFormer, consistent variant: what is deployed is the limit of what is trained (ours).
 * Training multiplies head h by a soft top-k gate with an exact budget,
 *   a_h = sigmoid((z_h + sigma eps_h - theta) / tau),   theta such that sum_h a_h = s H,
 * inference runs the k = ceil(s H) best heads. As tau -> 0 the gate becomes the hard top-k, and s =
 * 1 is plain MHA; from `hard_from` of the steps on the forward pass already uses the hard mask
 * (straight-through gradient).
 *
 * `estimator: gumbel` takes the relaxed Gumbel top-k of DSP (gumbel_top_k.h) for the soft gate; the
 * rest stays as it is.
 */
#include "models/policies/budgetformer_cuda.h"
#include "models/policies/budgetformer_gate.h"
#include "models/policies/budgetformer_shared.h"
#include "models/policies/gumbel_top_k.h"

enum estimator { ESTIMATOR_SOFT, ESTIMATOR_GUMBEL };

struct budgetformer_options {
    struct budget_options shared;
    double hard_from;
    int estimator; /* enum estimator */
};

#define FIELD(name) offsetof(struct budgetformer_options, name)

static const struct option option_rows[] = {
    BUDGET_ROWS("0.03", "-0.01", "0.01", "0.2"),
    {"hard_from", OPTION_FLOAT, FIELD(hard_from), "0.6", 0, 1, NULL,
     "share of steps from which the forward pass uses the hard top-k"},
    {"estimator", OPTION_CHOICE, FIELD(estimator), "soft", 0, 0, "soft|gumbel",
     "relaxed gate: soft top-k, or Gumbel top-k as in DSP (noise is Gumbel's; 1 is DSP's)"},
};

static const struct budgetformer_options *options_of(const struct model_config *config) {
    return (const void *)config->policy_options;
}

static bool shape(struct model_config *config, struct error *error) {
    const struct budgetformer_options *o = options_of(config);
    if (o->estimator == ESTIMATOR_GUMBEL && o->shared.scores == SCORES_RANDOM)
        return error_set(error, "estimator gumbel is about the gradient of learned scores; leave "
                                "it out where scores are random");
    return budget_check_options(config, error);
}

static const struct budget_gate soft_gate = {rng_normal, soft_forward, soft_backward};
static const struct budget_gate gumbel_gate = {gumbel_noise, gumbel_forward, gumbel_backward};

bool budgetformer_is_gumbel(const struct gate_call *call) {
    return options_of(call->config)->estimator == ESTIMATOR_GUMBEL;
}

bool budgetformer_is_hard(const struct gate_call *call) {
    return call->step->progress >= options_of(call->config)->hard_from;
}

static const struct budget_gate *gate_of(const struct gate_call *call) {
    return budgetformer_is_gumbel(call) ? &gumbel_gate : &soft_gate;
}

static void gates_train(const struct gate_call *call, float *a) {
    budget_gates_train(call, gate_of(call), budgetformer_is_hard(call), a);
}

static void gates_backward(const struct gate_call *call, const float *da, float *dx) {
    budget_gates_backward(call, gate_of(call), da, dx);
}

const struct policy_ops policy_budgetformer = {
    .name = "budgetformer",
    .summary = "learned per-input budget s and head scores; runs the ceil(s H) best heads",
    .options = {"arm (policy budgetformer)", option_rows, sizeof option_rows / sizeof *option_rows},
    .unit = GATE_PER_SAMPLE,
    .shape = shape,
    .tensors = budget_tensors,
    .saved_floats = budget_saved_floats,
    .shared_floats = budget_shared_floats,
    .gates_train = gates_train,
    .gates_backward = gates_backward,
    .decision_floats = budget_decision_floats,
    .decide = budget_decide,
    .select = budget_select,
    .cuda = POLICY_CUDA_FORM(budgetformer_cuda),
    .budget = budget_of_decision,
    .set_heads = budget_set_heads,
    .gate_flops = budget_gate_flops,
};
