/*
 * The encoder's forward and backward pass: token + position embedding (and, where inputs are pairs
 * of texts, segment embedding; in a bag of bigrams, those of token pairs), L pre-LN layers
 *   x += sum_h a_h Att_h(LN1 x) W_O^h + b_O,   x += W_down gelu(W_up LN2 x + b_up) + b_down,
 * final LayerNorm, mean over valid tokens, linear classifier (models/checkpoint.md). Which stages
 * there are is said here and nowhere else; how one is computed, in the device (device.h).
 *
 * Kept between the passes, per layer: the residual stream before each sublayer, Q/K/V, the heads'
 * outputs, each row's log-sum-exp, the FFN's pre-activation and the LayerNorm statistics.
 * Recomputed: attention maps and dropout masks; LayerNorm outputs and GELU too, unless the device
 * keeps operands.
 */
#include "models/optimizer.h"
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

/* c[m x n] = a b + bias, operands of a later product; bias may be NULL. */
static struct device_product product_of(int m, int n, int k, struct device_matrix a,
                                        struct device_matrix b, const float *bias, void *c) {
    return (struct device_product){.m = m,
                                   .n = n,
                                   .k = k,
                                   .a = a,
                                   .b = b,
                                   .c = c,
                                   .ldc = n,
                                   .c_element = OPERANDS,
                                   .bias = bias};
}

static void multiply(const struct trainer *t, int m, int n, int k, struct device_matrix a,
                     struct device_matrix b, const float *bias, void *c) {
    struct device_product product = product_of(m, n, k, a, b, bias, c);
    t->device->ops->multiply(t->device, 1, &product);
}

/* c[m x n] += a b, the gradient of a weight; the only one where a batch is one chunk. */
static void add_product(const struct trainer *t, int m, int n, int k, struct device_matrix a,
                        struct device_matrix b, float *c) {
    struct device_product product = product_of(m, n, k, a, b, NULL, c);
    product.c_element = NUMBERS;
    product.adds = !t->device->whole_batches;
    t->device->ops->multiply(t->device, 1, &product);
}

/* The masks of dropout site `site` in this step. */
static struct device_dropout dropout_at(const struct trainer *t, const struct policy_step *step,
                                        int site) {
    return (struct device_dropout){t->dropout, t->dropout_rate, (step->step << 8) | (uint64_t)site};
}

/* Where layer l reads the residual stream: its attention input, or, without heads, its FFN
 * input. */
static float *stream_into(struct trainer *t, int l) {
    if (l == t->p->config.layers) return t->output;
    return t->p->config.heads.value[l] > 0 ? t->layer[l].input : t->layer[l].middle;
}

static struct device_norm attention_norm(const struct trainer *t, int l) {
    const struct layer_parameters *w = &t->p->layer[l];
    const struct layer_state *s = &t->layer[l];
    return (struct device_norm){w->norm1_weight, w->norm1_bias, t->p->config.norm_eps,
                                s->norm1,        s->mean1,      s->rstd1};
}

static struct device_norm ffn_norm(const struct trainer *t, int l) {
    const struct layer_parameters *w = &t->p->layer[l];
    const struct layer_state *s = &t->layer[l];
    return (struct device_norm){w->norm2_weight, w->norm2_bias, t->p->config.norm_eps,
                                s->norm2,        s->mean2,      s->rstd2};
}

/* The LayerNorm of stream_into; without weight: there is none. */
static struct device_norm norm_into(const struct trainer *t, int l) {
    const struct model_config *c = &t->p->config;
    if (l < c->layers) return c->heads.value[l] > 0 ? attention_norm(t, l) : ffn_norm(t, l);
    if (!c->final_norm) return (struct device_norm){0};
    return (struct device_norm){t->p->final_weight, t->p->final_bias, c->norm_eps, t->norm,
                                t->final_mean,      t->final_rstd};
}

/* The end of both sublayers: out[T][D] = x + drop(branch + bias), and the LayerNorm of it. */
static void add_residual(struct trainer *t, const struct policy_step *step, int site,
                         const float *bias, const float *x, float *out, struct device_norm next) {
    struct device_dropout dropout = dropout_at(t, step, site);
    t->device->ops->residual(t->device, &t->chunk, t->p->config.dim, bias, &dropout, t->branch, x,
                             out, next.weight ? &next : NULL);
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
    multiply(t, tokens, 3 * width, dim, operands(s->norm1, dim),
             transposed(weights(w->qkv_weight, dim)), w->qkv_bias, s->qkv);
    d->ops->attend(d, &t->chunk, &attention);
    const void *mixed = s->context;
    if (c->policy->unit != GATE_NONE) {
        trainer_make_gates(t, l, step);
        d->ops->gate(d, &t->chunk, trainer_by_token(t), attention.heads, c->head_dim, s->here.gates,
                     s->context, t->gated);
        mixed = t->gated;
    }
    multiply(t, tokens, dim, width, operands(mixed, width), weights(w->o_weight, dim), NULL,
             t->branch);
    add_residual(t, step, 1 + 2 * l, w->o_bias, s->input, s->middle, ffn_norm(t, l));
}

static void layer_ffn_forward(struct trainer *t, int l, const struct policy_step *step) {
    const struct model_config *c = &t->p->config;
    const struct layer_parameters *w = &t->p->layer[l];
    struct layer_state *s = &t->layer[l];
    int tokens = t->chunk.batch.n_tokens, dim = c->dim, ffn = c->ffn;
    struct device_product up =
        product_of(tokens, ffn, dim, operands(s->norm2, dim),
                   transposed(weights(w->up_weight, dim)), w->up_bias, s->hidden);
    up.epilogue = GELU;
    up.pre = s->pre;
    t->device->ops->multiply(t->device, 1, &up);
    multiply(t, tokens, dim, ffn, operands(s->hidden, ffn),
             transposed(weights(w->down_weight, ffn)), NULL, t->branch);
    add_residual(t, step, 2 + 2 * l, w->down_bias, s->middle, stream_into(t, l + 1),
                 norm_into(t, l + 1));
}

void trainer_forward(struct trainer *t, struct policy_step *step) {
    const struct device *d = t->device;
    const struct parameters *p = t->p;
    const struct model_config *c = &p->config;
    int samples = t->chunk.batch.n_samples, dim = c->dim;
    struct device_dropout dropout = dropout_at(t, step, 0);
    struct device_norm first = norm_into(t, 0);
    d->ops->embed(d, &t->chunk, p, &dropout, stream_into(t, 0));
    if (first.weight) d->ops->norm(d, t->chunk.batch.n_tokens, dim, stream_into(t, 0), &first);
    for (int l = 0; l < c->layers; l++) {
        if (c->heads.value[l] > 0) layer_attention_forward(t, l, step);
        layer_ffn_forward(t, l, step);
    }
    d->ops->pool(d, &t->chunk, false, dim, c->final_norm ? t->norm : t->output,
                 c->final_norm ? OPERANDS : NUMBERS, t->pooled);
    struct device_product logits = product_of(samples, c->classes, dim, numbers(t->pooled, dim),
                                              transposed(numbers(p->classifier_weight, dim)),
                                              p->classifier_bias, t->probability);
    logits.c_element = NUMBERS;
    d->ops->multiply(d, 1, &logits);
    d->ops->loss(d, &t->chunk, c->classes, t->probability, &t->sums->loss);
}

static struct device_end end_at(const struct trainer *t, const struct policy_step *step, int site,
                                float *dbias) {
    return (struct device_end){dropout_at(t, step, site), t->branch, dbias};
}

/* The end of the sublayer that made stream_into, whose branch's gradient goes on from there; without
 * branch: the embeddings made it. */
static struct device_end end_into(const struct trainer *t, const struct policy_step *step, int l) {
    if (l == 0) return (struct device_end){0};
    return end_at(t, step, 2 * l, t->gradients->layer[l - 1].down_bias);
}

/* dx += what comes back through the LayerNorm of x from t->branch; then the end before it. */
static void norm_backward(struct trainer *t, const float *x, struct device_norm norm,
                          float *dweight, float *dbias, struct device_end before) {
    t->device->ops->norm_gradient(t->device, &t->chunk, t->p->config.dim, x, &norm, t->branch,
                                  dweight, dbias, t->dx, before.branch ? &before : NULL);
}

/* A LayerNorm's result where the device does not keep it. */
static void make_norm_again(const struct trainer *t, const float *x, struct device_norm norm) {
    const struct device *d = t->device;
    if (!d->keeps_operands)
        d->ops->norm_again(d, t->chunk.batch.n_tokens, t->p->config.dim, x, &norm);
}

/* From the logits back to dx[T][D], the gradient of the last residual stream, and through the end of
 * the last sublayer. */
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
    struct device_end before = end_into(t, step, c->layers);
    struct device_product dpooled =
        product_of(samples, dim, classes, numbers(dlogits, classes),
                   numbers(t->p->classifier_weight, dim), NULL, t->pooled);
    dpooled.c_element = NUMBERS; /* t->pooled becomes dL/dpooled */
    d->ops->multiply(d, 1, &dpooled);
    d->ops->clear(d, t->dx, size * sizeof *t->dx);
    if (c->final_norm) {
        d->ops->clear(d, t->branch, size * d->operand_size);
        d->ops->pool_gradient(d, &t->chunk, false, dim, t->pooled, t->branch, OPERANDS);
        norm_backward(t, t->output, norm_into(t, c->layers), g->final_weight, g->final_bias,
                      before);
        return;
    }
    d->ops->pool_gradient(d, &t->chunk, false, dim, t->pooled, t->dx, NUMBERS);
    if (before.branch) d->ops->residual_gradient(d, &t->chunk, dim, t->dx, &before);
}

static void layer_ffn_backward(struct trainer *t, int l, const struct policy_step *step) {
    const struct device *d = t->device;
    const struct model_config *c = &t->p->config;
    const struct layer_parameters *w = &t->p->layer[l];
    struct layer_parameters *g = &t->gradients->layer[l];
    struct layer_state *s = &t->layer[l];
    int tokens = t->chunk.batch.n_tokens, dim = c->dim, ffn = c->ffn;
    struct device_product dhidden = product_of(tokens, ffn, dim, operands(t->branch, dim),
                                               weights(w->down_weight, ffn), NULL, t->dhidden);
    dhidden.epilogue = GELU_GRADIENT;
    dhidden.pre = s->pre;
    dhidden.again = d->keeps_operands ? NULL : s->hidden;
    d->ops->multiply(d, 1, &dhidden);
    add_product(t, dim, ffn, tokens, transposed(operands(t->branch, dim)), operands(s->hidden, ffn),
                g->down_weight);
    d->ops->bias_gradient(d, tokens, ffn, t->dhidden, OPERANDS, g->up_bias);
    make_norm_again(t, s->middle, ffn_norm(t, l));
    add_product(t, ffn, dim, tokens, transposed(operands(t->dhidden, ffn)), operands(s->norm2, dim),
                g->up_weight);
    multiply(t, tokens, dim, ffn, operands(t->dhidden, ffn), weights(w->up_weight, dim), NULL,
             t->branch);
    norm_backward(t, s->middle, ffn_norm(t, l), g->norm2_weight, g->norm2_bias,
                  c->heads.value[l] > 0 ? end_at(t, step, 1 + 2 * l, g->o_bias)
                                        : end_into(t, step, l));
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
    multiply(t, tokens, width, dim, operands(t->branch, dim), transposed(weights(w->o_weight, dim)),
             NULL, t->dcontext);
    if (gates)
        d->ops->gate(d, &t->chunk, by_token, heads, c->head_dim, s->here.gates, s->context,
                     t->gated);
    add_product(t, width, dim, tokens, transposed(operands(gates ? t->gated : s->context, width)),
                operands(t->branch, dim), g->o_weight);
    if (gates)
        d->ops->gate_gradient(d, &t->chunk, by_token, heads, c->head_dim, s->here.gates, s->context,
                              t->dcontext, s->here.dgates);
    d->ops->attend_gradient(d, &t->chunk, &attention, t->dcontext, t->delta, t->dqkv);
    make_norm_again(t, s->input, attention_norm(t, l));
    add_product(t, 3 * width, dim, tokens, transposed(operands(t->dqkv, 3 * width)),
                operands(s->norm1, dim), g->qkv_weight);
    d->ops->bias_gradient(d, tokens, 3 * width, t->dqkv, OPERANDS, g->qkv_bias);
    multiply(t, tokens, dim, 3 * width, operands(t->dqkv, 3 * width), weights(w->qkv_weight, dim),
             NULL, t->branch);
    if (gates) trainer_gates_gradient(t, l, step);
    norm_backward(t, s->input, attention_norm(t, l), g->norm1_weight, g->norm1_bias,
                  end_into(t, step, l));
}

void trainer_backward(struct trainer *t, struct policy_step *step) {
    const struct model_config *c = &t->p->config;
    head_backward(t, step);
    for (int l = c->layers - 1; l >= 0; l--) {
        layer_ffn_backward(t, l, step);
        if (c->heads.value[l] > 0) layer_attention_backward(t, l, step);
    }
    if (t->device->ops->add_sums) t->device->ops->add_sums(t->device);
}

/* Adds the gradients of the chunk whose forward pass was just made. Which rows of the embeddings
 * they go to is up to the tokens, and no part of what is repeated. */
static void add_gradients(struct trainer *t, struct policy_step *step) {
    struct device_dropout dropout = dropout_at(t, step, 0);
    trainer_run(t, step, PASS_BACKWARD);
    t->device->ops->embed_gradient(t->device, &t->chunk, &dropout, t->dx, t->gradients);
}

/* Asks the device for all of it, and for the sums. */
static void ask_chunks(struct trainer *t, const struct batch *batch, struct policy_step *step,
                       bool gradients) {
    const struct device *d = t->device;
    step->regulariser = step->sum_budget = step->sum_entropy = 0.0;
    step->n_budget = step->n_entropy = 0;
    step->n_samples = batch->n_samples;
    d->ops->clear(d, t->sums, trainer_sums_bytes(t));
    t->chunk.number = 0;
    t->chunk.drops = t->dropout_rate > 0.0;
    for (int first = 0; first < batch->n_samples; t->chunk.number++) {
        t->chunk.batch = batch_chunk(batch, first, t->chunk_tokens, t->chunk_offsets);
        phase_enter(t->phases, PHASE_FORWARD);
        d->ops->chunk_put(d, &t->chunk);
        if (t->p->late) optimizer_make_up(t->p->late, t->p, &t->chunk);
        trainer_tell_gates(t, step);
        trainer_run(t, step, PASS_FORWARD);
        if (gradients) {
            phase_enter(t->phases, PHASE_BACKWARD);
            add_gradients(t, step);
        }
        first += t->chunk.batch.n_samples;
    }
    if (d->ops->fetch) d->ops->fetch(d, t->sums, trainer_sums_bytes(t));
}

/* All gradients that are added to 0, those of a policy that works elsewhere too. */
static void clear_gradients(struct trainer *t) {
    const struct device *d = t->device;
    struct parameters *host = t->host_gradients;
    float *base = (float *)(void *)host->arena.base;
    d->ops->clear_tensors(d, t->n_cleared, t->cleared, (float *)(void *)t->gradients->arena.base);
    for (int i = 0; t->gradients->policy_on_host && i < host->n_tensors; i++)
        if (host->tensors[i].policy)
            memset(base + host->tensors[i].offset, 0, host->tensors[i].count * sizeof *base);
}

void trainer_begin(struct trainer *t, const struct batch *batch, struct policy_step *step) {
    phase_enter(t->phases, PHASE_BACKWARD);
    clear_gradients(t);
    ask_chunks(t, batch, step, true);
}

double trainer_end(struct trainer *t, struct policy_step *step) {
    const struct device *d = t->device;
    struct step_sums sums;
    if (d->ops->fetch)
        d->ops->fetched(d, &sums, trainer_sums_bytes(t));
    else
        d->ops->download(d, &sums, t->sums, trainer_sums_bytes(t));
    if (t->form) trainer_add_gate_sums(t, sums.layer, step);
    t->correct = sums.loss.correct;
    return sums.loss.loss / step->n_samples;
}

double trainer_step(struct trainer *t, const struct batch *batch, struct policy_step *step) {
    trainer_begin(t, batch, step);
    return trainer_end(t, step);
}

double trainer_loss(struct trainer *t, const struct batch *batch, struct policy_step *step) {
    ask_chunks(t, batch, step, false);
    return trainer_end(t, step);
}

int trainer_correct(struct trainer *t, const struct batch *batch, struct policy_step *step) {
    const struct phases *phases = t->phases;
    t->phases = NULL;
    t->dropout_rate = 0.0;
    trainer_loss(t, batch, step);
    t->dropout_rate = t->p->config.dropout;
    t->phases = phases;
    return (int)t->correct;
}
