/*
 * The device that is always there: this room's kernels, called for one input and one head after the
 * other. A call works on a chunk whose activations stay in cache (batch.h), so the engine asks for
 * one head at a time and one chunk after the other; more at once is computed as well.
 */
#include "models/cpu/gemm.h"
#include "models/cpu/kernels.h"
#include "models/parameters.h"

#include <stdlib.h>
#include <string.h>

static bool allocate(const struct device *d, size_t bytes, void **out, struct error *error) {
    (void)d;
    *out = calloc(1, bytes);
    return *out || error_set(error, "out of memory for %zu bytes", bytes);
}

static void release(const struct device *d, void *memory, size_t bytes) {
    (void)d;
    (void)bytes;
    free(memory);
}

static void move(const struct device *d, void *to, const void *from, size_t bytes) {
    (void)d;
    memmove(to, from, bytes);
}

static void clear(const struct device *d, void *memory, size_t bytes) {
    (void)d;
    memset(memory, 0, bytes);
}

static void wait(const struct device *d) {
    (void)d;
}

static bool ok(const struct device *d, struct error *error) {
    (void)d;
    (void)error;
    return true;
}

static bool chunk_new(const struct device *d, const struct model_config *config, int samples,
                      int tokens, int length, struct device_chunk *out, struct error *error) {
    (void)d;
    (void)config;
    (void)samples;
    (void)tokens;
    (void)length;
    (void)error;
    *out = (struct device_chunk){0};
    return true;
}

static void chunk_put(const struct device *d, struct device_chunk *chunk) {
    (void)d;
    chunk->ids = chunk->batch.ids;
}

static void chunk_free(const struct device *d, struct device_chunk *chunk) {
    (void)d;
    (void)chunk;
}

static bool weights_new(const struct device *d, const float *weights, size_t n,
                        struct error *error) {
    (void)d;
    (void)weights;
    (void)n;
    (void)error;
    return true;
}

static void weights_changed(const struct device *d, const float *weights) {
    (void)d;
    (void)weights;
}

static void weights_pack(const struct device *d, const float *weights, size_t n, void *operands) {
    (void)d;
    memcpy(operands, weights, n * sizeof *weights);
}

static const struct policy_device_form *form(const struct policy_ops *policy) {
    (void)policy;
    return NULL;
}

/* The product, then what follows it: the result is in cache, or as near to it as it can be. */
static void multiply(const struct device *d, int n, const struct device_product *product) {
    (void)d;
    for (int i = 0; i < n; i++) {
        const struct device_product *p = &product[i];
        struct matrix a = {p->a.data, p->a.ld, p->a.transposed};
        struct matrix b = {p->b.data, p->b.ld, p->b.transposed};
        float *c = p->epilogue == GELU ? p->pre : p->c;
        gemm(NULL, FLOP_FFN, p->m, p->n, p->k, 1.0f, a, b, p->adds ? 1.0f : 0.0f, c, p->ldc);
        if (p->epilogue == GELU)
            gelu_forward(p->m, p->n, p->bias, c, p->c);
        else if (p->bias)
            bias_forward(p->m, p->n, p->bias, c);
        if (p->epilogue == GELU_GRADIENT)
            gelu_backward((size_t)p->m * (size_t)p->n, p->pre, p->again, c);
    }
}

/* The masks of the chunks that the CPU would make of this one, which most often is one itself. */
static void drop(const struct device_chunk *chunk, const struct device_dropout *dropout, int dim,
                 float *x) {
    const struct batch *batch = &chunk->batch;
    uint64_t number = (uint64_t)chunk->number;
    if (dropout->p <= 0.0) return;
    for (int first = 0; first < batch->n_samples; number++) {
        int end = batch_chunk_end(batch, first, chunk->chunk_tokens);
        size_t from = (size_t)batch->offsets[first], to = (size_t)batch->offsets[end];
        dropout_apply(&dropout->rng, number << 48 | dropout->counter, dropout->p,
                      (to - from) * (size_t)dim, x + from * (size_t)dim);
        first = end;
    }
}

static void embed(const struct device *d, const struct device_chunk *chunk,
                  const struct parameters *p, const struct device_dropout *dropout, float *x) {
    (void)d;
    embedding_forward(p, &chunk->batch, x);
    drop(chunk, dropout, p->config.dim, x);
}

static void norm(const struct device *d, int rows, int dim, const float *x,
                 const struct device_norm *n) {
    (void)d;
    layernorm_forward(rows, dim, x, n->weight, n->bias, n->eps, n->y, n->mean, n->rstd);
}

static void bias(const struct device *d, int rows, int cols, const float *value, void *x,
                 enum element element) {
    (void)d;
    (void)element;
    bias_forward(rows, cols, value, x);
}

/* Rows of one input and one head in the arrays of all of them. */
struct place {
    size_t qkv, context, log_sum;
    int n;
};

static struct place place_of(const struct device_chunk *chunk, const struct device_attention *a,
                             int b, int h) {
    size_t first = (size_t)chunk->batch.offsets[b], d = (size_t)a->head_dim;
    size_t width = (size_t)a->heads * d;
    return (struct place){first * 3 * width, first * width + (size_t)h * d,
                          (size_t)h * (size_t)chunk->batch.n_tokens + first,
                          chunk->batch.offsets[b + 1] - chunk->batch.offsets[b]};
}

static void attend(const struct device *d, const struct device_chunk *chunk,
                   const struct device_attention *a) {
    (void)d;
    for (int b = 0; b < chunk->batch.n_samples; b++)
        for (int h = 0; h < a->heads; h++) {
            struct place at = place_of(chunk, a, b, h);
            struct attention head = attention_of_head((const float *)a->qkv + at.qkv, at.n,
                                                      a->heads, a->head_dim, h, a->scratch);
            attention_forward(&head, (float *)a->context + at.context,
                              a->log_sum ? a->log_sum + at.log_sum : NULL);
        }
}

static void attend_gradient(const struct device *d, const struct device_chunk *chunk,
                            const struct device_attention *a, const void *dcontext, float *delta,
                            void *dqkv) {
    (void)d;
    size_t width = (size_t)a->heads * (size_t)a->head_dim;
    for (int b = 0; b < chunk->batch.n_samples; b++)
        for (int h = 0; h < a->heads; h++) {
            struct place at = place_of(chunk, a, b, h);
            const float *out = (const float *)a->context + at.context;
            const float *dout = (const float *)dcontext + at.context;
            float *dq = (float *)dqkv + at.qkv + 3 * (size_t)h * (size_t)a->head_dim;
            for (int i = 0; i < at.n; i++) { /* delta_i = <out_i, dout_i> */
                const float *value = out + (size_t)i * width, *grad = dout + (size_t)i * width;
                float dot = 0.0f;
#pragma omp simd reduction(+ : dot)
                for (int j = 0; j < a->head_dim; j++) dot += value[j] * grad[j];
                delta[i] = dot;
            }
            struct attention head = attention_of_head((const float *)a->qkv + at.qkv, at.n,
                                                      a->heads, a->head_dim, h, a->scratch);
            attention_backward(&head, a->log_sum + at.log_sum, delta, dout, dq, dq + a->head_dim,
                               dq + 2 * (size_t)a->head_dim);
        }
}

static void gate(const struct device *d, const struct device_chunk *chunk, bool by_token, int heads,
                 int head_dim, const float *gates, const void *context, void *gated) {
    (void)d;
    gates_forward(&chunk->batch, by_token, heads, head_dim, gates, context, gated);
}

static void gate_gradient(const struct device *d, const struct device_chunk *chunk, bool by_token,
                          int heads, int head_dim, const float *gates, const void *context,
                          void *dcontext, float *dgates) {
    (void)d;
    gates_backward(&chunk->batch, by_token, heads, head_dim, gates, context, dcontext, dgates);
}

static void residual(const struct device *d, const struct device_chunk *chunk, int dim,
                     const float *value, const struct device_dropout *dropout, void *branch,
                     const float *x, float *out, const struct device_norm *next) {
    float *added = branch;
    size_t n = (size_t)chunk->batch.n_tokens * (size_t)dim;
    bias_forward(chunk->batch.n_tokens, dim, value, added);
    drop(chunk, dropout, dim, added);
#pragma omp simd
    for (size_t i = 0; i < n; i++) out[i] = x[i] + added[i];
    if (next) norm(d, chunk->batch.n_tokens, dim, out, next);
}

static void residual_gradient(const struct device *d, const struct device_chunk *chunk, int dim,
                              const float *dx, const struct device_end *end) {
    (void)d;
    memcpy(end->branch, dx, (size_t)chunk->batch.n_tokens * (size_t)dim * sizeof *dx);
    drop(chunk, &end->dropout, dim, end->branch);
    bias_backward(chunk->batch.n_tokens, dim, end->branch, end->dbias);
}

static void pool(const struct device *d, const struct device_chunk *chunk, bool by_token, int dim,
                 const void *x, enum element element, float *pooled) {
    (void)d;
    (void)element;
    if (by_token)
        memcpy(pooled, x, (size_t)chunk->batch.n_tokens * (size_t)dim * sizeof *pooled);
    else
        pool_forward(&chunk->batch, dim, x, pooled);
}

static void pool_gradient(const struct device *d, const struct device_chunk *chunk, bool by_token,
                          int dim, const float *dpooled, void *dx, enum element element) {
    (void)d;
    (void)element;
    float *to = dx;
    size_t n = (size_t)chunk->batch.n_tokens * (size_t)dim;
    if (!by_token) {
        pool_backward(&chunk->batch, dim, dpooled, dx);
        return;
    }
#pragma omp simd
    for (size_t i = 0; i < n; i++) to[i] += dpooled[i];
}

static void loss(const struct device *d, const struct device_chunk *chunk, int classes,
                 float *logits, struct device_sums *sums) {
    (void)d;
    sums->loss += cross_entropy_forward(&chunk->batch, classes, logits, &sums->correct);
}

static void loss_gradient(const struct device *d, const struct device_chunk *chunk, int classes,
                          float scale, float *probability) {
    (void)d;
    cross_entropy_backward(&chunk->batch, classes, scale, probability);
}

static void gather(const struct device *d, const struct head_group *group, bool queries, int dim,
                   const void *x, void *rows) {
    (void)d;
    heads_gather(group, queries, dim, x, rows);
}

static void head_bias(const struct device *d, const struct head_group *group, bool queries,
                      int cols, const float *value, int stride, void *rows) {
    (void)d;
    for (int i = 0; i < group->n_segments; i++) {
        const struct head_segment *s = &group->segment[i];
        size_t first = (size_t)(queries ? s->query : s->key);
        bias_forward(queries ? s->n_queries : s->length, cols,
                     value + (size_t)s->head * (size_t)stride,
                     (float *)rows + first * (size_t)cols);
    }
}

static void attend_heads(const struct device *d, const struct head_group *group, int head_dim,
                         const void *q, const void *kv, void *context, float *scratch) {
    (void)d;
    int width = head_dim * (kv ? 1 : 3); /* of a row of `q` */
    for (int i = 0; i < group->n_segments; i++) {
        const struct head_segment *s = &group->segment[i];
        const float *ask = (const float *)q + (size_t)s->query * (size_t)width;
        const float *key =
            kv ? (const float *)kv + (size_t)s->key * 2 * (size_t)head_dim : ask + head_dim;
        struct attention head = {.queries = s->n_queries,
                                 .n = s->length,
                                 .head_dim = head_dim,
                                 .ld_q = width,
                                 .ld_kv = kv ? 2 * head_dim : width,
                                 .ld_out = head_dim,
                                 .q = ask,
                                 .k = key,
                                 .v = key + head_dim,
                                 .scores = scratch};
        attention_forward(&head, (float *)context + (size_t)s->query * (size_t)head_dim, NULL);
    }
    heads_scale(group, head_dim, context);
}

static void scatter(const struct device *d, const struct device_chunk *chunk,
                    const struct head_group *group, int dim, const float *back, float *x) {
    (void)d;
    (void)chunk;
    heads_scatter(group, dim, back, x);
}

static bool takes_chosen(const struct device *d, const struct model_config *config, int tokens) {
    (void)d;
    return heads_fit_in_place(model_most_heads(config), config->head_dim, config->dim, tokens);
}

static void chosen_qkv(const struct device *d, const struct device_chunk *chunk,
                       const struct device_chosen *chosen) {
    (void)d;
    heads_project_in_place(&chunk->batch, chosen);
}

static void chosen_map(const struct device *d, const struct device_chunk *chunk,
                       const struct device_chosen *chosen) {
    (void)d;
    heads_attend_in_place(&chunk->batch, chosen);
}

static void chosen_output(const struct device *d, const struct device_chunk *chunk,
                          const struct device_chosen *chosen) {
    (void)d;
    heads_add_in_place(&chunk->batch, chosen);
    bias_forward(chunk->batch.n_tokens, chosen->dim, chosen->o_bias, chosen->x);
}

static void bias_gradient(const struct device *d, int rows, int cols, const void *dx,
                          enum element element, float *dbias) {
    (void)d;
    (void)element;
    bias_backward(rows, cols, dx, dbias);
}

static void norm_again(const struct device *d, int rows, int dim, const float *x,
                       const struct device_norm *n) {
    (void)d;
    layernorm_again(rows, dim, x, n->weight, n->bias, n->mean, n->rstd, n->y);
}

static void norm_gradient(const struct device *d, const struct device_chunk *chunk, int dim,
                          const float *x, const struct device_norm *n, const void *dy,
                          float *dweight, float *dbias, float *dx,
                          const struct device_end *before) {
    layernorm_backward(chunk->batch.n_tokens, dim, x, n->weight, n->mean, n->rstd, dy, dweight,
                       dbias, dx);
    if (before) residual_gradient(d, chunk, dim, dx, before);
}

static void embed_gradient(const struct device *d, const struct device_chunk *chunk,
                           const struct device_dropout *dropout, float *dx, struct parameters *g) {
    (void)d;
    drop(chunk, dropout, g->config.dim, dx);
    embedding_backward(g, &chunk->batch, dx);
}

static void clear_tensors(const struct device *d, int n_tensors, const struct adamw_tensor *tensor,
                          float *g) {
    (void)d;
    tensors_clear(n_tensors, tensor, g);
}

static void square_sum(const struct device *d, int n_tensors, const struct adamw_tensor *tensor,
                       const float *g, double *sum) {
    (void)d;
    *sum += tensors_square_sum(n_tensors, tensor, g);
}

static void adamw(const struct device *d, const struct adamw *step, const float *g, float *mean,
                  float *square, float *value) {
    (void)d;
    tensors_adamw(step, g, mean, square, value);
}

static const struct device_ops ops = {
    .allocate = allocate,
    .release = release,
    .upload = move,
    .download = move,
    .copy = move,
    .clear = clear,
    .wait = wait,
    .ok = ok,
    .close = wait,
    .chunk_new = chunk_new,
    .chunk_put = chunk_put,
    .chunk_free = chunk_free,
    .weights_new = weights_new,
    .weights_load = weights_changed,
    .weights_free = weights_changed,
    .weights_pack = weights_pack,
    .form = form,
    .multiply = multiply,
    .embed = embed,
    .norm = norm,
    .bias = bias,
    .attend = attend,
    .gate = gate,
    .residual = residual,
    .pool = pool,
    .loss = loss,
    .gather = gather,
    .head_bias = head_bias,
    .attend_heads = attend_heads,
    .scatter = scatter,
    .takes_chosen = takes_chosen,
    .chosen_qkv = chosen_qkv,
    .chosen_map = chosen_map,
    .chosen_output = chosen_output,
    .loss_gradient = loss_gradient,
    .bias_gradient = bias_gradient,
    .pool_gradient = pool_gradient,
    .residual_gradient = residual_gradient,
    .norm_again = norm_again,
    .norm_gradient = norm_gradient,
    .gate_gradient = gate_gradient,
    .attend_gradient = attend_gradient,
    .embed_gradient = embed_gradient,
    .clear_tensors = clear_tensors,
    .square_sum = square_sum,
    .adamw = adamw,
};

const struct device *device_cpu(void) {
    static const struct device cpu = {.ops = &ops,
                                      .precision = PRECISION_FP32,
                                      .operand_size = sizeof(float),
                                      .is_host = true,
                                      .attention_scratch = ATTENTION_SCRATCH};
    return &cpu;
}
