/*
 * The encoder's forward and backward pass: token + position embedding (and, where inputs are pairs
 * of texts, segment embedding; in a bag of bigrams, those of token pairs), L pre-LN layers
 *   x += sum_h a_h Att_h(LN1 x) W_O^h + b_O,   x += W_down gelu(W_up LN2 x + b_up) + b_down,
 * final LayerNorm, mean over valid tokens, linear classifier (models/checkpoint.md).
 *
 * Kept between the passes, per layer: the residual stream before each sublayer, Q/K/V, the heads'
 * outputs, each row's log-sum-exp, the FFN's pre-activation and the LayerNorm statistics.
 * Recomputed: LayerNorm outputs, attention maps, GELU and dropout masks.
 */
#include "models/trainer.h"
#include "models/cpu/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Activations of one layer; sizes in floats, T = tokens, W = heads * head_dim. */
struct layer_state {
    float *input, *middle; /* [T][D] residual stream before attention and before FFN */
    float *mean1, *rstd1, *mean2, *rstd2; /* [T] */
    float *qkv;                           /* [T][H][3][d_h] */
    float *context;                       /* [T][H][d_h], before the gate */
    float *log_sum;                       /* [H][T] */
    float *gates, *dgates;                /* [rows][H] */
    float *pooled;                        /* [rows][D] the policy's input */
    float *saved;                         /* the policy's own */
    float *pre;                           /* [T][F] */
};

struct trainer {
    struct parameters *p, *gradients;
    struct rng dropout;
    double dropout_rate;
    const struct phases *phases; /* told where the passes begin; NULL: nobody */
    struct arena activations, workspace;
    struct layer_state layer[MODEL_LAYERS_MAX];
    float *output, *final_mean, *final_rstd; /* [T][D] last residual stream, [T] */
    float *pooled, *probability;             /* [B][D], [B][C] */
    float *shared;                           /* [B][shared_floats] the policy's, of all layers */
    /* workspace, shared by all layers; attention and FFN share theirs */
    float *norm, *branch, *dx; /* [T][D] */
    float *gated, *dcontext;   /* [T][W] */
    float *dqkv;               /* [T][3W] */
    float *hidden, *dhidden;   /* [T][F] */
    float *scores, *delta;     /* ATTENTION_SCRATCH, [T] */
    float *dpooled;            /* [rows][D] */
    int32_t *chunk_offsets;    /* [B + 1] */
    int chunk_tokens, chunk;   /* most tokens of a chunk; which one is at hand */
    int correct;               /* inputs that the last forward passes of a batch got right */
    int32_t *token_rows;       /* [T + 1] 0, 1, 2, ...: row ranges of a per-token policy */
};

static int max_heads(const struct model_config *c) {
    int most = 0;
    for (int l = 0; l < c->layers; l++)
        if (c->heads.value[l] > most) most = c->heads.value[l];
    return most;
}

static int gate_rows(const struct model_config *c, int samples, int tokens) {
    return c->policy->unit == GATE_PER_TOKEN ? tokens : samples;
}

static void layout_layer(struct trainer *t, int l, const struct trainer_limits *limits) {
    const struct model_config *c = &t->p->config;
    struct layer_state *s = &t->layer[l];
    struct arena *arena = &t->activations;
    size_t tokens = (size_t)limits->tokens, dim = (size_t)c->dim, heads = (size_t)c->heads.value[l],
           width = heads * (size_t)c->head_dim;
    s->middle = arena_floats(arena, tokens * dim);
    s->mean2 = arena_floats(arena, tokens);
    s->rstd2 = arena_floats(arena, tokens);
    s->pre = arena_floats(arena, tokens * (size_t)c->ffn);
    if (heads == 0) return;
    s->input = arena_floats(arena, tokens * dim);
    s->mean1 = arena_floats(arena, tokens);
    s->rstd1 = arena_floats(arena, tokens);
    s->qkv = arena_floats(arena, tokens * 3 * width);
    s->context = arena_floats(arena, tokens * width);
    s->log_sum = arena_floats(arena, heads * tokens);
    if (c->policy->unit == GATE_NONE) return;
    size_t rows = (size_t)gate_rows(c, limits->samples, limits->tokens);
    s->gates = arena_floats(arena, rows * heads);
    s->dgates = arena_floats(arena, rows * heads);
    s->pooled = arena_floats(arena, rows * dim);
    if (c->policy->saved_floats)
        s->saved = arena_floats(arena, rows * (size_t)c->policy->saved_floats(c, l));
}

/* `limits` are those of a chunk. */
static void layout(struct trainer *t, const struct trainer_limits *limits) {
    const struct model_config *c = &t->p->config;
    size_t tokens = (size_t)limits->tokens, samples = (size_t)limits->samples;
    size_t dim = (size_t)c->dim, width = (size_t)max_heads(c) * (size_t)c->head_dim;
    for (int l = 0; l < c->layers; l++) layout_layer(t, l, limits);
    t->output = arena_floats(&t->activations, tokens * dim);
    t->final_mean = arena_floats(&t->activations, tokens);
    t->final_rstd = arena_floats(&t->activations, tokens);
    t->pooled = arena_floats(&t->activations, samples * dim);
    t->probability = arena_floats(&t->activations, samples * (size_t)c->classes);
    t->shared = arena_floats(&t->activations, samples * policy_shared_floats(c));

    struct arena *work = &t->workspace;
    t->norm = arena_floats(work, tokens * dim);
    t->branch = arena_floats(work, tokens * dim);
    t->dx = arena_floats(work, tokens * dim);
    /* One sublayer works at a time: what only the FFN needs lies where attention's own lies. */
    size_t shared = work->used;
    t->hidden = arena_floats(work, c->layers ? tokens * (size_t)c->ffn : 0);
    t->dhidden = arena_floats(work, c->layers ? tokens * (size_t)c->ffn : 0);
    size_t ffn_end = work->used;
    work->used = shared;
    t->gated = arena_floats(work, tokens * width);
    t->dcontext = arena_floats(work, tokens * width);
    t->dqkv = arena_floats(work, tokens * 3 * width);
    if (work->used < ffn_end) work->used = ffn_end;
    t->scores = arena_floats(work, ATTENTION_SCRATCH);
    t->delta = arena_floats(work, tokens);
    size_t rows = (size_t)gate_rows(c, limits->samples, limits->tokens);
    t->dpooled = arena_floats(work, rows * dim);
    t->chunk_offsets = arena_take(work, samples + 1, sizeof(int32_t), ARENA_LINE);
    t->token_rows = arena_take(work, tokens + 1, sizeof(int32_t), ARENA_LINE);
}

bool trainer_new(struct parameters *parameters, const struct trainer_limits *limits, uint64_t seed,
                 struct trainer **out, struct error *error) {
    struct trainer *t = calloc(1, sizeof *t);
    if (!t) return error_set(error, "out of memory for the trainer");
    t->p = parameters;
    t->dropout = rng_stream(seed, RNG_DROPOUT);
    t->dropout_rate = parameters->config.dropout;
    t->activations.purpose = "activations";
    t->workspace.purpose = "training workspace";
    t->chunk_tokens = batch_chunk_tokens(limits->tokens, limits->length);
    struct trainer_limits chunk = {limits->samples, t->chunk_tokens, limits->length};
    layout(t, &chunk);
    if (!parameters_new(&parameters->config, "gradients", &t->gradients, error) ||
        !arena_reserve(&t->activations, error) || !arena_reserve(&t->workspace, error)) {
        trainer_free(t);
        return false;
    }
    layout(t, &chunk);
    for (int32_t i = 0; i <= t->chunk_tokens; i++) t->token_rows[i] = i;
    *out = t;
    return true;
}

void trainer_free(struct trainer *t) {
    if (!t) return;
    parameters_free(t->gradients);
    arena_release(&t->activations);
    arena_release(&t->workspace);
    free(t);
}

const struct parameters *trainer_gradients(const struct trainer *t) {
    return t->gradients;
}

int64_t trainer_bytes(const struct trainer *t) {
    return (int64_t)(t->gradients->arena.size + t->activations.size + t->workspace.size);
}

int64_t trainer_activation_bytes(const struct trainer *t) {
    return (int64_t)t->activations.size;
}

void trainer_set_phases(struct trainer *t, const struct phases *phases) {
    t->phases = phases;
}

/* The counter of dropout site `site` in this step and chunk. */
static uint64_t dropout_counter(const struct trainer *t, const struct policy_step *step, int site) {
    return ((uint64_t)t->chunk << 48) | (step->step << 8) | (uint64_t)site;
}

static void drop(const struct trainer *t, const struct policy_step *step, int site, int rows,
                 float *x) {
    dropout_apply(&t->dropout, dropout_counter(t, step, site), t->dropout_rate,
                  (size_t)rows * (size_t)t->p->config.dim, x);
}

/* out[T][D] = x + drop(branch + bias), the end of both sublayers. */
static void add_residual(struct trainer *t, const struct policy_step *step, int site, int tokens,
                         const float *bias, const float *x, float *out) {
    int dim = t->p->config.dim;
    bias_forward(NULL, FLOP_FFN_BIAS, tokens, dim, bias, t->branch);
    drop(t, step, site, tokens, t->branch);
    size_t n = (size_t)tokens * (size_t)dim;
#pragma omp simd
    for (size_t i = 0; i < n; i++) out[i] = x[i] + t->branch[i];
}

static void add_row(size_t dim, const float *from, float *to) {
#pragma omp simd
    for (size_t j = 0; j < dim; j++) to[j] += from[j];
}

static void embed_forward(struct trainer *t, const struct batch *batch,
                          const struct policy_step *step, float *x) {
    const struct parameters *p = t->p;
    size_t dim = (size_t)p->config.dim;
    for (int b = 0; b < batch->n_samples; b++) {
        size_t segment = 0;
        int32_t previous = -1;
        for (int i = batch->offsets[b]; i < batch->offsets[b + 1]; i++) {
            float *row = x + (size_t)i * dim;
            memcpy(row, p->token + (size_t)batch->tokens[i] * dim, dim * sizeof *row);
            if (p->position) add_row(dim, p->position + (size_t)(i - batch->offsets[b]) * dim, row);
            if (p->segment) add_row(dim, p->segment + segment * dim, row);
            if (p->bigram)
                add_row(dim, p->bigram + model_bigram(&p->config, previous, batch->tokens[i]) * dim,
                        row);
            segment |= batch->tokens[i] == p->config.separator;
            previous = batch->tokens[i];
        }
    }
    drop(t, step, 0, batch->n_tokens, x);
}

static void embed_backward(struct trainer *t, const struct batch *batch,
                           const struct policy_step *step) {
    struct parameters *g = t->gradients;
    size_t dim = (size_t)g->config.dim;
    drop(t, step, 0, batch->n_tokens, t->dx);
    for (int b = 0; b < batch->n_samples; b++) {
        size_t segment = 0;
        int32_t previous = -1;
        for (int i = batch->offsets[b]; i < batch->offsets[b + 1]; i++) {
            const float *up = t->dx + (size_t)i * dim;
            add_row(dim, up, g->token + (size_t)batch->tokens[i] * dim);
            if (g->position) add_row(dim, up, g->position + (size_t)(i - batch->offsets[b]) * dim);
            if (g->segment) add_row(dim, up, g->segment + segment * dim);
            if (g->bigram)
                add_row(dim, up,
                        g->bigram + model_bigram(&g->config, previous, batch->tokens[i]) * dim);
            segment |= batch->tokens[i] == g->config.separator;
            previous = batch->tokens[i];
        }
    }
}

/* What layer l's policy is given, in training. */
static struct gate_call gate_call(struct trainer *t, int l, const struct batch *batch,
                                  struct policy_step *step) {
    const struct model_config *c = &t->p->config;
    return (struct gate_call){.config = c,
                              .layer = l,
                              .heads = c->heads.value[l],
                              .rows = gate_rows(c, batch->n_samples, batch->n_tokens),
                              .n_samples = batch->n_samples,
                              .offsets = batch->offsets,
                              .x = t->layer[l].pooled,
                              .ids = batch->ids,
                              .param = t->p->layer[l].policy,
                              .grad = t->gradients->layer[l].policy,
                              .saved = t->layer[l].saved,
                              .shared = t->shared,
                              .parameters = t->p,
                              .gradients = t->gradients,
                              .step = step};
}

/* First token of each gate row, and one past the last: sample ranges, or single tokens. */
static const int32_t *row_offsets(const struct trainer *t, const struct batch *batch) {
    return t->p->config.policy->unit == GATE_PER_TOKEN ? t->token_rows : batch->offsets;
}

/* gated = a * context, row by row of the gate matrix. */
static void apply_gates(const struct trainer *t, const struct layer_state *s,
                        const struct gate_call *call, const int32_t *offsets) {
    size_t d = (size_t)call->config->head_dim, width = (size_t)call->heads * d;
    for (int r = 0; r < call->rows; r++)
        for (int i = offsets[r]; i < offsets[r + 1]; i++)
            for (int h = 0; h < call->heads; h++) {
                float a = s->gates[r * call->heads + h];
                const float *in = s->context + (size_t)i * width + (size_t)h * d;
                float *out = t->gated + (size_t)i * width + (size_t)h * d;
#pragma omp simd
                for (size_t c = 0; c < d; c++) out[c] = a * in[c];
            }
}

static void attend_forward(struct trainer *t, int l, const struct batch *batch) {
    const struct model_config *c = &t->p->config;
    struct layer_state *s = &t->layer[l];
    int heads = c->heads.value[l], d = c->head_dim, ld = 3 * heads * d, width = heads * d;
    for (int b = 0; b < batch->n_samples; b++) {
        size_t first = (size_t)batch->offsets[b];
        int n = batch->offsets[b + 1] - batch->offsets[b];
        for (int h = 0; h < heads; h++) {
            struct attention head =
                attention_of_head(s->qkv + first * (size_t)ld, n, heads, d, h, t->scores);
            attention_forward(NULL, &head, s->context + first * (size_t)width + (size_t)(h * d),
                              s->log_sum + (size_t)h * (size_t)batch->n_tokens + first);
        }
    }
}

static void layer_attention_forward(struct trainer *t, int l, const struct batch *batch,
                                    struct policy_step *step) {
    const struct model_config *c = &t->p->config;
    const struct layer_parameters *w = &t->p->layer[l];
    struct layer_state *s = &t->layer[l];
    int tokens = batch->n_tokens, dim = c->dim, width = c->heads.value[l] * c->head_dim;
    layernorm_forward(NULL, tokens, dim, s->input, w->norm1_weight, w->norm1_bias, c->norm_eps,
                      t->norm, s->mean1, s->rstd1);
    gemm(NULL, FLOP_QKV, tokens, 3 * width, dim, 1.0f, plain(t->norm, dim),
         transposed(w->qkv_weight, dim), 0.0f, s->qkv, 3 * width);
    bias_forward(NULL, FLOP_ATTENTION_BIAS, tokens, 3 * width, w->qkv_bias, s->qkv);
    attend_forward(t, l, batch);
    const float *mixed = s->context;
    if (c->policy->unit != GATE_NONE) {
        struct gate_call call = gate_call(t, l, batch, step);
        if (c->policy->unit == GATE_PER_TOKEN)
            memcpy(s->pooled, t->norm, (size_t)tokens * (size_t)dim * sizeof(float));
        else
            pool_forward(NULL, FLOP_GATE, batch, dim, t->norm, s->pooled);
        c->policy->gates_train(&call, s->gates);
        apply_gates(t, s, &call, row_offsets(t, batch));
        mixed = t->gated;
    }
    gemm(NULL, FLOP_OUTPUT, tokens, dim, width, 1.0f, plain(mixed, width), plain(w->o_weight, dim),
         0.0f, t->branch, dim);
    add_residual(t, step, 1 + 2 * l, tokens, w->o_bias, s->input, s->middle);
}

static void layer_ffn_forward(struct trainer *t, int l, int tokens, const struct policy_step *step,
                              float *out) {
    const struct model_config *c = &t->p->config;
    const struct layer_parameters *w = &t->p->layer[l];
    struct layer_state *s = &t->layer[l];
    int dim = c->dim, ffn = c->ffn;
    layernorm_forward(NULL, tokens, dim, s->middle, w->norm2_weight, w->norm2_bias, c->norm_eps,
                      t->norm, s->mean2, s->rstd2);
    gemm(NULL, FLOP_FFN, tokens, ffn, dim, 1.0f, plain(t->norm, dim), transposed(w->up_weight, dim),
         0.0f, s->pre, ffn);
    gelu_forward(NULL, tokens, ffn, w->up_bias, s->pre, t->hidden);
    gemm(NULL, FLOP_FFN, tokens, dim, ffn, 1.0f, plain(t->hidden, ffn),
         transposed(w->down_weight, ffn), 0.0f, t->branch, dim);
    add_residual(t, step, 2 + 2 * l, tokens, w->down_bias, s->middle, out);
}

/* Softmax cross-entropy over the logits in place: probability becomes softmax; returns the sum of
 * losses. */
static double cross_entropy(const struct batch *batch, int classes, float *logits) {
    double loss = 0.0;
    for (int b = 0; b < batch->n_samples; b++) {
        float *row = logits + (size_t)b * (size_t)classes, max = row[0];
        double sum = 0.0;
        for (int c = 1; c < classes; c++) max = row[c] > max ? row[c] : max;
        loss -= (double)row[batch->labels[b]] - (double)max;
        for (int c = 0; c < classes; c++) {
            row[c] = expf(row[c] - max);
            sum += (double)row[c];
        }
        for (int c = 0; c < classes; c++) row[c] = (float)((double)row[c] / sum);
        loss += log(sum);
    }
    return loss;
}

/* Where layer l reads the residual stream: its attention input, or, without heads, its FFN
 * input. */
static float *stream_into(struct trainer *t, int l) {
    if (l == t->p->config.layers) return t->output;
    return t->p->config.heads.value[l] > 0 ? t->layer[l].input : t->layer[l].middle;
}

/* Forward pass of one chunk; the sum of its cross-entropies. */
static double forward(struct trainer *t, const struct batch *batch, struct policy_step *step) {
    const struct parameters *p = t->p;
    const struct model_config *c = &p->config;
    int tokens = batch->n_tokens, dim = c->dim;
    embed_forward(t, batch, step, stream_into(t, 0));
    for (int l = 0; l < c->layers; l++) {
        if (c->heads.value[l] > 0) layer_attention_forward(t, l, batch, step);
        layer_ffn_forward(t, l, tokens, step, stream_into(t, l + 1));
    }
    const float *last = t->output;
    if (c->final_norm) {
        layernorm_forward(NULL, tokens, dim, t->output, p->final_weight, p->final_bias, c->norm_eps,
                          t->norm, t->final_mean, t->final_rstd);
        last = t->norm;
    }
    pool_forward(NULL, FLOP_POOL, batch, dim, last, t->pooled);
    gemm(NULL, FLOP_CLASSIFIER, batch->n_samples, c->classes, dim, 1.0f, plain(t->pooled, dim),
         transposed(p->classifier_weight, dim), 0.0f, t->probability, c->classes);
    bias_forward(NULL, FLOP_CLASSIFIER_BIAS, batch->n_samples, c->classes, p->classifier_bias,
                 t->probability);
    return cross_entropy(batch, c->classes, t->probability);
}

/* From the logits back to dx[T][D], the gradient of the last residual stream. */
static void head_backward(struct trainer *t, const struct batch *batch,
                          const struct policy_step *step) {
    const struct model_config *c = &t->p->config;
    struct parameters *g = t->gradients;
    int samples = batch->n_samples, dim = c->dim, classes = c->classes;
    size_t size = (size_t)batch->n_tokens * (size_t)dim * sizeof(float);
    float *dlogits = t->probability, scale = 1.0f / (float)step->n_samples;
    for (int b = 0; b < samples; b++) {
        float *row = dlogits + (size_t)b * (size_t)classes;
        row[batch->labels[b]] -= 1.0f;
        for (int k = 0; k < classes; k++) row[k] *= scale;
    }
    gemm(NULL, FLOP_CLASSIFIER, classes, dim, samples, 1.0f, transposed(dlogits, classes),
         plain(t->pooled, dim), 1.0f, g->classifier_weight, dim);
    bias_backward(samples, classes, dlogits, g->classifier_bias);
    gemm(NULL, FLOP_CLASSIFIER, samples, dim, classes, 1.0f, plain(dlogits, classes),
         plain(t->p->classifier_weight, dim), 0.0f, t->pooled, dim); /* becomes dL/dpooled */
    memset(t->dx, 0, size);
    if (!c->final_norm) {
        pool_backward(batch, dim, t->pooled, t->dx);
        return;
    }
    memset(t->branch, 0, size);
    pool_backward(batch, dim, t->pooled, t->branch);
    layernorm_backward(batch->n_tokens, dim, t->output, t->p->final_weight, t->final_mean,
                       t->final_rstd, t->branch, g->final_weight, g->final_bias, t->dx);
}

/* branch = drop'(dx): the gradient that enters a sublayer's last product; its bias gradient too. */
static void branch_gradient(struct trainer *t, const struct policy_step *step, int site, int tokens,
                            float *dbias) {
    int dim = t->p->config.dim;
    memcpy(t->branch, t->dx, (size_t)tokens * (size_t)dim * sizeof(float));
    drop(t, step, site, tokens, t->branch);
    bias_backward(tokens, dim, t->branch, dbias);
}

static void layer_ffn_backward(struct trainer *t, int l, int tokens,
                               const struct policy_step *step) {
    const struct model_config *c = &t->p->config;
    const struct layer_parameters *w = &t->p->layer[l];
    struct layer_parameters *g = &t->gradients->layer[l];
    struct layer_state *s = &t->layer[l];
    int dim = c->dim, ffn = c->ffn;
    branch_gradient(t, step, 2 + 2 * l, tokens, g->down_bias);
    gemm(NULL, FLOP_FFN, tokens, ffn, dim, 1.0f, plain(t->branch, dim), plain(w->down_weight, ffn),
         0.0f, t->dhidden, ffn);
    gelu_backward((size_t)tokens * (size_t)ffn, s->pre, t->hidden, t->dhidden);
    gemm(NULL, FLOP_FFN, dim, ffn, tokens, 1.0f, transposed(t->branch, dim), plain(t->hidden, ffn),
         1.0f, g->down_weight, ffn);
    bias_backward(tokens, ffn, t->dhidden, g->up_bias);
    layernorm_again(tokens, dim, s->middle, w->norm2_weight, w->norm2_bias, s->mean2, s->rstd2,
                    t->norm);
    gemm(NULL, FLOP_FFN, ffn, dim, tokens, 1.0f, transposed(t->dhidden, ffn), plain(t->norm, dim),
         1.0f, g->up_weight, dim);
    gemm(NULL, FLOP_FFN, tokens, dim, ffn, 1.0f, plain(t->dhidden, ffn), plain(w->up_weight, dim),
         0.0f, t->branch, dim);
    layernorm_backward(tokens, dim, s->middle, w->norm2_weight, s->mean2, s->rstd2, t->branch,
                       g->norm2_weight, g->norm2_bias, t->dx);
}

/* dgates[row][h] = sum over the row's tokens of <context_h, dcontext_h>, then dcontext *= a. */
static void gates_gradient(const struct trainer *t, const struct layer_state *s,
                           const struct gate_call *call, const int32_t *offsets) {
    size_t d = (size_t)call->config->head_dim, width = (size_t)call->heads * d;
    for (int r = 0; r < call->rows; r++)
        for (int h = 0; h < call->heads; h++) {
            float a = s->gates[r * call->heads + h], dot = 0.0f;
            for (int i = offsets[r]; i < offsets[r + 1]; i++) {
                const float *value = s->context + (size_t)i * width + (size_t)h * d;
                float *grad = t->dcontext + (size_t)i * width + (size_t)h * d;
#pragma omp simd reduction(+ : dot)
                for (size_t c = 0; c < d; c++) {
                    dot += value[c] * grad[c];
                    grad[c] *= a;
                }
            }
            s->dgates[r * call->heads + h] = dot;
        }
}

static void attend_backward(struct trainer *t, int l, const struct batch *batch) {
    const struct model_config *c = &t->p->config;
    struct layer_state *s = &t->layer[l];
    int heads = c->heads.value[l], d = c->head_dim, ld = 3 * heads * d, width = heads * d;
    for (int b = 0; b < batch->n_samples; b++) {
        size_t first = (size_t)batch->offsets[b];
        int n = batch->offsets[b + 1] - batch->offsets[b];
        for (int h = 0; h < heads; h++) {
            size_t at = first * (size_t)ld + (size_t)(3 * h * d);
            size_t out = first * (size_t)width + (size_t)(h * d);
            for (int i = 0; i < n; i++) { /* delta_i = <out_i, dout_i> */
                const float *value = s->context + out + (size_t)i * (size_t)width;
                const float *grad = t->dcontext + out + (size_t)i * (size_t)width;
                float dot = 0.0f;
#pragma omp simd reduction(+ : dot)
                for (int j = 0; j < d; j++) dot += value[j] * grad[j];
                t->delta[i] = dot;
            }
            struct attention head =
                attention_of_head(s->qkv + first * (size_t)ld, n, heads, d, h, t->scores);
            attention_backward(&head, s->log_sum + (size_t)h * (size_t)batch->n_tokens + first,
                               t->delta, t->dcontext + out, t->dqkv + at, t->dqkv + at + d,
                               t->dqkv + at + 2 * (size_t)d);
        }
    }
}

static void layer_attention_backward(struct trainer *t, int l, const struct batch *batch,
                                     struct policy_step *step) {
    const struct model_config *c = &t->p->config;
    const struct layer_parameters *w = &t->p->layer[l];
    struct layer_parameters *g = &t->gradients->layer[l];
    struct layer_state *s = &t->layer[l];
    int tokens = batch->n_tokens, dim = c->dim, width = c->heads.value[l] * c->head_dim;
    bool gates = c->policy->unit != GATE_NONE;
    struct gate_call call = gate_call(t, l, batch, step);
    const int32_t *rows = row_offsets(t, batch);
    branch_gradient(t, step, 1 + 2 * l, tokens, g->o_bias);
    gemm(NULL, FLOP_OUTPUT, tokens, width, dim, 1.0f, plain(t->branch, dim),
         transposed(w->o_weight, dim), 0.0f, t->dcontext, width);
    if (gates) apply_gates(t, s, &call, rows);
    gemm(NULL, FLOP_OUTPUT, width, dim, tokens, 1.0f,
         transposed(gates ? t->gated : s->context, width), plain(t->branch, dim), 1.0f, g->o_weight,
         dim);
    if (gates) gates_gradient(t, s, &call, rows);
    attend_backward(t, l, batch);
    layernorm_again(tokens, dim, s->input, w->norm1_weight, w->norm1_bias, s->mean1, s->rstd1,
                    t->norm);
    gemm(NULL, FLOP_QKV, 3 * width, dim, tokens, 1.0f, transposed(t->dqkv, 3 * width),
         plain(t->norm, dim), 1.0f, g->qkv_weight, dim);
    bias_backward(tokens, 3 * width, t->dqkv, g->qkv_bias);
    gemm(NULL, FLOP_QKV, tokens, dim, 3 * width, 1.0f, plain(t->dqkv, 3 * width),
         plain(w->qkv_weight, dim), 0.0f, t->branch, dim);
    if (gates && c->policy->gates_backward) {
        memset(t->dpooled, 0, (size_t)call.rows * (size_t)dim * sizeof(float));
        c->policy->gates_backward(&call, s->dgates, t->dpooled);
        struct batch ranges = *batch; /* a per-token policy pools over ranges of one token */
        ranges.n_samples = call.rows;
        ranges.offsets = rows;
        pool_backward(&ranges, dim, t->dpooled, t->branch);
    }
    layernorm_backward(tokens, dim, s->input, w->norm1_weight, s->mean1, s->rstd1, t->branch,
                       g->norm1_weight, g->norm1_bias, t->dx);
}

/* Adds the gradients of the chunk whose forward pass was just made. */
static void backward(struct trainer *t, const struct batch *batch, struct policy_step *step) {
    const struct model_config *c = &t->p->config;
    head_backward(t, batch, step);
    for (int l = c->layers - 1; l >= 0; l--) {
        layer_ffn_backward(t, l, batch->n_tokens, step);
        if (c->heads.value[l] > 0) layer_attention_backward(t, l, batch, step);
    }
    embed_backward(t, batch, step);
}

/* Inputs of the chunk whose largest logit is that of their class. */
static int count_correct(const struct trainer *t, const struct batch *batch) {
    int classes = t->p->config.classes, correct = 0;
    for (int b = 0; b < batch->n_samples; b++) {
        const float *row = t->probability + (size_t)b * (size_t)classes;
        int best = 0;
        for (int c = 1; c < classes; c++)
            if (row[c] > row[best]) best = c;
        correct += best == batch->labels[b];
    }
    return correct;
}

static double run_chunks(struct trainer *t, const struct batch *batch, struct policy_step *step,
                         bool gradients) {
    double loss = 0.0;
    step->regulariser = step->sum_budget = step->sum_entropy = 0.0;
    step->n_budget = step->n_entropy = 0;
    t->correct = 0;
    step->n_samples = batch->n_samples;
    t->chunk = 0;
    for (int first = 0; first < batch->n_samples; t->chunk++) {
        struct batch chunk = batch_chunk(batch, first, t->chunk_tokens, t->chunk_offsets);
        phase_enter(t->phases, PHASE_FORWARD);
        loss += forward(t, &chunk, step);
        t->correct += count_correct(t, &chunk);
        if (gradients) {
            phase_enter(t->phases, PHASE_BACKWARD);
            backward(t, &chunk, step);
        }
        first += chunk.n_samples;
    }
    return loss / batch->n_samples;
}

double trainer_step(struct trainer *t, const struct batch *batch, struct policy_step *step) {
    phase_enter(t->phases, PHASE_BACKWARD);
    memset(t->gradients->arena.base, 0, t->gradients->arena.used);
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
    return t->correct;
}
