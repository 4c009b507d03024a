/*
 * Layout, birth and checkpoint names of a model's tensors. See parameters.h.
 */
#include "models/parameters.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes one tensor from the arena and, in the second pass, writes its row of the table. */
static float *declare(struct parameters *p, size_t count, bool decay, double init_std,
                      double init_value, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

static float *declare(struct parameters *p, size_t count, bool decay, double init_std,
                      double init_value, const char *format, ...) {
    /* Slabs start on a page, so that a test can take single heads away from the process. */
    float *data = arena_take(&p->arena, count, sizeof(float), decay ? ARENA_PAGE : ARENA_LINE);
    if (data) {
        struct tensor *row = &p->tensors[p->n_tensors];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(row->name, sizeof row->name, format, arguments);
        va_end(arguments);
        row->offset = (size_t)(data - (float *)(void *)p->arena.base);
        row->count = count;
        row->decay = decay;
        row->init_std = (float)init_std;
        row->init_value = (float)init_value;
    }
    p->n_tensors++;
    return data;
}

/* A table of embeddings. */
static float *declare_embedding(struct parameters *p, size_t rows, const char *name) {
    float *data = declare(p, rows * (size_t)p->config.dim, false, p->config.embedding_std, 0,
                          "embed.%s.weight", name);
    if (data) p->tensors[p->n_tensors - 1].embedding = true;
    return data;
}

static void declare_attention(struct parameters *p, int l, size_t heads) {
    const struct model_config *c = &p->config;
    struct layer_parameters *layer = &p->layer[l];
    size_t dim = (size_t)c->dim, width = heads * (size_t)c->head_dim;
    double std = c->init_std;
    layer->norm1_weight = declare(p, dim, false, 0, 1, "layers.%d.ln1.weight", l);
    layer->norm1_bias = declare(p, dim, false, 0, 0, "layers.%d.ln1.bias", l);
    layer->qkv_weight = declare(p, 3 * width * dim, true, std, 0, "layers.%d.attn.qkv.weight", l);
    layer->qkv_bias = declare(p, 3 * width, false, 0, 0, "layers.%d.attn.qkv.bias", l);
    layer->o_weight = declare(p, width * dim, true, std, 0, "layers.%d.attn.o.weight", l);
    layer->o_bias = declare(p, dim, false, 0, 0, "layers.%d.attn.o.bias", l);
    struct policy_tensor own[POLICY_TENSORS_MAX];
    int n = c->policy->tensors ? c->policy->tensors(c, l, own) : 0;
    for (int i = 0; i < n; i++) {
        layer->policy[i] =
            declare(p, (size_t)own[i].rows * (size_t)own[i].cols, own[i].decay, own[i].init_std,
                    own[i].init_value, "layers.%d.policy.%s", l, own[i].name);
        if (!p->tensors) continue;
        p->tensors[p->n_tensors - 1].learning_rate = own[i].learning_rate;
        p->tensors[p->n_tensors - 1].policy = true;
    }
}

static void declare_ffn(struct parameters *p, int l) {
    const struct model_config *c = &p->config;
    struct layer_parameters *layer = &p->layer[l];
    size_t dim = (size_t)c->dim, ffn = (size_t)c->ffn;
    double std = c->init_std;
    layer->norm2_weight = declare(p, dim, false, 0, 1, "layers.%d.ln2.weight", l);
    layer->norm2_bias = declare(p, dim, false, 0, 0, "layers.%d.ln2.bias", l);
    layer->up_weight = declare(p, ffn * dim, true, std, 0, "layers.%d.ffn.up.weight", l);
    layer->up_bias = declare(p, ffn, false, 0, 0, "layers.%d.ffn.up.bias", l);
    layer->down_weight = declare(p, dim * ffn, true, std, 0, "layers.%d.ffn.down.weight", l);
    layer->down_bias = declare(p, dim, false, 0, 0, "layers.%d.ffn.down.bias", l);
}

static void layout(struct parameters *p) {
    const struct model_config *c = &p->config;
    size_t dim = (size_t)c->dim, classes = (size_t)c->classes;
    p->n_tensors = 0;
    p->token = declare_embedding(p, (size_t)c->vocab, "token");
    if (c->positions) p->position = declare_embedding(p, (size_t)c->max_len, "position");
    if (c->separator) p->segment = declare_embedding(p, 2, "segment");
    if (c->bigrams) p->bigram = declare_embedding(p, (size_t)c->bigrams, "bigram");
    for (int l = 0; l < c->layers; l++) {
        if (c->heads.value[l] > 0) declare_attention(p, l, (size_t)c->heads.value[l]);
        declare_ffn(p, l);
    }
    if (c->final_norm) {
        p->final_weight = declare(p, dim, false, 0, 1, "final_ln.weight");
        p->final_bias = declare(p, dim, false, 0, 0, "final_ln.bias");
    }
    p->classifier_weight = declare(p, classes * dim, true, c->init_std, 0, "classifier.weight");
    p->classifier_bias = declare(p, classes, false, 0, 0, "classifier.bias");
}

bool parameters_new(const struct model_config *config, const char *purpose, struct parameters **out,
                    struct error *error) {
    return parameters_new_from(&(struct arena_source){0}, config, purpose, out, error);
}

bool parameters_new_from(const struct arena_source *source, const struct model_config *config,
                         const char *purpose, struct parameters **out, struct error *error) {
    struct parameters *p = calloc(1, sizeof *p);
    if (!p) return error_set(error, "out of memory for the model");
    p->config = *config;
    p->arena.purpose = purpose;
    p->arena.source = *source;
    layout(p);
    p->tensors = calloc((size_t)p->n_tensors, sizeof *p->tensors);
    if (!p->tensors) {
        parameters_free(p);
        return error_set(error, "out of memory for the model");
    }
    if (!arena_reserve(&p->arena, error)) {
        parameters_free(p);
        return false;
    }
    layout(p);
    *out = p;
    return true;
}

void parameters_free(struct parameters *p) {
    if (!p) return;
    arena_release(&p->arena);
    free(p->tensors);
    free(p);
}

static uint64_t hash_name(const char *name) {
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 1099511628211u;
    return hash;
}

void parameters_initialise(struct parameters *p, uint64_t seed) {
    struct rng rng = rng_stream(seed, RNG_INIT);
    p->seed = seed;
    float *base = (float *)(void *)p->arena.base;
    for (int i = 0; i < p->n_tensors; i++) {
        const struct tensor *row = &p->tensors[i];
        uint64_t high = hash_name(row->name);
        float *data = base + row->offset;
        for (size_t j = 0; j < row->count; j++)
            data[j] = row->init_std > 0
                          ? (float)(row->init_std * rng_normal(&rng, high, (uint64_t)j))
                          : row->init_value;
    }
}

int64_t parameters_count(const struct parameters *p) {
    int64_t count = 0;
    for (int i = 0; i < p->n_tensors; i++) count += (int64_t)p->tensors[i].count;
    return count;
}

bool parameters_copy(const struct parameters *from, struct parameters *to, struct error *error) {
    const float *source = (const float *)(const void *)from->arena.base;
    float *target = (float *)(void *)to->arena.base;
    for (int i = 0; i < from->n_tensors; i++) {
        const struct tensor *row = &from->tensors[i];
        int j = 0;
        while (j < to->n_tensors && strcmp(to->tensors[j].name, row->name) != 0) j++;
        if (j == to->n_tensors || to->tensors[j].count != row->count)
            return error_set(error, "tensor %s of the base has %zu numbers, that of the model %zu",
                             row->name, row->count, j < to->n_tensors ? to->tensors[j].count : 0);
        memcpy(target + to->tensors[j].offset, source + row->offset, row->count * sizeof *source);
    }
    return true;
}

/* The list of views under construction; out may be NULL to count only. */
struct view_list {
    struct tensor_view *out;
    size_t n;
};

/* A tensor whose file layout is its memory layout: [rows][cols], or [rows] when rank is 1. */
static void add_plain(struct view_list *list, int rank, int rows, int cols, float *data,
                      const char *format, ...) __attribute__((format(printf, 6, 7)));

static struct tensor_view *add(struct view_list *list) {
    return list->out ? &list->out[list->n++] : (list->n++, NULL);
}

static void add_plain(struct view_list *list, int rank, int rows, int cols, float *data,
                      const char *format, ...) {
    struct tensor_view *view = add(list);
    if (!view) return;
    *view = (struct tensor_view){.rank = rank, .shape = {rows, cols}, .data = data, .groups = 1};
    view->rows = rows;
    view->cols = cols;
    view->row_stride = cols;
    view->col_stride = 1;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(view->name, sizeof view->name, format, arguments);
    va_end(arguments);
}

/* Weight and bias of projection `which` (0 q, 1 k, 2 v): head h owns rows h*d_h .. (h+1)*d_h-1. */
static void add_projection(struct view_list *list, const struct parameters *p, int l, int which) {
    int64_t dim = p->config.dim, d = p->config.head_dim, heads = p->config.heads.value[l];
    for (int bias = 0; bias < 2; bias++) {
        struct tensor_view *view = add(list);
        if (!view) continue;
        int64_t cols = bias ? 1 : dim;
        float *base = bias ? p->layer[l].qkv_bias : p->layer[l].qkv_weight;
        *view = (struct tensor_view){.rank = 2 - bias,
                                     .shape = {heads * d, cols},
                                     .data = base + which * d * cols,
                                     .groups = heads,
                                     .rows = d,
                                     .cols = cols,
                                     .group_stride = 3 * d * cols,
                                     .row_stride = cols,
                                     .col_stride = 1};
        snprintf(view->name, sizeof view->name, "layers.%d.attn.%c.%s", l, "qkv"[which],
                 bias ? "bias" : "weight");
    }
}

static void add_attention(struct view_list *list, const struct parameters *p, int l) {
    const struct layer_parameters *layer = &p->layer[l];
    int dim = p->config.dim, width = p->config.heads.value[l] * p->config.head_dim;
    add_plain(list, 1, dim, 1, layer->norm1_weight, "layers.%d.ln1.weight", l);
    add_plain(list, 1, dim, 1, layer->norm1_bias, "layers.%d.ln1.bias", l);
    for (int which = 0; which < 3; which++) add_projection(list, p, l, which);
    struct tensor_view *view = add(list); /* W_O is kept transposed: [H d_h][D] */
    if (view) {
        *view = (struct tensor_view){.rank = 2,
                                     .shape = {dim, width},
                                     .data = layer->o_weight,
                                     .groups = 1,
                                     .rows = dim,
                                     .cols = width,
                                     .row_stride = 1,
                                     .col_stride = dim};
        snprintf(view->name, sizeof view->name, "layers.%d.attn.o.weight", l);
    }
    add_plain(list, 1, dim, 1, layer->o_bias, "layers.%d.attn.o.bias", l);
    struct policy_tensor own[POLICY_TENSORS_MAX];
    int n = p->config.policy->tensors ? p->config.policy->tensors(&p->config, l, own) : 0;
    for (int i = 0; i < n; i++)
        add_plain(list, own[i].rank, own[i].rank == 1 ? own[i].cols : own[i].rows,
                  own[i].rank == 1 ? 1 : own[i].cols, layer->policy[i], "layers.%d.policy.%s", l,
                  own[i].name);
}

size_t parameters_views(const struct parameters *p, struct tensor_view *out) {
    struct view_list list = {out, 0};
    const struct model_config *c = &p->config;
    add_plain(&list, 2, c->vocab, c->dim, p->token, "embed.token.weight");
    if (c->positions) add_plain(&list, 2, c->max_len, c->dim, p->position, "embed.position.weight");
    if (c->separator) add_plain(&list, 2, 2, c->dim, p->segment, "embed.segment.weight");
    if (c->bigrams) add_plain(&list, 2, c->bigrams, c->dim, p->bigram, "embed.bigram.weight");
    for (int l = 0; l < c->layers; l++) {
        const struct layer_parameters *layer = &p->layer[l];
        if (c->heads.value[l] > 0) add_attention(&list, p, l);
        add_plain(&list, 1, c->dim, 1, layer->norm2_weight, "layers.%d.ln2.weight", l);
        add_plain(&list, 1, c->dim, 1, layer->norm2_bias, "layers.%d.ln2.bias", l);
        add_plain(&list, 2, c->ffn, c->dim, layer->up_weight, "layers.%d.ffn.up.weight", l);
        add_plain(&list, 1, c->ffn, 1, layer->up_bias, "layers.%d.ffn.up.bias", l);
        add_plain(&list, 2, c->dim, c->ffn, layer->down_weight, "layers.%d.ffn.down.weight", l);
        add_plain(&list, 1, c->dim, 1, layer->down_bias, "layers.%d.ffn.down.bias", l);
    }
    if (c->final_norm) {
        add_plain(&list, 1, c->dim, 1, p->final_weight, "final_ln.weight");
        add_plain(&list, 1, c->dim, 1, p->final_bias, "final_ln.bias");
    }
    add_plain(&list, 2, c->classes, c->dim, p->classifier_weight, "classifier.weight");
    add_plain(&list, 1, c->classes, 1, p->classifier_bias, "classifier.bias");
    return list.n;
}
