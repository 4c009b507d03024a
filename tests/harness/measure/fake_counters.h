/*
 * A made-up performance-monitoring unit behind struct counter_backend: it knows some events,
 * refuses others at any step, has few counters and reads what a test tells it to.
 */
#ifndef HEADROOM_TESTS_FAKE_COUNTERS_H
#define HEADROOM_TESTS_FAKE_COUNTERS_H

#include "harness/measure/counters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SETS_MAX = 64, EVENTS_MAX = 64 };

struct fake_event {
    const char *name;
    int add_code, start_code; /* 0: works */
    int component;            /* those of different components do not go into one set */
    long long value;          /* read at every stop */
    long long drift;          /* added to it after every stop */
};

struct fake {
    struct counter_host host;
    int open_code;
    const char *problem;
    int n_counters;     /* hardware events that fit into one set */
    int n_started;      /* that start together, where fewer than fit; 0: all that fit */
    int multiplex_code; /* of the request to multiplex */
    bool starves;       /* multiplexed events beyond the counters read 0, as with PAPI, or little */
    long long starved;  /* that little */
    struct fake_event event[EVENTS_MAX]; /* name NULL ends the list; others are unknown (-7) */
    const char *text;                    /* what describe() returns */
    const char *card_problem;            /* of the component of cards; NULL: it works */
    struct kernel_counts now, step;
    bool kernel_works;
    int fail_start, fail_stop;              /* code of the next start or stop, once */
    int n_sets, n_open_sets, n_multiplexed; /* created, not yet destroyed, asked to multiplex */
    struct {
        int n, event[EVENTS_MAX];
        bool open, multiplexed;
    } set[SETS_MAX];
};

static int fake_open(void *context, struct counter_host *host, char *problem, size_t size) {
    struct fake *fake = context;
    *host = fake->host;
    if (fake->problem) snprintf(problem, size, "%s", fake->problem);
    return fake->open_code;
}

static int fake_create(void *context, int *set) {
    struct fake *fake = context;
    int free = 0;
    while (free < SETS_MAX && fake->set[free].open) free++;
    assert_true(free < SETS_MAX);
    memset(&fake->set[free], 0, sizeof fake->set[free]);
    fake->set[free].open = true;
    fake->n_sets++;
    fake->n_open_sets++;
    *set = free;
    return COUNTER_OK;
}

static int fake_multiplex(void *context, int set) {
    struct fake *fake = context;
    assert_int_equal(fake->set[set].n, 0); /* PAPI refuses it later */
    fake->n_multiplexed++;
    fake->set[set].multiplexed = fake->multiplex_code == COUNTER_OK;
    return fake->multiplex_code;
}

static int fake_add(void *context, int set, const char *name) {
    struct fake *fake = context;
    for (int i = 0; fake->event[i].name; i++) {
        if (strcmp(fake->event[i].name, name) != 0) continue;
        if (fake->event[i].add_code) return fake->event[i].add_code;
        if (fake->set[set].n >= fake->n_counters && !fake->set[set].multiplexed)
            return COUNTER_CONFLICT;
        if (fake->set[set].n > 0 &&
            fake->event[fake->set[set].event[0]].component != fake->event[i].component)
            return -1; /* PAPI_EINVAL */
        fake->set[set].event[fake->set[set].n++] = i;
        return COUNTER_OK;
    }
    return COUNTER_NO_EVENT;
}

static int fake_start(void *context, int set) {
    struct fake *fake = context;
    int code = fake->fail_start;
    fake->fail_start = 0;
    if (fake->n_started && fake->set[set].n > fake->n_started) code = COUNTER_CONFLICT;
    for (int i = 0; i < fake->set[set].n && !code; i++)
        code = fake->event[fake->set[set].event[i]].start_code;
    return code;
}

static int fake_stop(void *context, int set, long long *values) {
    struct fake *fake = context;
    int code = fake->fail_stop;
    fake->fail_stop = 0;
    for (int i = 0; i < fake->set[set].n; i++) {
        struct fake_event *event = &fake->event[fake->set[set].event[i]];
        values[i] = fake->starves && i >= fake->n_counters ? fake->starved : event->value;
        event->value += event->drift;
    }
    return code;
}

static void fake_destroy(void *context, int set) {
    struct fake *fake = context;
    fake->set[set].open = false;
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

static void fake_card_problem(void *context, char *problem, size_t size) {
    const struct fake *fake = context;
    snprintf(problem, size, "%s", fake->card_problem ? fake->card_problem : "");
}

/* A bare-metal machine with sixteen counters on which every preset works; in the order of the
 * roles. */
enum { N_PRESETS = 11 };
static const struct fake_event presets[N_PRESETS] = {
    {.name = "PAPI_TOT_CYC", .value = 1000}, {.name = "PAPI_TOT_INS", .value = 2000},
    {.name = "PAPI_FP_OPS", .value = 600},   {.name = "PAPI_SP_OPS", .value = 512},
    {.name = "PAPI_DP_OPS", .value = 88},    {.name = "PAPI_L1_DCM", .value = 40},
    {.name = "PAPI_L2_TCM", .value = 20},    {.name = "PAPI_L3_TCM", .value = 10},
    {.name = "PAPI_BR_MSP", .value = 5},     {.name = "PAPI_TLB_DM", .value = 4},
    {.name = "PAPI_RES_STL", .value = 300},
};
static inline struct fake good_machine(void) {
    struct fake fake = {.n_counters = 16, .kernel_works = true};
    fake.host =
        (struct counter_host){.pmu = "cpu", .hypervisor = "none", .paranoid = 2, .turn_ms = 4};
    memcpy(fake.event, presets, sizeof presets);
    fake.step.thread_cpu_ns = 700;
    fake.step.process_cpu_ns = 1000;
    fake.step.page_faults = 3;
    fake.step.context_switches = 2;
    return fake;
}

static inline struct fake_event *add_event(struct fake *fake, const char *name, long long value) {
    int i = 0;
    while (fake->event[i].name) i++;
    fake->event[i] = (struct fake_event){.name = name, .value = value};
    return &fake->event[i];
}

static inline struct fake_event *event_named(struct fake *fake, const char *name) {
    for (int i = 0; fake->event[i].name; i++)
        if (strcmp(fake->event[i].name, name) == 0) return &fake->event[i];
    fail_msg("no event %s", name);
    return NULL;
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
                                    .multiplex = fake_multiplex,
                                    .add = fake_add,
                                    .start = fake_start,
                                    .stop = fake_stop,
                                    .destroy = fake_destroy,
                                    .describe = fake_describe,
                                    .kernel = fake_kernel,
                                    .card_problem = fake_card_problem};
}

/* Opens the machine, runs every pass `repeats` times and returns the result of one role, built-in
 * or asked for. */
static inline struct counter_result count_request(struct fake *fake,
                                                  const struct counter_request *request,
                                                  const char *name, int repeats, double inputs) {
    struct counter_backend backend = backend_of(fake);
    struct counters *counters;
    struct counter_result result = {0};
    struct error error;
    bool found = false;
    assert_true(counters_open_backend(&backend, request, &counters, &error));
    for (int pass = 0; pass < counters_passes(counters); pass++)
        for (int i = 0; i < repeats; i++) {
            counters_start(counters, pass);
            counters_stop(counters, pass);
        }
    for (int role = 0; role < counters_roles(counters) && !found; role++) {
        counters_result(counters, role, inputs, &result);
        found = strcmp(result.role, name) == 0;
    }
    assert_true(found);
    counters_close(counters);
    assert_int_equal(fake->n_open_sets, 0); /* nothing stays behind in the kernel */
    return result;
}

static inline struct counter_result count(struct fake *fake, const char *role, int repeats,
                                          double inputs) {
    return count_request(fake, NULL, role, repeats, inputs);
}

static inline void assert_unavailable(const struct counter_result *result,
                                      const char *part_of_reason) {
    assert_false(result->available);
    assert_true(isnan(result->value));
    assert_string_equal(result->status, "unavailable");
    assert_int_equal(result->pass, -1);
    if (!strstr(result->reason, part_of_reason))
        fail_msg("reason \"%s\" lacks \"%s\"", result->reason, part_of_reason);
}

#endif
