/*
 * The sgemm peak: the rate of large products, which everything that multiplies is held against.
 */
#ifndef HEADROOM_HARNESS_BENCH_BENCH_PEAK_H
#define HEADROOM_HARNESS_BENCH_BENCH_PEAK_H

#include "harness/bench/bench_timing.h"
#include "models/base/error.h"

/* One product, on operands that are never longer than BENCH_OPERAND. */
enum { BENCH_PEAKS = 2, BENCH_OPERAND = 4096 * 1024 };
struct bench_product {
    int m, n, k;
    bool a_transposed, b_transposed;
    const float *a, *b;
    float *c;
};

/* What a product is timed as; `what` is said behind its size, "" if there is nothing to say. */
struct bench_case bench_product_case(struct bench_product *product, const char *what);

/* The two large products whose better median is called the peak. */
struct bench_peak {
    float *a, *b, *c; /* [BENCH_OPERAND] */
    struct bench_product products[BENCH_PEAKS];
    struct bench_case cases[BENCH_PEAKS];
};
/* A peak must be freed after failure as well. */
bool bench_peak_new(struct bench_peak *peak, struct error *error);
void bench_peak_free(struct bench_peak *peak);

#endif
