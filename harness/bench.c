/*
 * The measured sgemm peak of one thread (the better median of two large products) beside training
 * and inference of the reference model, L = 4, H = 8, D = 128, N = 128, batch 32, as GEMM FLOPs of
 * the closed form per second. Training counts three forward passes' products: what the backward
 * pass recomputes is work, but not progress.
 */
#include "harness/bench.h"
#include "harness/clock.h"
#include "models/gemm.h"
#include "models/inference.h"
#include "models/optimizer.h"
#include "models/policy.h"
#include "models/trainer.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 9, LENGTH = 128, SAMPLES = 32, VOCAB = 1000, CLASSES = 4 };

/* The shapes whose better median is called the peak: m, n, k. */
static const int peak_shapes[][3] = {{4096, 768, 768}, {1024, 1024, 1024}};
enum { PEAK_SHAPES = sizeof peak_shapes / sizeof *peak_shapes, MATRIX = 4096 * 1024 };

/* Everything the bench times, made once. */
struct bench {
    float *a, *b, *c; /* [MATRIX] operands of the peak products */
    struct parameters *parameters;
    struct trainer *trainer;
    struct optimizer *optimizer;
    struct inference *inference;
    int32_t tokens[SAMPLES * LENGTH], offsets[SAMPLES + 1], labels[SAMPLES], ids[SAMPLES];
    struct batch batch;
    double forward_gemm_flops; /* of the batch */
};

static void bench_free(struct bench *bench) {
    inference_free(bench->inference);
    trainer_free(bench->trainer);
    optimizer_free(bench->optimizer);
    parameters_free(bench->parameters);
    free(bench->a);
    free(bench->b);
    free(bench->c);
}

static bool reference_model(struct model_config *config, struct error *error) {
    options_default(&model_options, config);
    config->layers = 4;
    config->dim = 128;
    config->base_heads = 8;
    config->vocab = VOCAB;
    config->classes = CLASSES;
    config->max_len = LENGTH;
    config->policy = policy_find("fixed");
    return model_resolve_full(config, error);
}

static bool bench_new(struct bench *bench, struct error *error) {
    struct model_config config = {0};
    struct trainer_limits limits = {SAMPLES, SAMPLES * LENGTH, LENGTH};
    struct optimizer_config optimizer = {.learning_rate = 1e-3,
                                         .weight_decay = 0.01,
                                         .beta1 = 0.9,
                                         .beta2 = 0.999,
                                         .epsilon = 1e-8,
                                         .clip_norm = 1,
                                         .total_steps = 1000};
    struct rng rng = rng_stream(1, RNG_GENERATOR);
    bench->a = calloc(MATRIX, sizeof(float));
    bench->b = calloc(MATRIX, sizeof(float));
    bench->c = calloc(MATRIX, sizeof(float));
    if (!bench->a || !bench->b || !bench->c) return error_set(error, "out of memory for bench");
    for (int i = 0; i < MATRIX; i++) bench->a[i] = bench->b[i] = (float)(i % 7) - 3.0f;
    if (!reference_model(&config, error) ||
        !parameters_new(&config, "parameters", &bench->parameters, error) ||
        !trainer_new(bench->parameters, &limits, 1, &bench->trainer, error) ||
        !optimizer_new(bench->parameters, &optimizer, &bench->optimizer, error) ||
        !inference_new(bench->parameters, &limits, &bench->inference, error))
        return false;
    parameters_initialise(bench->parameters, 1);
    for (int i = 0; i < SAMPLES * LENGTH; i++)
        bench->tokens[i] = (int32_t)rng_below(&rng, 0, (uint64_t)i, VOCAB);
    for (int i = 0; i <= SAMPLES; i++) bench->offsets[i] = i * LENGTH;
    for (int i = 0; i < SAMPLES; i++) bench->labels[i] = bench->ids[i] = i % CLASSES;
    bench->batch = (struct batch){SAMPLES,        SAMPLES * LENGTH, bench->tokens,
                                  bench->offsets, bench->labels,    bench->ids};
    struct flops one = flops_dense(&config, LENGTH);
    bench->forward_gemm_flops = (double)flops_gemm(&one) * SAMPLES;
    return true;
}

/* GFLOP/s of one product of a peak shape, repeated for a tenth of a second or so. */
static double time_peak(struct bench *bench, const int shape[3]) {
    int m = shape[0], n = shape[1], k = shape[2], repeats = 4;
    double start = clock_seconds();
    for (int i = 0; i < repeats; i++)
        gemm(NULL, FLOP_FFN, m, n, k, 1.0f, plain(bench->a, k), plain(bench->b, n), 0.0f, bench->c,
             n);
    return 2e-9 * m * n * k * repeats / (clock_seconds() - start);
}

static double time_training(struct bench *bench, uint64_t step_index) {
    struct policy_step step = {.progress = 0.5, .step = step_index};
    double start = clock_seconds();
    trainer_forward(bench->trainer, &bench->batch, &step);
    trainer_backward(bench->trainer, &bench->batch, &step);
    optimizer_step(bench->optimizer, bench->parameters, trainer_gradients(bench->trainer));
    return 3e-9 * bench->forward_gemm_flops / (clock_seconds() - start);
}

static double time_inference(struct bench *bench) {
    double start = clock_seconds();
    inference_run(bench->inference, &bench->batch, NULL, NULL);
    return 1e-9 * bench->forward_gemm_flops / (clock_seconds() - start);
}

static int compare(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* One line: median, extremes and share of the peak. Returns the median. */
static double print_row(FILE *out, const char *name, double *samples, double peak) {
    qsort(samples, ROUNDS, sizeof *samples, compare);
    double median = samples[ROUNDS / 2];
    fprintf(out, "%-44s %8.1f %8.1f %8.1f", name, median, samples[0], samples[ROUNDS - 1]);
    if (peak > 0)
        fprintf(out, " %8.2f\n", median / peak);
    else
        fprintf(out, " %8s\n", "-");
    return median;
}

bool bench_run(FILE *out, struct error *error) {
    struct bench bench = {0};
    double peak[PEAK_SHAPES][ROUNDS], training[ROUNDS], inference[ROUNDS], best = 0.0;
    bool ok = bench_new(&bench, error);
    if (!ok) goto done;
    time_training(&bench, 0); /* warm-up of every path, not counted */
    time_inference(&bench);
    for (int s = 0; s < PEAK_SHAPES; s++) time_peak(&bench, peak_shapes[s]);
    for (int r = 0; r < ROUNDS; r++) {
        for (int s = 0; s < PEAK_SHAPES; s++) peak[s][r] = time_peak(&bench, peak_shapes[s]);
        training[r] = time_training(&bench, (uint64_t)r + 1);
        inference[r] = time_inference(&bench);
    }
    fprintf(out, "%s, one thread, %d interleaved rounds\n\n", gemm_library(), ROUNDS);
    fprintf(out, "%-44s %8s %8s %8s %8s\n", "GFLOP/s", "median", "min", "max", "of peak");
    for (int s = 0; s < PEAK_SHAPES; s++) {
        char name[64];
        snprintf(name, sizeof name, "sgemm %dx%dx%d", peak_shapes[s][0], peak_shapes[s][1],
                 peak_shapes[s][2]);
        double median = print_row(out, name, peak[s], 0.0);
        best = median > best ? median : best;
    }
    print_row(out, "training L=4 H=8 D=128 N=128 batch 32", training, best);
    print_row(out, "inference L=4 H=8 D=128 N=128 batch 32", inference, best);
    fprintf(out,
            "\nTraining counts 3 x the forward GEMM FLOPs of the closed form; what the backward "
            "pass\nrecomputes is not counted. Peak: the better sgemm median of this run.\n");
done:
    bench_free(&bench);
    return ok;
}
