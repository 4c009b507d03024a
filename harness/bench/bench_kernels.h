/*
 * The kernels alone, beside the limits of the same rounds.
 */
#ifndef HEADROOM_HARNESS_BENCH_BENCH_KERNELS_H
#define HEADROOM_HARNESS_BENCH_BENCH_KERNELS_H

#include "harness/record/bench_table.h"
#include "models/base/error.h"

bool bench_kernels(struct bench_table *table, struct error *error);

#endif
