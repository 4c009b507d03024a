/*
 * A quota of processor time, as containers and batch queues give it: a control group may run for so
 * long in each period (of 100 ms mostly), on as many cores as there are, and then all of it stands
 * still until the next. Times taken under one are those of waiting, and cores that are allowed but
 * not paid for make trials wait for each other.
 */
#ifndef HEADROOM_HARNESS_MEASURE_CPU_QUOTA_H
#define HEADROOM_HARNESS_MEASURE_CPU_QUOTA_H

#include <stddef.h>
#include <stdint.h>

struct cpu_quota {
    double cores; /* processor seconds in a second; NaN: no quota */
    int64_t periods,
        throttled; /* since the group began, and those in which it stood; -1: unknown */
};

/* The tightest quota of this process's control group and of those around it, version 1 or 2, from
 * the files below `root` ("" normally). */
struct cpu_quota cpu_quota_read(const char *root);

/* As many processes as may compute at a time: the cores that this one may run on, and no more
 * than whole ones of its quota; at least 1. */
int cpu_quota_cores(const char *root);

/* What happened between two readings: "throttled in 98 of 101 periods by a CPU quota of 0.50
 * cores". `out` stays where it was throttled in none, or nobody knows. */
void cpu_quota_describe(const struct cpu_quota *before, const struct cpu_quota *after, char *out,
                        size_t size);

#endif
