/*
 * Where a training step has its arrays. Activations live between the passes, the workspace within
 * one; both in the device's memory. What a policy without a form for the device works on lies in
 * the host's, and is not there where the device is the host.
 */
#include "models/device_parameters.h"
#include "models/optimizer.h"
#include "models/trainer_private.h"

#include <stdlib.h>

static size_t most_rows(const struct trainer *t, const struct trainer_limits *limits) {
    return (size_t)(trainer_by_token(t) ? limits->tokens : limits->samples);
}

static void *operands(const struct trainer *t, struct arena *arena, size_t count) {
    return arena_take(arena, count, t->device->operand_size, ARENA_LINE);
}

static void layout_gates(struct arena *arena, size_t rows, size_t heads, size_t dim,
                         struct gate_arrays *out) {
    out->gates = arena_floats(arena, rows * heads);
    out->dgates = arena_floats(arena, rows * heads);
    out->pooled = arena_floats(arena, rows * dim);
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
    s->pre = operands(t, arena, tokens * (size_t)c->ffn);
    if (t->device->keeps_operands) {
        s->norm1 = operands(t, arena, heads ? tokens * dim : 0);
        s->norm2 = operands(t, arena, tokens * dim);
        s->hidden = operands(t, arena, tokens * (size_t)c->ffn);
    }
    if (heads == 0) return;
    s->input = arena_floats(arena, tokens * dim);
    s->mean1 = arena_floats(arena, tokens);
    s->rstd1 = arena_floats(arena, tokens);
    s->qkv = operands(t, arena, tokens * 3 * width);
    s->context = operands(t, arena, tokens * width);
    s->log_sum = arena_floats(arena, heads * tokens);
    if (c->policy->unit == GATE_NONE) return;
    bool elsewhere = device_gates_on_host(t->device, c);
    size_t rows = most_rows(t, limits);
    layout_gates(arena, rows, heads, dim, &s->here);
    s->policy = s->here;
    if (elsewhere) layout_gates(&t->host_arena, rows, heads, dim, &s->policy);
    if (c->policy->saved_floats)
        s->saved = arena_floats(elsewhere ? &t->host_arena : arena,
                                rows * (size_t)c->policy->saved_floats(c, l));
}

static void layout_activations(struct trainer *t, const struct trainer_limits *limits) {
    const struct model_config *c = &t->p->config;
    struct arena *arena = &t->activations;
    size_t tokens = (size_t)limits->tokens, samples = (size_t)limits->samples;
    for (int l = 0; l < c->layers; l++) layout_layer(t, l, limits);
    t->output = arena_floats(arena, tokens * (size_t)c->dim);
    t->final_mean = arena_floats(arena, tokens);
    t->final_rstd = arena_floats(arena, tokens);
    t->pooled = arena_floats(arena, samples * (size_t)c->dim);
    t->probability = arena_floats(arena, samples * (size_t)c->classes);
    t->shared = arena_floats(device_gates_on_host(t->device, c) ? &t->host_arena : arena,
                             samples * policy_shared_floats(c));
}

/* `limits` are those of a chunk. */
static void layout(struct trainer *t, const struct trainer_limits *limits) {
    const struct model_config *c = &t->p->config;
    struct arena *work = &t->workspace;
    size_t tokens = (size_t)limits->tokens, dim = (size_t)c->dim;
    size_t width = (size_t)model_most_heads(c) * (size_t)c->head_dim;
    layout_activations(t, limits);
    t->norm = operands(t, work, tokens * dim);
    t->branch = operands(t, work, tokens * dim);
    t->dx = arena_floats(work, tokens * dim);
    /* One sublayer works at a time: what only the FFN needs lies where attention's own lies. */
    size_t shared = work->used;
    void *hidden = NULL;
    size_t ffn = c->layers ? tokens * (size_t)c->ffn : 0;
    if (!t->device->keeps_operands) hidden = operands(t, work, ffn);
    t->dhidden = operands(t, work, ffn);
    for (int l = 0; !t->device->keeps_operands && l < c->layers; l++) {
        t->layer[l].norm1 = t->layer[l].norm2 = t->norm;
        t->layer[l].hidden = hidden;
    }
    size_t ffn_end = work->used;
    work->used = shared;
    t->gated = operands(t, work, tokens * width);
    t->dcontext = operands(t, work, tokens * width);
    t->dqkv = operands(t, work, tokens * 3 * width);
    if (work->used < ffn_end) work->used = ffn_end;
    t->scores = arena_floats(work, t->device->attention_scratch);
    t->delta = arena_floats(work, tokens);
    t->dpooled = t->own_dpooled = arena_floats(work, most_rows(t, limits) * dim);
    t->sums = arena_take(work, 1, trainer_sums_bytes(t), ARENA_LINE);
    t->told = arena_take(work, 1, trainer_told_bytes(t), ARENA_LINE);
    for (int i = 0; !t->device->is_host && i < t->gradients->n_tensors; i++) {
        struct tensor *row = &t->gradients->tensors[i];
        if (row->embedding) row->touched = arena_take(work, row->count / dim, 1, ARENA_LINE);
    }
    if (device_gates_on_host(t->device, c))
        t->own_dpooled = arena_floats(&t->host_arena, most_rows(t, limits) * dim);
    struct arena *host = t->device->is_host ? work : &t->host_arena;
    t->chunk_offsets =
        arena_take(host, (size_t)limits->samples + 1, sizeof *t->chunk_offsets, ARENA_LINE);
    for (int i = 0; i < RECORDED_BATCHES && !t->device->is_host; i++)
        t->recorded[i].offsets = arena_take(host, (size_t)limits->samples + 1,
                                            sizeof *t->recorded[i].offsets, ARENA_LINE);
    t->own_told = arena_take(host, 1, trainer_told_bytes(t), ARENA_LINE);
    t->part_offsets =
        arena_take(host, (size_t)limits->samples + 1, sizeof *t->part_offsets, ARENA_LINE);
}

/* Whether a tensor of the gradients is the result of add_product alone. */
static bool is_product(const struct parameters *g, const float *tensor) {
    for (int l = 0; l < g->config.layers; l++) {
        const struct layer_parameters *layer = &g->layer[l];
        if (tensor == layer->qkv_weight || tensor == layer->o_weight ||
            tensor == layer->up_weight || tensor == layer->down_weight)
            return true;
    }
    return tensor == g->classifier_weight;
}

/* Which gradients a step clears. All of them are 0 once, as untouched rows stay. */
static bool begin_gradients(struct trainer *t, struct error *error) {
    const struct device *d = t->device;
    const struct parameters *g = t->gradients;
    const float *base = (const float *)(const void *)g->arena.base;
    int dim = g->config.dim;
    t->cleared = calloc((size_t)g->n_tensors, sizeof *t->cleared);
    if (!t->cleared) return error_set(error, "out of memory for the trainer");
    for (int i = 0; i < g->n_tensors; i++) {
        const struct tensor *row = &g->tensors[i];
        if (d->whole_batches && is_product(g, base + row->offset)) continue;
        t->cleared[t->n_cleared++] = (struct adamw_tensor){.offset = row->offset,
                                                           .count = row->count,
                                                           .dim = row->embedding ? dim : 0,
                                                           .touched = row->touched};
        if (row->touched) d->ops->clear(d, row->touched, row->count / (size_t)dim);
    }
    if (!d->is_host) d->ops->clear(d, g->arena.base, g->arena.used);
    return true;
}

static bool reserve(struct trainer *t, const struct trainer_limits *chunk, struct error *error) {
    const struct device *d = t->device;
    t->activations.purpose = "activations";
    t->workspace.purpose = "training workspace";
    t->host_arena.purpose = "the gates' arrays";
    t->activations.source = t->workspace.source = device_memory(d);
    layout(t, chunk);
    bool ok = arena_reserve(&t->activations, error) && arena_reserve(&t->workspace, error) &&
              (d->is_host || arena_reserve(&t->host_arena, error)) &&
              d->ops->chunk_new(d, &t->p->config, chunk->samples, chunk->tokens, chunk->length,
                                &t->chunk, error);
    if (ok) layout(t, chunk);
    return ok;
}

bool trainer_new_on(const struct device *d, struct parameters *parameters,
                    const struct trainer_limits *limits, uint64_t seed, struct trainer **out,
                    struct error *error) {
    struct trainer *t = calloc(1, sizeof *t);
    if (!t) return error_set(error, "out of memory for the trainer");
    t->device = d;
    t->form = d->ops->form(parameters->config.policy);
    t->dropout = rng_stream(seed, RNG_DROPOUT);
    t->dropout_rate = parameters->config.dropout;
    struct trainer_limits chunk = *limits;
    chunk.tokens = batch_chunk_tokens(limits->tokens, limits->length);
    int cpu_chunk = chunk.tokens;
    if (d->whole_batches) chunk.tokens = limits->tokens;
    t->chunk_tokens = chunk.tokens;
    if (!parameters_new(&parameters->config, "gradients", &t->host_gradients, error) ||
        !device_parameters_new(d, parameters, "parameters", true, &t->p, error) ||
        !device_parameters_new(d, t->host_gradients, "gradients", false, &t->gradients, error) ||
        !reserve(t, &chunk, error) || !begin_gradients(t, error)) {
        trainer_free(t);
        return false;
    }
    t->chunk.chunk_tokens = cpu_chunk;
    *out = t;
    return true;
}

void trainer_free(struct trainer *t) {
    if (!t) return;
    trainer_forget(t);
    t->device->ops->chunk_free(t->device, &t->chunk);
    device_parameters_free(t->device, t->gradients);
    device_parameters_free(t->device, t->p);
    parameters_free(t->host_gradients);
    arena_release(&t->activations);
    arena_release(&t->workspace);
    arena_release(&t->host_arena);
    free(t->cleared);
    free(t);
}

/* Steps that are due are those of the moments too, which stay when other values come. */
void trainer_load(struct trainer *t) {
    if (t->p->late) optimizer_settle(t->p->late, t->p);
    device_parameters_load(t->device, t->p);
}

void trainer_store(const struct trainer *t) {
    if (t->p->late) optimizer_settle(t->p->late, t->p);
    device_parameters_store(t->device, t->p);
}

struct parameters *trainer_parameters(const struct trainer *t) {
    return t->p;
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
