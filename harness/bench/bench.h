/*
 * `make bench`: how much of this machine's speed the engine reaches, and whether heads left out
 * save the time they should. Timings are never asserted by tests; shares and ratios are of medians
 * taken in one run, interleaved with the reference they are compared to, so that a noisy neighbour
 * or a changed clock hits both sides.
 */
#ifndef HEADROOM_HARNESS_BENCH_BENCH_H
#define HEADROOM_HARNESS_BENCH_BENCH_H

#include "harness/record/bench_table.h"
#include "models/base/error.h"

#include <stdio.h>

/* Fills the table: under three minutes on one core, or with `quick` a subset on small shapes in
 * seconds. `log` (may be NULL) hears what is being measured. */
bool bench_run(bool quick, FILE *log, struct bench_table *table, struct error *error);

/* A table for each section, as wide as the page. */
bool bench_print(const struct bench_table *bench, FILE *out, struct error *error);

#endif
