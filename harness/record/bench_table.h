/*
 * What a run of the bench finds: rows of medians, each with the share of the machine's limit that
 * it reaches and the target that it is held against. Filled by harness/bench, printed and stored.
 */
#ifndef HEADROOM_HARNESS_RECORD_BENCH_TABLE_H
#define HEADROOM_HARNESS_RECORD_BENCH_TABLE_H

#include <stdbool.h>

enum { BENCH_ROWS_MAX = 128 };

enum bench_unit { GFLOP_PER_S, GB_PER_S, MILLISECONDS, RATIO, MEBIBYTES, BENCH_UNITS };

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

const char *bench_unit_name(enum bench_unit unit); /* "GFLOP/s", ... */

/* The number that a row's target is about. */
double bench_reached(const struct bench_row *row);

#endif
