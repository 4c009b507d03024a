/*
 * Whether heads left out save the time that they should.
 */
#ifndef HEADROOM_HARNESS_BENCH_BENCH_SAVING_H
#define HEADROOM_HARNESS_BENCH_BENCH_SAVING_H

#include "harness/record/bench_table.h"
#include "models/base/error.h"

bool bench_saving(struct bench_table *table, struct error *error);

#endif
