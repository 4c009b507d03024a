/*
 * The chosen heads alone, on the rows where they lie, for devices that skip by themselves what an
 * input did not choose (device.h, takes_chosen): gathering rows head by head (inference_heads.c)
 * costs what a few narrow heads save, and a plan of it needs the gates on the host. Q, K, V and
 * outputs lie as where all heads run. Or, where all inputs chose alike, by weights packed as those of
 * a model that has no other heads.
 *
 * Executed work is that of the products of each head and all who chose it, as where rows are
 * gathered; rows go nowhere, and so no bytes are booked for it.
 */
#include "models/inference_workspace.h"

/* Tokens whose inputs chose head h. */
static int rows_of(const struct inference *inf, int l, int h) {
    const int32_t *offsets = inf->chunk.batch.offsets;
    const float *gate = inference_chunk_gates(inf, l) + h;
    int rows = 0, heads = inf->p->config.heads.value[l];
    for (int b = 0; b < inf->chunk.batch.n_samples; b++)
        if (gate[(size_t)b * (size_t)heads] != 0.0f) rows += offsets[b + 1] - offsets[b];
    return rows;
}

static void book_maps(const struct inference *inf, int l, struct work *work) {
    const int32_t *offsets = inf->chunk.batch.offsets;
    const float *gate = inference_chunk_gates(inf, l);
    int heads = inf->p->config.heads.value[l], head_dim = inf->p->config.head_dim;
    for (int i = 0; i < inf->chunk.batch.n_samples * heads; i++) {
        int b = i / heads, n = offsets[b + 1] - offsets[b];
        if (gate[i] == 0.0f) continue;
        inference_book_map(work, n, n, head_dim);
        inference_book_gate(work, gate[i], n, head_dim);
    }
}

void inference_book_chosen(struct inference *inf, int l, struct work *work) {
    const struct model_config *c = &inf->p->config;
    int heads = c->heads.value[l], head_dim = c->head_dim;
    if (!work) return;
    work_enter(work, PHASE_QKV);
    for (int h = 0; h < heads; h++) {
        int rows = rows_of(inf, l, h);
        if (rows == 0) continue;
        work_product(work, FLOP_QKV, rows, 3 * head_dim, c->dim, false);
        inference_book_bias(work, FLOP_ATTENTION_BIAS, rows, 3 * head_dim);
    }
    work_enter(work, PHASE_MAP);
    book_maps(inf, l, work);
    work_enter(work, PHASE_OUTPUT);
    for (int h = 0; h < heads; h++)
        work_product(work, FLOP_OUTPUT, rows_of(inf, l, h), c->dim, head_dim, true);
}

void inference_attend_in_place(struct inference *inf, int l, struct work *work) {
    const struct device *d = inf->device;
    const struct model_config *c = &inf->p->config;
    const struct layer_parameters *w = &inf->p->layer[l];
    struct device_chosen chosen = {.dim = c->dim,
                                   .heads = c->heads.value[l],
                                   .head_dim = c->head_dim,
                                   .gates = d->is_host ? inference_chunk_gates(inf, l)
                                                       : inf->there + inference_gates_at(inf, l),
                                   .norm = inf->norm,
                                   .qkv_weight = w->qkv_weight,
                                   .qkv_bias = w->qkv_bias,
                                   .o_weight = w->o_weight,
                                   .o_bias = w->o_bias,
                                   .qkv = inf->qkv,
                                   .context = inf->context,
                                   .x = inf->x,
                                   .scratch = inf->scores};
    work_enter(work, PHASE_QKV);
    d->ops->chosen_qkv(d, &inf->chunk, &chosen);
    work_enter(work, PHASE_MAP);
    d->ops->chosen_map(d, &inf->chunk, &chosen);
    work_enter(work, PHASE_OUTPUT);
    d->ops->chosen_output(d, &inf->chunk, &chosen);
    inference_book_bias(work, FLOP_ATTENTION_BIAS, inf->chunk.batch.n_tokens, c->dim);
    if (d->is_host) inference_book_chosen(inf, l, work);
}

/* ---- packed ---- */

/* Copies the weights of the chosen heads behind each other, neighbours at once. */
static void pack(struct inference *inf, int l) {
    const struct device *d = inf->device;
    const struct layer_parameters *w = &inf->p->layer[l];
    struct packed_heads *to = &inf->packed[l];
    int heads = inf->p->config.heads.value[l], end;
    size_t slab = 3 * (size_t)inf->p->config.head_dim, block = slab / 3;
    size_t dim = (size_t)inf->p->config.dim;
    to->n = 0;
    for (int h = 0; h < heads; h = end) {
        for (end = h + 1; end < heads && to->chosen[h] && to->chosen[end];) end++;
        if (!to->chosen[h]) continue;
        size_t from = (size_t)h, at = (size_t)to->n, n = (size_t)(end - h);
        d->ops->weights_pack(d, w->qkv_weight + from * slab * dim, n * slab * dim,
                             operand_at(d, to->qkv_weight, at * slab * dim));
        d->ops->weights_pack(d, w->o_weight + from * block * dim, n * block * dim,
                             operand_at(d, to->o_weight, at * block * dim));
        d->ops->copy(d, to->qkv_bias + at * slab, w->qkv_bias + from * slab,
                     n * slab * sizeof(float));
        to->n += end - h;
    }
}

bool inference_pack(struct inference *inf, int l) {
    const struct batch *batch = &inf->chunk.batch;
    struct packed_heads *packed = &inf->packed[l];
    const float *gates = inference_chunk_gates(inf, l);
    int heads = inf->p->config.heads.value[l];
    bool known = packed->n > 0;
    /* What one input chose is likely to be another's no more; what several did, it pays to keep. */
    if (batch->n_samples == 1 && batch->n_tokens < inf->device->packs_from) return false;
    for (int i = 0; i < batch->n_samples * heads; i++)
        if (gates[i] != gates[i % heads] || (gates[i] != 0.0f && gates[i] != 1.0f)) return false;
    for (int h = 0; h < heads; h++) {
        known &= packed->chosen[h] == (gates[h] != 0.0f);
        packed->chosen[h] = gates[h] != 0.0f;
    }
    if (!known) pack(inf, l);
    return true;
}

void inference_attend_packed(struct inference *inf, int l, struct work *work) {
    const struct device *d = inf->device;
    const struct packed_heads *w = &inf->packed[l];
    const float *o_bias = inf->p->layer[l].o_bias;
    int dim = inf->p->config.dim, tokens = inf->chunk.batch.n_tokens;
    int width = w->n * inf->p->config.head_dim;
    struct device_attention attention = {.heads = w->n,
                                         .head_dim = inf->p->config.head_dim,
                                         .qkv = inf->qkv,
                                         .context = inf->context,
                                         .scratch = inf->scores};
    inference_book_bias(work, FLOP_ATTENTION_BIAS, tokens, dim);
    if (w->n == 0) {
        work_enter(work, PHASE_OUTPUT);
        d->ops->bias(d, tokens, dim, o_bias, inf->x, NUMBERS);
        return;
    }
    struct device_matrix slabs = {w->qkv_weight, dim, true, OPERANDS};
    struct device_matrix blocks = {w->o_weight, dim, false, OPERANDS};
    struct device_product qkv =
        inference_product(inf, 3 * width, dim, inf->norm, slabs, w->qkv_bias, inf->qkv);
    struct device_product back =
        inference_product_into_stream(inf, width, inf->context, blocks, o_bias);
    work_enter(work, PHASE_QKV);
    d->ops->multiply(d, 1, &qkv);
    work_enter(work, PHASE_MAP);
    d->ops->attend(d, &inf->chunk, &attention);
    work_enter(work, PHASE_OUTPUT);
    d->ops->multiply(d, 1, &back);
}
