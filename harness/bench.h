/*
 * `make bench`: how much of this machine's matrix speed the engine reaches. Timings are never
 * asserted by tests; they are ratios of medians taken in one run, interleaved with the reference
 * they are compared to, so that a noisy neighbour or a changed clock hits both sides.
 */
#ifndef HEADROOM_HARNESS_BENCH_H
#define HEADROOM_HARNESS_BENCH_H

#include "models/error.h"

#include <stdio.h>

/* Prints the table; takes about half a minute on one core. */
bool bench_run(FILE *out, struct error *error);

#endif
