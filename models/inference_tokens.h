/*
 * Attention of heads that single tokens choose.
 */
#ifndef HEADROOM_MODELS_INFERENCE_TOKENS_H
#define HEADROOM_MODELS_INFERENCE_TOKENS_H

#include "models/inference_workspace.h"

/* Adds attention of layer l to the residual stream; gates are those of the chunk's tokens. */
void inference_attend_tokens(struct inference *inf, int l, const struct batch *batch,
                             struct work *work);

#endif
