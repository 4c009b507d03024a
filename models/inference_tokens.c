/*
 * Attention in which every token chooses its heads. A head runs for the tokens that chose it: their
 * queries, map rows and outputs. They attend to all tokens of their input, so its K and V are
 * computed for every token of each input in which anyone chose it, and skipped in the others. This
 * is why per-token choice saves less than it promises (flops.h: active and executed).
 *
 * Products treat rows independently, as in inference.c: an input's bits do not depend on what
 * tokens of other inputs chose.
 */
#include "models/inference_tokens.h"
#include "models/cpu/kernels.h"

#include <string.h>

/* Tokens of the chunk that chose head h into inf->queries, their samples into inf->chosen. */
static int choose(struct inference *inf, int l, int h, const struct batch *batch, int *samples) {
    size_t heads = (size_t)inf->p->config.heads.value[l];
    const float *gates = inference_chunk_gates(inf, l) + h;
    int n = 0;
    *samples = 0;
    for (int b = 0; b < batch->n_samples; b++) {
        int before = n;
        for (int32_t i = batch->offsets[b]; i < batch->offsets[b + 1]; i++)
            if (gates[(size_t)i * heads] != 0.0f) inf->queries[n++] = i;
        if (n > before) inf->chosen[(*samples)++] = b;
    }
    return n;
}

/* Maps and outputs of the chosen samples: Q rows lie packed in `q`, K and V rows in `kv`. */
static void attend(struct inference *inf, const struct batch *batch, struct work *work, int samples,
                   int n, const float *q, const float *kv) {
    int d = inf->p->config.head_dim, query = 0;
    size_t first = 0;
    for (int i = 0; i < samples; i++) {
        int end = batch->offsets[inf->chosen[i] + 1], from = query;
        int length = end - batch->offsets[inf->chosen[i]];
        while (query < n && inf->queries[query] < end) query++;
        struct attention head = {.queries = query - from,
                                 .n = length,
                                 .head_dim = d,
                                 .ld_q = d,
                                 .ld_kv = 2 * d,
                                 .ld_out = d,
                                 .q = q + (size_t)from * (size_t)d,
                                 .k = kv + first * 2 * (size_t)d,
                                 .v = kv + first * 2 * (size_t)d + d,
                                 .scores = inf->scores};
        attention_forward(work, &head, inf->context + (size_t)from * (size_t)d, NULL);
        first += (size_t)length;
    }
}

/* Multiplies the n outputs of head h by their tokens' gates where a gate is not 1. */
static void scale_by_gates(struct inference *inf, int l, int h, struct work *work, int n) {
    size_t d = (size_t)inf->p->config.head_dim, heads = (size_t)inf->p->config.heads.value[l];
    const float *gates = inference_chunk_gates(inf, l) + h;
    for (int i = 0; i < n; i++) {
        float a = gates[(size_t)inf->queries[i] * heads], *row = inf->context + (size_t)i * d;
        if (a == 1.0f) continue;
        work_add(work, FLOP_GATE_MULTIPLY, d);
        work_move(work, 2 * d);
        for (size_t j = 0; j < d; j++) row[j] *= a;
    }
}

/* One head for the n tokens in inf->queries, which belong to the samples in inf->chosen. */
static void attend_head(struct inference *inf, int l, int h, const struct batch *batch,
                        struct work *work, int n, int samples) {
    const struct model_config *c = &inf->p->config;
    const struct layer_parameters *w = &inf->p->layer[l];
    int dim = c->dim, d = c->head_dim, rows = batch->n_tokens;
    bool everyone = n == batch->n_tokens;
    size_t slab = (size_t)h * 3 * (size_t)d, row_size = (size_t)dim;
    const float *input = inf->norm, *bias = w->qkv_bias + slab;
    const float *weight = w->qkv_weight + slab * row_size; /* [3][d][D]: Q, K, V */
    float *q = inf->qkv, *kv = inf->qkv + (size_t)batch->n_tokens * (size_t)d;
    if (samples < batch->n_samples) {
        rows = inference_gather(inf, batch, work, samples, inf->norm, inf->rows);
        input = inf->rows;
    }
    work_enter(work, PHASE_QKV);
    gemm(work, FLOP_QKV, rows, 2 * d, dim, 1.0f, plain(input, dim),
         transposed(weight + (size_t)d * row_size, dim), 0.0f, kv, 2 * d);
    bias_forward(work, FLOP_ATTENTION_BIAS, rows, 2 * d, bias + d, kv);
    if (!everyone) {
        work_enter(work, PHASE_GATHER);
        work_move(work, 2 * (uint64_t)n * row_size);
        for (int i = 0; i < n; i++)
            memcpy(inf->rows + (size_t)i * row_size, inf->norm + (size_t)inf->queries[i] * row_size,
                   row_size * sizeof *inf->rows);
        work_enter(work, PHASE_QKV);
    }
    gemm(work, FLOP_QKV, n, d, dim, 1.0f, plain(everyone ? inf->norm : inf->rows, dim),
         transposed(weight, dim), 0.0f, q, d);
    bias_forward(work, FLOP_ATTENTION_BIAS, n, d, bias, q);
    work_enter(work, PHASE_MAP);
    attend(inf, batch, work, samples, n, q, kv);
    scale_by_gates(inf, l, h, work, n);
    work_enter(work, PHASE_OUTPUT);
    struct matrix block = plain(w->o_weight + (size_t)(h * d) * row_size, dim);
    gemm(work, FLOP_OUTPUT, n, dim, d, 1.0f, plain(inf->context, d), block, everyone ? 1.0f : 0.0f,
         everyone ? inf->x : inf->back, dim);
    if (everyone) return;
    work_enter(work, PHASE_GATHER);
    work_move(work, 3 * (uint64_t)n * row_size);
    for (int i = 0; i < n; i++)
        inference_add(row_size, inf->back + (size_t)i * row_size,
                      inf->x + (size_t)inf->queries[i] * row_size);
}

void inference_attend_tokens(struct inference *inf, int l, const struct batch *batch,
                             struct work *work) {
    for (int h = 0; h < inf->p->config.heads.value[l]; h++) {
        work_enter(work, PHASE_GATHER);
        int samples, n = choose(inf, l, h, batch, &samples);
        if (n > 0) attend_head(inf, l, h, batch, work, n, samples);
    }
}
