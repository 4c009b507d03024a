/*
 * How long a training step and an inference take on a device, at the settings whose times on other
 * programs are known.
 */
#ifndef HEADROOM_HARNESS_BENCH_BENCH_DEVICE_H
#define HEADROOM_HARNESS_BENCH_BENCH_DEVICE_H

#include "models/base/error.h"

#include <stdbool.h>
#include <stdio.h>

/* A line for each setting, precision and method: medians, lowest and highest milliseconds of a
 * training step (both passes and AdamW with clipping) and of an inference of the batch. precision
 * NULL: every one that the device has. `quick`: one small setting. Nothing is stored. */
bool bench_device(const char *name, const char *precision, bool quick, FILE *out,
                  struct error *error);

#endif
