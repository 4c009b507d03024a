/*
 * The kernels alone: dense products of the sizes the engine calls, attention, and what happens
 * element by element, beside the sgemm peak and the memory bandwidth of the same rounds. The
 * element-wise kernels work on the arrays that the bandwidth is measured on.
 */
#include "harness/bench/bench_kernels.h"
#include "harness/bench/bench_fma.h"
#include "harness/bench/bench_model.h"
#include "harness/bench/bench_peak.h"
#include "harness/bench/bench_triad.h"
#include "models/cpu/kernels.h"
#include "models/cpu/vector_math.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- products ---- */

/* The engine's own sizes: D = 128 with 32 x 128 tokens, and heads of 16 and 96 on 128 tokens. */
static const struct {
    struct bench_product product;
    const char *what;
} products[] = {
    {{.m = 2048, .n = 128, .k = 128}, ""},
    {{.m = 4096, .n = 384, .k = 128, .b_transposed = true}, "QKV at D=128"},
    {{.m = 4096, .n = 512, .k = 128, .b_transposed = true}, "FFN at D=128"},
    {{.m = 512, .n = 128, .k = 4096, .a_transposed = true}, "its dW"},
    {{.m = 64, .n = 128, .k = 16, .b_transposed = true}, "scores of a head"},
    {{.m = 64, .n = 16, .k = 128}, "AV of a head"},
    {{.m = 64, .n = 128, .k = 96, .b_transposed = true}, "scores of a head"},
    {{.m = 64, .n = 96, .k = 128}, "AV of a head"},
};
enum { PRODUCTS = sizeof products / sizeof *products };

/* ---- attention of one head over 128 tokens ---- */

enum { ATTENTION_TOKENS = 128, ATTENTION_DIM_MAX = 96, ATTENTION_FLOATS = 1 << 17 };

struct attention_call {
    int head_dim;
    float *qkv, *gradients; /* [n][3][d] */
    float *out, *dout;      /* [n][d] */
    float *scores;
    float log_sum[ATTENTION_TOKENS], delta[ATTENTION_TOKENS];
};

static struct attention attention_of(const struct attention_call *call) {
    return attention_of_head(call->qkv, ATTENTION_TOKENS, 1, call->head_dim, 0, call->scores);
}

static void run_attention_forward(void *context) {
    struct attention_call *call = context;
    struct attention head = attention_of(call);
    attention_forward(&head, call->out, call->log_sum);
}

static void run_attention_backward(void *context) {
    struct attention_call *call = context;
    struct attention head = attention_of(call);
    float *dq = call->gradients;
    int d = call->head_dim;
    attention_backward(&head, call->log_sum, call->delta, call->dout, dq, dq + d,
                       dq + 2 * (size_t)d);
}

/* Carves one head's arrays out of `memory` [ATTENTION_FLOATS]. */
static void attention_call_new(struct attention_call *call, int head_dim, float *memory) {
    size_t n = ATTENTION_TOKENS, d = (size_t)head_dim;
    assert(8 * n * d + ATTENTION_SCRATCH <= ATTENTION_FLOATS);
    *call = (struct attention_call){.head_dim = head_dim,
                                    .qkv = memory,
                                    .gradients = memory + 3 * n * d,
                                    .out = memory + 6 * n * d,
                                    .dout = memory + 7 * n * d,
                                    .scores = memory + 8 * n * d};
    for (size_t i = 0; i < 8 * n * d; i++) memory[i] = 0.1f * ((float)(i % 7) - 3.0f);
    run_attention_forward(call); /* the backward pass needs its log-sum-exp */
}

/* Two products forward; four backward, the recomputed map is not counted. */
static void attention_cases(struct attention_call *call, struct bench_case *out) {
    double product = 2.0 * ATTENTION_TOKENS * ATTENTION_TOKENS * call->head_dim;
    out[0] = (struct bench_case){
        .run = run_attention_forward, .context = call, .unit = GFLOP_PER_S, .work = 2 * product};
    out[1] = (struct bench_case){
        .run = run_attention_backward, .context = call, .unit = GFLOP_PER_S, .work = 4 * product};
    for (int i = 0; i < 2; i++)
        snprintf(out[i].name, sizeof out[i].name, "attention %s, N=%d head of %d",
                 i ? "backward" : "forward", ATTENTION_TOKENS, call->head_dim);
}

/* ---- element by element ---- */

enum { COLUMNS = 768 };

struct stream {
    struct bench_triad arrays; /* that the other kernels work on too */
    float ones[COLUMNS], zeros[COLUMNS];
    struct bench_model model; /* whose parameters AdamW updates */
};

static void run_exp(void *context) {
    struct bench_triad *s = &((struct stream *)context)->arrays;
    const float *a = s->a;
    float *c = s->c;
#pragma omp simd
    for (size_t i = 0; i < s->n; i++) c[i] = vector_exp(a[i]);
}

static void run_layernorm(void *context) {
    struct stream *s = context;
    layernorm_forward((int)(s->arrays.n / COLUMNS), COLUMNS, s->arrays.a, s->ones, s->zeros, 1e-5,
                      s->arrays.c, NULL, NULL);
}

static void run_gelu(void *context) {
    struct stream *s = context; /* the bias is zero, so a keeps its values */
    gelu_forward((int)(s->arrays.n / COLUMNS), COLUMNS, s->zeros, s->arrays.a, s->arrays.c);
}

static void run_dropout(void *context) {
    struct stream *s = context;
    struct rng rng = rng_stream(1, RNG_DROPOUT);
    dropout_apply(&rng, 0, 0.1, s->arrays.n, s->arrays.b);
}

static void run_adamw(void *context) {
    struct bench_model *m = &((struct stream *)context)->model;
    optimizer_step(m->optimizer, m->parameters, trainer_gradients(m->trainer));
}

static bool stream_new(struct stream *s, bool quick, struct error *error) {
    size_t bytes = quick ? (size_t)1 << 20 : bench_triad_bytes();
    if (!bench_triad_new(&s->arrays, bytes, error)) return false;
    for (int i = 0; i < COLUMNS; i++) s->ones[i] = 1.0f;
    struct bench_shape shape = {quick ? 64 : 768, 1, 1};
    if (!bench_model_new(&shape, "fixed", true, &s->model, error)) return false;
    bench_model_train(&s->model); /* fills the gradients */
    return true;
}

static void stream_free(struct stream *s) {
    bench_model_free(&s->model);
    bench_triad_free(&s->arrays);
}

enum { TRIAD, ADAMW = 5, STREAMS }; /* the kernels between them are a table */

static void stream_cases(struct stream *s, struct bench_case *out) {
    static const struct {
        const char *name;
        void (*run)(void *context);
        int arrays; /* read or written, each once */
    } kernels[] = {
        [1] = {"exp", run_exp, 2},
        {"LayerNorm of 768", run_layernorm, 2},
        {"GELU with bias", run_gelu, 3},
        {"dropout 0.1", run_dropout, 2},
    };
    out[TRIAD] = bench_triad_case(&s->arrays);
    for (int i = 1; i < ADAMW; i++) {
        out[i] = (struct bench_case){.run = kernels[i].run,
                                     .context = s,
                                     .unit = GB_PER_S,
                                     .work = 4.0 * kernels[i].arrays * (double)s->arrays.n};
        snprintf(out[i].name, sizeof out[i].name, "%s, arrays of %zu MiB", kernels[i].name,
                 (s->arrays.n * sizeof(float)) >> 20);
    }
    /* Gradients twice (norm, update), and parameters and two moments read and written. */
    double count = (double)parameters_count(s->model.parameters);
    out[ADAMW] = (struct bench_case){
        .run = run_adamw, .context = s, .unit = GB_PER_S, .work = 4.0 * 8 * count};
    snprintf(out[ADAMW].name, sizeof out->name, "AdamW with clipping, %.1f M parameters",
             1e-6 * count);
}

/* ---- the section ---- */

bool bench_kernels(struct bench_table *table, struct error *error) {
    enum {
        ATTENTION = BENCH_PEAKS + PRODUCTS,
        FMA = ATTENTION + 4,
        STREAM,
        CASES = STREAM + STREAMS
    };
    static const int head_dims[2] = {16, ATTENTION_DIM_MAX};
    struct bench_effort effort = {.rounds = table->quick ? 3 : 7,
                                  .sample_seconds = table->quick ? 0.0005 : 0.01};
    struct bench_peak peak = {0};
    struct bench_product product[PRODUCTS];
    struct attention_call attention[2];
    float *memory = bench_array((size_t)2 * ATTENTION_FLOATS);
    struct stream *stream = calloc(1, sizeof *stream);
    struct bench_case cases[CASES];
    float fma[BENCH_FMA_FLOATS];
    bool ok = (stream && memory) || error_set(error, "out of memory for the bench");
    ok = ok && bench_peak_new(&peak, error) && stream_new(stream, table->quick, error);
    if (!ok) goto done;
    for (int i = 0; i < BENCH_PEAKS; i++) cases[i] = peak.cases[i];
    for (int i = 0; i < PRODUCTS; i++) {
        product[i] = products[i].product;
        product[i].a = peak.a;
        product[i].b = peak.b;
        product[i].c = peak.c;
        cases[BENCH_PEAKS + i] = bench_product_case(&product[i], products[i].what);
    }
    for (int i = 0; i < 2; i++) {
        attention_call_new(&attention[i], head_dims[i], memory + (size_t)i * ATTENTION_FLOATS);
        attention_cases(&attention[i], &cases[ATTENTION + 2 * i]);
    }
    cases[FMA] = bench_fma_case(fma);
    stream_cases(stream, &cases[STREAM]);
    bench_time(cases, CASES, &effort);
    double rate = bench_best_rate(cases, BENCH_PEAKS, effort.rounds);
    double bandwidth = bench_best_rate(&cases[STREAM], 1, effort.rounds);
    for (int i = 0; i < CASES; i++)
        bench_row_case(table, "kernels", &cases[i], effort.rounds, i < STREAM ? rate : bandwidth);
done:
    if (stream) stream_free(stream);
    free(stream);
    free(memory);
    bench_peak_free(&peak);
    return ok;
}
