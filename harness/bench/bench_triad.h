/*
 * The memory bandwidth: a triad over arrays that no cache holds, which everything that streams is
 * held against. Bytes count each array read or written once (STREAM's rule).
 */
#ifndef HEADROOM_HARNESS_BENCH_BENCH_TRIAD_H
#define HEADROOM_HARNESS_BENCH_BENCH_TRIAD_H

#include "harness/bench/bench_timing.h"
#include "models/base/error.h"

enum { BENCH_TRIAD_BYTES_LEAST = 128 << 20 }; /* of each array */

struct bench_triad {
    size_t n;         /* floats in each array */
    float *a, *b, *c; /* a is read only */
};

/* Bytes that an array should have on this machine. */
size_t bench_triad_bytes(void);

/* Arrays of so many bytes; they must be freed after failure as well. */
bool bench_triad_new(struct bench_triad *triad, size_t bytes, struct error *error);
void bench_triad_free(struct bench_triad *triad);

struct bench_case bench_triad_case(struct bench_triad *triad);

#endif
