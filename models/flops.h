/*
 * FLOP counting by the rule set "BFC-1": add = mul = div = exp = max = 1, a GEMM of m x k by k x n
 * is 2mkn, softmax 5 per element, LayerNorm 5, GELU 8, bias, residual and score scale 1, table
 * look-ups 0. Two independent sources produce the same struct: the closed form here, and the
 * kernels, which add their own dimensions at the moment they run. Tests require integer equality.
 */
#ifndef HEADROOM_MODELS_FLOPS_H
#define HEADROOM_MODELS_FLOPS_H

#include <stdint.h>

#include "models/model.h"

enum flop_component {
    FLOP_QKV,    /* the three projections of the heads that run */
    FLOP_SCORES, /* Q K^T */
    FLOP_SCALE,  /* 1/sqrt(d_h) on every score */
    FLOP_SOFTMAX,
    FLOP_AV,             /* softmax(.) V */
    FLOP_GATE_MULTIPLY,  /* a_h Att_h where a_h is not 1 */
    FLOP_OUTPUT,         /* W_O of the heads that run */
    FLOP_ATTENTION_BIAS, /* b_Q, b_K, b_V, b_O */
    FLOP_FFN,            /* both FFN products */
    FLOP_FFN_BIAS,
    FLOP_GELU,
    FLOP_NORM, /* all LayerNorms */
    FLOP_RESIDUAL,
    FLOP_GATE,     /* what the policy itself costs, pooling included */
    FLOP_POSITION, /* adding position, segment and bigram embeddings */
    FLOP_POOL,
    FLOP_CLASSIFIER,
    FLOP_CLASSIFIER_BIAS,
    FLOP_COMPONENTS
};

struct flops {
    uint64_t count[FLOP_COMPONENTS];
};

const char *flops_component_name(enum flop_component component); /* "qkv", "scores", ... */

uint64_t flops_total(const struct flops *flops);
uint64_t flops_gemm(const struct flops *flops); /* products only, without the policy's own */
uint64_t flops_map(const struct flops *flops);  /* scores, scale, softmax, AV */

/* Adds the cost of encoder layer `layer` for one input of n tokens. `heads_run` heads have K and V
 * for all n; `token_heads` counts the (token, head) pairs with a query, a map row and an output:
 * n heads_run where a whole input chooses its heads, fewer where each token chooses its own;
 * `token_heads_gated` of them carry a gate other than 1. The policy's own cost is included. */
void flops_add_layer(const struct model_config *config, int layer, int n_tokens, int heads_run,
                     int64_t token_heads, int64_t token_heads_gated, struct flops *flops);

/* Adds the active cost of the same layer (ours): what the chosen pairs would cost if an unchosen
 * head cost a token nothing, its K and V included, and gates were free. What papers on per-token
 * heads count; equal to the executed cost less the gate's where whole inputs choose. */
void flops_add_layer_active(const struct model_config *config, int layer, int n_tokens,
                            int64_t token_heads, struct flops *flops);

/* Adds everything outside the layers for one input: positions, segments, final norm, pool,
 * classifier. */
void flops_add_ends(const struct model_config *config, int n_tokens, struct flops *flops);

/* The dense cost of one input: every existing head runs, gates included. */
struct flops flops_dense(const struct model_config *config, int n_tokens);

#endif
