/*
 * The chosen heads alone where the device does not run them where they are (inference_in_place.c):
 * in groups of as many heads as it takes at once. The rows of the inputs that run a head are
 * gathered, projected by its slab, attended, multiplied by its gate and added back through its block
 * of W_O; nothing of the others is computed.
 *
 * Where tokens choose, a head runs for the tokens that chose it: their queries, map rows and
 * outputs. They attend to all tokens of their input, so its K and V are computed for every token of
 * each input in which anyone chose it, and skipped in the others. This is why per-token choice
 * saves less than it promises (flops.h: active and executed).
 *
 * Products treat rows independently: an input's bits do not depend on heads that others chose.
 */
#include "models/inference_workspace.h"

/* A group in the making: the rows of head i are those from key[i] and query[i] on. */
struct plan {
    struct head_group group;
    int key[OPTION_LIST_MAX + 1], query[OPTION_LIST_MAX + 1];
    bool all_keys[OPTION_LIST_MAX]; /* every input of the chunk runs the head */
};

static int head_keys(const struct plan *plan, int i) {
    return plan->key[i + 1] - plan->key[i];
}

static int head_queries(const struct plan *plan, int i) {
    return plan->query[i + 1] - plan->query[i];
}

/* Adds one head's inputs; where tokens choose, those of whose tokens any did. */
static void plan_head(struct inference *inf, int l, int i, struct plan *plan) {
    const struct batch *batch = &inf->chunk.batch;
    struct head_group *group = &plan->group;
    size_t heads = (size_t)inf->p->config.heads.value[l];
    const float *gates = inference_chunk_gates(inf, l) + group->first + i;
    bool by_token = inference_by_token(inf);
    int inputs = group->n_segments;
    for (int b = 0; b < batch->n_samples; b++) {
        int32_t first = batch->offsets[b];
        struct head_segment segment = {.head = i,
                                       .token = first,
                                       .length = batch->offsets[b + 1] - first,
                                       .key = group->n_keys,
                                       .query = group->n_queries};
        if (!by_token && gates[(size_t)b * heads] != 0.0f) {
            segment.n_queries = segment.length;
            inf->segment_gate[group->n_segments] = gates[(size_t)b * heads];
        }
        for (int32_t t = first; by_token && t < batch->offsets[b + 1]; t++) {
            float a = gates[(size_t)t * heads];
            if (a == 0.0f) continue;
            inf->query_token[segment.query + segment.n_queries] = t;
            inf->segment_gate[segment.query + segment.n_queries++] = a;
        }
        if (segment.n_queries == 0) continue;
        inf->segment[group->n_segments++] = segment;
        group->n_keys += segment.length;
        group->n_queries += segment.n_queries;
    }
    plan->all_keys[i] = group->n_segments - inputs == batch->n_samples;
    plan->key[i + 1] = group->n_keys;
    plan->query[i + 1] = group->n_queries;
}

static void plan_group(struct inference *inf, int l, int first, int n, struct plan *plan) {
    *plan =
        (struct plan){.group = {.first = first,
                                .n = n,
                                .segment = inf->segment,
                                .query_token = inference_by_token(inf) ? inf->query_token : NULL,
                                .gate = inf->segment_gate}};
    for (int i = 0; i < n; i++) plan_head(inf, l, i, plan);
}

/* Rows [from][cols] of one head in the packed array of a group. */
static void *packed(const struct inference *inf, const void *array, int from, int cols) {
    return operand_at(inf->device, array, (size_t)from * (size_t)cols);
}

/* out[rows][cols] of each head = its input rows times `cols` rows of its slab from `skip` on, and
 * their bias. Input rows lie packed, or are those of the whole chunk where `everyone`. */
static void project(struct inference *inf, int l, const struct plan *plan, bool queries,
                    bool everyone, int skip, int cols, void *out) {
    const struct device *d = inf->device;
    const struct layer_parameters *w = &inf->p->layer[l];
    const int *start = queries ? plan->query : plan->key;
    int dim = inf->p->config.dim;
    struct device_product product[OPTION_LIST_MAX];
    for (int i = 0; i < plan->group.n; i++) {
        size_t slab =
            (size_t)(plan->group.first + i) * 3 * (size_t)inf->p->config.head_dim + (size_t)skip;
        const void *rows = everyone ? inf->norm : packed(inf, inf->rows, start[i], dim);
        product[i] =
            (struct device_product){.m = start[i + 1] - start[i],
                                    .n = cols,
                                    .k = dim,
                                    .a = {rows, dim, false, OPERANDS},
                                    .b = {w->qkv_weight + slab * (size_t)dim, dim, true, WEIGHTS},
                                    .c = packed(inf, out, start[i], cols),
                                    .ldc = cols,
                                    .c_element = OPERANDS};
    }
    d->ops->multiply(d, plan->group.n, product);
    int stride = 3 * inf->p->config.head_dim; /* from one head's slab to the next's */
    d->ops->head_bias(d, &plan->group, queries, cols,
                      w->qkv_bias + (size_t)plan->group.first * (size_t)stride + (size_t)skip,
                      stride, out);
}

/* What the projection of each head costs. */
static void book_project(const struct inference *inf, const struct plan *plan, bool queries,
                         int cols, struct work *work) {
    for (int i = 0; i < plan->group.n; i++) {
        int rows = queries ? head_queries(plan, i) : head_keys(plan, i);
        if (rows == 0) continue;
        work_product(work, FLOP_QKV, rows, cols, inf->p->config.dim, false);
        inference_book_bias(work, FLOP_ATTENTION_BIAS, rows, cols);
    }
}

/* Whether everybody runs the head of a group of one, so that nothing needs to be gathered. A group
 * of several heads is gathered whole. */
static bool is_everyone(const struct inference *inf, const struct plan *plan, bool queries) {
    if (plan->group.n > 1) return false;
    return queries ? head_queries(plan, 0) == inf->chunk.batch.n_tokens : plan->all_keys[0];
}

/* Gathered rows cost what each head alone would: nothing where everybody runs it. */
static void book_rows(const struct inference *inf, const struct plan *plan, bool queries,
                      uint64_t times, struct work *work) {
    for (int i = 0; i < plan->group.n; i++) {
        int rows = queries ? head_queries(plan, i) : head_keys(plan, i);
        bool everyone = queries ? rows == inf->chunk.batch.n_tokens : plan->all_keys[i];
        if (!everyone) work_move(work, times * (uint64_t)rows * (uint64_t)inf->p->config.dim);
    }
}

static void gather_rows(struct inference *inf, const struct plan *plan, bool queries,
                        struct work *work) {
    const struct device *d = inf->device;
    if (is_everyone(inf, plan, queries)) return;
    d->ops->gather(d, &plan->group, queries, inf->p->config.dim, inf->norm, inf->rows);
    book_rows(inf, plan, queries, 2, work);
}

/* Q, K, V rows of the group's heads; returns where Q starts, and *kv, NULL if a row holds all. */
static void *project_group(struct inference *inf, int l, const struct plan *plan, struct work *work,
                           void **kv) {
    int d = inf->p->config.head_dim;
    bool by_token = inference_by_token(inf);
    *kv = NULL;
    gather_rows(inf, plan, false, work);
    work_enter(work, PHASE_QKV);
    if (!by_token) {
        project(inf, l, plan, false, is_everyone(inf, plan, false), 0, 3 * d, inf->qkv);
        book_project(inf, plan, false, 3 * d, work);
        return inf->qkv;
    }
    *kv = packed(inf, inf->qkv, inf->group_size * inf->chunk.batch.n_tokens, d);
    project(inf, l, plan, false, is_everyone(inf, plan, false), d, 2 * d, *kv);
    book_project(inf, plan, false, 2 * d, work);
    if (!is_everyone(inf, plan, true)) {
        work_enter(work, PHASE_GATHER);
        gather_rows(inf, plan, true, work);
        work_enter(work, PHASE_QKV);
    }
    project(inf, l, plan, true, is_everyone(inf, plan, true), 0, d, inf->qkv);
    book_project(inf, plan, true, d, work);
    return inf->qkv;
}

/* Maps, and the gates that are not 1. */
static void book_attend(const struct inference *inf, const struct plan *plan, struct work *work) {
    const struct head_group *group = &plan->group;
    int d = inf->p->config.head_dim;
    for (int i = 0; i < group->n_segments; i++) {
        const struct head_segment *s = &group->segment[i];
        inference_book_map(work, s->n_queries, s->length, d);
    }
    int n = group->query_token ? group->n_queries : group->n_segments;
    for (int i = 0; i < n; i++) {
        int rows = group->query_token ? 1 : group->segment[i].n_queries;
        inference_book_gate(work, group->gate[i], rows, d);
    }
}

/* x += the group's outputs through its blocks of W_O. */
static void add_outputs(struct inference *inf, int l, const struct plan *plan, struct work *work) {
    const struct device *device = inf->device;
    const struct layer_parameters *w = &inf->p->layer[l];
    int dim = inf->p->config.dim, d = inf->p->config.head_dim;
    bool everyone = is_everyone(inf, plan, true);
    struct device_product product[OPTION_LIST_MAX];
    product[0] = (struct device_product){0}; /* gcc 14 does not see that a group has a head */
    for (int i = 0; i < plan->group.n; i++) {
        int rows = head_queries(plan, i);
        size_t block = (size_t)(plan->group.first + i) * (size_t)d * (size_t)dim;
        float *back = inf->back + (size_t)plan->query[i] * (size_t)dim;
        product[i] = (struct device_product){
            .m = rows,
            .n = dim,
            .k = d,
            .a = {packed(inf, inf->context, plan->query[i], d), d, false, OPERANDS},
            .b = {w->o_weight + block, dim, false, WEIGHTS},
            .c = everyone ? inf->x : back,
            .ldc = dim,
            .c_element = NUMBERS,
            .adds = everyone};
        if (rows > 0)
            work_product(work, FLOP_OUTPUT, rows, dim, d, rows == inf->chunk.batch.n_tokens);
    }
    device->ops->multiply(device, plan->group.n, product);
    if (everyone) return;
    work_enter(work, PHASE_GATHER);
    device->ops->scatter(device, &inf->chunk, &plan->group, dim, inf->back, inf->x);
    book_rows(inf, plan, true, 3, work);
}

void inference_attend_planned(struct inference *inf, int l, struct work *work) {
    const struct device *device = inf->device;
    int heads = inf->p->config.heads.value[l], d = inf->p->config.head_dim;
    int tokens = inf->chunk.batch.n_tokens, dim = inf->p->config.dim;
    for (int first = 0; first < heads; first += inf->group_size) {
        struct plan plan;
        void *kv;
        work_enter(work, PHASE_GATHER);
        plan_group(inf, l, first, heads - first < inf->group_size ? heads - first : inf->group_size,
                   &plan);
        if (plan.group.n_segments == 0) continue;
        const void *q = project_group(inf, l, &plan, work, &kv);
        work_enter(work, PHASE_MAP);
        device->ops->attend_heads(device, &plan.group, d, q, kv, inf->context, inf->scores);
        book_attend(inf, &plan, work);
        work_enter(work, PHASE_OUTPUT);
        add_outputs(inf, l, &plan, work);
    }
    work_enter(work, PHASE_OUTPUT);
    device->ops->bias(device, tokens, dim, inf->p->layer[l].o_bias, inf->x, NUMBERS);
    inference_book_bias(work, FLOP_ATTENTION_BIAS, tokens, dim);
}
