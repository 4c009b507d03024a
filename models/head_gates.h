/*
 * One gate per (layer, head), the same for every input: what a static method ends with, and how the
 * best heads of a ranking become one.
 */
#ifndef HEADROOM_MODELS_HEAD_GATES_H
#define HEADROOM_MODELS_HEAD_GATES_H

#include "models/model.h"

/* [layer][head] of a model with all heads. 0: the head is removed; else its output is
 * multiplied. */
struct head_gates {
    float value[MODEL_LAYERS_MAX][OPTION_LIST_MAX];
};

/* How many heads of a layer stay, and of all layers. */
int head_gates_kept(const struct model_config *config, const struct head_gates *gates, int layer);
int head_gates_total(const struct model_config *config, const struct head_gates *gates);

/* The `total` heads of the largest score [layer][head], over all layers together, get gate 1, all
 * others 0; ties go to the lower layer and head. */
struct head_scores {
    double value[MODEL_LAYERS_MAX][OPTION_LIST_MAX];
};
void head_gates_top(const struct model_config *config, const struct head_scores *scores, int total,
                    struct head_gates *out);

#endif
