/*
 * Sums over the layers, with T tokens and B samples in a chunk, width W = heads x head_dim, D, F
 * and C as everywhere. See footprint.h.
 */
#include "models/footprint.h"
#include "models/cpu/kernels.h"
#include "models/policy.h"

/* What both passes and all layers share in the counting. */
struct size {
    const struct model_config *config;
    int64_t tokens, samples; /* of a chunk; samples of the batch */
    int64_t rows;            /* of gates in a chunk: samples, or tokens where these choose */
    int64_t most;            /* heads of the widest layer */
};

static int64_t policy_numbers(const struct model_config *c, int layer) {
    struct policy_tensor own[POLICY_TENSORS_MAX];
    int64_t sum = 0;
    int n = c->policy->tensors ? c->policy->tensors(c, layer, own) : 0;
    for (int i = 0; i < n; i++) sum += (int64_t)own[i].rows * own[i].cols;
    return sum;
}

static int64_t saved_numbers(const struct model_config *c, int layer) {
    return c->policy->saved_floats ? c->policy->saved_floats(c, layer) : 0;
}

/* Weights and biases: four D x W and two D x F matrices a layer. */
static int64_t parameter_numbers(const struct model_config *c) {
    int64_t dim = c->dim, ffn = c->ffn, sum = (int64_t)c->vocab * dim;
    if (c->positions) sum += (int64_t)c->max_len * dim;
    if (c->separator) sum += 2 * dim;
    sum += (int64_t)c->bigrams * dim;
    for (int l = 0; l < c->layers; l++) {
        int64_t width = (int64_t)c->heads.value[l] * c->head_dim;
        sum += 2 * dim * ffn + ffn + dim + 2 * dim;
        if (width > 0) sum += 4 * dim * width + 3 * width + dim + 2 * dim + policy_numbers(c, l);
    }
    return sum + (c->final_norm ? 2 * dim : 0) + (int64_t)c->classes * (dim + 1);
}

/* Residual stream before each sublayer, LayerNorm statistics, Q K V, head outputs, log-sum-exp and
 * the FFN's pre-activation. */
static int64_t layer_activations(const struct size *s, int layer) {
    const struct model_config *c = s->config;
    int64_t heads = c->heads.value[layer], width = heads * c->head_dim;
    int64_t sum = s->tokens * (c->dim + 2 + c->ffn);
    if (heads == 0) return sum;
    sum += s->tokens * (c->dim + 2 + 4 * width + heads);
    if (c->policy->unit == GATE_NONE) return sum;
    return sum + s->rows * (2 * heads + c->dim + saved_numbers(c, layer));
}

static int64_t activations(const struct size *s) {
    const struct model_config *c = s->config;
    int64_t sum = s->tokens * (c->dim + 2) + s->samples * (c->dim + c->classes) +
                  s->samples * (int64_t)policy_shared_floats(c);
    for (int l = 0; l < c->layers; l++) sum += layer_activations(s, l);
    return sum;
}

/* Three residual-sized arrays, then either the FFN's two or attention's five widths, which take
 * turns; tiles, the offsets of chunks and the sums. */
static int64_t training_workspace(const struct size *s) {
    const struct model_config *c = s->config;
    int64_t width = s->most * c->head_dim, ffn = c->layers ? 2 * (int64_t)c->ffn : 0;
    return s->tokens * (3 * (int64_t)c->dim + (ffn > 5 * width ? ffn : 5 * width) + 1) +
           ATTENTION_SCRATCH + s->rows * c->dim + s->samples + 1 +
           (int64_t)(sizeof(struct device_sums) / sizeof(float));
}

/* Stream, norm and, where heads run, gathered rows there and back; four widths, the FFN's hidden
 * layer; tiles, pooled inputs, logits, the gates and decisions of the whole batch, and who runs the
 * head at hand. */
static int64_t inference_workspace(const struct size *s, int64_t batch_tokens) {
    const struct model_config *c = s->config;
    bool by_token = c->policy->unit == GATE_PER_TOKEN;
    int64_t rows = by_token ? batch_tokens : s->samples, saved = 0;
    int64_t sum = s->tokens * ((s->most ? 4 : 2) * (int64_t)c->dim + 4 * s->most * c->head_dim +
                               (c->layers ? c->ffn : 0)) +
                  ATTENTION_SCRATCH + s->samples * (c->dim + c->classes + 2) + 2 +
                  s->samples * (int64_t)policy_shared_floats(c);
    if (s->most > 0)
        sum += s->samples * (int64_t)(sizeof(struct head_segment) / sizeof(float)) +
               (by_token ? 2 * s->tokens : s->samples);
    for (int l = 0; l < c->layers; l++) {
        int64_t heads = c->heads.value[l], own = saved_numbers(c, l);
        if (heads == 0 || c->policy->unit == GATE_NONE) continue;
        sum += rows * (heads + (int64_t)policy_decision_floats(c, l));
        saved = own > saved ? own : saved;
    }
    return sum + s->rows * saved;
}

struct footprint footprint_of(const struct model_config *c, const struct trainer_limits *limits) {
    struct size s = {.config = c,
                     .tokens = batch_chunk_tokens(limits->tokens, limits->length),
                     .samples = limits->samples,
                     .most = model_most_heads(c)};
    s.rows = c->policy->unit == GATE_PER_TOKEN ? s.tokens : s.samples;
    return (struct footprint){.parameters = 4 * parameter_numbers(c),
                              .activations = 4 * activations(&s),
                              .training = 4 * training_workspace(&s),
                              .inference = 4 * inference_workspace(&s, limits->tokens)};
}
