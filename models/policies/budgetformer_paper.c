/*
 * A reading of BudgetFormer as it was published (arXiv 2604.22583), of whose text only the abstract
 * and two summaries were available to us, never the whole. These say: training keeps all heads,
 * under a temperature-annealed softmax of noisy scores that moves from exploration (high entropy)
 * to exploitation (low entropy); inference executes the k = ceil(s H) best heads alone. How s and
 * the softmax multiply the heads is not in the summaries we had; our reading is
 *   a_h = s H p_h,   p = softmax((z + sigma eps) / tau),
 * so that s = 1 and equal scores are plain MHA. What the chosen set S is multiplied by at inference
 * is not in them either, hence three modes, p at the last temperature:
 *   plain a_h = 1,   mass a_h = s H p_h / sum_S p,   raw a_h = s H p_h.
 * The mode does not enter training; every training is evaluated in all three. None of them is what
 * was trained unless the heads that are left out have next to no p, so the accuracy as trained is
 * stored beside the deployed one. With the small entropy weight of `budgetformer` the softmax stays
 * all but even; this variant ends with a larger one, so that it does exploit (ours).
 */
#include "models/policies/budgetformer_cuda.h"
#include "models/policies/budgetformer_paper_gate.h"
#include "models/policies/budgetformer_shared.h"

struct paper_options {
    struct budget_options shared;
    int mode; /* enum paper_mode */
};

static const struct option option_rows[] = {
    BUDGET_ROWS("0", "-0.01", "0.3", "0.2"), /* a cost on s is not in the summaries we had */
    {"mode", OPTION_CHOICE, offsetof(struct paper_options, mode), "plain", 0, 0, "plain|mass|raw",
     "weights of the chosen heads at inference: 1, s H p / sum p, s H p; all are evaluated"},
};

static const char *const modes[] = {"mode:plain", "mode:mass", "mode:raw", NULL};

static const struct paper_options *options_of(const struct model_config *config) {
    return (const void *)config->policy_options;
}

static const struct budget_gate softmax_gate = {rng_normal, softmax_forward, softmax_backward};

static void gates_train(const struct gate_call *call, float *a) {
    budget_gates_train(call, &softmax_gate, false, a);
}

static void gates_backward(const struct gate_call *call, const float *da, float *dx) {
    budget_gates_backward(call, &softmax_gate, da, dx);
}

int budgetformer_paper_mode(const struct gate_call *call) {
    return call->mode > 0 ? call->mode - 1 : options_of(call->config)->mode;
}

static void select_heads(const struct gate_call *call, const float *decision, float *a) {
    double tau = options_of(call->config)->shared.tau_end, space[2 * OPTION_LIST_MAX];
    enum paper_mode mode = (enum paper_mode)budgetformer_paper_mode(call);
    size_t heads = (size_t)call->heads;
    for (size_t r = 0; r < (size_t)call->rows; r++)
        paper_select_row(mode, tau, call->heads, decision + r * (1 + heads), a + r * heads, space);
}

const struct policy_ops policy_budgetformer_paper = {
    .name = "budgetformer-paper",
    .summary =
        "a reading of the published summaries: softmax gates in training; three ways to run it",
    .options = {"arm (policy budgetformer-paper)", option_rows,
                sizeof option_rows / sizeof *option_rows},
    .unit = GATE_PER_SAMPLE,
    .shape = budget_check_options,
    .tensors = budget_tensors,
    .saved_floats = budget_saved_floats,
    .shared_floats = budget_shared_floats,
    .gates_train = gates_train,
    .gates_backward = gates_backward,
    .decision_floats = budget_decision_floats,
    .decide = budget_decide,
    .select = select_heads,
    .cuda = POLICY_CUDA_FORM(budgetformer_paper_cuda),
    .budget = budget_of_decision,
    .set_heads = budget_set_heads,
    .modes = modes,
    .gate_flops = budget_gate_flops,
};
