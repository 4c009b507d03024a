/*
 * The core's own limit, as a case among others.
 */
#ifndef HEADROOM_HARNESS_BENCH_BENCH_FMA_H
#define HEADROOM_HARNESS_BENCH_BENCH_FMA_H

#include "harness/bench/bench_timing.h"

/* Multiply-adds on registers: what no product can exceed. */
enum { BENCH_FMA_FLOATS = 16 };
struct bench_case bench_fma_case(float out[BENCH_FMA_FLOATS]);

#endif
