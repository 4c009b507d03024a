/*
 * Timing in turns, and the rows that come of it. A sample is a call repeated until it lasts long
 * enough for the clock; rounds go through all cases before any is measured again.
 */
#include "harness/bench/bench_timing.h"
#include "models/base/clock.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double seconds_of(const struct bench_case *timed, int calls, bool own_time) {
    double (*clock)(void) = own_time ? clock_thread_seconds : clock_seconds;
    double start = clock();
    for (int i = 0; i < calls; i++) timed->run(timed->context);
    return (clock() - start) / calls;
}

/* Calls that fill a sample, from what the warm-up took. */
static int calls_for(double seconds, double sample_seconds) {
    double calls = ceil(sample_seconds / seconds);
    return calls < 1.0 ? 1 : calls > 10000.0 ? 10000 : (int)calls;
}

int bench_time(struct bench_case *cases, int n, const struct bench_effort *effort) {
    double start = clock_seconds(),
           most = effort->most_seconds > 0 ? effort->most_seconds : INFINITY;
    int rounds = 0;
    assert(effort->rounds <= BENCH_ROUNDS_MAX);
    for (int i = 0; i < n; i++) {
        /* The first call is cold: only the ones after it tell how long a call takes. */
        double warm = seconds_of(&cases[i], 1, effort->own_time), sample = effort->sample_seconds;
        if (warm < sample)
            warm = seconds_of(&cases[i], calls_for(warm, sample / 4), effort->own_time);
        cases[i].calls = calls_for(warm, sample);
        cases[i].seconds[0] = warm;
    }
    for (; rounds < effort->rounds && clock_seconds() - start < most; rounds++)
        for (int i = 0; i < n; i++)
            cases[i].seconds[rounds] = seconds_of(&cases[i], cases[i].calls, effort->own_time);
    return rounds > 0 ? rounds : 1;
}

float *bench_array(size_t n) {
    float *array = malloc(n * sizeof *array);
    for (size_t i = 0; array && i < n; i++) array[i] = (float)(i % 7) - 3.0f;
    return array;
}

static int compare(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

void bench_row_fill(struct bench_row *row, double *numbers, int n) {
    qsort(numbers, (size_t)n, sizeof *numbers, compare);
    row->n_samples = n;
    row->lowest = numbers[0];
    row->highest = numbers[n - 1];
    row->median = 0.5 * (numbers[(n - 1) / 2] + numbers[n / 2]);
}

struct bench_row *bench_row_add(struct bench_table *table, const char *section,
                                enum bench_unit unit, const char *name, ...) {
    assert(table->n_rows < BENCH_ROWS_MAX);
    struct bench_row *row = &table->rows[table->n_rows++];
    *row = (struct bench_row){.section = section, .unit = unit, .target = (double)NAN};
    row->median = row->lowest = row->highest = row->share = (double)NAN;
    va_list arguments;
    va_start(arguments, name);
    vsnprintf(row->name, sizeof row->name, name, arguments);
    va_end(arguments);
    return row;
}

/* The samples of a case in the row's unit. */
static void samples_of(const struct bench_case *timed, int rounds, double *out) {
    for (int r = 0; r < rounds; r++)
        out[r] = timed->unit == MILLISECONDS ? 1e3 * timed->seconds[r]
                                             : 1e-9 * timed->work / timed->seconds[r];
}

struct bench_row *bench_row_case(struct bench_table *table, const char *section,
                                 const struct bench_case *timed, int rounds, double peak) {
    double numbers[BENCH_ROUNDS_MAX];
    struct bench_row *row = bench_row_add(table, section, timed->unit, "%s", timed->name);
    samples_of(timed, rounds, numbers);
    bench_row_fill(row, numbers, rounds);
    double rate = timed->unit == MILLISECONDS ? 1e-6 * timed->work / row->median : row->median;
    row->share = rate / peak;
    return row;
}

double bench_best_rate(const struct bench_case *cases, int n, int rounds) {
    double best = 0.0, numbers[BENCH_ROUNDS_MAX];
    for (int i = 0; i < n; i++) {
        struct bench_row row;
        samples_of(&cases[i], rounds, numbers);
        bench_row_fill(&row, numbers, rounds);
        best = row.median > best ? row.median : best;
    }
    return best;
}

double bench_best_round(const struct bench_case *cases, int n, int rounds) {
    double best = 0.0;
    for (int i = 0; i < n; i++)
        for (int r = 0; r < rounds; r++) best = fmax(best, cases[i].work / cases[i].seconds[r]);
    return best;
}
