/*
 * `make bench`: how much of this machine's speed the engine reaches, and whether heads left out
 * save the time they should. Timings are never asserted by tests; shares and ratios are of medians
 * taken in one run, interleaved with the reference they are compared to, so that a noisy neighbour
 * or a changed clock hits both sides.
 */
#ifndef HEADROOM_HARNESS_BENCH_BENCH_H
#define HEADROOM_HARNESS_BENCH_BENCH_H

#include "models/base/error.h"

#include <stdio.h>

enum { BENCH_ROWS_MAX = 128 };

enum bench_unit { GFLOP_PER_S, GB_PER_S, MILLISECONDS, RATIO, MEBIBYTES, BENCH_UNITS };
const char *bench_unit_name(enum bench_unit unit); /* "GFLOP/s", ... */

/* A number that the design asks for; LIMIT_NONE: nothing is asked. */
enum bench_limit { LIMIT_NONE, LIMIT_AT_LEAST, LIMIT_AT_MOST };

struct bench_row {
    const char *section; /* "memory", "kernels", "model", "saving" */
    char name[64];
    enum bench_unit unit;
    int n_samples; /* 0: not measured, note says why */
    double median, lowest, highest;
    double share; /* of the sgemm peak or the triad bandwidth; NaN: of nothing */
    enum bench_limit limit;
    double target; /* of share where there is one, else of median; NaN without limit */
    char note[160];
};

struct bench_table {
    bool quick;
    double seconds; /* the whole run */
    int n_rows;
    struct bench_row rows[BENCH_ROWS_MAX];
};

/* The number that a row's target is about. */
double bench_reached(const struct bench_row *row);

/* Fills the table: under three minutes on one core, or with `quick` a subset on small shapes in
 * seconds. `log` (may be NULL) hears what is being measured. */
bool bench_run(bool quick, FILE *log, struct bench_table *table, struct error *error);

/* What bounds any phase on this core, measured in about a second: the rate of large products, and
 * of a triad over arrays beyond the caches. The best of interleaved rounds. */
struct ceiling {
    double flops_per_second, bytes_per_second;
};
bool bench_ceiling(struct ceiling *out, struct error *error);

void bench_print(const struct bench_table *table, FILE *out);

/* One line of key=value for bench_peers.py, at "DIM,BATCH,LENGTH": seconds of one training step, of
 * one inference of the batch and of a single input; GEMM FLOPs of an input, the sgemm peak and the
 * multiply-add limit; and peak resident memory of training. */
bool bench_print_shape(const char *shape, FILE *out, struct error *error);

#endif
