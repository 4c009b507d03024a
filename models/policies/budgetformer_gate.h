/*
 * The gates of BudgetFormer's consistent variant for one input, soft top-k and Gumbel top-k, for
 * the processor and for a card; budgetformer.c says what they are. `space` is workspace of the
 * doubles that the gate asks for; dz[heads] is written over.
 */
#ifndef HEADROOM_MODELS_POLICIES_BUDGETFORMER_GATE_H
#define HEADROOM_MODELS_POLICIES_BUDGETFORMER_GATE_H

#include "models/policies/budgetformer_row.h"
#include "models/policies/gumbel_rounds.h"

static const double least_slope = 1e-6; /* sum of gate slopes below this: no gradient */

/* ---- soft top-k ---- */

/* sum_h a_h falls monotonically in theta: Newton steps, bisected when they leave the bracket, until
 * the budget is met to 1e-9. */
DEVICE_CODE void soft_top_k(const struct budget_row *row, const float *z, float *a) {
    int heads = row->layer->heads;
    double budget = row->s * heads, tau = row->layer->tau;
    double low = (double)z[0], high = (double)z[0];
    if (budget_is_full(row)) {
        for (int h = lane(); h < heads; h += LANES) a[h] = 1.0f;
        return;
    }
    for (int h = lane(); h < heads; h += LANES) {
        low = (double)z[h] < low ? (double)z[h] : low;
        high = (double)z[h] > high ? (double)z[h] : high;
    }
    low = lanes_least(low) - 40.0 * tau; /* all gates 1 to rounding */
    high = lanes_most(high) + 40.0 * tau;
    double theta = 0.5 * (low + high);
    for (int i = 0; i < 100; i++) {
        double sum = 0.0, slope = 0.0;
        for (int h = lane(); h < heads; h += LANES) {
            double gate = 1.0 / (1.0 + exp((theta - (double)z[h]) / tau));
            a[h] = (float)gate;
            sum += gate;
            slope += gate * (1.0 - gate) / tau;
        }
        sum = lanes_sum(sum);
        slope = lanes_sum(slope);
        if (fabs(sum - budget) < 1e-9) return;
        if (sum > budget)
            low = theta;
        else
            high = theta;
        theta += (sum - budget) / slope;
        if (!(theta > low && theta < high)) theta = 0.5 * (low + high);
    }
}

DEVICE_CODE void soft_forward(const struct budget_row *row, const float *z, float *a,
                              double *space) {
    (void)space;
    soft_top_k(row, z, row->kept);
    if (row->layer->hard)
        budget_top_k(z, row->s, row->layer->heads, a);
    else
        for (int h = 0; h < row->layer->heads; h++) a[h] = row->kept[h];
}

/* With A_h = a_h (1 - a_h) / tau and A = sum A_h: da_h/dz_j = A_h (delta_hj - A_j / A), da_h/ds = H
 * A_h / A. */
DEVICE_CODE double soft_backward(const struct budget_row *row, const float *da, double *dz,
                                 double *space) {
    const float *soft = row->kept;
    int heads = row->layer->heads;
    double sum = 0.0, weighted = 0.0;
    (void)space;
    for (int h = lane(); h < heads; h += LANES) { /* dz holds the slopes */
        dz[h] = (double)soft[h] * (1.0 - (double)soft[h]) / row->layer->tau;
        sum += dz[h];
        weighted += dz[h] * (double)da[h];
    }
    sum = lanes_sum(sum);
    weighted = lanes_sum(weighted);
    bool flat = sum < least_slope || budget_is_full(row);
    double mean = flat ? 0.0 : weighted / sum;
    for (int h = lane(); h < heads; h += LANES) dz[h] = flat ? 0.0 : dz[h] * ((double)da[h] - mean);
    return heads * mean;
}

/* ---- Gumbel top-k ---- */

/* Workspace: the rounds, their start or the mask's gradient, the mask, and the rounds' own. */
DEVICE_CODE int gumbel_space(int heads) {
    return heads * (heads + 2 + GUMBEL_SPACE);
}

/* Rounds follow each other, and sums within one go from head to head: one lane's to call. */
DEVICE_CODE void gumbel_mask(const struct budget_row *row, const float *z, double *space) {
    int n = row->layer->heads;
    double *rounds = space, *r = rounds + (size_t)n * (size_t)n, *mask = r + n;
    for (int h = 0; h < n; h++) r[h] = (double)z[h];
    gumbel_forward_rounds(r, row->s * n, row->layer->tau, n, rounds, mask, mask + n);
}

DEVICE_CODE void gumbel_forward(const struct budget_row *row, const float *z, float *a,
                                double *space) {
    int n = row->layer->heads;
    const double *mask = space + (size_t)n * (size_t)n + n;
    for (int h = lane(); h < n; h += LANES) row->kept[h] = z[h];
    if (lane() == 0) gumbel_mask(row, z, space);
    lanes_meet();
    if (row->layer->hard)
        budget_top_k(z, row->s, n, a);
    else
        for (int h = lane(); h < n; h += LANES) a[h] = budget_is_full(row) ? 1.0f : (float)mask[h];
}

/* The rounds are made again instead of being kept: they are H times as much as the scores. */
DEVICE_CODE double gumbel_backward(const struct budget_row *row, const float *da, double *dz,
                                   double *space) {
    int n = row->layer->heads;
    double *rounds = space, *dmask = rounds + (size_t)n * (size_t)n, *mask = dmask + n, ds = 0.0;
    if (lane() == 0) {
        gumbel_mask(row, row->kept, space);
        for (int h = 0; h < n; h++) dmask[h] = budget_is_full(row) ? 0.0 : (double)da[h];
        ds =
            n * gumbel_backward_rounds(rounds, row->s * n, row->layer->tau, n, dmask, dz, mask + n);
    }
    lanes_meet();
    return lanes_sum(ds);
}

#endif
