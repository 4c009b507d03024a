/*
 * BudgetFormer's arithmetic of one input in one layer, for the processor and for a card, so that
 * there is one source of it: what both variants share (budgetformer_shared.h says what it is). In
 * double, but for what is kept. Workspace comes from the caller. The heads of a row are shared out
 * among lanes (lanes.h); what is of the whole row, all of them have.
 */
#ifndef HEADROOM_MODELS_POLICIES_BUDGETFORMER_ROW_H
#define HEADROOM_MODELS_POLICIES_BUDGETFORMER_ROW_H

#include "models/base/lanes.h"
#include "models/base/option.h"
#include "models/base/philox.h"

#include <math.h>

enum budget_cost_on { COST_ON_S, COST_ON_EXECUTED };
enum { SHARED_S, SHARED_DS, SHARED_FLOATS }; /* of an input, with a global budget */

/* What holds for all rows of a layer in one step. */
struct budget_layer {
    int heads;
    bool asks;    /* f_o is asked here */
    bool global;  /* its s is that of all layers */
    bool learned; /* scores are those of g_d, else drawn */
    bool hard;    /* the forward pass uses the mask that inference will run */
    double fixed; /* the budget of every input; 0: learned */
    /* of training, where the schedules stand */
    int cost_on; /* enum budget_cost_on */
    double hinge, sigma, tau, entropy, cost;
    double share; /* of one sample in one layer in the means of the loss terms */
};

/* One input in one layer in training, as a variant's gate sees it. */
struct budget_row {
    const struct budget_layer *layer;
    double s;    /* its budget, in (0, 1] */
    float *kept; /* [heads] whatever the gate leaves to its gradient */
};

/* s H above H - this: all gates are 1, and none has a gradient. */
static const double budget_full_margin = 1e-3;
static const double budget_ceil_margin = 1e-4; /* k = ceil(s H - this) */
static const double budget_hinge_low = 0.1, budget_hinge_high = 0.9;

/* ---- budget and scores ---- */

DEVICE_CODE float budget_of_logit(float logit, float bias) {
    return (float)(1.0 / (1.0 + exp(-((double)logit + (double)bias))));
}

/* s, from wherever this layer has its budget: `own` if f_o is asked. One lane's to call. */
DEVICE_CODE float budget_found(const struct budget_layer *layer, float own, float *shared) {
    float s = layer->fixed > 0.0 ? (float)layer->fixed : own;
    if (!layer->global) return s;
    if (layer->asks) {
        shared[SHARED_S] = s;
        shared[SHARED_DS] = 0.0f;
    }
    return shared[SHARED_S];
}

/* The counter of a head's draws for one input: a function of the input, not of its batch. */
DEVICE_CODE uint64_t budget_counter(int32_t id, int head) {
    return (uint64_t)id * OPTION_LIST_MAX + (uint64_t)head;
}

/* k = clamp(ceil(s H), 1, H), where s H may miss a whole number by rounding; 1 where s is NaN, as
 * weights that are too large make it. */
DEVICE_CODE int budget_heads(double s, int heads) {
    double k = ceil(s * heads - budget_ceil_margin);
    return k >= heads ? heads : k > 1.0 ? (int)k : 1;
}

/* The hard gate: 1 on the k best scores, ties to the lower index; else 0. All lanes see all of z. */
DEVICE_CODE void budget_top_k(const float *z, double s, int heads, float *a) {
    int k = budget_heads(s, heads);
    for (int h = lane(); h < heads; h += LANES) {
        int better = 0;
        for (int j = 0; j < heads; j++) better += z[j] > z[h] || (z[j] == z[h] && j < h);
        a[h] = better < k ? 1.0f : 0.0f;
    }
}

/* softmax(z / tau) into p, its logarithm into log_p; returns its entropy over ln H (0 if H = 1). */
DEVICE_CODE double budget_softmax(const float *z, double tau, int heads, double *p, double *log_p) {
    double max = (double)z[0], sum = 0.0, entropy = 0.0;
    for (int h = lane(); h < heads; h += LANES) max = (double)z[h] > max ? (double)z[h] : max;
    max = lanes_most(max);
    for (int h = lane(); h < heads; h += LANES) sum += exp(((double)z[h] - max) / tau);
    sum = lanes_sum(sum);
    for (int h = lane(); h < heads; h += LANES) {
        log_p[h] = ((double)z[h] - max) / tau - log(sum);
        p[h] = exp(log_p[h]);
        entropy -= p[h] * log_p[h];
    }
    entropy = lanes_sum(entropy);
    return heads > 1 ? entropy / log((double)heads) : 0.0;
}

DEVICE_CODE bool budget_is_full(const struct budget_row *row) {
    int heads = row->layer->heads;
    return row->s * heads > heads - budget_full_margin;
}

/* ---- loss terms ---- */

/* Drawn scores and a single head have no entropy. */
DEVICE_CODE bool budget_has_entropy(const struct budget_layer *layer) {
    return layer->learned && layer->heads > 1;
}

/* The loss terms of one row. A fixed budget and drawn scores have none: nothing could follow
 * them. */
DEVICE_CODE double budget_regulariser(const struct budget_layer *layer, double s, double entropy) {
    double executed = (double)budget_heads(s, layer->heads) / layer->heads;
    double sum = layer->entropy * entropy;
    if (layer->fixed > 0.0) return sum;
    return sum +
           layer->hinge * (fmax(0.0, budget_hinge_low - s) + fmax(0.0, s - budget_hinge_high)) +
           layer->cost * (layer->cost_on == COST_ON_S ? s : executed);
}

/* Its derivative by s. Straight-through passes the ceiling of k as if it were the identity, but not
 * the clamp at k = 1: below one head there is nothing left to save (ours). */
DEVICE_CODE double budget_regulariser_ds(const struct budget_layer *layer, double s) {
    bool flat = layer->cost_on == COST_ON_EXECUTED && budget_heads(s, layer->heads) == 1;
    double ds = flat ? 0.0 : layer->cost;
    if (s < budget_hinge_low) ds -= layer->hinge;
    if (s > budget_hinge_high) ds += layer->hinge;
    return ds;
}

/* From dL/dz of the task to that of the loss with the entropy term, over the clean scores z
 * themselves. */
DEVICE_CODE void budget_scores_gradient(const struct budget_layer *layer, const double *task,
                                        float *z, double *p, double *log_p) {
    int heads = layer->heads;
    double entropy = budget_softmax(z, layer->tau, heads, p, log_p);
    for (int h = lane(); h < heads; h += LANES) {
        double raw =
            heads > 1 ? -p[h] * (log_p[h] / log((double)heads) + entropy) / layer->tau : 0.0;
        z[h] = (float)(task[h] + layer->share * layer->entropy * raw);
    }
}

/* dL/d(logit of s) of an input. With a global budget all layers' gradients meet in the first. One
 * lane's to call. */
DEVICE_CODE float budget_logit_gradient(const struct budget_layer *layer, double s, double ds,
                                        float *shared) {
    if (layer->global) ds = (double)(shared[SHARED_DS] += (float)ds);
    return (float)(ds * s * (1.0 - s));
}

#endif
