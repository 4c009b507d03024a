/*
 * The reference model of the bench: training, inference, the latency of a single input and the
 * memory of training, at the sizes whose targets are known. Work is GEMM FLOPs of the closed form:
 * training counts three forward passes, and what the backward pass recomputes is work but no
 * progress.
 */
#include "harness/bench/bench_private.h"
#include "harness/measure/memory.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LAYERS = 4, HEADS = 8, VOCAB = 1000, CLASSES = 4 };

static const struct optimizer_config adamw = {.learning_rate = 1e-3,
                                              .weight_decay = 0.01,
                                              .beta1 = 0.9,
                                              .beta2 = 0.999,
                                              .epsilon = 1e-8,
                                              .clip_norm = 1,
                                              .total_steps = 1000000};

/* Shares of the sgemm peak that training and inference should reach. */
struct target_shape {
    struct bench_shape shape;
    double train, infer;
};
static const struct target_shape full_shapes[] = {
    {{128, 32, 128}, 0.60, 0.65},
    {{256, 32, 128}, 0.65, 0.70},
    {{768, 16, 128}, 0.80, 0.85},
};
static const struct target_shape quick_shapes[] = {{{64, 4, 32}, (double)NAN, (double)NAN}};

static const struct target_shape *target_shapes(bool quick, int *n) {
    *n = quick ? 1 : (int)(sizeof full_shapes / sizeof *full_shapes);
    return quick ? quick_shapes : full_shapes;
}

static bool configure(const struct bench_shape *shape, const char *policy,
                      struct model_config *config, struct error *error) {
    options_default(&model_options, config);
    config->layers = LAYERS;
    config->dim = shape->dim;
    config->base_heads = HEADS;
    config->vocab = VOCAB;
    config->classes = CLASSES;
    config->max_len = shape->length;
    config->policy = policy_find(policy);
    return model_resolve_full(config, error);
}

/* Random tokens; labels and ids that differ. */
static bool fill_batch(struct bench_model *m, struct error *error) {
    int samples = m->shape.batch, tokens = samples * m->shape.length;
    struct rng rng = rng_stream(1, RNG_GENERATOR);
    m->tokens = calloc((size_t)tokens, sizeof *m->tokens);
    m->offsets = calloc((size_t)samples + 1, sizeof *m->offsets);
    m->labels = calloc((size_t)samples, sizeof *m->labels);
    m->ids = calloc((size_t)samples, sizeof *m->ids);
    if (!m->tokens || !m->offsets || !m->labels || !m->ids)
        return error_set(error, "out of memory for the bench");
    for (int i = 0; i < tokens; i++) m->tokens[i] = (int32_t)rng_below(&rng, 0, (uint64_t)i, VOCAB);
    for (int i = 0; i <= samples; i++) m->offsets[i] = i * m->shape.length;
    for (int i = 0; i < samples; i++) {
        m->labels[i] = i % CLASSES;
        m->ids[i] = i;
    }
    m->batch = (struct batch){samples, tokens, m->tokens, m->offsets, m->labels, m->ids};
    m->single = m->batch;
    m->single.n_samples = 1;
    m->single.n_tokens = m->shape.length;
    return true;
}

bool bench_model_new(const struct bench_shape *shape, const char *policy, bool trained,
                     struct bench_model *m, struct error *error) {
    struct trainer_limits limits = {shape->batch, shape->batch * shape->length, shape->length};
    *m = (struct bench_model){.shape = *shape};
    if (!configure(shape, policy, &m->config, error) || !fill_batch(m, error) ||
        !parameters_new(&m->config, "parameters", &m->parameters, error) ||
        !inference_new(m->parameters, &limits, &m->inference, error))
        return false;
    parameters_initialise(m->parameters, 1);
    return !trained || (trainer_new(m->parameters, &limits, 1, &m->trainer, error) &&
                        optimizer_new(m->parameters, &adamw, &m->optimizer, error));
}

void bench_model_free(struct bench_model *m) {
    inference_free(m->inference);
    optimizer_free(m->optimizer);
    trainer_free(m->trainer);
    parameters_free(m->parameters);
    free(m->tokens);
    free(m->offsets);
    free(m->labels);
    free(m->ids);
}

double bench_model_gemm_flops(const struct bench_model *m) {
    struct flops one = flops_dense(&m->config, m->shape.length);
    return (double)flops_gemm(&one);
}

void bench_model_train(void *model) {
    struct bench_model *m = model;
    struct policy_step step = {.progress = 0.5, .step = m->step++};
    trainer_step(m->trainer, &m->batch, &step);
    optimizer_step(m->optimizer, m->parameters, trainer_gradients(m->trainer));
}

void bench_model_infer(void *model) {
    struct bench_model *m = model;
    inference_run(m->inference, &m->batch, NULL, NULL);
}

void bench_model_infer_one(void *model) {
    struct bench_model *m = model;
    inference_run(m->inference, &m->single, NULL, NULL);
}

/* ---- speed ---- */

static void set_target(struct bench_row *row, enum bench_limit limit, double target) {
    if (isnan(target)) return;
    row->limit = limit;
    row->target = target;
}

static bool measure_model(const struct target_shape *target, struct bench_table *table,
                          struct error *error) {
    const struct bench_shape *s = &target->shape;
    struct bench_effort effort = {table->quick ? 3 : 5, table->quick ? 0.001 : 0.05};
    struct bench_model model = {0};
    struct bench_peak peak = {0};
    enum { TRAIN, INFER, ONE, OWN };
    struct bench_case cases[OWN + BENCH_PEAKS] = {
        {.run = bench_model_train, .context = &model, .unit = GFLOP_PER_S},
        {.run = bench_model_infer, .context = &model, .unit = GFLOP_PER_S},
        {.run = bench_model_infer_one, .context = &model, .unit = MILLISECONDS},
    };
    bool ok = bench_model_new(s, "fixed", true, &model, error) && bench_peak_new(&peak, error);
    if (!ok) goto done;
    double flops = bench_model_gemm_flops(&model);
    cases[TRAIN].work = 3.0 * flops * s->batch;
    cases[INFER].work = flops * s->batch;
    cases[ONE].work = flops;
    snprintf(cases[TRAIN].name, sizeof cases->name, "training, D=%d N=%d batch %d", s->dim,
             s->length, s->batch);
    snprintf(cases[INFER].name, sizeof cases->name, "inference, D=%d N=%d batch %d", s->dim,
             s->length, s->batch);
    snprintf(cases[ONE].name, sizeof cases->name, "latency of one input, D=%d N=%d", s->dim,
             s->length);
    memcpy(&cases[OWN], peak.cases, sizeof peak.cases);
    bench_time(cases, OWN + BENCH_PEAKS, &effort);
    double best = bench_best_rate(&cases[OWN], BENCH_PEAKS, effort.rounds);
    struct bench_row *row[OWN];
    for (int i = 0; i < OWN; i++)
        row[i] = bench_row_case(table, "model", &cases[i], effort.rounds, best);
    set_target(row[TRAIN], LIMIT_AT_LEAST, target->train);
    set_target(row[INFER], LIMIT_AT_LEAST, target->infer);
done:
    bench_peak_free(&peak);
    bench_model_free(&model);
    return ok;
}

bool bench_models(struct bench_table *table, struct error *error) {
    int n;
    const struct target_shape *shapes = target_shapes(table->quick, &n);
    bool ok = true;
    for (int i = 0; ok && i < n; i++) ok = measure_model(&shapes[i], table, error);
    return ok;
}

/* ---- memory ---- */

enum { PARAMETERS, GRADIENTS, OPTIMISER, ACTIVATIONS, WORKSPACE, RESIDENT, MEMORY_KINDS };
static const char *const memory_names[MEMORY_KINDS] = {
    "parameters", "gradients", "optimiser", "activations", "workspace", "peak resident",
};

struct memory_report {
    int64_t bytes[MEMORY_KINDS];
    char reason[160]; /* why a peak of -1 is unknown; or what failed */
    bool ok;
};

/* Two training steps in this process, then what they needed. */
static void train_and_report(const struct bench_shape *shape, struct memory_report *report) {
    struct bench_model m = {0};
    struct error error = {0};
    memory_reset_peak(report->reason, sizeof report->reason);
    report->ok = bench_model_new(shape, "fixed", true, &m, &error);
    if (!report->ok) {
        snprintf(report->reason, sizeof report->reason, "%.150s", error.text);
        return;
    }
    for (int i = 0; i < 2; i++) bench_model_train(&m);
    int64_t *bytes = report->bytes;
    bytes[PARAMETERS] = (int64_t)m.parameters->arena.size;
    bytes[GRADIENTS] = (int64_t)trainer_gradients(m.trainer)->arena.size;
    bytes[OPTIMISER] = optimizer_bytes(m.optimizer);
    bytes[ACTIVATIONS] = trainer_activation_bytes(m.trainer);
    bytes[WORKSPACE] = trainer_bytes(m.trainer) - bytes[GRADIENTS] - bytes[ACTIVATIONS];
    bytes[RESIDENT] = memory_peak_resident(report->reason, sizeof report->reason);
    bench_model_free(&m);
}

/* A process has one peak, so each size is trained in a child of this still small process. */
static bool report_from_child(const struct bench_shape *shape, struct memory_report *report,
                              struct error *error) {
    int ends[2], status = 0;
    memset(report, 0, sizeof *report);
    if (pipe(ends) != 0) return error_set(error, "pipe: %s", strerror(errno));
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        close(ends[0]);
        close(ends[1]);
        return error_set(error, "cannot start a process to measure memory: %s", strerror(errno));
    }
    if (child == 0) {
        train_and_report(shape, report);
        _exit(write(ends[1], report, sizeof *report) == sizeof *report ? 0 : 1);
    }
    close(ends[1]);
    bool whole = read(ends[0], report, sizeof *report) == sizeof *report;
    close(ends[0]);
    waitpid(child, &status, 0);
    if (whole && report->ok) return true;
    return error_set(error, "training at D=%d in a process of its own failed: %s", shape->dim,
                     whole ? report->reason : "it ended without a report");
}

bool bench_memory(struct bench_table *table, struct error *error) {
    int n;
    const struct target_shape *shapes = target_shapes(table->quick, &n);
    for (int i = 0; i < n; i++) {
        const struct bench_shape *s = &shapes[i].shape;
        struct memory_report report;
        if (!report_from_child(s, &report, error)) return false;
        for (int kind = 0; kind < MEMORY_KINDS; kind++) {
            struct bench_row *row =
                bench_row_add(table, "memory", MEBIBYTES, "%s, training D=%d N=%d batch %d",
                              memory_names[kind], s->dim, s->length, s->batch);
            double mebibytes = (double)report.bytes[kind] / 1048576.0;
            if (report.bytes[kind] >= 0)
                bench_row_fill(row, &mebibytes, 1);
            else
                snprintf(row->note, sizeof row->note, "%s", report.reason);
        }
    }
    return true;
}

/* ---- one shape, for the comparison with other programs ---- */

bool bench_print_shape(const char *text, FILE *out, struct error *error) {
    struct bench_shape s;
    struct bench_model m = {0};
    struct bench_peak peak = {0};
    char reason[160] = "", end;
    if (sscanf(text, "%d,%d,%d%c", &s.dim, &s.batch, &s.length, &end) != 3 || s.dim < HEADS ||
        s.dim > 8192 || s.batch < 1 || s.batch > 4096 || s.length < 1 || s.length > 65536)
        return error_set(error, "--shape is DIM,BATCH,LENGTH, like 128,32,128, not '%s'", text);
    bool ok = bench_model_new(&s, "fixed", true, &m, error);
    if (!ok) goto done;
    enum { INFER, ONE, FMA, OWN };
    float fma[BENCH_FMA_FLOATS];
    struct bench_effort effort = {5, 0.1};
    struct bench_case train = {.run = bench_model_train, .context = &m, .unit = MILLISECONDS},
                      cases[OWN + BENCH_PEAKS] = {
                          {.run = bench_model_infer, .context = &m, .unit = MILLISECONDS},
                          {.run = bench_model_infer_one, .context = &m, .unit = MILLISECONDS},
                          bench_fma_case(fma)};
    /* Training first and alone: the peak of memory is its own. */
    bench_time(&train, 1, &(struct bench_effort){3, 0.2});
    int64_t resident = memory_peak_resident(reason, sizeof reason);
    ok = bench_peak_new(&peak, error);
    if (!ok) goto done;
    memcpy(&cases[OWN], peak.cases, sizeof peak.cases);
    bench_time(cases, OWN + BENCH_PEAKS, &effort);
    struct bench_row rows[3];
    bench_row_fill(&rows[0], train.seconds, 3);
    bench_row_fill(&rows[1], cases[INFER].seconds, effort.rounds);
    bench_row_fill(&rows[2], cases[ONE].seconds, effort.rounds);
    fprintf(out,
            "train_seconds=%.9g infer_seconds=%.9g latency_seconds=%.9g gemm_flops_per_input=%.0f "
            "sgemm_flops_per_second=%.9g fma_flops_per_second=%.9g peak_resident_bytes=%lld\n",
            rows[0].median, rows[1].median, rows[2].median, bench_model_gemm_flops(&m),
            1e9 * bench_best_rate(&cases[OWN], BENCH_PEAKS, effort.rounds),
            1e9 * bench_best_rate(&cases[FMA], 1, effort.rounds), (long long)resident);
done:
    bench_peak_free(&peak);
    bench_model_free(&m);
    return ok;
}
