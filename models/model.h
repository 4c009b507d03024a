/*
 * What a model is: the numbers that fix its shape. One flat, copyable struct, resolved once from
 * the workload file, the data set and the policy; the engine, the FLOP formulas and the checkpoint
 * read the same one. Defaults stand in the option table of model.c and nowhere else.
 */
#ifndef HEADROOM_MODELS_MODEL_H
#define HEADROOM_MODELS_MODEL_H

#include "models/base/option.h"

#include <stdint.h>

struct policy_ops;

enum { MODEL_LAYERS_MAX = OPTION_LIST_MAX, MODEL_POLICY_OPTIONS_MAX = 1024 };

struct model_config {
    int layers;            /* L encoder layers; 0: embeddings, pool and classifier only */
    int dim;               /* D */
    int base_heads;        /* H of the full model: head_dim = dim / base_heads */
    int head_dim;          /* d_h, the same in every layer */
    struct int_list heads; /* [layers] heads that exist in each layer, 0 = no attention sublayer */
    int ffn;               /* F; 0 in a file means 4 * dim, resolved here */
    int vocab, classes, max_len; /* from the data set */
    int separator;               /* from the data set: token between the texts of a pair, 0: none */
    int bigrams;                 /* rows of the table of token pairs that is added, 0: none */
    bool positions;              /* learned position embedding added */
    bool final_norm;             /* LayerNorm before the pool */
    double dropout;              /* after the embedding and each sublayer, training only */
    double norm_eps;
    double init_std;      /* of weight matrices */
    double embedding_std; /* of token, position and segment embeddings */
    const struct policy_ops *policy;
    _Alignas(16) unsigned char policy_options[MODEL_POLICY_OPTIONS_MAX];
};

/* The `model:` section: layers, dim, heads, ffn, dropout, norm_eps, init_std, embedding_std. */
extern const struct option_table model_options;

/* The row of that table for a token and the one before it, -1 at the start of an input. */
static inline size_t model_bigram(const struct model_config *config, int32_t previous,
                                  int32_t token) {
    uint64_t pair = (uint64_t)(previous + 1) * 1000003 + (uint64_t)token;
    return (size_t)((pair * 0x9E3779B97F4A7C15u >> 32) % (uint64_t)config->bigrams);
}

/* Heads of the layer that has most. */
static inline int model_most_heads(const struct model_config *config) {
    int most = 0;
    for (int l = 0; l < config->layers; l++)
        if (config->heads.value[l] > most) most = config->heads.value[l];
    return most;
}

/* Completes a config whose model_options fields are set, as if every layer had all H heads: fills
 * head_dim, heads and ffn. model_resolve (policy.h) then lets the policy change the shape. */
bool model_resolve_full(struct model_config *config, struct error *error);

#endif
