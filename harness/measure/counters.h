/*
 * Event counts of a region of code in the calling thread, asked for by role ("cycles"), not by
 * event name: names differ between CPUs and PAPI versions, so each role has a chain of sources. A
 * source is believed only after it has counted a known piece of work, because PAPI lists events on
 * machines that cannot count them. Events that do not fit the hardware together are spread over
 * passes, and the caller repeats the region once per pass; nothing is multiplexed unless asked for,
 * so no value is an extrapolation. Where a role cannot be counted, its result is a reason and never
 * a zero.
 *
 *     for (int pass = 0; pass < counters_passes(c); pass++)
 *         for (int repeat = 0; repeat < n; repeat++) {
 *             counters_start(c, pass);
 *             region();
 *             counters_stop(c, pass);
 *         }
 *     for (int role = 0; role < counters_roles(c); role++)
 *         counters_result(c, role, inputs, &out[role]);
 *
 * Scope is the thread that called counters_open (user mode only, PAPI's default domain): work that
 * BLAS gives to other threads is not counted, see counters_thread_share.
 */
#ifndef HEADROOM_HARNESS_MEASURE_COUNTERS_H
#define HEADROOM_HARNESS_MEASURE_COUNTERS_H

#include "harness/measure/counter_backend.h"
#include "harness/record/counter_names.h"
#include "harness/record/results.h"
#include "models/base/error.h"
#include "models/base/option.h"

enum {
    COUNTER_ROLES_MAX = COUNTER_ROLES + NAME_LIST_MAX,
    COUNTER_SOURCES_MAX = 8,
    COUNTER_TERMS_MAX = 8
};

/* A source is one event, a weighted sum of events, or a number the kernel keeps anyway. */
struct counter_source {
    const char *name; /* as stored beside the value */
    struct counter_term {
        const char *event; /* NULL: read from the kernel */
        int weight;        /* 0 ends the list */
    } term[COUNTER_TERMS_MAX];
    size_t kernel_offset; /* of the int64_t in struct kernel_counts */
};

enum counter_zero {
    ZERO_IS_FINE,      /* a region may cause none: context switches */
    ZERO_IS_UNPROVEN,  /* the same, but something other than 0 must have been read at least once */
    ZERO_IS_SUSPECT,   /* the proving work causes some, another region may not: branch misses */
    ZERO_IS_IMPOSSIBLE /* no region runs without: cycles. For sources of a single event only */
};

struct counter_role {
    const char *name, *unit;
    bool hardware; /* needs a performance-monitoring unit */
    enum counter_zero zero;
    struct counter_source source[COUNTER_SOURCES_MAX]; /* tried in order; name NULL ends the list */
};
extern const struct counter_role counter_roles[COUNTER_ROLES];

/* What to count. Names that PAPI knows (presets, native events, events of other components) each
 * become a role of their own, behind the built-in ones. */
struct counter_request {
    struct name_list events;
    bool only_events; /* the built-in roles are not asked for */
    /* The caller knows what its events should read: one that never read anything but 0 is believed,
     * too. */
    bool believes_zero;
    /* Hardware events that do not fit the counters share them in turns, in one pass, and are scaled
     * up; status is then "multiplexed". PAPI scales by the times of all runs since its set was
     * made, in whole percents, and hands those times to nobody, so nothing here can tell from a
     * value whether its event had its turn. A region must therefore last two turns of every event
     * (perf_event_mux_interval_ms, 4 ms each on most machines); after a shorter one those roles
     * are unavailable. */
    bool multiplex;
};

struct counters;

/* Finds out by counting which roles work here, in some milliseconds. request NULL: the built-in
 * roles. Fails only when memory runs out: without a PMU, PAPI or permission the roles concerned are
 * unavailable, with their reason. */
bool counters_open(const struct counter_request *request, struct counters **out,
                   struct error *error);
bool counters_open_backend(const struct counter_backend *backend,
                           const struct counter_request *request, struct counters **out,
                           struct error *error);
void counters_close(struct counters *counters);

/* COUNTER_ROLES and one for each event that was asked for. */
int counters_roles(const struct counters *counters);

/* How many times a region must run so that every available role is counted once. At least 1. */
int counters_passes(const struct counters *counters);

/* Around the region, in the thread that opened. They allocate nothing and print nothing; a failure
 * makes the roles of that pass unavailable with its reason. */
void counters_start(struct counters *counters, int pass);
void counters_stop(struct counters *counters, int pass);

/* Fills role, event, availability, scope, pass and reason as known before any region ran; value is
 * NaN. */
void counters_describe(const struct counters *counters, int role, struct counter_result *out);

/* The mean over repeats, per input, when every repeat processed `inputs` inputs, and beside it what
 * of that reading the counters alone counts: it is not taken away. Doubtful counts
 * (negative, zero where that is impossible, instructions per cycle outside 0.01..8) are
 * unavailable. */
void counters_result(const struct counters *counters, int role, double inputs,
                     struct counter_result *out);

/* The share of this process's CPU time in all regions so far that belongs to the counting thread;
 * NaN before the first. Below about 0.9 the counts miss work done by other threads
 * (threads_not_counted). */
double counters_thread_share(const struct counters *counters);

#endif
