/*
 * The encoder's forward and backward pass: token + position embedding (and, where inputs are pairs
 * of texts, segment embedding; in a bag of bigrams, those of token pairs), L pre-LN layers
 *   x += sum_h a_h Att_h(LN1 x) W_O^h + b_O,   x += W_down gelu(W_up LN2 x + b_up) + b_down,
 * final LayerNorm, mean over valid tokens, linear classifier (models/checkpoint.md). Which stages
 * there are is said here and nowhere else; how one is computed, in the device (device.h).
 *
 * Kept between the passes, per layer: the residual stream before each sublayer, Q/K/V, the heads'
 * outputs, each row's log-sum-exp, the FFN's pre-activation and the LayerNorm statistics.
 * Recomputed: LayerNorm outputs, attention maps, GELU and dropout masks.
 */
#include "models/trainer_private.h"

#include <string.h>

/* The operands of products: activations, weights and, of the classifier, plain numbers. */
static struct device_matrix operands(const void *data, int ld) {
    return (struct device_matrix){data, ld, false, OPERANDS};
}

static struct device_matrix weights(const float *data, int ld) {
    return (struct device_matrix){data, ld, false, WEIGHTS};
}

static struct device_matrix numbers(const float *data, int ld) {
    return (struct device_matrix){data, ld, false, NUMBERS};
}

static struct device_matrix transposed(struct device_matrix matrix) {
    matrix.transposed = true;
    return matrix;
}

/* c[m x n] = a b, operands of a later product. */
static void multiply(const struct trainer *t, int m, int n, int k, struct device_matrix a,
                     struct device_matrix b, void *c) {
    struct device_product product = {m, n, k, a, b, c, n, OPERANDS, false};
    t->device->ops->multiply(t->device, 1, &product);
}

/* c[m x n] += a b, the gradient of a weight. */
static void add_product(const struct trainer *t, int m, int n, int k, struct device_matrix a,
                        struct device_matrix b, float *c) {
    struct device_product product = {m, n, k, a, b, c, n, NUMBERS, true};
    t->device->ops->multiply(t->device, 1, &product);
}

/* The masks of dropout site `site` in this step. */
static struct device_dropout dropout_at(const struct trainer *t, const struct policy_step *step,
                                        int site) {
    return (struct device_dropout){t->dropout, t->dropout_rate, (step->step << 8) | (uint64_t)site};
}

/* out[T][D] = x + drop(branch + bias), the end of both sublayers. */
static void add_residual(struct trainer *t, const struct policy_step *step, int site,
                         const float *bias, const float *x, float *out) {
    struct device_dropout dropout = dropout_at(t, step, site);
    t->device->ops->residual(t->device, &t->chunk, t->p->config.dim, bias, &dropout, t->branch, x,
                             out);
}

static struct device_attention attention_of(struct trainer *t, int l) {
    const struct model_config *c = &t->p->config;
    struct layer_state *s = &t->layer[l];
    return (struct device_attention){c->heads.value[l], c->head_dim, s->qkv,
                                     s->context,        s->log_sum,  t->scores};
}

static void layer_attention_forward(struct trainer *t, int l, struct policy_step *step) {
    const struct device *d = t->device;
    const struct model_config *c = &t->p->config;
    const struct layer_parameters *w = &t->p->layer[l];
    struct layer_state *s = &t->layer[l];
    int tokens = t->chunk.batch.n_tokens, dim = c->dim, width = c->heads.value[l] * c->head_dim;
    struct device_attention attention = attention_of(t, l);
    d->ops->norm(d, tokens, dim, s->input, w->norm1_weight, w->norm1_bias, c->norm_eps, t->norm,
                 s->mean1, s->rstd1);
    multiply(t, tokens, 3 * width, dim, operands(t->norm, dim),
             transposed(weights(w->qkv_weight, dim)), s->qkv);
    d->ops->bias(d, tokens, 3 * width, w->qkv_bias, s->qkv, OPERANDS);
    d->ops->attend(d, &t->chunk, &attention);
    const void *mixed = s->context;
    if (c->policy->unit != GATE_NONE) {
        trainer_make_gates(t, l, step);
        d->ops->gate(d, &t->chunk, trainer_by_token(t), attention.heads, c->head_dim, s->here.gates,
                     s->context, t->gated);
        mixed = t->gated;
    }
    multiply(t, tokens, dim, width, operands(mixed, width), weights(w->o_weight, dim), t->branch);
    add_residual(t, step, 1 + 2 * l, w->o_bias, s->input, s->middle);
}

static void layer_ffn_forward(struct trainer *t, int l, const struct policy_step *step,
                              float *out) {
    const struct device *d = t->device;
    const struct model_config *c = &t->p->config;
    const struct layer_parameters *w = &t->p->layer[l];
    struct layer_state *s = &t->layer[l];
    int tokens = t->chunk.batch.n_tokens, dim = c->dim, ffn = c->ffn;
    d->ops->norm(d, tokens, dim, s->middle, w->norm2_weight, w->norm2_bias, c->norm_eps, t->norm,
                 s->mean2, s->rstd2);
    multiply(t, tokens, ffn, dim, operands(t->norm, dim), transposed(weights(w->up_weight, dim)),
             s->pre);
    d->ops->gelu(d, tokens, ffn, w->up_bias, s->pre, t->hidden);
    multiply(t, tokens, dim, ffn, operands(t->hidden, ffn),
             transposed(weights(w->down_weight, ffn)), t->branch);
    add_residual(t, step, 2 + 2 * l, w->down_bias, s->middle, out);
}

/* Where layer l reads the residual stream: its attention input, or, without heads, its FFN
 * input. */
static float *stream_into(struct trainer *t, int l) {
    if (l == t->p->config.layers) return t->output;
    return t->p->config.heads.value[l] > 0 ? t->layer[l].input : t->layer[l].middle;
}

/* Forward pass of one chunk, up to the probabilities; adds to the sums. */
static void forward(struct trainer *t, struct policy_step *step) {
    const struct device *d = t->device;
    const struct parameters *p = t->p;
    const struct model_config *c = &p->config;
    int samples = t->chunk.batch.n_samples, dim = c->dim;
    struct device_dropout dropout = dropout_at(t, step, 0);
    d->ops->embed(d, &t->chunk, p, &dropout, stream_into(t, 0));
    for (int l = 0; l < c->layers; l++) {
        if (c->heads.value[l] > 0) layer_attention_forward(t, l, step);
        layer_ffn_forward(t, l, step, stream_into(t, l + 1));
    }
    if (c->final_norm)
        d->ops->norm(d, t->chunk.batch.n_tokens, dim, t->output, p->final_weight, p->final_bias,
                     c->norm_eps, t->norm, t->final_mean, t->final_rstd);
    d->ops->pool(d, &t->chunk, false, dim, c->final_norm ? t->norm : t->output,
                 c->final_norm ? OPERANDS : NUMBERS, t->pooled);
    struct device_product logits = {samples,
                                    c->classes,
                                    dim,
                                    numbers(t->pooled, dim),
                                    transposed(numbers(p->classifier_weight, dim)),
                                    t->probability,
                                    c->classes,
                                    NUMBERS,
                                    false};
    d->ops->multiply(d, 1, &logits);
    d->ops->bias(d, samples, c->classes, p->classifier_bias, t->probability, NUMBERS);
    d->ops->loss(d, &t->chunk, c->classes, t->probability, &t->sums->loss);
}

/* From the logits back to dx[T][D], the gradient of the last residual stream. */
static void head_backward(struct trainer *t, const struct policy_step *step) {
    const struct device *d = t->device;
    const struct model_config *c = &t->p->config;
    struct parameters *g = t->gradients;
    int samples = t->chunk.batch.n_samples, dim = c->dim, classes = c->classes;
    size_t size = (size_t)t->chunk.batch.n_tokens * (size_t)dim;
    float *dlogits = t->probability;
    d->ops->loss_gradient(d, &t->chunk, classes, 1.0f / (float)step->n_samples, dlogits);
    add_product(t, classes, dim, samples, transposed(numbers(dlogits, classes)),
                numbers(t->pooled, dim), g->classifier_weight);
    d->ops->bias_gradient(d, samples, classes, dlogits, NUMBERS, g->classifier_bias);
    struct device_product dpooled = {samples,
                                     dim,
                                     classes,
                                     numbers(dlogits, classes),
                                     numbers(t->p->classifier_weight, dim),
                                     t->pooled, /* becomes dL/dpooled */
                                     dim,
                                     NUMBERS,
                                     false};
    d->ops->multiply(d, 1, &dpooled);
    d->ops->clear(d, t->dx, size * sizeof *t->dx);
    if (!c->final_norm) {
        d->ops->pool_gradient(d, &t->chunk, false, dim, t->pooled, t->dx, NUMBERS);
        return;
    }
    d->ops->clear(d, t->branch, size * d->operand_size);
    d->ops->pool_gradient(d, &t->chunk, false, dim, t->pooled, t->branch, OPERANDS);
    d->ops->norm_gradient(d, t->chunk.batch.n_tokens, dim, t->output, t->p->final_weight,
                          t->final_mean, t->final_rstd, t->branch, g->final_weight, g->final_bias,
                          t->dx);
}

/* branch = drop'(dx): the gradient that enters a sublayer's last product; its bias gradient too. */
static void branch_gradient(struct trainer *t, const struct policy_step *step, int site,
                            float *dbias) {
    struct device_dropout dropout = dropout_at(t, step, site);
    t->device->ops->residual_gradient(t->device, &t->chunk, t->p->config.dim, &dropout, t->dx,
                                      t->branch, dbias);
}

static void layer_ffn_backward(struct trainer *t, int l, const struct policy_step *step) {
    const struct device *d = t->device;
    const struct model_config *c = &t->p->config;
    const struct layer_parameters *w = &t->p->layer[l];
    struct layer_parameters *g = &t->gradients->layer[l];
    struct layer_state *s = &t->layer[l];
    int tokens = t->chunk.batch.n_tokens, dim = c->dim, ffn = c->ffn;
    branch_gradient(t, step, 2 + 2 * l, g->down_bias);
    multiply(t, tokens, ffn, dim, operands(t->branch, dim), weights(w->down_weight, ffn),
             t->dhidden);
    d->ops->gelu_gradient(d, (size_t)tokens * (size_t)ffn, s->pre, t->hidden, t->dhidden);
    add_product(t, dim, ffn, tokens, transposed(operands(t->branch, dim)), operands(t->hidden, ffn),
                g->down_weight);
    d->ops->bias_gradient(d, tokens, ffn, t->dhidden, OPERANDS, g->up_bias);
    d->ops->norm_again(d, tokens, dim, s->middle, w->norm2_weight, w->norm2_bias, s->mean2,
                       s->rstd2, t->norm);
    add_product(t, ffn, dim, tokens, transposed(operands(t->dhidden, ffn)), operands(t->norm, dim),
                g->up_weight);
    multiply(t, tokens, dim, ffn, operands(t->dhidden, ffn), weights(w->up_weight, dim), t->branch);
    d->ops->norm_gradient(d, tokens, dim, s->middle, w->norm2_weight, s->mean2, s->rstd2, t->branch,
                          g->norm2_weight, g->norm2_bias, t->dx);
}

static void layer_attention_backward(struct trainer *t, int l, struct policy_step *step) {
    const struct device *d = t->device;
    const struct model_config *c = &t->p->config;
    const struct layer_parameters *w = &t->p->layer[l];
    struct layer_parameters *g = &t->gradients->layer[l];
    struct layer_state *s = &t->layer[l];
    struct device_attention attention = attention_of(t, l);
    int tokens = t->chunk.batch.n_tokens, dim = c->dim, heads = attention.heads;
    int width = heads * c->head_dim;
    bool gates = c->policy->unit != GATE_NONE, by_token = trainer_by_token(t);
    branch_gradient(t, step, 1 + 2 * l, g->o_bias);
    multiply(t, tokens, width, dim, operands(t->branch, dim), transposed(weights(w->o_weight, dim)),
             t->dcontext);
    if (gates)
        d->ops->gate(d, &t->chunk, by_token, heads, c->head_dim, s->here.gates, s->context,
                     t->gated);
    add_product(t, width, dim, tokens, transposed(operands(gates ? t->gated : s->context, width)),
                operands(t->branch, dim), g->o_weight);
    if (gates)
        d->ops->gate_gradient(d, &t->chunk, by_token, heads, c->head_dim, s->here.gates, s->context,
                              t->dcontext, s->here.dgates);
    d->ops->attend_gradient(d, &t->chunk, &attention, t->dcontext, t->delta, t->dqkv);
    d->ops->norm_again(d, tokens, dim, s->input, w->norm1_weight, w->norm1_bias, s->mean1, s->rstd1,
                       t->norm);
    add_product(t, 3 * width, dim, tokens, transposed(operands(t->dqkv, 3 * width)),
                operands(t->norm, dim), g->qkv_weight);
    d->ops->bias_gradient(d, tokens, 3 * width, t->dqkv, OPERANDS, g->qkv_bias);
    multiply(t, tokens, dim, 3 * width, operands(t->dqkv, 3 * width), weights(w->qkv_weight, dim),
             t->branch);
    if (gates) trainer_gates_gradient(t, l, step);
    d->ops->norm_gradient(d, tokens, dim, s->input, w->norm1_weight, s->mean1, s->rstd1, t->branch,
                          g->norm1_weight, g->norm1_bias, t->dx);
}

/* Adds the gradients of the chunk whose forward pass was just made. */
static void backward(struct trainer *t, struct policy_step *step) {
    const struct model_config *c = &t->p->config;
    struct device_dropout dropout = dropout_at(t, step, 0);
    head_backward(t, step);
    for (int l = c->layers - 1; l >= 0; l--) {
        layer_ffn_backward(t, l, step);
        if (c->heads.value[l] > 0) layer_attention_backward(t, l, step);
    }
    t->device->ops->embed_gradient(t->device, &t->chunk, &dropout, t->dx, t->gradients);
}

static double run_chunks(struct trainer *t, const struct batch *batch, struct policy_step *step,
                         bool gradients) {
    const struct device *d = t->device;
    struct step_sums sums;
    step->regulariser = step->sum_budget = step->sum_entropy = 0.0;
    step->n_budget = step->n_entropy = 0;
    step->n_samples = batch->n_samples;
    d->ops->clear(d, t->sums, trainer_sums_bytes(t));
    t->chunk.number = 0;
    for (int first = 0; first < batch->n_samples; t->chunk.number++) {
        t->chunk.batch = batch_chunk(batch, first, t->chunk_tokens, t->chunk_offsets);
        phase_enter(t->phases, PHASE_FORWARD);
        d->ops->chunk_put(d, &t->chunk);
        forward(t, step);
        if (gradients) {
            phase_enter(t->phases, PHASE_BACKWARD);
            backward(t, step);
        }
        first += t->chunk.batch.n_samples;
    }
    d->ops->download(d, &sums, t->sums, trainer_sums_bytes(t));
    if (t->form) trainer_add_gate_sums(t, sums.layer, step);
    t->correct = sums.loss.correct;
    return sums.loss.loss / batch->n_samples;
}

/* All gradients 0, those of a policy that works elsewhere too. */
static void clear_gradients(struct trainer *t) {
    const struct device *d = t->device;
    struct parameters *host = t->host_gradients;
    float *base = (float *)(void *)host->arena.base;
    d->ops->clear(d, t->gradients->arena.base, t->gradients->arena.used);
    for (int i = 0; t->gradients->policy_on_host && i < host->n_tensors; i++)
        if (host->tensors[i].policy)
            memset(base + host->tensors[i].offset, 0, host->tensors[i].count * sizeof *base);
}

double trainer_step(struct trainer *t, const struct batch *batch, struct policy_step *step) {
    phase_enter(t->phases, PHASE_BACKWARD);
    clear_gradients(t);
    return run_chunks(t, batch, step, true);
}

double trainer_loss(struct trainer *t, const struct batch *batch, struct policy_step *step) {
    return run_chunks(t, batch, step, false);
}

int trainer_correct(struct trainer *t, const struct batch *batch, struct policy_step *step) {
    const struct phases *phases = t->phases;
    t->phases = NULL;
    t->dropout_rate = 0.0;
    run_chunks(t, batch, step, false);
    t->dropout_rate = t->p->config.dropout;
    t->phases = phases;
    return (int)t->correct;
}
