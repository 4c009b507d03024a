/*
 * A head is one slab of Q, K, V and one block of W_O (parameters.h), so removing heads is copying
 * the slabs of the others end to end.
 */
#include "models/pruning.h"
#include "models/policies/registry.h"
#include "models/base/json.h"

#include <string.h>

/* The configuration of what is left, written as a user would: {policy: fixed, heads: [2, 0]}. */
static bool pruned_config(const struct model_config *full, const struct head_gates *gates,
                          struct model_config *out, struct error *error) {
    struct text json = {0};
    struct node *node = NULL;
    *out = *full;
    out->policy = policy_find("fixed");
    memset(out->policy_options, 0, sizeof out->policy_options);
    text_append(&json, "{\"heads\":[");
    for (int l = 0; l < full->layers; l++)
        text_append(&json, "%s%d", l ? "," : "", head_gates_kept(full, gates, l));
    text_append(&json, "]}");
    bool ok = !json.failed || error_set(error, "out of memory for the pruned model");
    ok = ok && json_parse(json.data, json.size, "pruned heads", &node, error) &&
         options_bind(&out->policy->options, node, NULL, out->policy_options, error) &&
         out->policy->shape(out, error);
    node_free(node);
    text_free(&json);
    return ok;
}

static void copy(float *to, const float *from, size_t n) {
    if (to) memcpy(to, from, n * sizeof *to);
}

static void copy_heads(const struct parameters *full, const struct head_gates *gates, int l,
                       struct parameters *out) {
    const struct layer_parameters *from = &full->layer[l];
    struct layer_parameters *to = &out->layer[l];
    size_t dim = (size_t)full->config.dim, d = (size_t)full->config.head_dim, kept = 0;
    size_t slab = 3 * d * dim, bias = 3 * d, block = d * dim;
    copy(to->norm1_weight, from->norm1_weight, dim);
    copy(to->norm1_bias, from->norm1_bias, dim);
    copy(to->o_bias, from->o_bias, dim);
    for (size_t h = 0; h < (size_t)full->config.heads.value[l]; h++) {
        float gate = gates->value[l][h];
        if (gate == 0.0f) continue;
        copy(to->qkv_weight + kept * slab, from->qkv_weight + h * slab, slab);
        copy(to->qkv_bias + kept * bias, from->qkv_bias + h * bias, bias);
        for (size_t i = 0; i < block; i++)
            to->o_weight[kept * block + i] = gate * from->o_weight[h * block + i];
        kept++;
    }
}

/* Adds b_O of a layer without heads to the constant that the residual stream gets before it. */
static void move_bias(const float *o_bias, int l, struct parameters *out) {
    size_t dim = (size_t)out->config.dim, rows = l > 0 ? 1 : (size_t)out->config.vocab;
    float *constant = l > 0 ? out->layer[l - 1].down_bias : out->token;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < dim; i++) constant[r * dim + i] += o_bias[i];
}

static void copy_layer(const struct parameters *full, const struct head_gates *gates, int l,
                       struct parameters *out) {
    const struct layer_parameters *from = &full->layer[l];
    struct layer_parameters *to = &out->layer[l];
    size_t dim = (size_t)full->config.dim, ffn = (size_t)full->config.ffn;
    if (out->config.heads.value[l] > 0)
        copy_heads(full, gates, l, out);
    else if (full->config.heads.value[l] > 0)
        move_bias(from->o_bias, l, out);
    copy(to->norm2_weight, from->norm2_weight, dim);
    copy(to->norm2_bias, from->norm2_bias, dim);
    copy(to->up_weight, from->up_weight, ffn * dim);
    copy(to->up_bias, from->up_bias, ffn);
    copy(to->down_weight, from->down_weight, dim * ffn);
    copy(to->down_bias, from->down_bias, dim);
}

bool prune_heads(const struct parameters *full, const struct head_gates *gates, const char *purpose,
                 struct parameters **out, struct error *error) {
    const struct model_config *c = &full->config;
    struct model_config config;
    struct parameters *p = NULL;
    if (!pruned_config(c, gates, &config, error) || !parameters_new(&config, purpose, &p, error))
        return false;
    size_t dim = (size_t)c->dim;
    p->seed = full->seed;
    copy(p->token, full->token, (size_t)c->vocab * dim);
    copy(p->position, full->position, (size_t)c->max_len * dim);
    copy(p->segment, full->segment, 2 * dim);
    copy(p->bigram, full->bigram, (size_t)c->bigrams * dim);
    for (int l = 0; l < c->layers; l++) copy_layer(full, gates, l, p);
    copy(p->final_weight, full->final_weight, dim);
    copy(p->final_bias, full->final_bias, dim);
    copy(p->classifier_weight, full->classifier_weight, (size_t)c->classes * dim);
    copy(p->classifier_bias, full->classifier_bias, (size_t)c->classes);
    *out = p;
    return true;
}
