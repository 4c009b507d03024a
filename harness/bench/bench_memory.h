/*
 * What training the reference model takes in memory, by purpose and at its peak.
 */
#ifndef HEADROOM_HARNESS_BENCH_BENCH_MEMORY_H
#define HEADROOM_HARNESS_BENCH_BENCH_MEMORY_H

#include "harness/record/bench_table.h"
#include "models/base/error.h"

bool bench_memory(struct bench_table *table, struct error *error);

#endif
