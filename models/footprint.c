/*
 * Sums over the layers, with T tokens and B samples in a chunk, width W = heads x head_dim, D, F
 * and C as everywhere. See footprint.h.
 */
#include "models/footprint.h"
#include "models/device_parameters.h"
#include "models/policy.h"

/* What both passes and all layers share in the counting. */
struct size {
    const struct model_config *config;
    int64_t tokens, samples;       /* of a chunk; samples of the batch */
    int64_t rows;                  /* of gates in a chunk: samples, or tokens where these choose */
    int64_t most;                  /* heads of the widest layer */
    int64_t operand;               /* bytes of a product's operand; all else is float32 */
    int64_t scratch;               /* floats */
    bool is_host, gates_elsewhere; /* on the host, of a device that is none */
    bool keeps_operands;
    bool in_place; /* heads that inputs chose, on such a device */
};

static const int64_t float_bytes = sizeof(float);

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

/* A number for each row of the embeddings, two for each step that a row can be late by. */
static int64_t late_bytes(const struct model_config *c) {
    int64_t rows = c->vocab + (c->positions ? c->max_len : 0) + (c->separator ? 2 : 0) + c->bigrams;
    return rows * (int64_t)sizeof(int32_t) + float_bytes * 2 * ADAMW_PAST;
}

/* Residual stream before each sublayer, LayerNorm statistics, Q K V, head outputs, log-sum-exp and
 * the FFN's pre-activation. */
static int64_t layer_activations(const struct size *s, int layer) {
    const struct model_config *c = s->config;
    int64_t heads = c->heads.value[layer], width = heads * c->head_dim;
    int64_t sum = s->tokens * (float_bytes * (c->dim + 2) + s->operand * c->ffn);
    if (s->keeps_operands)
        sum += s->tokens * s->operand * ((heads > 0 ? 2 : 1) * (int64_t)c->dim + c->ffn);
    if (heads == 0) return sum;
    sum += s->tokens * (float_bytes * (c->dim + 2 + heads) + s->operand * 4 * width);
    if (c->policy->unit == GATE_NONE) return sum;
    int64_t saved = s->gates_elsewhere ? 0 : saved_numbers(c, layer);
    return sum + float_bytes * s->rows * (2 * heads + c->dim + saved);
}

static int64_t shared_numbers(const struct size *s) {
    return s->gates_elsewhere ? 0 : s->samples * (int64_t)policy_shared_floats(s->config);
}

static int64_t activations(const struct size *s) {
    const struct model_config *c = s->config;
    int64_t sum = float_bytes * (s->tokens * (c->dim + 2) + s->samples * (c->dim + c->classes) +
                                 shared_numbers(s));
    for (int l = 0; l < c->layers; l++) sum += layer_activations(s, l);
    return sum;
}

/* Three residual-sized arrays, one of them no operand, then either the FFN's two, of which one may
 * be kept with its layer, or attention's five widths, which take turns; tiles, the offsets of
 * chunks and the sums. */
static int64_t training_workspace(const struct size *s) {
    const struct model_config *c = s->config;
    int64_t width = s->most * c->head_dim, ffn = 0;
    if (c->layers) ffn = (s->keeps_operands ? 1 : 2) * (int64_t)c->ffn;
    int64_t operands = 2 * (int64_t)c->dim + (ffn > 5 * width ? ffn : 5 * width);
    return s->tokens * (s->operand * operands + float_bytes * (c->dim + 1)) +
           float_bytes * (s->scratch + s->rows * c->dim + (s->is_host ? s->samples + 1 : 0)) +
           (int64_t)sizeof(struct device_sums);
}

/* Weights of all heads of a layer but one, and their bias, where the device packs them. */
static int64_t packed_weights(const struct size *s, int64_t heads) {
    int64_t width = (heads - 1) * s->config->head_dim;
    if (!s->in_place || heads < 2) return 0;
    return s->operand * 4 * width * s->config->dim + float_bytes * 3 * width;
}

/* What the choice of heads takes beside the gates' own: rows gathered and on their way back, of one
 * head, or of all where whole batches are worked on and heads do not run where they are; who runs
 * the head at hand; gates and decisions, on a host those of the whole batch. */
static int64_t choice(const struct size *s, int64_t batch_tokens) {
    const struct model_config *c = s->config;
    bool by_token = c->policy->unit == GATE_PER_TOKEN;
    int64_t rows = s->is_host && by_token ? batch_tokens : s->rows, saved = 0, sum = 0;
    int64_t group = s->is_host                                    ? s->most > 0
                    : c->policy->unit == GATE_NONE || s->in_place ? 0
                                                                  : s->most;
    sum += group * s->tokens * c->dim * (s->operand + float_bytes);
    if (s->is_host && s->most > 0)
        sum += s->samples * (int64_t)sizeof(struct head_segment) +
               float_bytes * (by_token ? 2 * s->tokens : s->samples);
    for (int l = 0; l < c->layers; l++) {
        int64_t heads = c->heads.value[l], own = saved_numbers(c, l);
        if (heads == 0 || c->policy->unit == GATE_NONE) continue;
        sum += float_bytes * rows * (heads + (int64_t)policy_decision_floats(c, l)) +
               packed_weights(s, heads);
        saved = own > saved ? own : saved;
    }
    if (s->gates_elsewhere || c->policy->unit == GATE_NONE) return sum;
    return sum + float_bytes * s->rows * saved;
}

/* Stream and norm; four widths, the FFN's hidden layer; tiles, pooled inputs, logits. */
static int64_t inference_workspace(const struct size *s, int64_t batch_tokens) {
    const struct model_config *c = s->config;
    bool by_token = c->policy->unit == GATE_PER_TOKEN;
    int64_t pooled = !s->is_host && by_token ? s->tokens : s->samples;
    int64_t operands = c->dim + 4 * s->most * c->head_dim + (c->layers ? c->ffn : 0);
    return s->tokens * (float_bytes * c->dim + s->operand * operands) +
           float_bytes * (s->scratch + pooled * c->dim + s->samples * c->classes +
                          shared_numbers(s) + (s->is_host ? 2 * s->samples + 2 : 0)) +
           choice(s, batch_tokens);
}

struct footprint footprint_on(const struct device *d, const struct model_config *c,
                              const struct trainer_limits *limits) {
    struct size s = {.config = c,
                     .tokens = d->whole_batches
                                   ? limits->tokens
                                   : batch_chunk_tokens(limits->tokens, limits->length),
                     .samples = limits->samples,
                     .most = model_most_heads(c),
                     .operand = (int64_t)d->operand_size,
                     .scratch = (int64_t)d->attention_scratch,
                     .is_host = d->is_host,
                     .gates_elsewhere = device_gates_on_host(d, c)};
    s.rows = c->policy->unit == GATE_PER_TOKEN ? s.tokens : s.samples;
    s.keeps_operands = d->keeps_operands;
    s.in_place = !d->is_host && device_takes_chosen(d, c, limits->tokens);
    bool copies = !d->is_host && d->operand_size != sizeof(float);
    return (struct footprint){.parameters = float_bytes * parameter_numbers(c),
                              .copies = copies ? s.operand * parameter_numbers(c) : 0,
                              .late = d->ops->adamw_late ? late_bytes(c) : 0,
                              .activations = activations(&s),
                              .training = training_workspace(&s),
                              .inference = inference_workspace(&s, limits->tokens)};
}

struct footprint footprint_of(const struct model_config *config,
                              const struct trainer_limits *limits) {
    return footprint_on(device_cpu(), config, limits);
}
