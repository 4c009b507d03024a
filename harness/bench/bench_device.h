/*
 * How long a training step and an inference take on a device, at the settings whose times on other
 * programs are known.
 */
#ifndef HEADROOM_HARNESS_BENCH_BENCH_DEVICE_H
#define HEADROOM_HARNESS_BENCH_BENCH_DEVICE_H

#include "models/base/error.h"

#include <stdbool.h>
#include <stdio.h>

struct bench_device_options {
    const char *name;      /* "cpu", "cuda", ... */
    const char *precision; /* NULL: every one that the device has */
    const char *shape;     /* "DIM,BATCH,LENGTH": it alone, timed for less long; NULL: the known */
    bool quick;            /* one small setting, or less of the shape */
    bool json;             /* for programs: an object a line, and the phases */
    bool saving;           /* what skipped heads save, in place of speed */
};

/* A row for each setting, precision and method: medians, lowest and highest milliseconds of a
 * training step (both passes and AdamW with clipping) and of an inference of the batch. Or, with
 * `saving`, for each setting, precision, number of heads and kind of sets: milliseconds of an
 * inference, its time as a share of all heads', and that over the share of FLOPs. The
 * table is written at the end, also where something failed on the way; `log` (may be NULL) hears what
 * is being measured. Nothing is stored. */
bool bench_device(const struct bench_device_options *options, FILE *out, FILE *log,
                  struct error *error);

#endif
