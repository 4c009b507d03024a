/*
 * How fast the reference model trains and infers, beside the sgemm peak of the same rounds.
 */
#ifndef HEADROOM_HARNESS_BENCH_BENCH_SPEED_H
#define HEADROOM_HARNESS_BENCH_BENCH_SPEED_H

#include "harness/record/bench_table.h"
#include "models/base/error.h"

#include <stdio.h>

bool bench_speed(struct bench_table *table, struct error *error);

/* One line of key=value for bench_peers.py, at "DIM,BATCH,LENGTH": seconds of one training step, of
 * one inference of the batch and of a single input; GEMM FLOPs of an input, the sgemm peak and the
 * multiply-add limit; and peak resident memory of training. */
bool bench_print_shape(const char *shape, FILE *out, struct error *error);

#endif
