/*
 * The kernels alone: dense products of the sizes the engine calls, attention, and what happens
 * element by element, beside the sgemm peak and the memory bandwidth of the same rounds. Arrays of
 * the element-wise kernels lie beyond the last-level cache, as those of the bandwidth do; bytes
 * count each array read or written once (STREAM's rule).
 */
#include "harness/bench/bench_private.h"
#include "models/base/system_file.h"
#include "models/cpu/kernels.h"
#include "models/cpu/vector_math.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- products and their peak ---- */

void bench_product_run(void *product) {
    const struct bench_product *p = product;
    struct matrix a = p->a_transposed ? transposed(p->a, p->m) : plain(p->a, p->k);
    struct matrix b = p->b_transposed ? transposed(p->b, p->k) : plain(p->b, p->n);
    gemm(NULL, FLOP_FFN, p->m, p->n, p->k, 1.0f, a, b, 0.0f, p->c, p->n);
}

static struct bench_case product_case(struct bench_product *product, const char *what) {
    struct bench_case timed = {.run = bench_product_run,
                               .context = product,
                               .unit = GFLOP_PER_S,
                               .work = 2.0 * product->m * product->n * product->k};
    snprintf(timed.name, sizeof timed.name, "sgemm %dx%dx%d%s%s", product->m, product->n,
             product->k, *what ? ", " : "", what);
    return timed;
}

static float *filled(size_t n) {
    float *array = malloc(n * sizeof *array);
    for (size_t i = 0; array && i < n; i++) array[i] = (float)(i % 7) - 3.0f;
    return array;
}

bool bench_peak_new(struct bench_peak *peak, struct error *error) {
    peak->a = filled(BENCH_OPERAND);
    peak->b = filled(BENCH_OPERAND);
    peak->c = filled(BENCH_OPERAND);
    if (!peak->a || !peak->b || !peak->c) return error_set(error, "out of memory for the bench");
    peak->products[0] = (struct bench_product){.m = 4096, .n = 768, .k = 768};
    peak->products[1] = (struct bench_product){.m = 1024, .n = 1024, .k = 1024};
    for (int i = 0; i < BENCH_PEAKS; i++) {
        struct bench_product *p = &peak->products[i];
        p->a = peak->a;
        p->b = peak->b;
        p->c = peak->c;
        peak->cases[i] = product_case(p, "peak");
    }
    return true;
}

void bench_peak_free(struct bench_peak *peak) {
    free(peak->a);
    free(peak->b);
    free(peak->c);
}

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
    attention_forward(NULL, &head, call->out, call->log_sum);
}

static void run_attention_backward(void *context) {
    struct attention_call *call = context;
    struct attention head = attention_of(call);
    float *dq = call->gradients;
    int d = call->head_dim;
    attention_backward(&head, call->log_sum, call->delta, call->dout, dq, dq + d, dq + 2 * d);
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
    size_t n;         /* floats in each array */
    float *a, *b, *c; /* a is read only */
    float ones[COLUMNS], zeros[COLUMNS];
    struct bench_model model; /* whose parameters AdamW updates */
};

static void run_triad(void *context) {
    struct stream *s = context;
    const float *a = s->a, *b = s->b;
    float *c = s->c;
#pragma omp simd
    for (size_t i = 0; i < s->n; i++) c[i] = a[i] + 3.0f * b[i];
}

static void run_exp(void *context) {
    struct stream *s = context;
    const float *a = s->a;
    float *c = s->c;
#pragma omp simd
    for (size_t i = 0; i < s->n; i++) c[i] = vector_exp(a[i]);
}

static void run_layernorm(void *context) {
    struct stream *s = context;
    layernorm_forward(NULL, (int)(s->n / COLUMNS), COLUMNS, s->a, s->ones, s->zeros, 1e-5, s->c,
                      NULL, NULL);
}

static void run_gelu(void *context) {
    struct stream *s = context; /* the bias is zero, so a keeps its values */
    gelu_forward(NULL, (int)(s->n / COLUMNS), COLUMNS, s->zeros, s->a, s->c);
}

static void run_dropout(void *context) {
    struct stream *s = context;
    struct rng rng = rng_stream(1, RNG_DROPOUT);
    dropout_apply(&rng, 0, 0.1, s->n, s->b);
}

static void run_adamw(void *context) {
    struct bench_model *m = &((struct stream *)context)->model;
    optimizer_step(m->optimizer, m->parameters, trainer_gradients(m->trainer));
}

/* Bytes of each array: four last-level caches, as STREAM asks, between 128 and 512 MiB. What
 * sysconf says about the cache is wrong in guests. */
enum { STREAM_BYTES_LEAST = 128 << 20 };
static size_t stream_bytes(bool quick) {
    char text[32];
    size_t cache = 0, least = STREAM_BYTES_LEAST, most = (size_t)512 << 20;
    if (quick) return (size_t)1 << 20;
    if (system_line("", "/sys/devices/system/cpu/cpu0/cache/index3/size", text, sizeof text))
        cache = 4 * 1024 * (size_t)strtoul(text, NULL, 10);
    return cache < least ? least : cache > most ? most : cache;
}

static bool stream_new(struct stream *s, bool quick, struct error *error) {
    s->n = stream_bytes(quick) / sizeof(float);
    s->a = filled(s->n);
    s->b = filled(s->n);
    s->c = filled(s->n);
    if (!s->a || !s->b || !s->c) return error_set(error, "out of memory for the bench");
    for (int i = 0; i < COLUMNS; i++) s->ones[i] = 1.0f;
    struct bench_shape shape = {quick ? 64 : 768, 1, 1};
    if (!bench_model_new(&shape, "fixed", true, &s->model, error)) return false;
    bench_model_train(&s->model); /* fills the gradients */
    return true;
}

static void stream_free(struct stream *s) {
    bench_model_free(&s->model);
    free(s->a);
    free(s->b);
    free(s->c);
}

enum { STREAMS = 6 };

static void stream_cases(struct stream *s, struct bench_case *out) {
    static const struct {
        const char *name;
        void (*run)(void *context);
        int arrays; /* read or written, each once */
    } kernels[STREAMS - 1] = {
        {"triad c = a + 3 b", run_triad, 3},    {"exp", run_exp, 2},
        {"LayerNorm of 768", run_layernorm, 2}, {"GELU with bias", run_gelu, 3},
        {"dropout 0.1", run_dropout, 2},
    };
    for (int i = 0; i < STREAMS - 1; i++) {
        out[i] = (struct bench_case){.run = kernels[i].run,
                                     .context = s,
                                     .unit = GB_PER_S,
                                     .work = 4.0 * kernels[i].arrays * (double)s->n};
        snprintf(out[i].name, sizeof out[i].name, "%s, arrays of %zu MiB", kernels[i].name,
                 (s->n * sizeof(float)) >> 20);
    }
    /* Gradients twice (norm, update), and parameters and two moments read and written. */
    double count = (double)parameters_count(s->model.parameters);
    out[STREAMS - 1] = (struct bench_case){
        .run = run_adamw, .context = s, .unit = GB_PER_S, .work = 4.0 * 8 * count};
    snprintf(out[STREAMS - 1].name, sizeof out->name, "AdamW with clipping, %.1f M parameters",
             1e-6 * count);
}

/* ---- the two ceilings alone ---- */

/* Work per second in the fastest round: a ceiling is what can be reached, not what is usual. */
static double best_round(const struct bench_case *cases, int n, int rounds) {
    double best = 0.0;
    for (int i = 0; i < n; i++)
        for (int r = 0; r < rounds; r++) {
            double rate = cases[i].work / cases[i].seconds[r];
            best = rate > best ? rate : best;
        }
    return best;
}

bool bench_ceiling(struct ceiling *out, struct error *error) {
    struct bench_effort effort = {5, 0.01};
    struct bench_peak peak = {0};
    struct stream s = {.n = STREAM_BYTES_LEAST / sizeof(float)};
    struct bench_case cases[BENCH_PEAKS + 1];
    s.a = filled(s.n);
    s.b = filled(s.n);
    s.c = filled(s.n);
    bool ok = (s.a && s.b && s.c) || error_set(error, "out of memory for the ceilings");
    ok = ok && bench_peak_new(&peak, error);
    if (ok) {
        memcpy(cases, peak.cases, sizeof peak.cases);
        cases[BENCH_PEAKS] = (struct bench_case){
            .run = run_triad, .context = &s, .unit = GB_PER_S, .work = 12.0 * (double)s.n};
        bench_time(cases, BENCH_PEAKS + 1, &effort);
        out->flops_per_second = best_round(cases, BENCH_PEAKS, effort.rounds);
        out->bytes_per_second = best_round(&cases[BENCH_PEAKS], 1, effort.rounds);
    }
    bench_peak_free(&peak);
    stream_free(&s);
    return ok;
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
    struct bench_effort effort = {table->quick ? 3 : 7, table->quick ? 0.0005 : 0.01};
    struct bench_peak peak = {0};
    struct bench_product product[PRODUCTS];
    struct attention_call attention[2];
    float *memory = filled(2 * ATTENTION_FLOATS);
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
        cases[BENCH_PEAKS + i] = product_case(&product[i], products[i].what);
    }
    for (int i = 0; i < 2; i++) {
        attention_call_new(&attention[i], head_dims[i], memory + i * ATTENTION_FLOATS);
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
