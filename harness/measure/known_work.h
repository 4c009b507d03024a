/*
 * A small piece of work of which it is known what it causes, so that an event can be held against
 * it: instructions and arithmetic by their number, branches that nothing predicts, fresh pages, and
 * lines that are in no cache. Events are proven by it before they are believed (counters.h: they
 * must read something), and `headroom doctor --verify` compares what they read with how much that
 * should be.
 */
#ifndef HEADROOM_HARNESS_MEASURE_KNOWN_WORK_H
#define HEADROOM_HARNESS_MEASURE_KNOWN_WORK_H

#include <stdint.h>

#include "harness/record/counter_names.h"

/* About a millisecond in the calling thread; returns the CPU time in ns that the kernel accounted
 * for it. Without memory for it (1 MiB) there are no pages and no lines. */
int64_t known_work_run(void);

/* What an event may read around one run, both ends included. */
struct known_range {
    int64_t least, most;
};

/* Of a role, where a run took so many ns. The ranges are those of processors, not of one: an FMA
 * counts as two operations everywhere, but misses that a prefetcher causes or saves differ. */
struct known_range known_work_range(enum counter_role_id role, int64_t cpu_ns);

#endif
