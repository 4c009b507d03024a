/*
 * The forward pass of deployment. See inference.h for the idea.
 *
 * Within one batch an input's bits do not depend on heads that only others chose: every product
 * treats rows independently, and a head's slab is read only for the inputs that run it.
 */
#include "models/inference.h"
#include "models/inference_workspace.h"
#include "models/policy.h"

#include <string.h>

/* Where the chunk at hand keeps its results among those of the batch. */
static size_t decision_offset(const struct inference *inf, int l) {
    return (size_t)inf->first_row * policy_decision_floats(&inf->p->config, l);
}

static float *chunk_decisions(const struct inference *inf, int l) {
    return inf->decisions[l] + decision_offset(inf, l);
}

static float *chunk_logits(const struct inference *inf) {
    return inf->all_logits + (size_t)inf->first * (size_t)inf->p->config.classes;
}

static void embed(struct inference *inf, struct work *work) {
    const struct device *d = inf->device;
    const struct parameters *p = inf->p;
    uint64_t tokens = (uint64_t)inf->chunk.batch.n_tokens, dim = (uint64_t)p->config.dim;
    uint64_t added = (p->position ? 1u : 0u) + (p->segment ? 1u : 0u) + (p->bigram ? 1u : 0u);
    struct device_dropout none = {0};
    d->ops->embed(d, &inf->chunk, p, &none, inf->x);
    work_add(work, FLOP_POSITION, added * tokens * dim);
    work_move(work, (2 + added) * tokens * dim);
}

static void norm(struct inference *inf, const float *weight, const float *bias, struct work *work) {
    const struct device *d = inf->device;
    const struct model_config *c = &inf->p->config;
    int tokens = inf->chunk.batch.n_tokens;
    struct device_norm norm = {weight, bias, c->norm_eps, inf->norm, NULL, NULL};
    d->ops->norm(d, tokens, c->dim, inf->x, &norm);
    work_add(work, FLOP_NORM, 5 * (uint64_t)tokens * (uint64_t)c->dim);
    work_move(work, 2 * ((uint64_t)tokens + 1) * (uint64_t)c->dim);
}

static void book_pool(const struct inference *inf, enum flop_component component,
                      struct work *work) {
    const struct batch *batch = &inf->chunk.batch;
    uint64_t dim = (uint64_t)inf->p->config.dim;
    work_add(work, component, (uint64_t)batch->n_tokens * dim);
    work_move(work, (uint64_t)(batch->n_tokens + batch->n_samples) * dim);
}

/* Booked; its bias, which is one more pass over the result, and an epilogue are booked apart. */
static void multiply(const struct inference *inf, enum flop_component component,
                     const struct device_product *product, struct work *work) {
    inf->device->ops->multiply(inf->device, 1, product);
    work_product(work, component, product->m, product->n, product->k, product->adds);
}

/* The same with its bias, which is always there where a product goes into the residual stream. */
static void multiply_into_stream(struct inference *inf, enum flop_component component,
                                 enum flop_component of_bias, struct device_product product,
                                 struct work *work) {
    multiply(inf, component, &product, work);
    inference_book_bias(work, of_bias, product.m, product.n);
}

/* The call for this layer's gates where they are made: by the form, or on the host. */
static struct gate_call gate_call(struct inference *inf, int l, bool on_host, struct work *work) {
    const struct model_config *c = &inf->p->config;
    const struct batch *batch = &inf->chunk.batch;
    return (struct gate_call){.config = c,
                              .layer = l,
                              .heads = c->heads.value[l],
                              .rows = inference_gate_rows(inf),
                              .n_samples = batch->n_samples,
                              .offsets = batch->offsets,
                              .x = inf->gate_x,
                              .seed = inf->p->seed,
                              .mode = inf->mode,
                              .ids = on_host ? batch->ids : inf->chunk.ids,
                              .param = inf->p->layer[l].policy,
                              .saved = inf->saved,
                              .shared = inf->shared,
                              .parameters = inf->p,
                              .work = work,
                              .device = inf->device};
}

/* What came to the host of a layer's gates and decisions. */
static void take_gates(struct inference *inf, int l) {
    const struct model_config *c = &inf->p->config;
    size_t rows = (size_t)inference_gate_rows(inf), heads = (size_t)c->heads.value[l];
    memcpy(inference_chunk_gates(inf, l), inf->here + inference_gates_at(inf, l),
           rows * heads * sizeof(float));
    memcpy(chunk_decisions(inf, l), inf->here + inference_decisions_at(inf, l),
           rows * policy_decision_floats(c, l) * sizeof(float));
}

/* Decisions and gates by the device form. A plan of the heads needs them at once: one way to the
 * host, which has to be waited for. */
static void decide_on_device(struct inference *inf, int l, struct work *work) {
    const struct device *d = inf->device;
    struct gate_call call = gate_call(inf, l, false, work);
    size_t at = inference_gates_at(inf, l), end = inference_gates_at(inf, l + 1);
    inf->form->decide(&call, inf->there + inference_decisions_at(inf, l), inf->there + at);
    if (inf->in_place) return;
    work_enter(work, PHASE_TRANSFER);
    d->ops->download(d, inf->here + at, inf->there + at, (end - at) * sizeof *inf->here);
    take_gates(inf, l);
}

/* Whether the layer's policy looks at its input. */
static bool looks(const struct inference *inf, int l) {
    const struct policy_ops *policy = inf->p->config.policy;
    return inference_by_token(inf) ||
           (policy->gate_flops &&
            policy->gate_flops(&inf->p->config, l, inf->chunk.batch.n_tokens) > 0);
}

/* Brings what the layer's policy looks at. Pooling is done, and charged, where it costs something
 * to look (BFC-1, gate G); single tokens are looked at as they are. */
static void bring_gate_input(struct inference *inf, int l, struct work *work) {
    const struct device *d = inf->device;
    const struct model_config *c = &inf->p->config;
    bool by_token = inference_by_token(inf);
    if (by_token && d->is_host) {
        inf->gate_x = inf->norm;
        return;
    }
    if (!looks(inf, l)) return;
    d->ops->pool(d, &inf->chunk, by_token, c->dim, inf->norm, OPERANDS, inf->pooled);
    if (!by_token) book_pool(inf, FLOP_GATE, work);
    if (inf->gate_x == inf->pooled) return;
    work_enter(work, PHASE_TRANSFER);
    d->ops->download(d, inf->gate_x, inf->pooled,
                     (size_t)inference_gate_rows(inf) * (size_t)c->dim * sizeof *inf->pooled);
    work_enter(work, PHASE_GATE);
}

static int n_gates(const struct inference *inf, int l) {
    return inference_gate_rows(inf) * inf->p->config.heads.value[l];
}

/* True if every row runs every head of the layer with gate 1. */
static bool all_chosen(const struct inference *inf, int l) {
    const float *gates = inference_chunk_gates(inf, l);
    for (int i = 0; i < n_gates(inf, l); i++)
        if (gates[i] != 1.0f) return false;
    return true;
}

/* Decisions of the chunk at hand that were made elsewhere; NULL: the layer decides. */
static const float *given_decisions(const struct inference *inf, int l) {
    const float *given = inf->given ? inf->given[l] : NULL;
    return given ? given + decision_offset(inf, l) : NULL;
}

/* Gates from decisions, on the host. */
static void select_heads(struct inference *inf, const struct gate_call *call,
                         const float *decision) {
    const struct policy_ops *policy = inf->p->config.policy;
    float *gates = inference_chunk_gates(inf, call->layer);
    if (policy->select)
        policy->select(call, decision, gates);
    else
        memcpy(gates, decision, (size_t)call->rows * (size_t)call->heads * sizeof *gates);
}

/* Takes the gates of layers first to last to the device at once, with what lies between. */
static void put_gates(struct inference *inf, int first, int last, struct work *work) {
    size_t at = inference_gates_at(inf, first), end = inference_decisions_at(inf, last);
    work_enter(work, PHASE_TRANSFER);
    inf->device->ops->upload(inf->device, inf->there + at, inf->here + at,
                             (end - at) * sizeof *inf->here);
}

/* Whether this chunk's heads run where they are. A host device says so of each, as it has room for
 * either way. */
static bool runs_in_place(const struct inference *inf) {
    return inf->device->is_host
               ? device_takes_chosen(inf->device, &inf->p->config, inf->chunk.batch.n_tokens)
               : inf->in_place;
}

/* Fills the layer's gates from its (pooled) input, or from decisions made elsewhere, and says how
 * its heads run. In place only the device needs the gates. */
static void choose_heads(struct inference *inf, int l, struct work *work) {
    const float *given = given_decisions(inf, l);
    if (!given) bring_gate_input(inf, l, work);
    if (!given && inf->form) {
        decide_on_device(inf, l, work);
        if (inf->in_place) return;
    } else {
        struct gate_call call = gate_call(inf, l, true, work);
        if (!given) inf->p->config.policy->decide(&call, chunk_decisions(inf, l));
        select_heads(inf, &call, given ? given : chunk_decisions(inf, l));
    }
    inf->way[l] = all_chosen(inf, l)                          ? HEADS_WIDE
                  : inf->settled[l] && inference_pack(inf, l) ? HEADS_PACKED
                  : runs_in_place(inf)                        ? HEADS_IN_PLACE
                                                              : HEADS_PLANNED;
    if (inf->way[l] != HEADS_IN_PLACE || inf->device->is_host) return;
    memcpy(inf->here + inference_gates_at(inf, l), inference_chunk_gates(inf, l),
           (size_t)n_gates(inf, l) * sizeof *inf->here);
    if (!inf->settled[l]) put_gates(inf, l, l, work);
}

/* Whether the layer's gates are made where they are used. */
static bool decided_in_place(const struct inference *inf, int l) {
    return inf->gates[l] && inf->in_place && inf->form && !inf->settled[l];
}

/* Layers in place whose heads do not depend on the pass are settled before it: what the pass asks
 * of the device then hangs on no number that comes later. */
static void settle_heads(struct inference *inf, struct work *work) {
    int first = -1, last = -1;
    for (int l = 0; l < inf->p->config.layers; l++) {
        bool known = given_decisions(inf, l) || (!inf->form && !looks(inf, l));
        inf->settled[l] = inf->gates[l] && inf->in_place && known;
        inf->way[l] = decided_in_place(inf, l) ? HEADS_IN_PLACE : HEADS_WIDE;
        if (!inf->settled[l]) continue;
        work_enter(work, PHASE_GATE);
        choose_heads(inf, l, work);
        if (inf->way[l] != HEADS_IN_PLACE) continue;
        last = l;
        if (first < 0) first = l;
    }
    if (first >= 0) put_gates(inf, first, last, work);
}

/* Every head for every input: one product for all slabs. */
static void attend_wide(struct inference *inf, int l, struct work *work) {
    const struct device *d = inf->device;
    const struct model_config *c = &inf->p->config;
    const struct layer_parameters *w = &inf->p->layer[l];
    const struct batch *batch = &inf->chunk.batch;
    int dim = c->dim, heads = c->heads.value[l], width = heads * c->head_dim;
    struct device_attention attention = {heads,        c->head_dim, inf->qkv,
                                         inf->context, NULL,        inf->scores};
    work_enter(work, PHASE_QKV);
    struct device_matrix qkv = {w->qkv_weight, dim, true, WEIGHTS};
    struct device_matrix back = {w->o_weight, dim, false, WEIGHTS};
    struct device_product product =
        inference_product(inf, 3 * width, dim, inf->norm, qkv, w->qkv_bias, inf->qkv);
    multiply(inf, FLOP_QKV, &product, work);
    inference_book_bias(work, FLOP_ATTENTION_BIAS, product.m, product.n);
    work_enter(work, PHASE_MAP);
    d->ops->attend(d, &inf->chunk, &attention);
    for (int b = 0; b < batch->n_samples; b++) {
        int n = batch->offsets[b + 1] - batch->offsets[b];
        for (int h = 0; h < heads; h++) inference_book_map(work, n, n, c->head_dim);
    }
    work_enter(work, PHASE_OUTPUT);
    multiply_into_stream(inf, FLOP_OUTPUT, FLOP_ATTENTION_BIAS,
                         inference_product_into_stream(inf, width, inf->context, back, w->o_bias),
                         work);
}

/* The sublayer that adds attention to x. */
static void run_attention(struct inference *inf, int l, struct work *work) {
    const struct layer_parameters *w = &inf->p->layer[l];
    norm(inf, w->norm1_weight, w->norm1_bias, work);
    if (inf->gates[l] && !inf->settled[l]) {
        work_enter(work, PHASE_GATE);
        choose_heads(inf, l, work);
    }
    switch (inf->way[l]) {
    case HEADS_WIDE:
        attend_wide(inf, l, work);
        break;
    case HEADS_IN_PLACE:
        inference_attend_in_place(inf, l, work);
        break;
    case HEADS_PACKED:
        inference_attend_packed(inf, l, work);
        break;
    case HEADS_PLANNED:
        inference_attend_planned(inf, l, work);
        break;
    }
    /* the products above accumulate into x */
    work_add(work, FLOP_RESIDUAL,
             (uint64_t)inf->chunk.batch.n_tokens * (uint64_t)inf->p->config.dim);
    work_enter(work, PHASE_NORM);
}

static void run_ffn(struct inference *inf, int l, struct work *work) {
    const struct model_config *c = &inf->p->config;
    const struct layer_parameters *w = &inf->p->layer[l];
    int tokens = inf->chunk.batch.n_tokens, dim = c->dim, ffn = c->ffn;
    uint64_t hidden = (uint64_t)tokens * (uint64_t)ffn;
    norm(inf, w->norm2_weight, w->norm2_bias, work);
    work_enter(work, PHASE_FFN);
    struct device_matrix up = {w->up_weight, dim, true, WEIGHTS};
    struct device_matrix down = {w->down_weight, ffn, true, WEIGHTS};
    struct device_product product =
        inference_product(inf, ffn, dim, inf->norm, up, w->up_bias, inf->hidden);
    product.pre = inf->hidden;
    product.epilogue = GELU;
    multiply(inf, FLOP_FFN, &product, work);
    work_add(work, FLOP_FFN_BIAS, hidden);
    work_add(work, FLOP_GELU, 8 * hidden);
    work_move(work, 2 * hidden + (uint64_t)ffn);
    multiply_into_stream(inf, FLOP_FFN, FLOP_FFN_BIAS,
                         inference_product_into_stream(inf, ffn, inf->hidden, down, w->down_bias),
                         work);
    work_add(work, FLOP_RESIDUAL, (uint64_t)tokens * (uint64_t)dim);
}

/* From the pooled last stream to the logits: on a host device to where the results are. */
static void classify(struct inference *inf, struct work *work) {
    const struct device *d = inf->device;
    const struct parameters *p = inf->p;
    const struct model_config *c = &p->config;
    int samples = inf->chunk.batch.n_samples;
    float *logits = d->is_host ? chunk_logits(inf) : inf->there;
    struct device_product product = {
        .m = samples,
        .n = c->classes,
        .k = c->dim,
        .a = {inf->pooled, c->dim, false, NUMBERS},
        .b = {p->classifier_weight, c->dim, true, NUMBERS},
        .c = logits,
        .ldc = c->classes,
        .c_element = NUMBERS,
    };
    d->ops->multiply(d, 1, &product);
    work_product(work, FLOP_CLASSIFIER, samples, c->classes, c->dim, false);
    d->ops->bias(d, samples, c->classes, p->classifier_bias, logits, NUMBERS);
    inference_book_bias(work, FLOP_CLASSIFIER_BIAS, samples, c->classes);
}

void inference_pass(struct inference *inf, struct work *work) {
    const struct device *d = inf->device;
    const struct parameters *p = inf->p;
    const struct model_config *c = &p->config;
    work_enter(work, PHASE_EMBEDDING);
    embed(inf, work);
    for (int l = 0; l < c->layers; l++) {
        work_enter(work, PHASE_NORM);
        if (c->heads.value[l] > 0) run_attention(inf, l, work);
        run_ffn(inf, l, work);
    }
    if (c->final_norm) {
        work_enter(work, PHASE_NORM);
        norm(inf, p->final_weight, p->final_bias, work);
    }
    work_enter(work, PHASE_POOL);
    d->ops->pool(d, &inf->chunk, false, c->dim, c->final_norm ? inf->norm : inf->x,
                 c->final_norm ? OPERANDS : NUMBERS, inf->pooled);
    book_pool(inf, FLOP_POOL, work);
    work_enter(work, PHASE_CLASSIFIER);
    classify(inf, work);
}

/* Brings the results of the chunk to the host, once for all layers, and books what could not be
 * booked without them. */
static void collect(struct inference *inf, struct work *work) {
    const struct device *d = inf->device;
    const struct model_config *c = &inf->p->config;
    size_t logits = inference_gates_at(inf, 0), size = logits;
    if (d->is_host) return;
    for (int l = 0; l < c->layers; l++)
        if (decided_in_place(inf, l)) size = inference_gates_at(inf, l + 1);
    work_enter(work, PHASE_TRANSFER);
    d->ops->download(d, inf->here, inf->there, size * sizeof *inf->here);
    memcpy(chunk_logits(inf), inf->here, logits * sizeof *inf->here);
    for (int l = 0; l < c->layers; l++) {
        if (decided_in_place(inf, l)) take_gates(inf, l);
        if (inf->way[l] == HEADS_IN_PLACE || inf->way[l] == HEADS_PACKED)
            inference_book_chosen(inf, l, work);
    }
}

static void run_chunk(struct inference *inf, struct work *work) {
    const struct device *d = inf->device;
    if (!d->is_host) work_enter(work, PHASE_TRANSFER);
    d->ops->chunk_put(d, &inf->chunk);
    settle_heads(inf, work);
    inference_pass_again(inf, work);
    collect(inf, work);
}

void inference_run(struct inference *inf, const struct batch *batch, struct work *work,
                   const float *const *decisions) {
    memcpy(inf->offsets, batch->offsets, ((size_t)batch->n_samples + 1) * sizeof *inf->offsets);
    inf->given = decisions;
    inf->first = 0;
    inf->chunk.number = 0;
    while (inf->first < batch->n_samples) {
        inf->first_row = inference_by_token(inf) ? batch->offsets[inf->first] : inf->first;
        inf->chunk.batch = batch_chunk(batch, inf->first, inf->chunk_tokens, inf->chunk_offsets);
        run_chunk(inf, work);
        inf->first += inf->chunk.batch.n_samples;
        inf->chunk.number++;
    }
    inf->given = NULL;
}
