/*
 * The gate of BudgetFormer's variant as published, for one input, for the processor and for a card;
 * budgetformer_paper.c says what it is and what is ours in it.
 */
#ifndef HEADROOM_MODELS_POLICIES_BUDGETFORMER_PAPER_GATE_H
#define HEADROOM_MODELS_POLICIES_BUDGETFORMER_PAPER_GATE_H

#include "models/policies/budgetformer_row.h"

#include <float.h>

enum paper_mode { MODE_PLAIN, MODE_MASS, MODE_RAW };

/* space[2 heads] */
DEVICE_CODE void softmax_forward(const struct budget_row *row, const float *z, float *a,
                                 double *space) {
    int heads = row->layer->heads;
    budget_softmax(z, row->layer->tau, heads, space, space + heads);
    for (int h = lane(); h < heads; h += LANES) {
        row->kept[h] = (float)space[h];
        a[h] = (float)(row->s * heads * space[h]);
    }
}

/* da_h/dz_j = s H p_h (delta_hj - p_j) / tau, da_h/ds = H p_h. */
DEVICE_CODE double softmax_backward(const struct budget_row *row, const float *da, double *dz,
                                    double *space) {
    int heads = row->layer->heads;
    double mean = 0.0;
    (void)space;
    for (int h = lane(); h < heads; h += LANES) mean += (double)row->kept[h] * (double)da[h];
    mean = lanes_sum(mean);
    for (int h = lane(); h < heads; h += LANES)
        dz[h] = row->s * heads * (double)row->kept[h] * ((double)da[h] - mean) / row->layer->tau;
    return heads * mean;
}

/* From one decision row to the gates at inference; space[2 heads]. */
DEVICE_CODE void paper_select_row(enum paper_mode mode, double tau, int heads,
                                  const float *decision, float *gate, double *space) {
    const double *p = space;
    double sum = 0.0;
    budget_top_k(decision + 1, (double)decision[0], heads, gate);
    if (mode == MODE_PLAIN) return;
    budget_softmax(decision + 1, tau, heads, space, space + heads);
    for (int h = lane(); h < heads; h += LANES) sum += gate[h] != 0.0f ? p[h] : 0.0;
    sum = lanes_sum(sum);
    double scale = (double)decision[0] * heads / (mode == MODE_MASS ? sum : 1.0);
    for (int h = lane(); h < heads; h += LANES) /* a chosen head runs, however small its weight */
        if (gate[h] != 0.0f) gate[h] = fmaxf((float)(scale * p[h]), FLT_MIN);
}

#endif
