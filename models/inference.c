/*
 * Head-by-head execution over gathered rows. See inference.h for the idea.
 *
 * Within one batch an input's bits do not depend on heads that only others chose: every product
 * here treats rows independently, and a head's slab is read only for the inputs that run it.
 */
#include "models/inference.h"
#include "models/cpu/kernels.h"
#include "models/inference_tokens.h"
#include "models/policy.h"

#include <stdlib.h>
#include <string.h>

static void layout(struct inference *inf, const struct trainer_limits *limits) {
    const struct model_config *c = &inf->p->config;
    struct arena *arena = &inf->arena;
    size_t tokens = (size_t)inf->chunk_tokens, samples = (size_t)limits->samples;
    bool by_token = c->policy->unit == GATE_PER_TOKEN;
    size_t rows = by_token ? (size_t)limits->tokens : samples; /* of gates */
    size_t dim = (size_t)c->dim, most = 0, saved = 0;
    for (int l = 0; l < c->layers; l++) {
        size_t heads = (size_t)c->heads.value[l];
        most = heads > most ? heads : most;
        if (c->policy->unit == GATE_NONE || heads == 0) continue;
        inf->gates[l] = arena_floats(arena, rows * heads);
        inf->decisions[l] = arena_floats(arena, rows * policy_decision_floats(c, l));
        size_t own = c->policy->saved_floats ? (size_t)c->policy->saved_floats(c, l) : 0;
        saved = own > saved ? own : saved;
    }
    size_t width = most * (size_t)c->head_dim;
    inf->x = arena_floats(arena, tokens * dim);
    inf->norm = arena_floats(arena, tokens * dim);
    inf->rows = arena_floats(arena, most ? tokens * dim : 0);
    inf->back = arena_floats(arena, most ? tokens * dim : 0);
    inf->qkv = arena_floats(arena, tokens * 3 * width);
    inf->context = arena_floats(arena, tokens * width);
    inf->hidden = arena_floats(arena, c->layers ? tokens * (size_t)c->ffn : 0);
    inf->scores = arena_floats(arena, ATTENTION_SCRATCH);
    inf->pooled = arena_floats(arena, samples * dim);
    inf->logits = arena_floats(arena, samples * (size_t)c->classes);
    inf->saved = arena_floats(arena, (by_token ? tokens : samples) * saved);
    inf->shared = arena_floats(arena, samples * policy_shared_floats(c));
    inf->offsets = arena_take(arena, samples + 1, sizeof(int32_t), ARENA_LINE);
    inf->chunk_offsets = arena_take(arena, samples + 1, sizeof(int32_t), ARENA_LINE);
    inf->chosen = arena_take(arena, samples, sizeof(int32_t), ARENA_LINE);
    inf->queries = arena_take(arena, by_token ? tokens : 0, sizeof(int32_t), ARENA_LINE);
}

bool inference_new(const struct parameters *parameters, const struct trainer_limits *limits,
                   struct inference **out, struct error *error) {
    struct inference *inf = calloc(1, sizeof *inf);
    if (!inf) return error_set(error, "out of memory for inference");
    inf->p = parameters;
    inf->arena.purpose = "inference workspace";
    inf->chunk_tokens = batch_chunk_tokens(limits->tokens, limits->length);
    layout(inf, limits);
    if (!arena_reserve(&inf->arena, error)) {
        inference_free(inf);
        return false;
    }
    layout(inf, limits);
    *out = inf;
    return true;
}

void inference_free(struct inference *inf) {
    if (!inf) return;
    arena_release(&inf->arena);
    free(inf);
}

void inference_set_mode(struct inference *inf, int mode) {
    inf->mode = mode;
}

const float *inference_logits(const struct inference *inf) {
    return inf->logits;
}

const float *inference_gates(const struct inference *inf, int layer) {
    return inf->gates[layer];
}

const float *inference_decisions(const struct inference *inf, int layer) {
    return inf->decisions[layer];
}

static bool by_token(const struct inference *inf) {
    return inf->p->config.policy->unit == GATE_PER_TOKEN;
}

struct heads_used inference_heads_used(const struct inference *inf, int layer, int sample) {
    int heads = inf->p->config.heads.value[layer];
    int tokens = inf->offsets[sample + 1] - inf->offsets[sample];
    struct heads_used used = {heads, (int64_t)tokens * heads, 0};
    if (!inf->gates[layer]) return used;
    int first = by_token(inf) ? inf->offsets[sample] : sample, rows = by_token(inf) ? tokens : 1;
    int tokens_of_row = by_token(inf) ? 1 : tokens;
    used = (struct heads_used){0};
    for (int h = 0; h < heads; h++) {
        bool any = false;
        for (int r = first; r < first + rows; r++) {
            float a = inf->gates[layer][(size_t)r * (size_t)heads + (size_t)h];
            any |= a != 0.0f;
            used.token_heads += a != 0.0f ? tokens_of_row : 0;
            used.token_heads_gated += a != 0.0f && a != 1.0f ? tokens_of_row : 0;
        }
        used.run += any;
    }
    return used;
}

int inference_heads_run(const struct inference *inf, int layer, int sample) {
    return inference_heads_used(inf, layer, sample).run;
}

bool inference_head_ran(const struct inference *inf, int layer, int head, int sample) {
    size_t heads = (size_t)inf->p->config.heads.value[layer];
    int first = by_token(inf) ? inf->offsets[sample] : sample;
    int end = by_token(inf) ? inf->offsets[sample + 1] : sample + 1;
    if (!inf->gates[layer]) return true;
    for (int r = first; r < end; r++)
        if (inf->gates[layer][(size_t)r * heads + (size_t)head] != 0.0f) return true;
    return false;
}

int64_t inference_bytes(const struct inference *inf) {
    return (int64_t)inf->arena.size;
}

/* Where the chunk at hand keeps its results among those of the batch. */
static size_t decision_offset(const struct inference *inf, int l) {
    return (size_t)inf->first_row * policy_decision_floats(&inf->p->config, l);
}

static float *chunk_decisions(const struct inference *inf, int l) {
    return inf->decisions[l] + decision_offset(inf, l);
}

static void embed(struct inference *inf, const struct batch *batch, struct work *work) {
    const struct parameters *p = inf->p;
    size_t dim = (size_t)p->config.dim;
    uint64_t added = (p->position ? 1u : 0u) + (p->segment ? 1u : 0u) + (p->bigram ? 1u : 0u);
    for (int b = 0; b < batch->n_samples; b++) {
        size_t segment = 0;
        int32_t previous = -1;
        for (int i = batch->offsets[b]; i < batch->offsets[b + 1]; i++) {
            float *row = inf->x + (size_t)i * dim;
            memcpy(row, p->token + (size_t)batch->tokens[i] * dim, dim * sizeof *row);
            if (p->position)
                inference_add(dim, p->position + (size_t)(i - batch->offsets[b]) * dim, row);
            if (p->segment) inference_add(dim, p->segment + segment * dim, row);
            if (p->bigram)
                inference_add(
                    dim, p->bigram + model_bigram(&p->config, previous, batch->tokens[i]) * dim,
                    row);
            segment |= batch->tokens[i] == p->config.separator;
            previous = batch->tokens[i];
        }
    }
    work_add(work, FLOP_POSITION, added * (uint64_t)batch->n_tokens * dim);
    work_move(work, (2 + added) * (uint64_t)batch->n_tokens * dim);
}

static int gate_rows(const struct inference *inf, const struct batch *batch) {
    return by_token(inf) ? batch->n_tokens : batch->n_samples;
}

/* Fills the layer's gates from its (pooled) input, or from decisions made elsewhere. */
static void choose_heads(struct inference *inf, int l, const struct batch *batch, struct work *work,
                         const float *given) {
    const struct model_config *c = &inf->p->config;
    struct gate_call call = {.config = c,
                             .layer = l,
                             .heads = c->heads.value[l],
                             .rows = gate_rows(inf, batch),
                             .n_samples = batch->n_samples,
                             .offsets = batch->offsets,
                             .x = by_token(inf) ? inf->norm : inf->pooled,
                             .seed = inf->p->seed,
                             .mode = inf->mode,
                             .ids = batch->ids,
                             .param = inf->p->layer[l].policy,
                             .saved = inf->saved,
                             .shared = inf->shared,
                             .parameters = inf->p,
                             .work = work};
    if (!given) {
        /* A layer that looks at its input is charged for the pooling it needs (BFC-1, gate G). */
        bool looks = c->policy->gate_flops && c->policy->gate_flops(c, l, batch->n_tokens) > 0;
        if (looks && !by_token(inf))
            pool_forward(work, FLOP_GATE, batch, c->dim, inf->norm, inf->pooled);
        c->policy->decide(&call, chunk_decisions(inf, l));
    }
    const float *decision = given ? given : chunk_decisions(inf, l);
    float *gates = inference_chunk_gates(inf, l);
    if (c->policy->select)
        c->policy->select(&call, decision, gates);
    else
        memcpy(gates, decision, (size_t)call.rows * (size_t)call.heads * sizeof *gates);
}

/* True if every row runs every head of the layer with gate 1. */
static bool all_chosen(const struct inference *inf, int l, int rows) {
    int n = rows * inf->p->config.heads.value[l];
    if (!inf->gates[l]) return true;
    const float *gates = inference_chunk_gates(inf, l);
    for (int i = 0; i < n; i++)
        if (gates[i] != 1.0f) return false;
    return true;
}

/* Attention of the heads h .. h + heads - 1 that `qkv` holds side by side, over consecutive
 * samples. */
static void attend(struct inference *inf, const struct batch *batch, struct work *work, int n,
                   const int32_t *samples, int heads) {
    int d = inf->p->config.head_dim, ld = 3 * heads * d, width = heads * d;
    size_t first = 0;
    for (int i = 0; i < n; i++) {
        int b = samples ? samples[i] : i, length = batch->offsets[b + 1] - batch->offsets[b];
        for (int h = 0; h < heads; h++) {
            struct attention head =
                attention_of_head(inf->qkv + first * (size_t)ld, length, heads, d, h, inf->scores);
            attention_forward(work, &head, inf->context + first * (size_t)width + (size_t)(h * d),
                              NULL);
        }
        first += (size_t)length;
    }
}

/* Every head for every input: one product for all slabs. */
static void attention_wide(struct inference *inf, int l, const struct batch *batch,
                           struct work *work) {
    const struct model_config *c = &inf->p->config;
    const struct layer_parameters *w = &inf->p->layer[l];
    int tokens = batch->n_tokens, dim = c->dim, width = c->heads.value[l] * c->head_dim;
    work_enter(work, PHASE_QKV);
    gemm(work, FLOP_QKV, tokens, 3 * width, dim, 1.0f, plain(inf->norm, dim),
         transposed(w->qkv_weight, dim), 0.0f, inf->qkv, 3 * width);
    bias_forward(work, FLOP_ATTENTION_BIAS, tokens, 3 * width, w->qkv_bias, inf->qkv);
    work_enter(work, PHASE_MAP);
    attend(inf, batch, work, batch->n_samples, NULL, c->heads.value[l]);
    work_enter(work, PHASE_OUTPUT);
    gemm(work, FLOP_OUTPUT, tokens, dim, width, 1.0f, plain(inf->context, width),
         plain(w->o_weight, dim), 1.0f, inf->x, dim);
}

/* Multiplies the gathered samples' head outputs by their gates where a gate is not 1. */
static void scale_by_gates(struct inference *inf, int l, int h, const struct batch *batch,
                           struct work *work, int n) {
    size_t d = (size_t)inf->p->config.head_dim, first = 0;
    int heads = inf->p->config.heads.value[l];
    const float *gates = inference_chunk_gates(inf, l);
    for (int i = 0; i < n; i++) {
        int b = inf->chosen[i];
        size_t size = (size_t)(batch->offsets[b + 1] - batch->offsets[b]) * d;
        float a = gates[b * heads + h];
        if (a != 1.0f) {
            work_add(work, FLOP_GATE_MULTIPLY, size);
            work_move(work, 2 * size);
            for (size_t j = 0; j < size; j++) inf->context[first + j] *= a;
        }
        first += size;
    }
}

/* One head for the n chosen inputs: its slab, its map, its block of W_O; nothing of the others. */
static void attention_head(struct inference *inf, int l, int h, const struct batch *batch,
                           struct work *work, int n) {
    const struct model_config *c = &inf->p->config;
    const struct layer_parameters *w = &inf->p->layer[l];
    int dim = c->dim, d = c->head_dim, rows = batch->n_tokens;
    bool everyone = n == batch->n_samples;
    const float *input = inf->norm;
    size_t slab = (size_t)h * 3 * (size_t)d;
    if (!everyone) {
        rows = inference_gather(inf, batch, work, n, inf->norm, inf->rows);
        input = inf->rows;
    }
    work_enter(work, PHASE_QKV);
    gemm(work, FLOP_QKV, rows, 3 * d, dim, 1.0f, plain(input, dim),
         transposed(w->qkv_weight + slab * (size_t)dim, dim), 0.0f, inf->qkv, 3 * d);
    bias_forward(work, FLOP_ATTENTION_BIAS, rows, 3 * d, w->qkv_bias + slab, inf->qkv);
    work_enter(work, PHASE_MAP);
    attend(inf, batch, work, n, inf->chosen, 1);
    scale_by_gates(inf, l, h, batch, work, n);
    work_enter(work, PHASE_OUTPUT);
    struct matrix block = plain(w->o_weight + (size_t)(h * d) * (size_t)dim, dim);
    gemm(work, FLOP_OUTPUT, rows, dim, d, 1.0f, plain(inf->context, d), block,
         everyone ? 1.0f : 0.0f, everyone ? inf->x : inf->back, dim);
    if (everyone) return;
    work_enter(work, PHASE_GATHER);
    work_move(work, 3 * (uint64_t)rows * (uint64_t)dim);
    size_t from = 0;
    for (int i = 0; i < n; i++) {
        size_t first = (size_t)batch->offsets[inf->chosen[i]];
        size_t length = (size_t)batch->offsets[inf->chosen[i] + 1] - first;
        inference_add(length * (size_t)dim, inf->back + from * (size_t)dim,
                      inf->x + first * (size_t)dim);
        from += length;
    }
}

static void attention_by_head(struct inference *inf, int l, const struct batch *batch,
                              struct work *work) {
    int heads = inf->p->config.heads.value[l];
    const float *gates = inference_chunk_gates(inf, l);
    for (int h = 0; h < heads; h++) {
        int n = 0;
        work_enter(work, PHASE_GATHER);
        for (int b = 0; b < batch->n_samples; b++)
            if (gates[b * heads + h] != 0.0f) inf->chosen[n++] = b;
        if (n > 0) attention_head(inf, l, h, batch, work, n);
    }
}

static void run_layer(struct inference *inf, int l, const struct batch *batch, struct work *work,
                      const float *given) {
    const struct model_config *c = &inf->p->config;
    const struct layer_parameters *w = &inf->p->layer[l];
    int tokens = batch->n_tokens, dim = c->dim, ffn = c->ffn;
    uint64_t size = (uint64_t)tokens * (uint64_t)dim;
    work_enter(work, PHASE_NORM);
    if (c->heads.value[l] > 0) {
        layernorm_forward(work, tokens, dim, inf->x, w->norm1_weight, w->norm1_bias, c->norm_eps,
                          inf->norm, NULL, NULL);
        if (inf->gates[l]) {
            work_enter(work, PHASE_GATE);
            choose_heads(inf, l, batch, work, given);
        }
        if (all_chosen(inf, l, gate_rows(inf, batch)))
            attention_wide(inf, l, batch, work);
        else if (by_token(inf))
            inference_attend_tokens(inf, l, batch, work);
        else
            attention_by_head(inf, l, batch, work);
        work_enter(work, PHASE_OUTPUT);
        bias_forward(work, FLOP_ATTENTION_BIAS, tokens, dim, w->o_bias, inf->x);
        work_add(work, FLOP_RESIDUAL, size); /* the products above accumulate into x */
        work_enter(work, PHASE_NORM);
    }
    layernorm_forward(work, tokens, dim, inf->x, w->norm2_weight, w->norm2_bias, c->norm_eps,
                      inf->norm, NULL, NULL);
    work_enter(work, PHASE_FFN);
    gemm(work, FLOP_FFN, tokens, ffn, dim, 1.0f, plain(inf->norm, dim),
         transposed(w->up_weight, dim), 0.0f, inf->hidden, ffn);
    gelu_forward(work, tokens, ffn, w->up_bias, inf->hidden, inf->hidden);
    gemm(work, FLOP_FFN, tokens, dim, ffn, 1.0f, plain(inf->hidden, ffn),
         transposed(w->down_weight, ffn), 1.0f, inf->x, dim);
    bias_forward(work, FLOP_FFN_BIAS, tokens, dim, w->down_bias, inf->x);
    work_add(work, FLOP_RESIDUAL, size);
}

static void run_chunk(struct inference *inf, const struct batch *batch, struct work *work,
                      const float *const *decisions) {
    const struct parameters *p = inf->p;
    const struct model_config *c = &p->config;
    const float *last = inf->x;
    float *logits = inf->logits + (size_t)inf->first * (size_t)c->classes;
    work_enter(work, PHASE_EMBEDDING);
    embed(inf, batch, work);
    for (int l = 0; l < c->layers; l++) {
        const float *given = decisions ? decisions[l] : NULL;
        run_layer(inf, l, batch, work, given ? given + decision_offset(inf, l) : NULL);
    }
    if (c->final_norm) {
        work_enter(work, PHASE_NORM);
        layernorm_forward(work, batch->n_tokens, c->dim, inf->x, p->final_weight, p->final_bias,
                          c->norm_eps, inf->norm, NULL, NULL);
        last = inf->norm;
    }
    work_enter(work, PHASE_POOL);
    pool_forward(work, FLOP_POOL, batch, c->dim, last, inf->pooled);
    work_enter(work, PHASE_CLASSIFIER);
    gemm(work, FLOP_CLASSIFIER, batch->n_samples, c->classes, c->dim, 1.0f,
         plain(inf->pooled, c->dim), transposed(p->classifier_weight, c->dim), 0.0f, logits,
         c->classes);
    bias_forward(work, FLOP_CLASSIFIER_BIAS, batch->n_samples, c->classes, p->classifier_bias,
                 logits);
}

void inference_run(struct inference *inf, const struct batch *batch, struct work *work,
                   const float *const *decisions) {
    memcpy(inf->offsets, batch->offsets, ((size_t)batch->n_samples + 1) * sizeof *inf->offsets);
    inf->first = 0;
    while (inf->first < batch->n_samples) {
        inf->first_row = by_token(inf) ? batch->offsets[inf->first] : inf->first;
        struct batch chunk = batch_chunk(batch, inf->first, inf->chunk_tokens, inf->chunk_offsets);
        run_chunk(inf, &chunk, work, decisions);
        inf->first += chunk.n_samples;
    }
}
