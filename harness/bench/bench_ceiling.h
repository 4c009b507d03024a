/*
 * The two ceilings of a roofline alone, in about a second; on a slow machine in one round.
 */
#ifndef HEADROOM_HARNESS_BENCH_BENCH_CEILING_H
#define HEADROOM_HARNESS_BENCH_BENCH_CEILING_H

#include "harness/record/ceiling.h"
#include "models/base/error.h"

/* The best of interleaved rounds, of as many as seconds allow. */
bool bench_ceiling(struct ceiling *out, struct error *error);

#endif
