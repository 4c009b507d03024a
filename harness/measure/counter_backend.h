/*
 * Where counts come from, as a small table of functions. The rules of counters.c (prove every event
 * by counting, pack into passes, doubt what is implausible) matter most on machines that misbehave,
 * so everything that touches PAPI, the kernel or /proc goes through this table and tests put a
 * broken machine behind it. The real table is counter_backend_papi; built without PAPI (no
 * HAVE_PAPI) it still reads what the kernel itself accounts for the thread.
 */
#ifndef HEADROOM_HARNESS_MEASURE_COUNTER_BACKEND_H
#define HEADROOM_HARNESS_MEASURE_COUNTER_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* PAPI's result codes that deserve an explanation of their own; the values are PAPI's. */
enum {
    COUNTER_OK = 0,
    COUNTER_NOT_SUPPORTED_BY_COMPONENT = -4,
    COUNTER_NO_EVENT = -7,
    COUNTER_CONFLICT = -8,
    COUNTER_IS_RUNNING = -10,
    COUNTER_NO_PERMISSION = -15,
    COUNTER_NOT_SUPPORTED = -18,
    COUNTER_COMPONENT_DISABLED = -25,
    COUNTER_SEVERAL_RUNS = -27, /* the hardware would have to see the same work more than once */
    /* Ours. */
    COUNTER_NO_BACKEND = -1000,    /* no counting library at all; `problem` of open() says why */
    COUNTER_DOES_NOT_COUNT = -1001 /* everything succeeded and the values are absurd */
};

/* What decides whether this machine can count, for explanations. -1: unknown. */
struct counter_host {
    char pmu[64];        /* the kernel's core PMU, "cpu" or "armv8_pmuv3_0"; "" when it has none */
    char disabled[128];  /* why PAPI does not use it, in PAPI's words; "" where it does */
    char hypervisor[16]; /* "none", a vendor such as "KVMKVMKVM", "unidentified"; "" unknown */
    bool container;
    int paranoid;     /* kernel.perf_event_paranoid */
    int nmi_watchdog; /* kernel.nmi_watchdog: 1 takes one hardware counter away */
    int turn_ms;      /* events that share counters change turns after so long */
    bool card_admins; /* the driver of cards lets administrators alone count */
};

/* What the kernel accounts without any counting library. All but process_cpu_ns are this
 * thread's. */
struct kernel_counts {
    int64_t thread_cpu_ns, page_faults, context_switches;
    int64_t process_cpu_ns;
};

/* Functions return PAPI's codes, 0 is success. A set is one group of events that count together in
 * the calling thread. stop() writes one value per added event, in the order of adding. When open()
 * returns COUNTER_NO_BACKEND, with the reason in `problem`, only kernel() is called afterwards. */
struct counter_backend {
    void *context; /* passed to every function */
    int (*open)(void *context, struct counter_host *host, char *problem, size_t size);
    int (*create)(void *context, int *set);
    int (*multiplex)(void *context, int set); /* of an empty set; only where it was asked for */
    int (*add)(void *context, int set, const char *event);
    int (*start)(void *context, int set);
    int (*stop)(void *context, int set, long long *values);
    void (*destroy)(void *context, int set);
    const char *(*describe)(void *context, int code); /* may be NULL for a code it does not know */
    bool (*kernel)(void *context, struct kernel_counts *out);
    /* What is wrong with the component that a card's events belong to, with the fix; "" if nothing
     * is. It starts when it is first asked for an event, so what it says before is not all. */
    void (*card_problem)(void *context, char *problem, size_t size);
};
extern const struct counter_backend counter_backend_papi;

/* Fills `host` from the files below `root` ("" on a real machine, a made-up tree in tests). */
void counter_host_read(const char *root, struct counter_host *host);

/* Whether a code means that this CPU and PAPI have no such event, rather than that it failed. */
bool counter_is_missing(int code);

/* One sentence on why `event` failed with `code` on this host, with the fix where there is one.
 * `hardware`: the event needs a performance-monitoring unit. event NULL: each event of a role did,
 * with a code that means "missing". `text`: the backend's words, or NULL. */
void counter_explain(const struct counter_host *host, bool hardware, const char *event, int code,
                     const char *text, char *out, size_t size);

/* Whether headers and library disagree (PAPI then refuses to start), in words with the fix.
 * Versions are PAPI's: one byte each of major, minor, revision, increment. */
bool counter_version_problem(unsigned built, unsigned loaded, char *out, size_t size);

/* The counting library in words, "7.0.0", or "" with the reason why there is none. */
void counter_library_version(char *version, size_t version_size, char *reason, size_t reason_size);

#endif
