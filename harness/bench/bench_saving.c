/*
 * Realised saving: does a forward pass with k of 8 heads take the share of time that its executed
 * FLOPs promise? The ratio time(k) / time(8) over FLOPs(k) / FLOPs(8) is taken within each round,
 * where both ran side by side, once with one set of heads for all inputs and once with a set of its
 * own for every input and layer.
 */
#include "harness/bench/bench_saving.h"

#include <stdlib.h>

enum { HEADS = BENCH_HEADS, LAYERS = BENCH_LAYERS };

/* Heads kept and whether every input has a set of its own; the first is the reference of all. With
 * 6 of 8 a model of the smallest size executes 0.91 of the FLOPs, as learned budgets at a low cost do
 * in the default sweep. */
static const struct {
    int k;
    bool each;
} kept[BENCH_SAVED] = {{HEADS, false}, {1, false}, {2, false}, {4, false},
                       {1, true},      {2, true},  {4, true},  {6, true}};

/* At most that much time where FLOPs are saved in proportion: of the smallest size 1.05 of all heads'
 * time for 0.91 of their FLOPs. */
static double target_of(int dim) {
    return dim < 128 ? 1.15 : dim < 256 ? 1.20 : 1.10;
}

struct saving_call {
    struct bench_model *model;
    const struct batch *batch;
    float *decisions; /* [L][batch][H] */
    const float *by_layer[LAYERS];
    const float *const *given; /* by_layer; NULL: the model needs no decisions */
};

static void run_saving(void *context) {
    struct saving_call *call = context;
    inference_run(call->model->inference, call->batch, NULL, call->given);
}

/* Chooses k heads for every input and layer; `each`: at random for each, else the same. */
static void choose(struct saving_call *call, int k, bool each) {
    struct rng rng = rng_stream(1, RNG_CONTROL);
    int samples = call->batch->n_samples;
    for (int l = 0; l < LAYERS; l++) {
        for (int b = 0; b < samples; b++) {
            int32_t order[HEADS] = {0, 1, 2, 3, 4, 5, 6, 7};
            float *row = call->decisions + (size_t)(l * samples + b) * HEADS;
            rng_shuffle(&rng, each ? (uint64_t)(l * samples + b) : 0, order, HEADS);
            for (int h = 0; h < HEADS; h++) row[h] = 0.0f;
            for (int i = 0; i < k; i++) row[order[i]] = 1.0f;
        }
        call->by_layer[l] = call->decisions + (size_t)(l * samples) * HEADS;
    }
}

/* Executed FLOPs of one call, as the kernels count them. */
static double executed_flops(struct saving_call *call) {
    struct work work = {0};
    inference_run(call->model->inference, call->batch, &work, call->given);
    return (double)flops_total(&work.flops);
}

/* What the rounds of case i say, beside the reference of the same rounds. */
static void fill_saving(const struct bench_case *cases, int i, int rounds,
                        struct bench_saved *out) {
    double ms[BENCH_ROUNDS_MAX], time[BENCH_ROUNDS_MAX], ratio[BENCH_ROUNDS_MAX];
    *out = (struct bench_saved){
        .heads = kept[i].k, .each = kept[i].each, .flops = cases[i].work / cases[0].work};
    for (int r = 0; r < rounds; r++) {
        ms[r] = 1e3 * cases[i].seconds[r];
        time[r] = cases[i].seconds[r] / cases[0].seconds[r];
        ratio[r] = time[r] / out->flops;
    }
    bench_row_fill(&out->ms, ms, rounds);
    bench_row_fill(&out->time, time, rounds);
    bench_row_fill(&out->ratio, ratio, rounds);
}

bool bench_saving_measure(struct bench_model *all, struct bench_model *m, const struct batch *batch,
                          const struct bench_effort *effort, struct bench_saved saved[BENCH_SAVED],
                          struct error *error) {
    struct saving_call calls[BENCH_SAVED] = {0};
    struct bench_case cases[BENCH_SAVED] = {0};
    bool ok = true;
    for (int i = 0; ok && i < BENCH_SAVED; i++) {
        calls[i] = (struct saving_call){.model = i ? m : all, .batch = batch};
        calls[i].decisions = calloc((size_t)(LAYERS * batch->n_samples) * HEADS, sizeof(float));
        if (!calls[i].decisions) {
            ok = error_set(error, "out of memory for the bench");
            break;
        }
        choose(&calls[i], kept[i].k, kept[i].each);
        if (calls[i].model == m) calls[i].given = calls[i].by_layer;
        cases[i] = (struct bench_case){.run = run_saving,
                                       .context = &calls[i],
                                       .unit = MILLISECONDS,
                                       .work = executed_flops(&calls[i])};
    }
    if (ok) {
        int rounds = bench_time(cases, BENCH_SAVED, effort);
        for (int i = 0; i < BENCH_SAVED; i++) fill_saving(cases, i, rounds, &saved[i]);
    }
    for (int i = 0; i < BENCH_SAVED; i++) free(calls[i].decisions);
    return ok;
}

/* Rows of the table, for all but the reference. */
static bool add_rows(struct bench_model *m, const struct batch *batch, struct bench_table *table,
                     struct error *error) {
    /* A large batch takes seconds a pass: fewer rounds keep the whole bench under its limit. */
    bool slow = table->quick || (m->shape.dim >= 256 && batch->n_samples > 1);
    struct bench_effort effort = {.rounds = slow ? 3 : 7,
                                  .sample_seconds = table->quick ? 0.0005 : 0.05};
    struct bench_saved saved[BENCH_SAVED];
    if (!bench_saving_measure(m, m, batch, &effort, saved, error)) return false;
    for (int i = 1; i < BENCH_SAVED; i++) {
        const struct bench_row *ratio = &saved[i].ratio;
        struct bench_row *row = bench_row_add(
            table, "saving", RATIO, "D=%d batch %d, %s, k=%d", m->shape.dim, batch->n_samples,
            saved[i].each ? "a set each" : "one set for all", saved[i].heads);
        row->n_samples = ratio->n_samples;
        row->median = ratio->median;
        row->lowest = ratio->lowest;
        row->highest = ratio->highest;
        if (table->quick) continue;
        row->limit = LIMIT_AT_MOST;
        row->target = target_of(m->shape.dim);
    }
    return true;
}

bool bench_saving(struct bench_table *table, struct error *error) {
    /* The first is the size of the default sweep. */
    static const struct bench_shape full[] = {
        {64, 32, 16}, {128, 32, 128}, {256, 32, 128}, {768, 32, 128}};
    static const struct bench_shape quick[] = {{64, 4, 32}};
    const struct bench_shape *shapes = table->quick ? quick : full;
    int n = table->quick ? 1 : (int)(sizeof full / sizeof *full);
    bool ok = true;
    for (int i = 0; ok && i < n; i++) {
        struct bench_model m = {0};
        ok = bench_model_new(&shapes[i], "random", false, &m, error) &&
             add_rows(&m, &m.single, table, error) && add_rows(&m, &m.batch, table, error);
        bench_model_free(&m);
    }
    return ok;
}
