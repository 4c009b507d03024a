/*
 * Training steps and inferences of whole batches on a device, one after the other. A sample is as
 * many calls as fill some milliseconds, and one wait at its end: what a loop of them sees, and a
 * trial is one. The first calls are not counted (clocks rise, libraries choose their kernels), and
 * the median is of all samples that fit into the time. Phases are taken in passes of their own,
 * because to mark them costs time.
 */
#include "harness/bench/bench_device.h"
#include "harness/bench/bench_model.h"
#include "harness/bench/bench_saving.h"
#include "harness/bench/bench_timing.h"
#include "harness/measure/phase_timer.h"
#include "harness/table/table.h"
#include "harness/table/width.h"
#include "harness/table/wrap.h"
#include "models/base/clock.h"
#include "models/policies/registry.h"
#include "models/policy.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

enum { SAMPLES_MOST = 400, SAMPLES_LEAST = 3, VOCABULARY = 30000, KINDS_MOST = 8, SHAPES_MOST = 6 };

/* Seconds that are not counted, those that are, and the least of a sample, at whose end steps that
 * are owed are made: in training that is after 256 steps, or an epoch. */
struct duration {
    double warm, counted, sample;
};

/* Milliseconds of a call: of all samples, and of each phase in the passes that mark them. */
struct timing {
    struct bench_row row;
    int calls; /* of a sample */
    double phase[PHASES];
};

static double seconds_of(struct bench_model *m, void (*run)(void *model), int calls) {
    double start = clock_seconds();
    for (int i = 0; i < calls; i++) run(m);
    optimizer_settle(m->optimizer, trainer_parameters(m->trainer)); /* steps that are owed count */
    m->device->ops->wait(m->device);
    return (clock_seconds() - start) / calls;
}

static void time_calls(struct bench_model *m, void (*run)(void *model), const struct duration *t,
                       struct timing *out) {
    static double samples[SAMPLES_MOST];
    double start = clock_seconds(), one;
    int n = 0;
    *out = (struct timing){0};
    do seconds_of(m, run, 1);
    while (clock_seconds() - start < t->warm);
    one = seconds_of(m, run, 1); /* the first alone may have taken all of that time */
    out->calls = one < t->sample ? (int)ceil(t->sample / one) : 1;
    start = clock_seconds();
    while (n < SAMPLES_LEAST || (n < SAMPLES_MOST && clock_seconds() - start < t->counted))
        samples[n++] = 1e3 * seconds_of(m, run, out->calls);
    bench_row_fill(&out->row, samples, n);
}

static void time_phases(struct bench_model *m, void (*run)(void *model), struct timing *out) {
    enum { PASSES = 5 };
    struct phase_timer timer;
    phase_timer_start(&timer, NULL);
    timer.device = m->device;
    bench_model_set_phases(m, &timer.phases);
    for (int i = 0; i < PASSES; i++) {
        run(m);
        phase_timer_stop(&timer);
    }
    phase_timer_read(&timer);
    bench_model_set_phases(m, NULL);
    for (int i = 0; i < PHASES; i++) out->phase[i] = 1e-6 * timer.ns[i] / PASSES;
}

/* Heads that an input of the last inference ran, mean over inputs and layers. */
static double mean_heads(const struct bench_model *m) {
    double sum = 0;
    for (int l = 0; l < m->config.layers; l++)
        for (int b = 0; b < m->batch.n_samples; b++) sum += inference_heads_run(m->inference, l, b);
    return sum / m->config.layers / m->batch.n_samples;
}

/* ---- a row for people, or a line for programs ---- */

/* Where what is measured goes: rows into a table, which is written at the end; lines at once. */
struct report {
    struct table table; /* without --json */
    FILE *out, *log;
};

enum { CELLS_MOST = 16 };

/* A row, cells between bars. */
static void add_row(struct report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add_row(struct report *report, const char *format, ...) {
    char line[256], *rest = line;
    const char *cells[CELLS_MOST];
    size_t n = 0;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    while (rest && n < CELLS_MOST) cells[n++] = strsep(&rest, "|");
    table_append(&report->table, n, cells);
}

static void add_speed(struct report *report, const struct bench_model *m, double heads,
                      const struct timing *train, const struct timing *infer) {
    add_row(report, "%d|%d|%d|%s|%s|%.2f|%.3f|%.3f..%.3f|%.3f|%.3f..%.3f|%d|%d", m->shape.dim,
            m->shape.length, m->shape.batch, precision_name(m->device->precision),
            m->config.policy->name, heads, train->row.median, train->row.lowest, train->row.highest,
            infer->row.median, infer->row.lowest, infer->row.highest,
            train->row.n_samples * train->calls, infer->row.n_samples * infer->calls);
}

static void print_json_timing(const char *name, const struct timing *t, FILE *out) {
    const char *comma = "";
    fprintf(out,
            ", \"%s\": {\"ms\": %.6g, \"lowest_ms\": %.6g, \"highest_ms\": %.6g, \"samples\": %d, "
            "\"calls\": %d, \"phases_ms\": {",
            name, t->row.median, t->row.lowest, t->row.highest, t->row.n_samples, t->calls);
    for (int i = 0; i < PHASES; i++)
        if (t->phase[i] > 0) {
            fprintf(out, "%s\"%s\": %.6g", comma, phase_name((enum phase)i), t->phase[i]);
            comma = ", ";
        }
    fputs("}}", out);
}

static void print_json(const struct bench_model *m, double heads, const struct timing *train,
                       const struct timing *infer, FILE *out) {
    fprintf(out,
            "{\"table\": \"speed\", \"dim\": %d, \"length\": %d, \"batch\": %d, \"precision\": "
            "\"%s\", \"method\": \"%s\", \"heads\": %.6g",
            m->shape.dim, m->shape.length, m->shape.batch, precision_name(m->device->precision),
            m->config.policy->name, heads);
    print_json_timing("train", train, out);
    print_json_timing("infer", infer, out);
    fputs("}\n", out);
}

/* A script comes back to its shape in every round, and need not stay so long. */
static struct duration duration_of(const struct bench_device_options *options) {
    if (options->shape)
        return options->quick ? (struct duration){0.05, 0.1, 0.005}
                              : (struct duration){0.1, 0.5, 0.1};
    return options->quick ? (struct duration){0, 0, 0} : (struct duration){0.5, 2.0, 0.1};
}

static bool measure_speed(const struct device *d, const struct bench_shape *shape,
                          const struct bench_kind *kind, const struct bench_device_options *options,
                          struct report *report, struct error *error) {
    struct bench_model model;
    struct timing train, infer;
    struct duration duration = duration_of(options);
    bool json = options->json;
    bool ok = bench_model_new_on(d, shape, kind, true, &model, error);
    if (!ok) goto done;
    time_calls(&model, bench_model_infer, &duration, &infer);
    double heads = mean_heads(&model); /* of the initial weights, as those of `infer` */
    if (json) time_phases(&model, bench_model_infer, &infer);
    time_calls(&model, bench_model_train, &duration, &train);
    if (json) time_phases(&model, bench_model_train, &train);
    ok = d->ops->ok(d, error);
    if (!ok) goto done;
    if (json)
        print_json(&model, heads, &train, &infer, report->out);
    else
        add_speed(report, &model, heads, &train, &infer);
    fflush(report->out);
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

/* ---- what skipped heads save ---- */

static void add_saved(struct report *report, const struct bench_model *m,
                      const struct bench_saved *saved) {
    add_row(report, "%d|%d|%d|%s|%s|%d|%.3f|%.3f..%.3f|%.3f|%.3f|%.2f|%.2f..%.2f", m->shape.dim,
            m->shape.length, m->shape.batch, precision_name(m->device->precision),
            saved->each ? "each" : "shared", saved->heads, saved->ms.median, saved->ms.lowest,
            saved->ms.highest, saved->flops, saved->time.median, saved->ratio.median,
            saved->ratio.lowest, saved->ratio.highest);
}

static void print_saved_json(const struct bench_model *m, const struct bench_saved *saved,
                             FILE *out) {
    fprintf(out,
            "{\"table\": \"saving\", \"dim\": %d, \"length\": %d, \"batch\": %d, \"precision\": "
            "\"%s\", \"sets\": \"%s\", \"heads\": %d, \"infer_ms\": %.6g, \"lowest_ms\": %.6g, "
            "\"highest_ms\": %.6g, \"flops_ratio\": %.6g, \"time_ratio\": %.6g, \"ratio\": %.6g, "
            "\"ratio_lowest\": %.6g, \"ratio_highest\": %.6g}\n",
            m->shape.dim, m->shape.length, m->shape.batch, precision_name(m->device->precision),
            saved->each ? "each" : "shared", saved->heads, saved->ms.median, saved->ms.lowest,
            saved->ms.highest, saved->flops, saved->time.median, saved->ratio.median,
            saved->ratio.lowest, saved->ratio.highest);
}

static bool measure_saving(const struct device *d, const struct bench_shape *shape,
                           const struct bench_device_options *options, struct report *report,
                           struct error *error) {
    static const struct bench_kind all_heads = {"fixed", "{\"heads\":8}", VOCABULARY, 0.0},
                                   told = {"random", "{}", VOCABULARY, 0.0};
    struct bench_effort effort = {.rounds = options->quick ? 3 : 9,
                                  .sample_seconds = options->quick ? 0.002 : 0.02};
    struct bench_saved saved[BENCH_SAVED];
    struct bench_model all = {0}, m = {0};
    bool ok = bench_model_new_on(d, shape, &all_heads, false, &all, error) &&
              bench_model_new_on(d, shape, &told, false, &m, error) &&
              bench_saving_measure(&all, &m, &m.batch, &effort, saved, error) &&
              d->ops->ok(d, error);
    for (int i = 0; ok && i < BENCH_SAVED; i++)
        if (options->json)
            print_saved_json(&m, &saved[i], report->out);
        else
            add_saved(report, &m, &saved[i]);
    fflush(report->out);
    bench_model_free(&m);
    bench_model_free(&all);
    return ok;
}

/* ---- all of it ---- */

static bool write_table(const struct bench_device_options *options, struct report *report,
                        struct error *error) {
    wrap_print(report->out, width_of(report->out), 2,
               "device %s; %d layers, %d heads, FFN 4 D, vocabulary %d, no dropout; ms",
               options->name, BENCH_LAYERS, BENCH_HEADS, VOCABULARY);
    return table_write(&report->table, TABLE_ALIGNED, report->out, error);
}

/* The settings that are known, a small one, or the one that is asked for: by a script, which comes
 * back to it in every round. */
static bool list_shapes(const struct bench_device_options *options,
                        struct bench_shape shapes[SHAPES_MOST], int *n, struct error *error) {
    static const struct bench_shape small = {64, 4, 16},
                                    speed[] = {{768, 16, 64},
                                               {768, 256, 64},
                                               {768, 16, 512},
                                               {768, 64, 512}},
                                    saving[SHAPES_MOST] = {{768, 1, 64},   {768, 32, 64},
                                                           {768, 128, 64}, {768, 1, 512},
                                                           {768, 32, 512}, {768, 128, 512}};
    *n = 1;
    if (options->shape) return bench_shape_read(options->shape, shapes, error);
    if (options->quick) {
        shapes[0] = small;
    } else if (options->saving) {
        *n = SHAPES_MOST;
        memcpy(shapes, saving, sizeof saving);
    } else {
        *n = (int)(sizeof speed / sizeof *speed);
        memcpy(shapes, speed, sizeof speed);
    }
    return true;
}

static bool measure_shape(const struct device *d, const struct bench_shape *shape,
                          const struct bench_device_options *options, struct report *report,
                          struct error *error) {
    struct bench_kind kinds[KINDS_MOST];
    int n = list_kinds(kinds);
    bool ok = true;
    if (report->log)
        fprintf(report->log, "bench: %s, D=%d N=%d batch %d\n", precision_name(d->precision),
                shape->dim, shape->length, shape->batch);
    if (options->saving) return measure_saving(d, shape, options, report, error);
    for (int k = 0; ok && k < n; k++)
        ok = measure_speed(d, shape, &kinds[k], options, report, error);
    return ok;
}

bool bench_device(const struct bench_device_options *options, FILE *out, FILE *log,
                  struct error *error) {
    const char *name = options->name, *precision = options->precision;
    struct bench_shape shapes[SHAPES_MOST];
    struct report report = {.out = out, .log = options->json ? NULL : log};
    int n_shapes;
    enum precision first = PRECISION_FP32, last;
    last = strcmp(name, "cpu") == 0 ? PRECISION_FP32 : PRECISION_BF16;
    if (precision && !precision_find(precision, &first))
        return error_set(error, "'%.80s' is no precision; give fp32, tf32 or bf16", precision);
    if (precision) last = first;
    bool ok = list_shapes(options, shapes, &n_shapes, error);
    report.table.n_keys = options->saving ? 6 : 5;
    add_row(&report, options->saving
                         ? "D|length|batch|precision|sets|heads|infer|range|FLOPs|time|ratio|range"
                         : "D|length|batch|precision|method|heads|train|range|infer|range"
                           "|calls to train|calls to infer");
    for (enum precision p = first; ok && p <= last; p++) {
        const struct device *d = NULL;
        ok = device_open(name, p, &d, error);
        for (int i = 0; ok && i < n_shapes; i++)
            ok = measure_shape(d, &shapes[i], options, &report, error);
        device_close(d);
    }
    struct error unwritten;
    if (report.table.n_rows > 1) /* also what was measured before something failed */
        ok = write_table(options, &report, ok ? error : &unwritten) && ok;
    table_free(&report.table);
    return ok;
}
