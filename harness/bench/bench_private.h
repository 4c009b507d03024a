/*
 * What the bench's own files share: cases that are timed in turns, the models they run, and rows.
 */
#ifndef HEADROOM_HARNESS_BENCH_BENCH_PRIVATE_H
#define HEADROOM_HARNESS_BENCH_BENCH_PRIVATE_H

#include "harness/bench/bench.h"
#include "models/inference.h"
#include "models/cpu/optimizer.h"
#include "models/policy.h"
#include "models/trainer.h"

enum { BENCH_ROUNDS_MAX = 16 };

/* ---- timing ---- */

/* Something to time again and again. */
struct bench_case {
    char name[64];
    void (*run)(void *context);
    void *context;
    enum bench_unit unit;             /* of its row: GFLOP_PER_S, GB_PER_S or MILLISECONDS */
    double work;                      /* FLOPs or bytes of one call */
    int calls;                        /* in one sample; set by bench_time */
    double seconds[BENCH_ROUNDS_MAX]; /* of one call, by round */
};

/* How long to measure: rounds, and the least seconds of a sample (short calls are repeated). */
struct bench_effort {
    int rounds;
    double sample_seconds;
};

/* Each case once as a warm-up, then every round all cases in turns. */
void bench_time(struct bench_case *cases, int n, const struct bench_effort *effort);

/* ---- rows ---- */

/* Appends a row without numbers; printf-like name. */
struct bench_row *bench_row_add(struct bench_table *table, const char *section,
                                enum bench_unit unit, const char *name, ...)
    __attribute__((format(printf, 4, 5)));

/* Median, lowest and highest of n numbers into the row; sorts them. */
void bench_row_fill(struct bench_row *row, double *numbers, int n);

/* Appends a timed case in its unit, as a share of `peak` work per second (NaN: no share). */
struct bench_row *bench_row_case(struct bench_table *table, const char *section,
                                 const struct bench_case *timed, int rounds, double peak);

/* Best median of work per second over n cases. */
double bench_best_rate(const struct bench_case *cases, int n, int rounds);

/* ---- the reference model: L = 4, H = 8, FFN 4 D ---- */

struct bench_shape {
    int dim, batch, length;
};

struct bench_model {
    struct bench_shape shape;
    struct model_config config;
    struct parameters *parameters;
    struct trainer *trainer;     /* NULL unless trained */
    struct optimizer *optimizer; /* NULL unless trained */
    struct inference *inference;
    int32_t *tokens, *offsets, *labels, *ids;
    struct batch batch, single; /* all inputs; the first alone */
    uint64_t step;
};

/* `policy`: "fixed" runs every head; "random" takes decisions from outside. */
bool bench_model_new(const struct bench_shape *shape, const char *policy, bool trained,
                     struct bench_model *model, struct error *error);
void bench_model_free(struct bench_model *model);

/* Cases on a model: one training step, inference of the batch, inference of one input. */
void bench_model_train(void *model);
void bench_model_infer(void *model);
void bench_model_infer_one(void *model);

/* GEMM FLOPs of one input's forward pass with all heads, by the closed form. */
double bench_model_gemm_flops(const struct bench_model *model);

/* ---- the sections ---- */

/* One product, on operands that are never longer than BENCH_OPERAND. */
enum { BENCH_PEAKS = 2, BENCH_OPERAND = 4096 * 1024 };
struct bench_product {
    int m, n, k;
    bool a_transposed, b_transposed;
    const float *a, *b;
    float *c;
};
void bench_product_run(void *product);

/* The two large products whose better median is called the peak. */
struct bench_peak {
    float *a, *b, *c; /* [BENCH_OPERAND] */
    struct bench_product products[BENCH_PEAKS];
    struct bench_case cases[BENCH_PEAKS];
};
bool bench_peak_new(struct bench_peak *peak, struct error *error);
void bench_peak_free(struct bench_peak *peak);

/* Multiply-adds on registers: what no product can exceed (bench_fma.c). */
enum { BENCH_FMA_FLOATS = 16 };
struct bench_case bench_fma_case(float out[BENCH_FMA_FLOATS]);

bool bench_memory(struct bench_table *table, struct error *error);
bool bench_kernels(struct bench_table *table, struct error *error);
bool bench_models(struct bench_table *table, struct error *error);
bool bench_saving(struct bench_table *table, struct error *error);

#endif
