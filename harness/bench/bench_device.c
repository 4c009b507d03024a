/*
 * Training steps and inferences of whole batches on a device, one after the other. A sample is one
 * call and its wait: what a trial sees. The first calls are not counted (clocks rise, libraries
 * choose their kernels), and the median is of all that fit into some seconds.
 */
#include "harness/bench/bench_device.h"
#include "harness/bench/bench_model.h"
#include "harness/bench/bench_timing.h"
#include "models/base/clock.h"
#include "models/policies/registry.h"
#include "models/policy.h"

#include <string.h>

enum { SAMPLES_MOST = 400, SAMPLES_LEAST = 3, VOCABULARY = 30000, KINDS_MOST = 8 };

/* Seconds that are not counted, and that are. */
struct duration {
    double warm, counted;
};

static void time_calls(void (*run)(void *context), void *context, const struct duration *duration,
                       struct bench_row *row) {
    static double samples[SAMPLES_MOST];
    double start = clock_seconds();
    int n = 0;
    do run(context);
    while (clock_seconds() - start < duration->warm);
    start = clock_seconds();
    while (n < SAMPLES_LEAST || (n < SAMPLES_MOST && clock_seconds() - start < duration->counted)) {
        double begin = clock_seconds();
        run(context);
        samples[n++] = 1e3 * (clock_seconds() - begin);
    }
    bench_row_fill(row, samples, n);
}

/* Heads that an input of the last inference ran, mean over inputs and layers. */
static double mean_heads(const struct bench_model *m) {
    double sum = 0;
    for (int l = 0; l < m->config.layers; l++)
        for (int b = 0; b < m->batch.n_samples; b++) sum += inference_heads_run(m->inference, l, b);
    return sum / m->config.layers / m->batch.n_samples;
}

static bool measure(const struct device *d, const struct bench_shape *shape,
                    const struct bench_kind *kind, const struct duration *duration, FILE *out,
                    struct error *error) {
    struct bench_model model;
    struct bench_row train, infer;
    bool ok = bench_model_new_on(d, shape, kind, true, &model, error);
    if (!ok) goto done;
    time_calls(bench_model_infer, &model, duration, &infer);
    double heads = mean_heads(&model); /* of the initial weights, as those of `infer` */
    time_calls(bench_model_train, &model, duration, &train);
    ok = d->ops->ok(d, error);
    if (!ok) goto done;
    fprintf(out, "%4d %6d %4d  %-9s %-18s %5.2f %9.3f %9.3f %9.3f %6d %9.3f %9.3f %9.3f %6d\n",
            shape->dim, shape->length, shape->batch, precision_name(d->precision), kind->policy,
            heads, train.median, train.lowest, train.highest, train.n_samples, infer.median,
            infer.lowest, infer.highest, infer.n_samples);
    fflush(out);
done:
    bench_model_free(&model);
    return ok;
}

/* All heads, and every method that learns a budget, as its options are by themselves. */
static int list_kinds(struct bench_kind kinds[KINDS_MOST]) {
    int n = 0;
    kinds[n++] = (struct bench_kind){"fixed", "{\"heads\":8}", VOCABULARY, 0.0};
    for (int i = 0; i < policy_registry_size && n < KINDS_MOST; i++)
        if (policy_registry[i]->budget)
            kinds[n++] = (struct bench_kind){policy_registry[i]->name, "{}", VOCABULARY, 0.0};
    return n;
}

static void print_head(const char *name, FILE *out) {
    fprintf(out, "device %s; %d layers, %d heads, FFN 4 D, vocabulary %d, no dropout; ms\n", name,
            BENCH_LAYERS, BENCH_HEADS, VOCABULARY);
    fprintf(out, "%4s %6s %4s  %-9s %-18s %5s %9s %9s %9s %6s %9s %9s %9s %6s\n", "D", "length",
            "batch", "precision", "method", "heads", "train", "lowest", "highest", "calls", "infer",
            "lowest", "highest", "calls");
}

bool bench_device(const char *name, const char *precision, bool quick, FILE *out,
                  struct error *error) {
    static const struct bench_shape full[] = {
        {768, 16, 64}, {768, 256, 64}, {768, 16, 512}, {768, 64, 512}};
    static const struct bench_shape small[] = {{64, 4, 16}};
    struct bench_kind kinds[KINDS_MOST];
    int n_kinds = list_kinds(kinds);
    const struct bench_shape *shapes = quick ? small : full;
    struct duration duration = quick ? (struct duration){0, 0} : (struct duration){0.5, 2.0};
    int n_shapes = quick ? 1 : (int)(sizeof full / sizeof *full);
    enum precision first = PRECISION_FP32, last;
    last = strcmp(name, "cpu") == 0 ? PRECISION_FP32 : PRECISION_BF16;
    if (precision && !precision_find(precision, &first))
        return error_set(error, "'%.80s' is no precision; give fp32, tf32 or bf16", precision);
    if (precision) last = first;
    bool ok = true;
    for (enum precision p = first; ok && p <= last; p++) {
        const struct device *d = NULL;
        ok = device_open(name, p, &d, error);
        if (ok && p == first) print_head(name, out);
        for (int i = 0; ok && i < n_shapes; i++)
            for (int k = 0; ok && k < n_kinds; k++)
                ok = measure(d, &shapes[i], &kinds[k], &duration, out, error);
        device_close(d);
    }
    return ok;
}
