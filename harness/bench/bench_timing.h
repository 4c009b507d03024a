/*
 * Cases that are timed in turns, and the rows of the table that come of it.
 */
#ifndef HEADROOM_HARNESS_BENCH_BENCH_TIMING_H
#define HEADROOM_HARNESS_BENCH_BENCH_TIMING_H

#include "harness/record/bench_table.h"

#include <stddef.h>

enum { BENCH_ROUNDS_MAX = 16 };

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

/* How long to measure: rounds, the least seconds of a sample (short calls are repeated), and seconds
 * after which no further round begins (0: all rounds are run). own_time: seconds of a call are those
 * that the thread had a core for, whoever else wanted it. */
struct bench_effort {
    int rounds;
    double sample_seconds;
    double most_seconds;
    bool own_time;
};

/* Each case once as a warm-up, then every round all cases in turns. Returns the rounds that there are
 * samples of, at least one: where the warm-up took all the time, it is the one. */
int bench_time(struct bench_case *cases, int n, const struct bench_effort *effort);

/* n floats from -3 to 3, for a case to work on; NULL if memory ran out. */
float *bench_array(size_t n);

/* Appends a row without numbers; printf-like name. */
struct bench_row *bench_row_add(struct bench_table *table, const char *section,
                                enum bench_unit unit, const char *name, ...)
    __attribute__((format(printf, 4, 5)));

/* Median, lowest and highest of n numbers into the row; sorts them. */
void bench_row_fill(struct bench_row *row, double *numbers, int n);

/* Appends a timed case in its unit, as a share of `peak` work per second (NaN: no share). */
struct bench_row *bench_row_case(struct bench_table *table, const char *section,
                                 const struct bench_case *timed, int rounds, double peak);

/* Best median of work per second over n cases, in the unit of their rows. */
double bench_best_rate(const struct bench_case *cases, int n, int rounds);

/* Most work per second, in FLOPs or bytes, that any round of any case reached. */
double bench_best_round(const struct bench_case *cases, int n, int rounds);

#endif
