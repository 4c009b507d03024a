/*
 * Where the forward pass has its arrays, and what is known of its last run. Results are always in
 * the host's memory; on a host device they are the only copy.
 */
#include "models/inference_workspace.h"
#include "models/policy.h"

#include <stdlib.h>

static void *operands(struct inference *inf, size_t count) {
    return arena_take(&inf->arena, count, inf->device->operand_size, ARENA_LINE);
}

/* Gates and decisions of every layer, for all of the batch; the widest decision row. */
static void layout_decisions(struct inference *inf, struct arena *host, size_t rows) {
    const struct model_config *c = &inf->p->config;
    for (int l = 0; l < c->layers; l++) {
        size_t heads = (size_t)c->heads.value[l];
        if (c->policy->unit == GATE_NONE || heads == 0) continue;
        inf->gates[l] = arena_floats(host, rows * heads);
        inf->decisions[l] = arena_floats(host, rows * policy_decision_floats(c, l));
    }
}

/* The most floats that the policy keeps of a row in any layer. */
static size_t most_saved(const struct model_config *c) {
    size_t most = 0;
    for (int l = 0; l < c->layers; l++) {
        if (c->policy->unit == GATE_NONE || c->heads.value[l] == 0) continue;
        size_t saved = c->policy->saved_floats ? (size_t)c->policy->saved_floats(c, l) : 0;
        if (saved > most) most = saved;
    }
    return most;
}

/* Results of a chunk where the host does not see them: as inference_gates_at has it. */
static void layout_results(struct inference *inf, struct arena *host, size_t samples, size_t rows) {
    const struct model_config *c = &inf->p->config;
    size_t size = samples * (size_t)c->classes;
    for (int l = 0; l < c->layers; l++)
        if (c->policy->unit != GATE_NONE && c->heads.value[l] > 0)
            size += rows * ((size_t)c->heads.value[l] + policy_decision_floats(c, l));
    inf->there = arena_floats(&inf->arena, size);
    inf->here = arena_floats(host, size);
    for (int i = 0; i < RECORDINGS; i++)
        inf->recorded[i].offsets = arena_take(host, samples + 1, sizeof(int32_t), ARENA_LINE);
}

/* Room for all heads of a layer but one; with all of them it is wide. */
static void layout_packed(struct inference *inf) {
    const struct model_config *c = &inf->p->config;
    for (int l = 0; l < c->layers; l++) {
        if (!inf->in_place || c->heads.value[l] < 2) continue;
        size_t width = (size_t)(c->heads.value[l] - 1) * (size_t)c->head_dim;
        inf->packed[l].qkv_weight = operands(inf, 3 * width * (size_t)c->dim);
        inf->packed[l].o_weight = operands(inf, width * (size_t)c->dim);
        inf->packed[l].qkv_bias = arena_floats(&inf->arena, 3 * width);
    }
}

static void layout(struct inference *inf, const struct trainer_limits *limits) {
    const struct model_config *c = &inf->p->config;
    struct arena *arena = &inf->arena;
    struct arena *host = inf->device->is_host ? arena : &inf->host_arena;
    struct arena *policy = inf->form ? arena : host;
    size_t tokens = (size_t)inf->chunk_tokens, samples = (size_t)limits->samples;
    bool by_token = inference_by_token(inf), far = !inf->device->is_host;
    size_t heads = (size_t)model_most_heads(c);
    size_t dim = (size_t)c->dim, width = heads * (size_t)c->head_dim;
    size_t group = (size_t)inf->group_size, rows = by_token ? tokens : samples;
    size_t packed = inf->in_place ? 0 : group * tokens;
    layout_decisions(inf, host, by_token ? (size_t)limits->tokens : samples);
    inf->x = arena_floats(arena, tokens * dim);
    inf->norm = operands(inf, tokens * dim);
    inf->rows = operands(inf, packed * dim);
    inf->back = arena_floats(arena, packed * dim);
    inf->qkv = operands(inf, tokens * 3 * width);
    inf->context = operands(inf, tokens * width);
    inf->hidden = operands(inf, c->layers ? tokens * (size_t)c->ffn : 0);
    inf->scores = arena_floats(arena, inf->device->attention_scratch);
    inf->pooled = arena_floats(arena, (far && by_token ? tokens : samples) * dim);
    inf->gate_x = inf->pooled;
    if (far && !inf->form && c->policy->unit != GATE_NONE)
        inf->gate_x = arena_floats(host, rows * dim);
    inf->all_logits = arena_floats(host, samples * (size_t)c->classes);
    if (far) layout_results(inf, host, samples, rows);
    layout_packed(inf);
    inf->saved = arena_floats(policy, rows * most_saved(c));
    inf->shared = arena_floats(policy, samples * policy_shared_floats(c));
    inf->offsets = arena_take(host, samples + 1, sizeof(int32_t), ARENA_LINE);
    inf->chunk_offsets = arena_take(host, samples + 1, sizeof(int32_t), ARENA_LINE);
    inf->segment = arena_take(host, group * samples, sizeof *inf->segment, ARENA_LINE);
    inf->query_token =
        arena_take(host, by_token ? group * tokens : 0, sizeof *inf->query_token, ARENA_LINE);
    inf->segment_gate = arena_floats(host, group * (by_token ? tokens : samples));
}

static bool reserve(struct inference *inf, const struct trainer_limits *limits,
                    struct error *error) {
    const struct device *d = inf->device;
    inf->arena.purpose = "inference workspace";
    inf->arena.source = device_memory(d);
    inf->host_arena.purpose = "the results of inference";
    layout(inf, limits);
    bool ok = arena_reserve(&inf->arena, error) &&
              (d->is_host || arena_reserve(&inf->host_arena, error)) &&
              d->ops->chunk_new(d, &inf->p->config, limits->samples, inf->chunk_tokens,
                                limits->length, &inf->chunk, error);
    if (ok) layout(inf, limits);
    return ok;
}

bool inference_new_on(const struct device *d, const struct parameters *parameters,
                      const struct trainer_limits *limits, struct inference **out,
                      struct error *error) {
    struct inference *inf = calloc(1, sizeof *inf);
    if (!inf) return error_set(error, "out of memory for inference");
    const struct model_config *c = &parameters->config;
    int cpu_chunk = batch_chunk_tokens(limits->tokens, limits->length);
    int most = model_most_heads(c);
    inf->device = d;
    inf->form = d->ops->form(c->policy);
    inf->chunk_tokens = d->whole_batches ? limits->tokens : cpu_chunk;
    inf->in_place = !d->is_host && device_takes_chosen(d, c, inf->chunk_tokens);
    /* Of a whole batch the rows of all heads are gigabytes: none where nobody chooses. */
    if (d->whole_batches)
        inf->group_size = c->policy->unit == GATE_NONE ? 0 : most;
    else
        inf->group_size = most > 0;
    /* Read here alone: the tensors of a policy on the host, too. */
    if (!device_parameters_new(d, (struct parameters *)parameters, "parameters", true, &inf->p,
                               error) ||
        !reserve(inf, limits, error)) {
        inference_free(inf);
        return false;
    }
    inf->chunk.chunk_tokens = cpu_chunk;
    inf->repeats = true;
    inference_load(inf);
    *out = inf;
    return true;
}

void inference_free(struct inference *inf) {
    if (!inf) return;
    for (int i = 0; i < RECORDINGS; i++) inference_forget(inf, &inf->recorded[i]);
    inf->device->ops->chunk_free(inf->device, &inf->chunk);
    device_parameters_free(inf->device, inf->p);
    arena_release(&inf->arena);
    arena_release(&inf->host_arena);
    free(inf);
}

void inference_load(struct inference *inf) {
    device_parameters_load(inf->device, inf->p);
    for (int l = 0; l < inf->p->config.layers; l++) inf->packed[l].n = 0; /* of other values */
}

void inference_set_mode(struct inference *inf, int mode) {
    inf->mode = mode;
}

const float *inference_logits(const struct inference *inf) {
    return inf->all_logits;
}

const float *inference_gates(const struct inference *inf, int layer) {
    return inf->gates[layer];
}

const float *inference_decisions(const struct inference *inf, int layer) {
    return inf->decisions[layer];
}

struct heads_used inference_heads_used(const struct inference *inf, int layer, int sample) {
    bool by_token = inference_by_token(inf);
    int heads = inf->p->config.heads.value[layer];
    int tokens = inf->offsets[sample + 1] - inf->offsets[sample];
    struct heads_used used = {heads, (int64_t)tokens * heads, 0};
    if (!inf->gates[layer]) return used;
    int first = by_token ? inf->offsets[sample] : sample, rows = by_token ? tokens : 1;
    int tokens_of_row = by_token ? 1 : tokens;
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
    bool by_token = inference_by_token(inf);
    size_t heads = (size_t)inf->p->config.heads.value[layer];
    int first = by_token ? inf->offsets[sample] : sample;
    int end = by_token ? inf->offsets[sample + 1] : sample + 1;
    if (!inf->gates[layer]) return true;
    for (int r = first; r < end; r++)
        if (inf->gates[layer][(size_t)r * heads + (size_t)head] != 0.0f) return true;
    return false;
}

void inference_set_repeats(struct inference *inf, bool repeats) {
    inf->repeats = repeats;
}

int inference_recordings(const struct inference *inf) {
    return inf->recordings;
}

int64_t inference_bytes(const struct inference *inf) {
    return (int64_t)inf->arena.size;
}

int64_t inference_parameter_bytes(const struct inference *inf) {
    return inf->device->is_host ? 0 : (int64_t)inf->p->arena.size;
}
