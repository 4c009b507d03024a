/*
 * Training, inference and the latency of a single input. Training counts three forward passes, and
 * what the backward pass recomputes is work but no progress.
 */
#include "harness/bench/bench_speed.h"
#include "harness/bench/bench_fma.h"
#include "harness/bench/bench_model.h"
#include "harness/bench/bench_peak.h"
#include "harness/measure/memory.h"

#include <math.h>
#include <string.h>

static void set_target(struct bench_row *row, enum bench_limit limit, double target) {
    if (isnan(target)) return;
    row->limit = limit;
    row->target = target;
}

static bool measure_model(const struct bench_target *target, struct bench_table *table,
                          struct error *error) {
    const struct bench_shape *s = &target->shape;
    struct bench_effort effort = {.rounds = table->quick ? 3 : 5,
                                  .sample_seconds = table->quick ? 0.001 : 0.05};
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

bool bench_speed(struct bench_table *table, struct error *error) {
    int n;
    const struct bench_target *shapes = bench_targets(table->quick, &n);
    bool ok = true;
    for (int i = 0; ok && i < n; i++) ok = measure_model(&shapes[i], table, error);
    return ok;
}

/* ---- one shape, for the comparison with other programs ---- */

bool bench_print_shape(const char *text, FILE *out, struct error *error) {
    struct bench_shape s;
    struct bench_model m = {0};
    struct bench_peak peak = {0};
    char reason[160] = "";
    if (!bench_shape_read(text, &s, error)) return false;
    bool ok = bench_model_new(&s, "fixed", true, &m, error);
    if (!ok) goto done;
    enum { INFER, ONE, FMA, OWN };
    float fma[BENCH_FMA_FLOATS];
    struct bench_effort effort = {.rounds = 5, .sample_seconds = 0.1};
    struct bench_case train = {.run = bench_model_train, .context = &m, .unit = MILLISECONDS},
                      cases[OWN + BENCH_PEAKS] = {
                          {.run = bench_model_infer, .context = &m, .unit = MILLISECONDS},
                          {.run = bench_model_infer_one, .context = &m, .unit = MILLISECONDS},
                          bench_fma_case(fma)};
    /* Training first and alone: the peak of memory is its own. */
    bench_time(&train, 1, &(struct bench_effort){.rounds = 3, .sample_seconds = 0.2});
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
