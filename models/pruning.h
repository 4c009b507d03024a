/*
 * Physical removal of heads. What is left of a model after removing the heads whose static gate is
 * zero and folding the other gates into W_O is a plain model of policy `fixed`, smaller in memory
 * and in work, that needs no gate at inference.
 */
#ifndef HEADROOM_MODELS_PRUNING_H
#define HEADROOM_MODELS_PRUNING_H

#include "models/head_gates.h"
#include "models/parameters.h"

/* The model without the heads whose gate is 0: new parameters whose logits are those of `full` with
 * its heads gated so, to rounding. The tensors of the policy of `full` are left behind. A layer
 * that loses all its heads loses its attention sublayer; b_O, which the sublayer would still add to
 * every token, moves to where the residual stream gets a constant anyway: the bias of the FFN below
 * or, in layer 0, every token embedding. */
bool prune_heads(const struct parameters *full, const struct head_gates *gates, const char *purpose,
                 struct parameters **out, struct error *error);

#endif
