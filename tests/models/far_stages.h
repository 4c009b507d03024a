/*
 * The far device's stages (far_device.h, which includes this in its middle): each opens the arrays
 * that it is given, in the sizes that device.h says, and calls the CPU's entry of the same name.
 */
#ifndef HEADROOM_TESTS_FAR_STAGES_H
#define HEADROOM_TESTS_FAR_STAGES_H

#include "tests/models/chosen_reference.h"

/* Tokens of a chunk times `width`. */
static inline size_t far_rows(const struct device_chunk *chunk, int width) {
    return (size_t)far_batch(chunk)->n_tokens * (size_t)width;
}

static inline size_t far_area(int rows, int cols) {
    return (size_t)rows * (size_t)cols;
}

/* Parameters with the embeddings' addresses translated. */
static inline struct parameters far_embeddings(const struct device *d, const struct parameters *p) {
    struct parameters near = *p;
    near.token = far_floats(d, p->token);
    near.position = far_floats(d, p->position);
    near.segment = far_floats(d, p->segment);
    near.bigram = far_floats(d, p->bigram);
    return near;
}

static inline void far_embed(const struct device *d, const struct device_chunk *chunk,
                             const struct parameters *p, const struct device_dropout *dropout,
                             float *x) {
    const struct device *cpu = device_cpu();
    struct parameters near = far_embeddings(d, p);
    struct device_chunk whole = far_whole(chunk);
    cpu->ops->embed(cpu, &whole, &near, dropout, far_floats(d, x));
}

/* With the addresses translated, and `y` open, which stays as it is where nothing writes it. */
static inline struct device_norm far_norm_of(const struct device *d, int rows, int dim,
                                             const struct device_norm *norm, struct far_span *y) {
    *y = far_open(d, norm->y, far_area(rows, dim), OPERANDS);
    return (struct device_norm){
        far_floats(d, norm->weight), far_floats(d, norm->bias), norm->eps, y->f,
        far_floats(d, norm->mean),   far_floats(d, norm->rstd)};
}

static inline void far_norm(const struct device *d, int rows, int dim, const float *x,
                            const struct device_norm *norm) {
    const struct device *cpu = device_cpu();
    struct far_span y;
    struct device_norm near = far_norm_of(d, rows, dim, norm, &y);
    cpu->ops->norm(cpu, rows, dim, far_floats(d, x), &near);
    far_shut(&y);
}

static inline void far_bias(const struct device *d, int rows, int cols, const float *bias, void *x,
                            enum element element) {
    const struct device *cpu = device_cpu();
    struct far_span out = far_open(d, x, far_area(rows, cols), element);
    cpu->ops->bias(cpu, rows, cols, far_floats(d, bias), out.f, NUMBERS);
    far_shut(&out);
}

static inline void far_attend(const struct device *d, const struct device_chunk *chunk,
                              const struct device_attention *attention) {
    const struct device *cpu = device_cpu();
    int width = attention->heads * attention->head_dim;
    struct device_chunk whole = far_whole(chunk);
    struct device_attention near = *attention;
    struct far_span qkv = far_open(d, attention->qkv, far_rows(chunk, 3 * width), OPERANDS),
                    context = far_open(d, attention->context, far_rows(chunk, width), OPERANDS);
    near.qkv = qkv.f;
    near.context = context.f;
    near.log_sum = far_floats(d, attention->log_sum);
    near.scratch = far_floats(d, attention->scratch);
    cpu->ops->attend(cpu, &whole, &near);
    far_shut(&qkv);
    far_shut(&context);
}

static inline void far_gate(const struct device *d, const struct device_chunk *chunk, bool by_token,
                            int heads, int head_dim, const float *gates, const void *context,
                            void *gated) {
    const struct device *cpu = device_cpu();
    struct device_chunk whole = far_whole(chunk);
    struct far_span in = far_open(d, context, far_rows(chunk, heads * head_dim), OPERANDS),
                    out = far_open(d, gated, far_rows(chunk, heads * head_dim), OPERANDS);
    cpu->ops->gate(cpu, &whole, by_token, heads, head_dim, far_floats(d, gates), in.f, out.f);
    far_shut(&in);
    far_shut(&out);
}

static inline void far_residual(const struct device *d, const struct device_chunk *chunk, int dim,
                                const float *bias, const struct device_dropout *dropout,
                                void *branch, const float *x, float *out,
                                const struct device_norm *next) {
    const struct device *cpu = device_cpu();
    struct far_span rows = far_open(d, branch, far_rows(chunk, dim), OPERANDS);
    struct device_chunk whole = far_whole(chunk);
    cpu->ops->residual(cpu, &whole, dim, far_floats(d, bias), dropout, rows.f, far_floats(d, x),
                       far_floats(d, out), NULL);
    far_shut(&rows);
    if (next) far_norm(d, far_batch(chunk)->n_tokens, dim, out, next);
}

static inline void far_pool(const struct device *d, const struct device_chunk *chunk, bool by_token,
                            int dim, const void *x, enum element element, float *pooled) {
    const struct device *cpu = device_cpu();
    struct device_chunk whole = far_whole(chunk);
    struct far_span in = far_open(d, x, far_rows(chunk, dim), element);
    cpu->ops->pool(cpu, &whole, by_token, dim, in.f, NUMBERS, far_floats(d, pooled));
    far_shut(&in);
}

static inline void far_loss(const struct device *d, const struct device_chunk *chunk, int classes,
                            float *logits, struct device_sums *sums) {
    const struct device *cpu = device_cpu();
    struct device_chunk whole = far_whole(chunk);
    cpu->ops->loss(cpu, &whole, classes, far_floats(d, logits), far_near(d, sums));
}

/* Tokens of the chunk up to the last that the group reads. */
static inline size_t far_reach(const struct head_group *group) {
    int end = 0;
    for (int i = 0; i < group->n_segments; i++) {
        int last = group->segment[i].token + group->segment[i].length;
        end = last > end ? last : end;
    }
    return (size_t)end;
}

static inline void far_gather(const struct device *d, const struct head_group *group, bool queries,
                              int dim, const void *x, void *rows) {
    const struct device *cpu = device_cpu();
    struct far_span in = far_open(d, x, far_reach(group) * (size_t)dim, OPERANDS),
                    out =
                        far_open(d, rows, far_area(queries ? group->n_queries : group->n_keys, dim),
                                 OPERANDS);
    cpu->ops->gather(cpu, group, queries, dim, in.f, out.f);
    far_shut(&in);
    far_shut(&out);
}

static inline void far_head_bias(const struct device *d, const struct head_group *group,
                                 bool queries, int cols, const float *bias, int stride,
                                 void *rows) {
    const struct device *cpu = device_cpu();
    struct far_span out =
        far_open(d, rows, far_area(queries ? group->n_queries : group->n_keys, cols), OPERANDS);
    cpu->ops->head_bias(cpu, group, queries, cols, far_floats(d, bias), stride, out.f);
    far_shut(&out);
}

static inline void far_attend_heads(const struct device *d, const struct head_group *group,
                                    int head_dim, const void *q, const void *kv, void *context,
                                    float *scratch) {
    const struct device *cpu = device_cpu();
    bool by_token = group->query_token != NULL;
    struct far_span ask = far_open(
        d, q, far_area(by_token ? group->n_queries : group->n_keys, (by_token ? 1 : 3) * head_dim),
        OPERANDS);
    struct far_span asked = far_open(d, kv, far_area(group->n_keys, 2 * head_dim), OPERANDS);
    struct far_span out = far_open(d, context, far_area(group->n_queries, head_dim), OPERANDS);
    cpu->ops->attend_heads(cpu, group, head_dim, ask.f, asked.f, out.f, far_floats(d, scratch));
    far_shut(&asked);
    far_shut(&ask);
    far_shut(&out);
}

static inline void far_scatter(const struct device *d, const struct device_chunk *chunk,
                               const struct head_group *group, int dim, const float *back,
                               float *x) {
    const struct device *cpu = device_cpu();
    struct device_chunk whole = far_whole(chunk);
    cpu->ops->scatter(cpu, &whole, group, dim, far_floats(d, back), far_floats(d, x));
}

static inline void far_weights_pack(const struct device *d, const float *weights, size_t n,
                                    void *operands) {
    struct device_matrix whole = {weights, (int)n, false, WEIGHTS};
    float *seen = far_read(d, &whole, 1, (int)n);
    struct far_span out = far_open(d, operands, n, OPERANDS);
    memcpy(out.f, seen, n * sizeof *seen);
    far_shut(&out);
    free(seen);
}

/* In bfloat16, as a card does. */
static inline bool far_takes_chosen(const struct device *d, const struct model_config *config,
                                    int tokens) {
    (void)config;
    (void)tokens;
    return d->precision == PRECISION_BF16;
}

/* A call of the chosen heads with everything translated, and what it holds open. */
struct far_chosen {
    struct device_chosen near;
    struct far_span norm, qkv, context;
    float *qkv_weight, *o_weight;
    struct device_chunk whole;
};

static inline void far_chosen_begin(const struct device *d, const struct device_chunk *chunk,
                                    const struct device_chosen *c, struct far_chosen *out) {
    int width = c->heads * c->head_dim;
    struct device_matrix qkv = {c->qkv_weight, c->dim, false, WEIGHTS},
                         o = {c->o_weight, c->dim, false, WEIGHTS};
    out->near = *c;
    out->whole = far_whole(chunk);
    out->near.gates = far_floats(d, c->gates);
    out->near.qkv_bias = far_floats(d, c->qkv_bias);
    out->near.o_bias = far_floats(d, c->o_bias);
    out->near.x = far_floats(d, c->x);
    out->near.scratch = far_floats(d, c->scratch);
    out->norm = far_open(d, c->norm, far_rows(chunk, c->dim), OPERANDS);
    out->qkv = far_open(d, c->qkv, far_rows(chunk, 3 * width), OPERANDS);
    out->context = far_open(d, c->context, far_rows(chunk, width), OPERANDS);
    out->qkv_weight = far_read(d, &qkv, 3 * width, c->dim);
    out->o_weight = far_read(d, &o, width, c->dim);
    out->near.norm = out->norm.f;
    out->near.qkv = out->qkv.f;
    out->near.context = out->context.f;
    out->near.qkv_weight = out->qkv_weight;
    out->near.o_weight = out->o_weight;
}

static inline void far_chosen_end(struct far_chosen *c) {
    far_shut(&c->norm);
    far_shut(&c->qkv);
    far_shut(&c->context);
    free(c->qkv_weight);
    free(c->o_weight);
}

/* Tells who listens of the products of the inputs and heads that ran. */
static inline void far_observe_chosen(const struct device *d, const struct far_chosen *c, int n,
                                      int k) {
    const struct far_state *f = far_of(d);
    for (int i = 0; f->observe && i < c->whole.batch.n_samples * c->near.heads; i++) {
        const int32_t *offset = c->whole.batch.offsets + i / c->near.heads;
        if (c->near.gates[i] != 0.0f) f->observe(f->context, offset[1] - offset[0], n, k);
    }
}

static inline void far_chosen_qkv(const struct device *d, const struct device_chunk *chunk,
                                  const struct device_chosen *chosen) {
    struct far_chosen c;
    far_chosen_begin(d, chunk, chosen, &c);
    reference_qkv(&c.whole, &c.near);
    far_observe_chosen(d, &c, 3 * chosen->head_dim, chosen->dim);
    far_chosen_end(&c);
}

static inline void far_chosen_map(const struct device *d, const struct device_chunk *chunk,
                                  const struct device_chosen *chosen) {
    struct far_chosen c;
    far_chosen_begin(d, chunk, chosen, &c);
    reference_map(&c.whole, &c.near);
    far_chosen_end(&c);
}

static inline void far_chosen_output(const struct device *d, const struct device_chunk *chunk,
                                     const struct device_chosen *chosen) {
    struct far_chosen c;
    far_chosen_begin(d, chunk, chosen, &c);
    reference_output(&c.whole, &c.near);
    far_observe_chosen(d, &c, chosen->dim, chosen->head_dim);
    far_chosen_end(&c);
}

static inline void far_loss_gradient(const struct device *d, const struct device_chunk *chunk,
                                     int classes, float scale, float *probability) {
    const struct device *cpu = device_cpu();
    struct device_chunk whole = far_whole(chunk);
    cpu->ops->loss_gradient(cpu, &whole, classes, scale, far_floats(d, probability));
}

/* Nothing is put off, but who reads the gradients of parameters must have asked. */
static inline void far_add_sums(const struct device *d) {
    far_of(d)->put_off = false;
}

static inline void far_bias_gradient(const struct device *d, int rows, int cols, const void *dx,
                                     enum element element, float *dbias) {
    const struct device *cpu = device_cpu();
    struct far_span in = far_open(d, dx, far_area(rows, cols), element);
    cpu->ops->bias_gradient(cpu, rows, cols, in.f, NUMBERS, far_floats(d, dbias));
    far_of(d)->put_off = true;
    far_shut(&in);
}

static inline void far_pool_gradient(const struct device *d, const struct device_chunk *chunk,
                                     bool by_token, int dim, const float *dpooled, void *dx,
                                     enum element element) {
    const struct device *cpu = device_cpu();
    struct device_chunk whole = far_whole(chunk);
    struct far_span out = far_open(d, dx, far_rows(chunk, dim), element);
    cpu->ops->pool_gradient(cpu, &whole, by_token, dim, far_floats(d, dpooled), out.f, NUMBERS);
    far_shut(&out);
}

static inline void far_residual_gradient(const struct device *d, const struct device_chunk *chunk,
                                         int dim, const float *dx, const struct device_end *end) {
    const struct device *cpu = device_cpu();
    struct far_span rows = far_open(d, end->branch, far_rows(chunk, dim), OPERANDS);
    struct device_chunk whole = far_whole(chunk);
    struct device_end near = {end->dropout, rows.f, far_floats(d, end->dbias)};
    cpu->ops->residual_gradient(cpu, &whole, dim, far_floats(d, dx), &near);
    far_of(d)->put_off = true;
    far_shut(&rows);
}

static inline void far_norm_again(const struct device *d, int rows, int dim, const float *x,
                                  const struct device_norm *norm) {
    const struct device *cpu = device_cpu();
    struct far_span y;
    struct device_norm near = far_norm_of(d, rows, dim, norm, &y);
    cpu->ops->norm_again(cpu, rows, dim, far_floats(d, x), &near);
    far_shut(&y);
}

static inline void far_norm_gradient(const struct device *d, const struct device_chunk *chunk,
                                     int dim, const float *x, const struct device_norm *norm,
                                     const void *dy, float *dweight, float *dbias, float *dx,
                                     const struct device_end *before) {
    const struct device *cpu = device_cpu();
    struct device_chunk whole = far_whole(chunk);
    struct far_span y, down = far_open(d, dy, far_rows(chunk, dim), OPERANDS);
    struct device_norm near = far_norm_of(d, whole.batch.n_tokens, dim, norm, &y);
    cpu->ops->norm_gradient(cpu, &whole, dim, far_floats(d, x), &near, down.f,
                            far_floats(d, dweight), far_floats(d, dbias), far_floats(d, dx), NULL);
    far_of(d)->put_off = true;
    far_shut(&down);
    far_shut(&y);
    if (before) far_residual_gradient(d, chunk, dim, dx, before);
}

static inline void far_gate_gradient(const struct device *d, const struct device_chunk *chunk,
                                     bool by_token, int heads, int head_dim, const float *gates,
                                     const void *context, void *dcontext, float *dgates) {
    const struct device *cpu = device_cpu();
    struct device_chunk whole = far_whole(chunk);
    struct far_span in = far_open(d, context, far_rows(chunk, heads * head_dim), OPERANDS),
                    down = far_open(d, dcontext, far_rows(chunk, heads * head_dim), OPERANDS);
    cpu->ops->gate_gradient(cpu, &whole, by_token, heads, head_dim, far_floats(d, gates), in.f,
                            down.f, far_floats(d, dgates));
    far_shut(&in);
    far_shut(&down);
}

static inline void far_attend_gradient(const struct device *d, const struct device_chunk *chunk,
                                       const struct device_attention *attention,
                                       const void *dcontext, float *delta, void *dqkv) {
    const struct device *cpu = device_cpu();
    int width = attention->heads * attention->head_dim;
    struct device_chunk whole = far_whole(chunk);
    struct device_attention near = *attention;
    struct far_span qkv = far_open(d, attention->qkv, far_rows(chunk, 3 * width), OPERANDS),
                    context = far_open(d, attention->context, far_rows(chunk, width), OPERANDS),
                    down = far_open(d, dcontext, far_rows(chunk, width), OPERANDS),
                    out = far_open(d, dqkv, far_rows(chunk, 3 * width), OPERANDS);
    near.qkv = qkv.f;
    near.context = context.f;
    near.log_sum = far_floats(d, attention->log_sum);
    near.scratch = far_floats(d, attention->scratch);
    cpu->ops->attend_gradient(cpu, &whole, &near, down.f, far_floats(d, delta), out.f);
    far_shut(&qkv);
    far_shut(&context);
    far_shut(&down);
    far_shut(&out);
}

static inline void far_embed_gradient(const struct device *d, const struct device_chunk *chunk,
                                      const struct device_dropout *dropout, float *dx,
                                      struct parameters *g) {
    const struct device *cpu = device_cpu();
    struct parameters near = far_embeddings(d, g);
    struct device_chunk whole = far_whole(chunk);
    cpu->ops->embed_gradient(cpu, &whole, dropout, far_floats(d, dx), &near);
    for (int i = 0; i < g->n_tensors; i++) {
        const struct tensor *row = &g->tensors[i];
        const float *base = (const float *)(const void *)g->arena.base;
        for (size_t j = 0; row->touched && j < row->count; j++) {
            uint8_t *touched = far_near(d, row->touched);
            if (far_floats(d, base + row->offset)[j] != 0.0f)
                touched[j / (size_t)g->config.dim] = 1;
        }
    }
}

/* Rows of embeddings that are not marked must be 0. */
static inline void far_check_touched(const struct device *d, int n_tensors,
                                     const struct adamw_tensor *tensor, const float *g) {
    for (int i = 0; i < n_tensors; i++)
        for (size_t j = 0; tensor[i].touched && j < tensor[i].count; j++) {
            const uint8_t *touched = far_near(d, tensor[i].touched);
            if (!touched[j / (size_t)tensor[i].dim])
                assert_true(far_floats(d, g)[tensor[i].offset + j] == 0.0f);
        }
}

static inline void far_clear_tensors(const struct device *d, int n_tensors,
                                     const struct adamw_tensor *tensor, float *g) {
    const struct device *cpu = device_cpu();
    far_check_touched(d, n_tensors, tensor, g);
    cpu->ops->clear_tensors(cpu, n_tensors, tensor, far_floats(d, g));
    for (int i = 0; i < n_tensors; i++)
        if (tensor[i].touched)
            memset(far_near(d, tensor[i].touched), 0, tensor[i].count / (size_t)tensor[i].dim);
}

static inline void far_square_sum(const struct device *d, int n_tensors,
                                  const struct adamw_tensor *tensor, const float *g, double *sum) {
    const struct device *cpu = device_cpu();
    assert_false(far_of(d)->put_off);
    far_check_touched(d, n_tensors, tensor, g);
    cpu->ops->square_sum(cpu, n_tensors, tensor, far_floats(d, g), far_near(d, sum));
}

/* A step of `count` numbers from `at` on; g NULL: of gradients that are 0. */
static inline void far_step(const struct device *d, const struct adamw *step, size_t at,
                            size_t count, float size, float keep, const float *g, float *mean,
                            float *square, float *value) {
    const struct device *cpu = device_cpu();
    struct adamw_tensor part = {.count = count, .size = size, .keep = keep};
    struct adamw near = *step;
    float *zero = g ? NULL : calloc(count, sizeof *zero);
    near.n_tensors = 1;
    near.tensor = &part;
    if (step->square_sum) near.square_sum = far_near(d, step->square_sum);
    cpu->ops->adamw(cpu, &near, g ? far_floats(d, g) + at : zero, far_floats(d, mean) + at,
                    far_floats(d, square) + at, far_floats(d, value) + at);
    free(zero);
}

/* The marked rows of a table with `since`, which must not be late; and a note of the step. */
static inline void far_step_rows(const struct device *d, const struct adamw *step,
                                 const struct adamw_tensor *t, const float *g, float *mean,
                                 float *square, float *value) {
    const uint8_t *touched = far_near(d, t->touched);
    int32_t *since = far_near(d, t->since);
    size_t dim = (size_t)t->dim;
    float *past = far_floats(d, step->past) + 2 * step->n_past;
    assert_true(step->n_past < ADAMW_PAST && t->keep == 1.0f);
    past[0] = t->size;
    past[1] = step->epsilon;
    for (size_t row = 0; row < t->count / dim; row++) {
        if (!touched[row]) continue;
        assert_int_equal(since[row], step->n_past);
        far_step(d, step, t->offset + row * dim, dim, t->size, t->keep, g, mean, square, value);
        since[row] = step->n_past + 1;
    }
}

static inline void far_adamw(const struct device *d, const struct adamw *step, const float *g,
                             float *mean, float *square, float *value) {
    assert_false(far_of(d)->put_off);
    for (int i = 0; i < step->n_tensors; i++) {
        const struct adamw_tensor *t = &step->tensor[i];
        if (t->since)
            far_step_rows(d, step, t, g, mean, square, value);
        else
            far_step(d, step, t->offset, t->count, t->size, t->keep, g, mean, square, value);
        const struct far_weights *w = far_weights_at(d, value + t->offset);
        if (w) far_see(d, w, (size_t)(value - w->weights) + t->offset, t->count);
    }
}

/* Whether a table with `since` is that of tokens, whose rows a chunk names; of the others a chunk
 * has all rows made up for, which it may. */
static inline bool far_reads(const struct device_chunk *chunk, const struct parameters *p,
                             const float *table, size_t row) {
    const struct far_chunk *own = chunk->own;
    if (table != p->token) return true;
    for (int i = 0; i < own->batch.n_tokens; i++)
        if ((size_t)own->batch.tokens[i] == row) return true;
    return false;
}

static inline void far_adamw_late(const struct device *d, const struct adamw *step,
                                  const struct device_chunk *chunk, const struct parameters *p,
                                  float *mean, float *square) {
    float *value = (float *)(void *)p->arena.base;
    const float *past = far_floats(d, step->past);
    for (int i = 0; i < step->n_tensors; i++) {
        const struct adamw_tensor *t = &step->tensor[i];
        size_t dim = (size_t)t->dim;
        int32_t *since = t->since ? far_near(d, t->since) : NULL;
        for (size_t row = 0; since && row < t->count / dim; row++) {
            if (chunk && !far_reads(chunk, p, value + t->offset, row)) continue;
            for (; since[row] < step->n_past; since[row]++) {
                struct adamw then = {.beta1 = step->beta1,
                                     .beta2 = step->beta2,
                                     .epsilon = past[2 * since[row] + 1]};
                far_step(d, &then, t->offset + row * dim, dim, past[2 * since[row]], 1.0f, NULL,
                         mean, square, value);
            }
            if (!chunk) since[row] = 0;
        }
    }
}

#endif
