/*
 * The two ceilings of a roofline alone, in about a second.
 */
#ifndef HEADROOM_HARNESS_BENCH_BENCH_CEILING_H
#define HEADROOM_HARNESS_BENCH_BENCH_CEILING_H

#include "harness/record/ceiling.h"
#include "models/base/error.h"

/* The best of interleaved rounds. */
bool bench_ceiling(struct ceiling *out, struct error *error);

#endif
