/*
 * A made-up performance-monitoring unit behind struct counter_backend: it knows some events,
 * refuses others at any step, has few counters and reads what a test tells it to.
 */
#ifndef HEADROOM_TESTS_FAKE_COUNTERS_H
#define HEADROOM_TESTS_FAKE_COUNTERS_H

#include "harness/counters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

enum { SETS_MAX = 64, EVENTS_MAX = 64 };

struct fake_event {
    const char *name;
    int add_code, start_code; /* 0: works */
    long long value;          /* read at every stop */
};

struct fake {
    struct counter_host host;
    int open_code;
    const char *problem;
    int n_counters;                      /* hardware events that fit into one set */
    struct fake_event event[EVENTS_MAX]; /* name NULL ends the list; others are unknown (-7) */
    const char *text;                    /* what describe() returns */
    struct kernel_counts now, step;
    bool kernel_works;
    int fail_start; /* code of the next start, once */
    int n_sets, n_open_sets;
    struct {
        int n, event[EVENTS_MAX];
    } set[SETS_MAX * 8];
};

static int fake_open(void *context, struct counter_host *host, char *problem, size_t size) {
    struct fake *fake = context;
    *host = fake->host;
    if (fake->problem) snprintf(problem, size, "%s", fake->problem);
    return fake->open_code;
}

static int fake_create(void *context, int *set) {
    struct fake *fake = context;
    assert_true(fake->n_sets < SETS_MAX * 8);
    *set = fake->n_sets++;
    fake->n_open_sets++;
    fake->set[*set].n = 0;
    return COUNTER_OK;
}

static int fake_add(void *context, int set, const char *name) {
    struct fake *fake = context;
    for (int i = 0; fake->event[i].name; i++) {
        if (strcmp(fake->event[i].name, name) != 0) continue;
        if (fake->event[i].add_code) return fake->event[i].add_code;
        if (fake->set[set].n >= fake->n_counters) return COUNTER_CONFLICT;
        fake->set[set].event[fake->set[set].n++] = i;
        return COUNTER_OK;
    }
    return COUNTER_NO_EVENT;
}

static int fake_start(void *context, int set) {
    struct fake *fake = context;
    int code = fake->fail_start;
    fake->fail_start = 0;
    for (int i = 0; i < fake->set[set].n && !code; i++)
        code = fake->event[fake->set[set].event[i]].start_code;
    return code;
}

static int fake_stop(void *context, int set, long long *values) {
    struct fake *fake = context;
    for (int i = 0; i < fake->set[set].n; i++)
        values[i] = fake->event[fake->set[set].event[i]].value;
    return COUNTER_OK;
}

static void fake_destroy(void *context, int set) {
    struct fake *fake = context;
    (void)set;
    fake->n_open_sets--;
}

static const char *fake_describe(void *context, int code) {
    (void)code;
    return ((struct fake *)context)->text;
}

static bool fake_kernel(void *context, struct kernel_counts *out) {
    struct fake *fake = context;
    fake->now.thread_cpu_ns += fake->step.thread_cpu_ns;
    fake->now.process_cpu_ns += fake->step.process_cpu_ns;
    fake->now.page_faults += fake->step.page_faults;
    fake->now.context_switches += fake->step.context_switches;
    *out = fake->now;
    return fake->kernel_works;
}

/* A bare-metal machine with eight counters on which every preset works. */
static const struct fake_event presets[] = {
    {.name = "PAPI_TOT_CYC", .value = 1000}, {.name = "PAPI_TOT_INS", .value = 2000},
    {.name = "PAPI_SP_OPS", .value = 512},   {.name = "PAPI_L1_DCM", .value = 40},
    {.name = "PAPI_L2_TCM", .value = 20},    {.name = "PAPI_L3_TCM", .value = 10},
    {.name = "PAPI_BR_MSP", .value = 5},
};
static inline struct fake good_machine(void) {
    struct fake fake = {.n_counters = 8, .kernel_works = true};
    fake.host = (struct counter_host){.pmu = "cpu", .hypervisor = "none", .paranoid = 2};
    memcpy(fake.event, presets, sizeof presets);
    fake.step.thread_cpu_ns = 700;
    fake.step.process_cpu_ns = 1000;
    fake.step.page_faults = 3;
    fake.step.context_switches = 2;
    return fake;
}

static inline struct fake virtual_machine(void) {
    struct fake fake = good_machine();
    snprintf(fake.host.pmu, sizeof fake.host.pmu, "%s", "");
    snprintf(fake.host.hypervisor, sizeof fake.host.hypervisor, "%s", "KVMKVMKVM");
    for (int i = 0; fake.event[i].name; i++) fake.event[i].add_code = COUNTER_NO_EVENT;
    return fake;
}

static inline struct counter_backend backend_of(struct fake *fake) {
    return (struct counter_backend){.context = fake,
                                    .open = fake_open,
                                    .create = fake_create,
                                    .add = fake_add,
                                    .start = fake_start,
                                    .stop = fake_stop,
                                    .destroy = fake_destroy,
                                    .describe = fake_describe,
                                    .kernel = fake_kernel};
}

#endif
