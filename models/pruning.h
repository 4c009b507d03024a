/*
 * Physical removal of heads. A static method ends with one gate per (layer, head), the same for
 * every input; what is left after removing the zeros and folding the rest into W_O is a plain model
 * of policy `fixed`, smaller in memory and in work, that needs no gate at inference.
 */
#ifndef HEADROOM_MODELS_PRUNING_H
#define HEADROOM_MODELS_PRUNING_H

#include "models/parameters.h"

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

/* The model without the heads whose gate is 0: new parameters whose logits are those of `full` with
 * its heads gated so, to rounding. The tensors of the policy of `full` are left behind. A layer
 * that loses all its heads loses its attention sublayer; b_O, which the sublayer would still add to
 * every token, moves to where the residual stream gets a constant anyway: the bias of the FFN below
 * or, in layer 0, every token embedding. */
bool prune_heads(const struct parameters *full, const struct head_gates *gates, const char *purpose,
                 struct parameters **out, struct error *error);

#endif
