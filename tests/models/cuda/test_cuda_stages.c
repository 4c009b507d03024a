/*
 * Every entry of a device against the CPU's, on random ragged data of awkward sizes, and twice for
 * the same bits. The far device proves the test where there is no card.
 */
#include "tests/models/chosen_reference.h"
#include "tests/models/cuda/stage.h"

static const struct device_dropout dropout = {
    .rng = {{0x1234567, 0x89abcdef}}, .p = 0.4, .counter = 3 << 8 | 5};
static const struct device_dropout no_dropout = {.rng = {{1, 2}}, .p = 0.0};

/* ---- products ---- */

static struct device_matrix matrix(const void *data, int ld, bool transposed,
                                   enum element element) {
    return (struct device_matrix){data, ld, transposed, element};
}

static struct device_product product_of(int m, int n, int k, struct device_matrix a,
                                        struct device_matrix b, void *c, int ldc,
                                        enum element element, bool adds) {
    return (struct device_product){.m = m,
                                   .n = n,
                                   .k = k,
                                   .a = a,
                                   .b = b,
                                   .c = c,
                                   .ldc = ldc,
                                   .c_element = element,
                                   .adds = adds};
}

/* The products of a layer: of its forward pass, whose result is added to or not, and of both of its
 * gradients; head by head, which are independent; and the classifier's, of numbers. */
static void products(struct stage *s) {
    int tokens = s->batch.n_tokens, dim = s->shape->dim, d = s->shape->head_dim;
    int heads = s->shape->heads, width = heads * d, classes = s->shape->classes;
    const void *x = stage_array(s, "x", IN, OPERANDS, stage_tokens(s, dim));
    const float *w = stage_weights(s, "W", (size_t)width * (size_t)dim);
    void *y = stage_array(s, "x W'", OUT, OPERANDS, stage_tokens(s, width));
    void *added = stage_array(s, "+= x W'", ADDED, NUMBERS, stage_tokens(s, width));
    void *dx = stage_array(s, "y W", OUT, NUMBERS, stage_tokens(s, dim));
    void *dw = stage_array(s, "dW += y' x", ADDED, NUMBERS, (size_t)width * (size_t)dim);
    const void *dy = stage_array(s, "dy", IN, OPERANDS, stage_tokens(s, width));
    void *apart = stage_array(s, "by head", OUT, OPERANDS, stage_tokens(s, width));
    const float *pooled = stage_array(s, "pooled", IN, OPERANDS, stage_samples(s, dim));
    const float *head = stage_weights(s, "classifier", (size_t)classes * (size_t)dim);
    void *logits = stage_array(s, "logits", OUT, NUMBERS, stage_samples(s, classes));
    struct device_product one[] = {
        product_of(tokens, width, dim, matrix(x, dim, false, OPERANDS),
                   matrix(w, dim, true, WEIGHTS), y, width, OPERANDS, false),
        product_of(tokens, width, dim, matrix(x, dim, false, OPERANDS),
                   matrix(w, dim, true, WEIGHTS), added, width, NUMBERS, true),
        product_of(tokens, dim, width, matrix(dy, width, false, OPERANDS),
                   matrix(w, dim, false, WEIGHTS), dx, dim, NUMBERS, false),
        product_of(width, dim, tokens, matrix(dy, width, true, OPERANDS),
                   matrix(x, dim, false, OPERANDS), dw, dim, NUMBERS, true),
        product_of(s->batch.n_samples, classes, dim, matrix(pooled, dim, false, OPERANDS),
                   matrix(head, dim, true, WEIGHTS), logits, classes, NUMBERS, false),
    };
    for (size_t i = 0; i < sizeof one / sizeof *one; i++) s->d->ops->multiply(s->d, 1, &one[i]);
    struct device_product by_head[8];
    for (int h = 0; h < heads; h++) /* columns h d .. of the same, from slab h of W */
        by_head[h] = product_of(tokens, d, dim, matrix(x, dim, false, OPERANDS),
                                matrix(w + (size_t)(h * d) * (size_t)dim, dim, true, WEIGHTS),
                                operand_at(s->d, apart, (size_t)(h * d)), width, OPERANDS, false);
    s->d->ops->multiply(s->d, heads, by_head);
}

/* Products of unequal sizes in one call, some of nothing, and of numbers that are no operands. */
static void products_of_unequal_sizes(struct stage *s) {
    int dim = s->shape->dim, n = s->shape->n_samples, at = 0;
    struct device_product product[6];
    const float *w = stage_weights(s, "W", (size_t)dim * (size_t)dim);
    const void *x = stage_array(s, "x", IN, OPERANDS, stage_tokens(s, dim));
    void *y = stage_array(s, "y", ADDED, NUMBERS, stage_tokens(s, dim));
    for (int b = 0; b < n; b++) {
        int rows = b == 1 ? 0 : s->shape->lengths[b];
        product[b] =
            product_of(rows, dim, dim,
                       matrix(operand_at(s->d, x, (size_t)at * (size_t)dim), dim, false, OPERANDS),
                       matrix(w, dim, false, WEIGHTS), (float *)y + (size_t)at * (size_t)dim, dim,
                       NUMBERS, b > 2);
        at += s->shape->lengths[b];
    }
    s->d->ops->multiply(s->d, n, product);
    s->d->ops->multiply(s->d, 0, product);
    int classes = s->shape->classes;
    const float *up = stage_array(s, "dlogits", IN, NUMBERS, stage_samples(s, classes));
    const float *pooled = stage_array(s, "pooled", IN, NUMBERS, stage_samples(s, dim));
    float *dw = stage_array(s, "dW", ADDED, NUMBERS, (size_t)classes * (size_t)dim);
    const struct device_product plain =
        product_of(classes, dim, n, matrix(up, classes, true, NUMBERS),
                   matrix(pooled, dim, false, NUMBERS), dw, dim, NUMBERS, true);
    s->d->ops->multiply(s->d, 1, &plain);
}

/* ---- embeddings ---- */

/* Tables of the embeddings in device memory. */
static struct parameters embeddings(struct stage *s, enum role role) {
    size_t dim = (size_t)s->shape->dim;
    struct parameters p = {.config = s->config};
    p.token = stage_array(s, "token", role, NUMBERS, (size_t)s->config.vocab * dim);
    p.position = stage_array(s, "position", role, NUMBERS, (size_t)s->config.max_len * dim);
    p.segment = stage_array(s, "segment", role, NUMBERS, 2 * dim);
    p.bigram = stage_array(s, "bigram", role, NUMBERS, (size_t)s->config.bigrams * dim);
    return p;
}

static void embed(struct stage *s) {
    struct parameters p = embeddings(s, IN);
    float *x = stage_array(s, "x", OUT, NUMBERS, stage_tokens(s, s->shape->dim));
    float *all = stage_array(s, "x, not dropped", OUT, NUMBERS, stage_tokens(s, s->shape->dim));
    s->d->ops->embed(s->d, &s->chunk, &p, &dropout, x);
    s->d->ops->embed(s->d, &s->chunk, &p, &no_dropout, all);
    float *tokens = stage_array(s, "tokens alone", OUT, NUMBERS, stage_tokens(s, s->shape->dim));
    p.position = p.segment = p.bigram = NULL;
    s->d->ops->embed(s->d, &s->chunk, &p, &no_dropout, tokens);
}

static void embed_gradient(struct stage *s) {
    struct parameters g = embeddings(s, ADDED);
    float *dx = stage_array(s, "dx", SPENT, NUMBERS, stage_tokens(s, s->shape->dim));
    s->d->ops->embed_gradient(s->d, &s->chunk, &dropout, dx, &g);
    float *again = stage_array(s, "dx", SPENT, NUMBERS, stage_tokens(s, s->shape->dim));
    g.position = g.segment = g.bigram = NULL;
    s->d->ops->embed_gradient(s->d, &s->chunk, &no_dropout, again, &g);
}

/* ---- LayerNorm, biases, what follows a product ---- */

static void norm(struct stage *s) {
    int rows = s->batch.n_tokens, dim = s->shape->dim;
    const float *x = stage_array(s, "x", IN, NUMBERS, stage_tokens(s, dim));
    const float *weight = stage_array(s, "weight", IN, NUMBERS, (size_t)dim);
    const float *bias = stage_array(s, "bias", IN, NUMBERS, (size_t)dim);
    void *y = stage_array(s, "y", OUT, OPERANDS, stage_tokens(s, dim));
    void *alone = stage_array(s, "y alone", OUT, OPERANDS, stage_tokens(s, dim));
    void *again = stage_array(s, "y again", OUT, OPERANDS, stage_tokens(s, dim));
    float *mean = stage_array(s, "mean", OUT, NUMBERS, stage_tokens(s, 1));
    float *rstd = stage_array(s, "rstd", OUT, NUMBERS, stage_tokens(s, 1));
    struct device_norm kept = {weight, bias, 1e-5, y, mean, rstd};
    struct device_norm not_kept = {weight, bias, 1e-5, alone, NULL, NULL};
    s->d->ops->norm(s->d, rows, dim, x, &kept);
    s->d->ops->norm(s->d, rows, dim, x, &not_kept);
    const void *dy = stage_array(s, "dy", IN, OPERANDS, stage_tokens(s, dim));
    float *dweight = stage_array(s, "dweight", ADDED, NUMBERS, (size_t)dim);
    float *dbias = stage_array(s, "dbias", ADDED, NUMBERS, (size_t)dim);
    float *dx = stage_array(s, "dx", ADDED, NUMBERS, stage_tokens(s, dim));
    s->d->ops->norm_gradient(s->d, &s->chunk, dim, x, &kept, dy, dweight, dbias, dx, NULL);
    kept.y = again;
    if (s->d->ops->norm_again)
        s->d->ops->norm_again(s->d, rows, dim, x, &kept);
    else
        s->d->ops->norm(s->d, rows, dim, x, &kept);
}

/* The gradient goes on through the end of the sublayer before, whose branch lies where dy was. */
static void norm_gradient(struct stage *s) {
    int dim = s->shape->dim;
    const float *x = stage_array(s, "x", IN, NUMBERS, stage_tokens(s, dim));
    const float *weight = stage_array(s, "weight", IN, NUMBERS, (size_t)dim);
    void *y = stage_array(s, "y", OUT, OPERANDS, stage_tokens(s, dim));
    float *mean = stage_array(s, "mean", OUT, NUMBERS, stage_tokens(s, 1));
    float *rstd = stage_array(s, "rstd", OUT, NUMBERS, stage_tokens(s, 1));
    struct device_norm norm = {weight, weight, 1e-5, y, mean, rstd};
    s->d->ops->norm(s->d, s->batch.n_tokens, dim, x, &norm);
    for (int i = 0; i < 2; i++) {
        void *branch = stage_array(s, "dbranch", ADDED, OPERANDS, stage_tokens(s, dim));
        float *dweight = stage_array(s, "dweight", ADDED, NUMBERS, (size_t)dim);
        float *dbias = stage_array(s, "dbias", ADDED, NUMBERS, (size_t)dim);
        float *dx = stage_array(s, "dx", ADDED, NUMBERS, stage_tokens(s, dim));
        float *dbranch_bias = stage_array(s, "dbias of branch", ADDED, NUMBERS, (size_t)dim);
        struct device_end before = {i == 0 ? dropout : no_dropout, branch, dbranch_bias};
        s->d->ops->norm_gradient(s->d, &s->chunk, dim, x, &norm, branch, dweight, dbias, dx,
                                 &before);
    }
}

static void biases(struct stage *s) {
    int rows = s->batch.n_tokens, cols = s->shape->dim;
    const float *bias = stage_array(s, "bias", IN, NUMBERS, (size_t)cols);
    float *x = stage_array(s, "numbers", ADDED, NUMBERS, stage_tokens(s, cols));
    void *y = stage_array(s, "operands", ADDED, OPERANDS, stage_tokens(s, cols));
    s->d->ops->bias(s->d, rows, cols, bias, x, NUMBERS);
    s->d->ops->bias(s->d, rows, cols, bias, y, OPERANDS);
    float *of_numbers = stage_array(s, "of numbers", ADDED, NUMBERS, (size_t)cols);
    float *of_operands = stage_array(s, "of operands", ADDED, NUMBERS, (size_t)cols);
    s->d->ops->bias_gradient(s->d, rows, cols, x, NUMBERS, of_numbers);
    s->d->ops->bias_gradient(s->d, rows, cols, y, OPERANDS, of_operands);
}

/* What follows a product: its bias, into operands and into the stream; GELU, with what it was made
 * of and without; and its gradient, from kept numbers and from both. */
static void epilogues(struct stage *s) {
    int rows = s->batch.n_tokens, dim = s->shape->dim, cols = s->shape->heads * s->shape->head_dim;
    size_t size = stage_tokens(s, cols);
    const void *x = stage_array(s, "x", IN, OPERANDS, stage_tokens(s, dim));
    const float *w = stage_weights(s, "W", (size_t)(cols + 1) * (size_t)dim);
    const float *bias = stage_weights(s, "bias", (size_t)cols);
    void *pre = stage_array(s, "pre", OUT, OPERANDS, size);
    struct device_product p =
        product_of(rows, cols, dim, matrix(x, dim, false, OPERANDS), matrix(w, dim, true, WEIGHTS),
                   NULL, cols, OPERANDS, false);
    p.bias = bias;
    p.c = stage_array(s, "x W' + b", OUT, OPERANDS, size);
    s->d->ops->multiply(s->d, 1, &p);
    p.c = p.pre = stage_array(s, "gelu, nothing kept", OUT, OPERANDS, size);
    p.epilogue = GELU;
    s->d->ops->multiply(s->d, 1, &p);
    p.c = stage_array(s, "gelu", OUT, OPERANDS, size);
    p.pre = pre;
    s->d->ops->multiply(s->d, 1, &p);
    p.epilogue = GELU_GRADIENT;
    p.bias = NULL;
    p.c = stage_array(s, "gelu'", OUT, OPERANDS, size);
    p.again = stage_array(s, "gelu again", OUT, OPERANDS, size);
    s->d->ops->multiply(s->d, 1, &p);
    p.c = stage_array(s, "gelu', gelu kept", OUT, OPERANDS, size);
    p.again = stage_array(s, "gelu not needed", SPENT, OPERANDS, size);
    if (s->d->keeps_operands) p.again = NULL;
    s->d->ops->multiply(s->d, 1, &p);
    p = product_of(rows, cols, dim, p.a, matrix(w, cols, false, WEIGHTS),
                   stage_array(s, "+= x W + b", ADDED, NUMBERS, size), cols, NUMBERS, true);
    p.bias = bias;
    s->d->ops->multiply(s->d, 1, &p);
}

/* ---- residuals, pooling, loss ---- */

static void residual(struct stage *s) {
    int dim = s->shape->dim;
    const float *bias = stage_array(s, "bias", IN, NUMBERS, (size_t)dim);
    const float *x = stage_array(s, "x", IN, NUMBERS, stage_tokens(s, dim));
    for (int i = 0; i < 2; i++) {
        const struct device_dropout *mask = i == 0 ? &dropout : &no_dropout;
        void *branch = stage_array(s, "branch", SPENT, OPERANDS, stage_tokens(s, dim));
        float *out = stage_array(s, "out", OUT, NUMBERS, stage_tokens(s, dim));
        float *mean = stage_array(s, "mean", OUT, NUMBERS, stage_tokens(s, 1));
        float *rstd = stage_array(s, "rstd", OUT, NUMBERS, stage_tokens(s, 1));
        void *y = stage_array(s, "next norm", OUT, OPERANDS, stage_tokens(s, dim));
        struct device_norm next = {bias, bias, 1e-5, y, mean, rstd};
        s->d->ops->residual(s->d, &s->chunk, dim, bias, mask, branch, x, out, &next);
        void *down = stage_array(s, "dbranch", OUT, OPERANDS, stage_tokens(s, dim));
        float *dbias = stage_array(s, "dbias", ADDED, NUMBERS, (size_t)dim);
        struct device_end end = {*mask, down, dbias};
        s->d->ops->residual_gradient(s->d, &s->chunk, dim, x, &end);
        branch = stage_array(s, "branch", SPENT, OPERANDS, stage_tokens(s, dim));
        out = stage_array(s, "out alone", OUT, NUMBERS, stage_tokens(s, dim));
        s->d->ops->residual(s->d, &s->chunk, dim, bias, mask, branch, x, out, NULL);
    }
}

static void pool(struct stage *s) {
    int dim = s->shape->dim;
    for (int by_token = 0; by_token < 2; by_token++)
        for (enum element e = NUMBERS; e <= OPERANDS; e++) {
            size_t rows = by_token ? stage_tokens(s, dim) : stage_samples(s, dim);
            const void *x = stage_array(s, "x", IN, e, stage_tokens(s, dim));
            float *pooled = stage_array(s, "pooled", OUT, NUMBERS, rows);
            s->d->ops->pool(s->d, &s->chunk, by_token, dim, x, e, pooled);
            const float *down = stage_array(s, "dpooled", IN, NUMBERS, rows);
            void *dx = stage_array(s, "dx", ADDED, e, stage_tokens(s, dim));
            s->d->ops->pool_gradient(s->d, &s->chunk, by_token, dim, down, dx, e);
        }
}

/* Logits that are whole numbers, so that many of an input's are equal: the first of the largest
 * counts. The sums become an array that can be compared. */
static void loss(struct stage *s) {
    int classes = s->shape->classes;
    size_t n = stage_samples(s, classes);
    struct error error;
    void *sums = NULL;
    struct device_sums both;
    float *whole = malloc(n * sizeof *whole);
    assert_non_null(whole);
    stage_draw(s, NUMBERS, n, whole);
    for (size_t i = 0; i < n; i++) whole[i] = roundf(2 * whole[i]);
    float *logits = stage_array_of(s, "probability", ADDED, NUMBERS, n, whole);
    free(whole);
    assert_true(s->d->ops->allocate(s->d, sizeof both, &sums, &error));
    s->d->ops->clear(s->d, sums, sizeof both);
    s->d->ops->loss(s->d, &s->chunk, classes, logits, sums);
    s->d->ops->download(s->d, &both, sums, sizeof both);
    s->d->ops->release(s->d, sums, sizeof both);
    float result[] = {(float)both.loss, (float)both.correct};
    stage_array_of(s, "loss", ADDED, NUMBERS, 1, &result[0]);
    stage_array_of(s, "correct", ADDED, NUMBERS, 1, &result[1]);
    float *down = stage_array(s, "dlogits", ADDED, NUMBERS, n);
    s->d->ops->loss_gradient(s->d, &s->chunk, classes, 0.25f, down);
}

/* ---- attention and gates ---- */

static void attention(struct stage *s) {
    int heads = s->shape->heads, width = heads * s->shape->head_dim;
    struct device_attention a = {heads, s->shape->head_dim, NULL, NULL, NULL, NULL};
    a.qkv = stage_array(s, "qkv", IN, OPERANDS, stage_tokens(s, 3 * width));
    a.context = stage_array(s, "context, nothing kept", OUT, OPERANDS, stage_tokens(s, width));
    a.scratch = stage_array(s, "scratch", SPENT, NUMBERS, s->d->attention_scratch);
    s->d->ops->attend(s->d, &s->chunk, &a);
    a.context = stage_array(s, "context", OUT, OPERANDS, stage_tokens(s, width));
    a.log_sum = stage_array(s, "log sum", OUT, NUMBERS, stage_tokens(s, heads));
    s->d->ops->attend(s->d, &s->chunk, &a);
    const void *down = stage_array(s, "dcontext", IN, OPERANDS, stage_tokens(s, width));
    float *delta = stage_array(s, "delta", SPENT, NUMBERS, stage_tokens(s, 1));
    void *dqkv = stage_array(s, "dqkv", OUT, OPERANDS, stage_tokens(s, 3 * width));
    s->d->ops->attend_gradient(s->d, &s->chunk, &a, down, delta, dqkv);
}

static void gates(struct stage *s) {
    int heads = s->shape->heads, d = s->shape->head_dim, width = heads * d;
    for (int by_token = 0; by_token < 2; by_token++) {
        size_t n = by_token ? stage_tokens(s, heads) : stage_samples(s, heads);
        const float *a = stage_array(s, "gates", IN, NUMBERS, n);
        const void *context = stage_array(s, "context", IN, OPERANDS, stage_tokens(s, width));
        void *gated = stage_array(s, "gated", OUT, OPERANDS, stage_tokens(s, width));
        s->d->ops->gate(s->d, &s->chunk, by_token, heads, d, a, context, gated);
        void *down = stage_array(s, "dcontext", ADDED, OPERANDS, stage_tokens(s, width));
        float *da = stage_array(s, "dgates", OUT, NUMBERS, n);
        s->d->ops->gate_gradient(s->d, &s->chunk, by_token, heads, d, a, context, down, da);
    }
}

/* ---- the chosen heads alone ---- */

enum { SEGMENTS_MAX = 48, QUERIES_MAX = 16384 };

/* A group of all heads of a layer: head 1 is chosen by nobody, the others by some. */
struct chosen {
    struct head_group group;
    struct head_segment segment[SEGMENTS_MAX];
    int32_t query_token[QUERIES_MAX];
    float gate[QUERIES_MAX];
};

static float some_gate(const struct rng *rng, int i) {
    return i % 3 == 0 ? 1.0f : (float)rng_uniform(rng, 3, (uint64_t)i) + 0.1f;
}

static void choose(const struct stage *s, bool by_token, struct chosen *c) {
    struct rng rng = rng_stream(55, RNG_GENERATOR);
    struct head_group *g = &c->group;
    *g = (struct head_group){.n = s->shape->heads, .segment = c->segment, .gate = c->gate};
    for (int h = 0; h < g->n; h++)
        for (int b = 0; b < s->batch.n_samples; b++) {
            int from = s->offsets[b], end = s->offsets[b + 1], first = g->n_queries;
            uint64_t draw = (uint64_t)(h * 64 + b);
            if (h == 1 || (g->n_segments > 0 && rng_below(&rng, 1, draw, 3) == 0)) continue;
            for (int t = from; t < end; t++) {
                if (by_token && t > from && rng_below(&rng, draw + 9, (uint64_t)t, 2)) continue;
                assert_true(g->n_queries < QUERIES_MAX);
                c->query_token[g->n_queries] = t;
                if (by_token) c->gate[g->n_queries] = some_gate(&rng, g->n_queries);
                g->n_queries++;
            }
            assert_true(g->n_segments < SEGMENTS_MAX);
            if (!by_token) c->gate[g->n_segments] = some_gate(&rng, g->n_segments);
            c->segment[g->n_segments++] =
                (struct head_segment){h, from, end - from, g->n_keys, first, g->n_queries - first};
            g->n_keys += end - from;
        }
    g->query_token = by_token ? c->query_token : NULL;
}

static void heads_by(struct stage *s, bool by_token) {
    int dim = s->shape->dim, d = s->shape->head_dim;
    struct chosen *c = calloc(1, sizeof *c);
    assert_non_null(c);
    choose(s, by_token, c);
    const struct head_group *g = &c->group;
    size_t keys = (size_t)g->n_keys, queries = (size_t)g->n_queries;
    const void *x = stage_array(s, "x", IN, OPERANDS, stage_tokens(s, dim));
    void *rows = stage_array(s, "rows", OUT, OPERANDS, keys * (size_t)dim);
    void *ask = stage_array(s, "rows that ask", OUT, OPERANDS, queries * (size_t)dim);
    s->d->ops->gather(s->d, g, false, dim, x, rows);
    s->d->ops->gather(s->d, g, true, dim, x, ask);
    /* Of the second and third part of a head's slab, and of the first. */
    const float *bias = stage_array(s, "slab bias", IN, NUMBERS, (size_t)(g->n * 3 * d));
    void *biased = stage_array(s, "k, v + bias", ADDED, OPERANDS, keys * 2 * (size_t)d);
    void *asking = stage_array(s, "q + bias", ADDED, OPERANDS, queries * (size_t)d);
    s->d->ops->head_bias(s->d, g, false, 2 * d, bias + d, 3 * d, biased);
    s->d->ops->head_bias(s->d, g, true, d, bias, 3 * d, asking);
    const void *q =
        stage_array(s, "q", IN, OPERANDS, by_token ? queries * (size_t)d : keys * 3 * (size_t)d);
    const void *kv = by_token ? stage_array(s, "kv", IN, OPERANDS, keys * 2 * (size_t)d) : NULL;
    void *context = stage_array(s, "context", OUT, OPERANDS, queries * (size_t)d);
    float *scratch = stage_array(s, "scratch", SPENT, NUMBERS, s->d->attention_scratch);
    s->d->ops->attend_heads(s->d, g, d, q, kv, context, scratch);
    const float *back = stage_array(s, "back", IN, NUMBERS, queries * (size_t)dim);
    float *sum = stage_array(s, "x + back", ADDED, NUMBERS, stage_tokens(s, dim));
    s->d->ops->scatter(s->d, &s->chunk, g, dim, back, sum);
    memset(c, 0xff, sizeof *c); /* as short as the calls */
    free(c);
}

static void heads_that_inputs_chose(struct stage *s) {
    heads_by(s, false);
}

static void heads_that_tokens_chose(struct stage *s) {
    heads_by(s, true);
}

/* An input without any head, heads that nobody chose, and gates that are not 1. A device that does
 * not work so runs none of it. What nobody chose must stay as it was. */
static void heads_in_place(struct stage *s) {
    int dim = s->shape->dim, heads = s->shape->heads, d = s->shape->head_dim, width = heads * d;
    struct rng rng = rng_stream(56, RNG_GENERATOR);
    size_t n = stage_samples(s, heads);
    float *gate = calloc(n, sizeof *gate);
    assert_non_null(gate);
    for (size_t i = 0; i < n; i++) {
        bool alone = s->batch.n_samples == 1, none = i / (size_t)heads == 1;
        if (alone || (!none && i % (size_t)heads != 1 && rng_below(&rng, 2, i, 3) > 0))
            gate[i] = some_gate(&rng, (int)i);
    }
    struct device_chosen c = {.dim = dim, .heads = heads, .head_dim = d};
    c.gates = stage_array_of(s, "gates", IN, NUMBERS, n, gate);
    free(gate);
    c.norm = stage_array(s, "norm", IN, OPERANDS, stage_tokens(s, dim));
    c.qkv_weight = stage_weights(s, "qkv weight", (size_t)(3 * width * dim));
    c.qkv_bias = stage_array(s, "qkv bias", IN, NUMBERS, (size_t)(3 * width));
    c.o_weight = stage_weights(s, "o weight", (size_t)(width * dim));
    c.o_bias = stage_array(s, "o bias", IN, NUMBERS, (size_t)dim);
    c.qkv = stage_array(s, "qkv", ADDED, OPERANDS, stage_tokens(s, 3 * width));
    c.context = stage_array(s, "context", ADDED, OPERANDS, stage_tokens(s, width));
    c.x = stage_array(s, "x", ADDED, NUMBERS, stage_tokens(s, dim));
    c.scratch = stage_array(s, "scratch", SPENT, NUMBERS, s->d->attention_scratch);
    if (s->d->is_host)
        reference_qkv(&s->chunk, &c);
    else
        s->d->ops->chosen_qkv(s->d, &s->chunk, &c);
    /* Maps of large scores are steep, and magnify the rounding of Q and K. */
    c.qkv = stage_array(s, "q, k, v", ADDED, OPERANDS, stage_tokens(s, 3 * width));
    if (s->d->is_host)
        reference_map(&s->chunk, &c);
    else
        s->d->ops->chosen_map(s->d, &s->chunk, &c);
    c.context = stage_array(s, "outputs", ADDED, OPERANDS, stage_tokens(s, width));
    if (s->d->is_host)
        reference_output(&s->chunk, &c);
    else
        s->d->ops->chosen_output(s->d, &s->chunk, &c);
}

/* ---- optimiser ---- */

/* Three tensors with a gap between them, whose gradients are clipped and then are not. */
static void adamw(struct stage *s) {
    size_t n = (size_t)s->shape->dim * 37;
    struct adamw_tensor tensor[] = {
        {.count = n / 2, .size = 0.01f, .keep = 0.99f},
        {.offset = n / 2, .count = 3, .size = 0.02f, .keep = 1.0f},
        {.offset = n / 2 + 16, .count = n / 3, .size = 0.03f, .keep = 0.9f, .dim = s->shape->dim}};
    struct error error;
    void *sum = NULL;
    double squares = 0;
    const float *g = stage_array(s, "g", IN, NUMBERS, n + 16);
    float *mean = stage_array(s, "mean", ADDED, NUMBERS, n + 16);
    size_t floats = n + 16;
    float *positive = malloc(floats * sizeof *positive);
    assert_non_null(positive);
    stage_draw(s, NUMBERS, floats, positive);
    for (size_t i = 0; i < floats; i++) positive[i] *= positive[i];
    float *square = stage_array_of(s, "square", ADDED, NUMBERS, floats, positive);
    free(positive);
    float *value = stage_array(s, "value", ADDED, NUMBERS, floats);
    assert_true(s->d->ops->allocate(s->d, sizeof squares, &sum, &error));
    for (int i = 0; i < 2; i++) {
        struct adamw step = {.n_tensors = 3,
                             .tensor = tensor,
                             .beta1 = 0.9f,
                             .beta2 = 0.99f,
                             .epsilon = 1e-3f,
                             .clip_norm = i == 0 ? 0.5 : 0.0,
                             .square_sum = i == 0 ? sum : NULL};
        s->d->ops->clear(s->d, sum, sizeof squares);
        s->d->ops->square_sum(s->d, 3, tensor, g, sum);
        s->d->ops->adamw(s->d, &step, g, mean, square, value);
    }
    s->d->ops->download(s->d, &squares, sum, sizeof squares);
    s->d->ops->release(s->d, sum, sizeof squares);
    float *cleared = stage_array(s, "cleared", ADDED, NUMBERS, floats);
    s->d->ops->clear_tensors(s->d, 3, tensor, cleared);
    stage_array_of(s, "sum of squares", ADDED, NUMBERS, 1, &(float){(float)squares});
}

/* A step of the tokens' embeddings, all rows of which decay although the batch touches few; then
 * one more after what it touched has been cleared. */
static void adamw_of_embeddings(struct stage *s) {
    size_t rows = (size_t)s->config.vocab, count = rows * (size_t)s->shape->dim;
    struct error error;
    void *sum = NULL, *touched = NULL;
    double squares = 0;
    float *zero = calloc(count, sizeof *zero);
    assert_non_null(zero);
    float *token = stage_array_of(s, "gradient", ADDED, NUMBERS, count, zero);
    float *square = stage_array_of(s, "square", ADDED, NUMBERS, count, zero);
    free(zero);
    float *mean = stage_array(s, "mean", ADDED, NUMBERS, count);
    float *value = stage_array(s, "value", ADDED, NUMBERS, count);
    assert_true(s->d->ops->allocate(s->d, sizeof squares, &sum, &error));
    if (!s->d->is_host) {
        assert_true(s->d->ops->allocate(s->d, rows, &touched, &error));
        s->d->ops->clear(s->d, touched, rows);
    }
    struct tensor row = {.count = count, .embedding = true, .touched = touched};
    struct parameters g = {.config = s->config, .token = token, .n_tensors = 1, .tensors = &row};
    g.arena.base = (char *)(void *)token;
    struct adamw_tensor tensor = {
        .count = count, .size = 0.01f, .keep = 0.99f, .dim = s->shape->dim, .touched = touched};
    struct adamw step = {.n_tensors = 1,
                         .tensor = &tensor,
                         .beta1 = 0.9f,
                         .beta2 = 0.99f,
                         .epsilon = 1e-3f,
                         .clip_norm = 0.5,
                         .square_sum = sum};
    for (int i = 0; i < 2; i++) {
        float *dx = stage_array(s, "dx", SPENT, NUMBERS, stage_tokens(s, s->shape->dim));
        s->d->ops->clear_tensors(s->d, 1, &tensor, token);
        s->d->ops->embed_gradient(s->d, &s->chunk, &dropout, dx, &g);
        s->d->ops->clear(s->d, sum, sizeof squares);
        s->d->ops->square_sum(s->d, 1, &tensor, token, sum);
        s->d->ops->adamw(s->d, &step, token, mean, square, value);
    }
    s->d->ops->download(s->d, &squares, sum, sizeof squares);
    stage_array_of(s, "sum of squares", ADDED, NUMBERS, 1, &(float){(float)squares});
    s->d->ops->release(s->d, sum, sizeof squares);
    if (touched) s->d->ops->release(s->d, touched, rows);
}

/* ---- all of them ---- */

static const struct {
    const char *name;
    stage_function *function;
} stages[] = {
    {"products", products},
    {"products of unequal sizes", products_of_unequal_sizes},
    {"embed", embed},
    {"embed_gradient", embed_gradient},
    {"norm", norm},
    {"norm_gradient", norm_gradient},
    {"biases", biases},
    {"epilogues", epilogues},
    {"residual", residual},
    {"pool", pool},
    {"loss", loss},
    {"attention", attention},
    {"gates", gates},
    {"heads that inputs chose", heads_that_inputs_chose},
    {"heads that tokens chose", heads_that_tokens_chose},
    {"adamw", adamw},
    {"adamw of embeddings", adamw_of_embeddings},
};

/* Large shapes are left out under a sanitizer, and where short inputs will do. */
static bool takes(const struct tested_device *tested, const struct shape *shape) {
    return shape->quick || !(tested_quickly() || tested_shortly(tested));
}

static void heads_in_place_agree_where_a_device_takes_them(const struct tested_device *tested,
                                                           const struct device *d) {
    for (int i = 0; i < SHAPES; i++) {
        struct stage s = {.d = d, .shape = &shapes[i]};
        if (!takes(tested, &shapes[i])) continue;
        stage_fill_batch(&s);
        if (d->ops->takes_chosen(d, &s.config, s.batch.n_tokens))
            stage_check(tested, d, &shapes[i], "heads in place", heads_in_place);
        else
            assert_true(d->precision != PRECISION_BF16 || shapes[i].dim % 8 != 0 ||
                        shapes[i].head_dim < 16 || shapes[i].head_dim > 128 ||
                        shapes[i].head_dim % 8 != 0);
        stage_end(&s);
    }
}

static void stages_agree_with_the_cpu_and_with_themselves(const struct tested_device *tested,
                                                          const struct device *d) {
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        for (int shape = 0; shape < SHAPES; shape++)
            if (takes(tested, &shapes[shape]))
                stage_check(tested, d, &shapes[shape], stages[i].name, stages[i].function);
}

/* Where a mask drops, what comes out is 0, and elsewhere it is not: no tolerance hides a wrong
 * mask. */
static void masks_are_the_cpu_s_chunk_by_chunk(const struct tested_device *tested,
                                               const struct device *d) {
    for (int i = 0; i < SHAPES; i++) {
        struct stage cpu, there;
        size_t dropped = 0, kept = 0;
        if (!takes(tested, &shapes[i])) continue;
        stage_run(&cpu, device_cpu(), true, &shapes[i], residual);
        stage_run(&there, d, true, &shapes[i], residual);
        for (int a = 0; a < cpu.n_arrays; a++) {
            if (strcmp(cpu.array[a].name, "dbranch") != 0) continue;
            for (size_t j = 0; j < cpu.array[a].n; j++) {
                bool zero = cpu.array[a].value[j] == 0;
                assert_int_equal(zero, there.array[a].value[j] == 0);
                *(zero ? &dropped : &kept) += 1;
            }
        }
        assert_true(dropped > 0 && kept > dropped);
        stage_end(&cpu);
        stage_end(&there);
    }
}

/* Far too much memory is an error in words, and the device goes on. */
static void memory_that_is_not_there_is_an_error(const struct tested_device *tested,
                                                 const struct device *d) {
    struct error error = {{0}, {{0}, 0, 0}};
    void *memory = NULL;
    assert_false(d->ops->allocate(d, (size_t)1 << 48, &memory, &error));
    assert_true(strlen(error.text) > 10);
    tested_ok(d);
    stage_check(tested, d, &shapes[0], "norm", norm);
}

static void memory_is_moved_in_order(const struct tested_device *tested, const struct device *d) {
    (void)tested;
    struct error error;
    void *memory = NULL;
    float in[100], out[100];
    assert_true(d->ops->allocate(d, sizeof in, &memory, &error));
    for (int i = 0; i < 100; i++) in[i] = (float)i;
    d->ops->upload(d, memory, in, sizeof in);
    d->ops->copy(d, (float *)memory + 50, memory, 50 * sizeof *in);
    d->ops->clear(d, (float *)memory + 10, 3 * sizeof *in);
    d->ops->download(d, out, memory, sizeof out);
    for (int i = 0; i < 100; i++)
        assert_true(out[i] == (i >= 10 && i < 13 ? 0.0f : (float)(i % 50)));
    d->ops->release(d, memory, sizeof in);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_ALL(stages_agree_with_the_cpu_and_with_themselves),
        ON_ALL(heads_in_place_agree_where_a_device_takes_them),
        ON_ALL(masks_are_the_cpu_s_chunk_by_chunk),
        ON_FP32(memory_that_is_not_there_is_an_error),
        ON_FP32(memory_is_moved_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
