/*
 * Whether heads left out save the time that they should.
 */
#ifndef HEADROOM_HARNESS_BENCH_BENCH_SAVING_H
#define HEADROOM_HARNESS_BENCH_BENCH_SAVING_H

#include "harness/bench/bench_model.h"
#include "harness/bench/bench_timing.h"
#include "harness/record/bench_table.h"
#include "models/base/error.h"

/* All heads; 1, 2 and 4 of them as one set for all inputs; 1, 2, 4 and 6 as a set each. */
enum { BENCH_SAVED = 8 };

/* Inference with so many heads, beside all of them in the same rounds. */
struct bench_saved {
    int heads;
    bool each;                        /* every input and layer has a set of its own */
    double flops;                     /* executed, as a share of all heads' */
    struct bench_row ms, time, ratio; /* of a call; as a share of all heads'; that over `flops` */
};

/* Fills saved[0] (all heads, on `all`) to saved[BENCH_SAVED - 1]. `m` takes decisions from outside
 * ("random"); `all` is m or a model that runs every head without being told; both take `batch`. */
bool bench_saving_measure(struct bench_model *all, struct bench_model *m, const struct batch *batch,
                          const struct bench_effort *effort, struct bench_saved saved[BENCH_SAVED],
                          struct error *error);

bool bench_saving(struct bench_table *table, struct error *error);

#endif
