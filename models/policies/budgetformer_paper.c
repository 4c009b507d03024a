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
#include "models/policies/budgetformer_shared.h"

#include <float.h>
#include <math.h>

enum mode { MODE_PLAIN, MODE_MASS, MODE_RAW };

struct paper_options {
    struct budget_options shared;
    int mode; /* enum mode */
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

static void softmax_forward(const struct budget_row *row, const float *z, float *a) {
    double p[OPTION_LIST_MAX], log_p[OPTION_LIST_MAX];
    budget_softmax(z, row->tau, row->heads, p, log_p);
    for (int h = 0; h < row->heads; h++) {
        row->kept[h] = (float)p[h];
        a[h] = (float)(row->s * row->heads * p[h]);
    }
}

/* da_h/dz_j = s H p_h (delta_hj - p_j) / tau, da_h/ds = H p_h. */
static double softmax_backward(const struct budget_row *row, const float *da, double *dz) {
    double mean = 0.0;
    for (int h = 0; h < row->heads; h++) mean += (double)row->kept[h] * (double)da[h];
    for (int h = 0; h < row->heads; h++)
        dz[h] = row->s * row->heads * (double)row->kept[h] * ((double)da[h] - mean) / row->tau;
    return row->heads * mean;
}

static const struct budget_gate softmax_gate = {rng_normal, softmax_forward, softmax_backward};

static void gates_train(const struct gate_call *call, float *a) {
    budget_gates_train(call, &softmax_gate, a);
}

static void gates_backward(const struct gate_call *call, const float *da, float *dx) {
    budget_gates_backward(call, &softmax_gate, da, dx);
}

static void select_heads(const struct gate_call *call, const float *decision, float *a) {
    const struct paper_options *o = options_of(call->config);
    int heads = call->heads, mode = call->mode > 0 ? call->mode - 1 : o->mode;
    budget_select(call, decision, a);
    if (mode == MODE_PLAIN) return;
    for (int r = 0; r < call->rows; r++) {
        const float *row = decision + (size_t)r * (size_t)(1 + heads);
        double p[OPTION_LIST_MAX], log_p[OPTION_LIST_MAX], sum = 0.0;
        float *gate = a + (size_t)r * (size_t)heads;
        budget_softmax(row + 1, o->shared.tau_end, heads, p, log_p);
        for (int h = 0; h < heads; h++) sum += gate[h] != 0.0f ? p[h] : 0.0;
        double scale = (double)row[0] * heads / (mode == MODE_MASS ? sum : 1.0);
        for (int h = 0; h < heads; h++) /* a chosen head runs, however small its weight */
            if (gate[h] != 0.0f) gate[h] = fmaxf((float)(scale * p[h]), FLT_MIN);
    }
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
    .budget = budget_of_decision,
    .set_heads = budget_set_heads,
    .modes = modes,
    .gate_flops = budget_gate_flops,
};
