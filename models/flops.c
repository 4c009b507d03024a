/*
 * The closed form of BFC-1 (see flops.h), from the configuration alone. Written from the rules, not
 * from the kernels, so that equality with the instrumented count means something.
 */
#include "models/flops.h"
#include "models/policy.h"

const char *flops_component_name(enum flop_component component) {
    static const char *const names[FLOP_COMPONENTS] = {
        [FLOP_QKV] = "qkv",
        [FLOP_SCORES] = "scores",
        [FLOP_SCALE] = "scale",
        [FLOP_SOFTMAX] = "softmax",
        [FLOP_AV] = "av",
        [FLOP_GATE_MULTIPLY] = "gate_multiply",
        [FLOP_OUTPUT] = "output",
        [FLOP_ATTENTION_BIAS] = "attention_bias",
        [FLOP_FFN] = "ffn",
        [FLOP_FFN_BIAS] = "ffn_bias",
        [FLOP_GELU] = "gelu",
        [FLOP_NORM] = "norm",
        [FLOP_RESIDUAL] = "residual",
        [FLOP_GATE] = "gate",
        [FLOP_POSITION] = "position",
        [FLOP_POOL] = "pool",
        [FLOP_CLASSIFIER] = "classifier",
        [FLOP_CLASSIFIER_BIAS] = "classifier_bias",
    };
    return names[component];
}

uint64_t flops_total(const struct flops *flops) {
    uint64_t total = 0;
    for (int i = 0; i < FLOP_COMPONENTS; i++) total += flops->count[i];
    return total;
}

uint64_t flops_gemm(const struct flops *flops) {
    const uint64_t *c = flops->count;
    return c[FLOP_QKV] + c[FLOP_SCORES] + c[FLOP_AV] + c[FLOP_OUTPUT] + c[FLOP_FFN] +
           c[FLOP_CLASSIFIER];
}

uint64_t flops_map(const struct flops *flops) {
    const uint64_t *c = flops->count;
    return c[FLOP_SCORES] + c[FLOP_SCALE] + c[FLOP_SOFTMAX] + c[FLOP_AV];
}

/* A layer in which `keys` (token, head) pairs have K and V, and `queries` pairs Q, map row and
 * O. */
static void add_layer(const struct model_config *config, int layer, uint64_t n, uint64_t keys,
                      uint64_t queries, struct flops *flops) {
    uint64_t dim = (uint64_t)config->dim, ffn = (uint64_t)config->ffn;
    uint64_t d = (uint64_t)config->head_dim, *c = flops->count;
    if (config->heads.value[layer] > 0) {
        c[FLOP_QKV] += 2 * dim * d * (queries + 2 * keys);
        c[FLOP_SCORES] += 2 * n * d * queries;
        c[FLOP_SCALE] += n * queries;
        c[FLOP_SOFTMAX] += 5 * n * queries;
        c[FLOP_AV] += 2 * n * d * queries;
        c[FLOP_OUTPUT] += 2 * dim * d * queries;
        c[FLOP_ATTENTION_BIAS] += d * (queries + 2 * keys) + n * dim;
        c[FLOP_NORM] += 5 * n * dim;
        c[FLOP_RESIDUAL] += n * dim;
    }
    c[FLOP_FFN] += 4 * n * dim * ffn;
    c[FLOP_FFN_BIAS] += n * (ffn + dim);
    c[FLOP_GELU] += 8 * n * ffn;
    c[FLOP_NORM] += 5 * n * dim;
    c[FLOP_RESIDUAL] += n * dim;
}

void flops_add_layer(const struct model_config *config, int layer, int n_tokens, int heads_run,
                     int64_t token_heads, int64_t token_heads_gated, struct flops *flops) {
    uint64_t n = (uint64_t)n_tokens;
    add_layer(config, layer, n, n * (uint64_t)heads_run, (uint64_t)token_heads, flops);
    if (config->heads.value[layer] == 0) return;
    flops->count[FLOP_GATE_MULTIPLY] += (uint64_t)token_heads_gated * (uint64_t)config->head_dim;
    if (config->policy->gate_flops)
        flops->count[FLOP_GATE] += config->policy->gate_flops(config, layer, n_tokens);
}

void flops_add_layer_active(const struct model_config *config, int layer, int n_tokens,
                            int64_t token_heads, struct flops *flops) {
    uint64_t pairs = (uint64_t)token_heads;
    add_layer(config, layer, (uint64_t)n_tokens, pairs, pairs, flops);
}

void flops_add_ends(const struct model_config *config, int n_tokens, struct flops *flops) {
    uint64_t n = (uint64_t)n_tokens, dim = (uint64_t)config->dim;
    uint64_t classes = (uint64_t)config->classes, *c = flops->count;
    if (config->positions) c[FLOP_POSITION] += n * dim;
    if (config->separator) c[FLOP_POSITION] += n * dim;
    if (config->bigrams) c[FLOP_POSITION] += n * dim;
    if (config->final_norm) c[FLOP_NORM] += 5 * n * dim;
    c[FLOP_POOL] += n * dim;
    c[FLOP_CLASSIFIER] += 2 * dim * classes;
    c[FLOP_CLASSIFIER_BIAS] += classes;
}

struct flops flops_dense(const struct model_config *config, int n_tokens) {
    struct flops flops = {{0}};
    for (int l = 0; l < config->layers; l++)
        flops_add_layer(config, l, n_tokens, config->heads.value[l],
                        (int64_t)n_tokens * config->heads.value[l], 0, &flops);
    flops_add_ends(config, n_tokens, &flops);
    return flops;
}
