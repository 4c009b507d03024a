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
#include "models/policies/budgetformer_shared.h"
#include "models/policies/gumbel_top_k.h"

#include <math.h>
#include <string.h>

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

static const double least_slope = 1e-6; /* sum of gate slopes below this: no gradient */

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

/* From hard_from on the mask of what inference will run, else the relaxed gates in row->kept. */
static void choose(const struct budget_row *row, const float *z, const float *relaxed, float *a) {
    if (row->progress >= options_of(row->config)->hard_from)
        budget_top_k(z, row->s, row->heads, a);
    else
        memcpy(a, relaxed, (size_t)row->heads * sizeof *a);
}

static bool is_full(const struct budget_row *row) {
    return row->s * row->heads > row->heads - budget_full_margin;
}

/* ---- soft top-k ---- */

/* sum_h a_h falls monotonically in theta: Newton steps, bisected when they leave the bracket, until
 * the budget is met to 1e-9. */
static void soft_top_k(const struct budget_row *row, const float *z, float *a) {
    int heads = row->heads;
    double budget = row->s * heads, tau = row->tau, low = (double)z[0], high = (double)z[0];
    if (is_full(row)) {
        for (int h = 0; h < heads; h++) a[h] = 1.0f;
        return;
    }
    for (int h = 1; h < heads; h++) {
        low = (double)z[h] < low ? (double)z[h] : low;
        high = (double)z[h] > high ? (double)z[h] : high;
    }
    low -= 40.0 * tau; /* all gates 1 to rounding */
    high += 40.0 * tau;
    double theta = 0.5 * (low + high);
    for (int i = 0; i < 100; i++) {
        double sum = 0.0, slope = 0.0;
        for (int h = 0; h < heads; h++) {
            double gate = 1.0 / (1.0 + exp((theta - (double)z[h]) / tau));
            a[h] = (float)gate;
            sum += gate;
            slope += gate * (1.0 - gate) / tau;
        }
        if (fabs(sum - budget) < 1e-9) return;
        if (sum > budget)
            low = theta;
        else
            high = theta;
        theta += (sum - budget) / slope;
        if (!(theta > low && theta < high)) theta = 0.5 * (low + high);
    }
}

static void soft_forward(const struct budget_row *row, const float *z, float *a) {
    soft_top_k(row, z, row->kept);
    choose(row, z, row->kept, a);
}

/* With A_h = a_h (1 - a_h) / tau and A = sum A_h: da_h/dz_j = A_h (delta_hj - A_j / A), da_h/ds = H
 * A_h / A. */
static double soft_backward(const struct budget_row *row, const float *da, double *dz) {
    const float *soft = row->kept;
    int heads = row->heads;
    double slope[OPTION_LIST_MAX], sum = 0.0, weighted = 0.0;
    for (int h = 0; h < heads; h++) {
        slope[h] = (double)soft[h] * (1.0 - (double)soft[h]) / row->tau;
        sum += slope[h];
        weighted += slope[h] * (double)da[h];
    }
    bool flat = sum < least_slope || is_full(row);
    double mean = flat ? 0.0 : weighted / sum;
    for (int h = 0; h < heads; h++) dz[h] = flat ? 0.0 : slope[h] * ((double)da[h] - mean);
    return heads * mean;
}

static const struct budget_gate soft_gate = {rng_normal, soft_forward, soft_backward};

/* ---- Gumbel top-k ---- */

enum { ROUNDS_MAX = OPTION_LIST_MAX * OPTION_LIST_MAX };

static void gumbel_mask(const struct budget_row *row, const float *z, double rounds[ROUNDS_MAX],
                        double *mask) {
    double r[OPTION_LIST_MAX];
    for (int h = 0; h < row->heads; h++) r[h] = (double)z[h];
    gumbel_top_k(r, row->s * row->heads, row->tau, row->heads, rounds, mask);
}

static void gumbel_forward(const struct budget_row *row, const float *z, float *a) {
    double rounds[ROUNDS_MAX], mask[OPTION_LIST_MAX];
    float relaxed[OPTION_LIST_MAX];
    memcpy(row->kept, z, (size_t)row->heads * sizeof *z);
    gumbel_mask(row, z, rounds, mask);
    for (int h = 0; h < row->heads; h++) relaxed[h] = is_full(row) ? 1.0f : (float)mask[h];
    choose(row, z, relaxed, a);
}

/* The rounds are made again instead of being kept: they are H times as much as the scores. */
static double gumbel_backward(const struct budget_row *row, const float *da, double *dz) {
    double rounds[ROUNDS_MAX], mask[OPTION_LIST_MAX], dmask[OPTION_LIST_MAX];
    gumbel_mask(row, row->kept, rounds, mask);
    for (int h = 0; h < row->heads; h++) dmask[h] = is_full(row) ? 0.0 : (double)da[h];
    return row->heads *
           gumbel_top_k_backward(rounds, row->s * row->heads, row->tau, row->heads, dmask, dz);
}

static const struct budget_gate gumbel_gate = {gumbel_noise, gumbel_forward, gumbel_backward};

/* ---- the policy ---- */

static const struct budget_gate *gate_of(const struct gate_call *call) {
    return options_of(call->config)->estimator == ESTIMATOR_GUMBEL ? &gumbel_gate : &soft_gate;
}

static void gates_train(const struct gate_call *call, float *a) {
    budget_gates_train(call, gate_of(call), a);
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
    .budget = budget_of_decision,
    .set_heads = budget_set_heads,
    .gate_flops = budget_gate_flops,
};
