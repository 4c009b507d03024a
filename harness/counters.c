/*
 * Counting by role. Opening proves every source alone by counting a small piece of known work (a
 * query is worthless: on a virtual machine without a PMU, PAPI finds perf::CYCLES and then cannot
 * add it), and then packs the proven roles greedily into as few event sets as the hardware allows,
 * each proven again as a whole. The order of adding matters to PAPI, so a set is always built from
 * scratch.
 */
#include "harness/counters.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Left out on purpose: perf::CACHE-MISSES, which is the last level on Intel, the second on AMD Zen
 * and the first on Arm. Intel's FP_ARITH events count instructions by width (an FMA twice), hence
 * the weights for single precision; PAPI 7.0 has no preset for them on newer servers. Context
 * switches do not come from perf::CONTEXT-SWITCHES: they happen in the kernel, and PAPI's user
 * domain reads 0 for them. */
/* clang-format off */
#define EVENT(event_name) {.name = (event_name), .term = {{(event_name), 1}}}
#define KERNEL(what, field) {.name = (what), .kernel_offset = offsetof(struct kernel_counts, field)}

const struct counter_role counter_roles[COUNTER_ROLES] = {
    {"cycles", "cycles", true, ZERO_IS_IMPOSSIBLE,
     {EVENT("PAPI_TOT_CYC"), EVENT("perf::CYCLES")}},
    {"instructions", "instructions", true, ZERO_IS_IMPOSSIBLE,
     {EVENT("PAPI_TOT_INS"), EVENT("perf::INSTRUCTIONS")}},
    {"fp_operations", "operations", true, ZERO_IS_SUSPECT,
     {EVENT("PAPI_SP_OPS"),
      {.name = "FP_ARITH_INST_RETIRED single precision, weighted by width",
       .term = {{"FP_ARITH_INST_RETIRED:SCALAR_SINGLE", 1},
                {"FP_ARITH_INST_RETIRED:128B_PACKED_SINGLE", 4},
                {"FP_ARITH_INST_RETIRED:256B_PACKED_SINGLE", 8},
                {"FP_ARITH_INST_RETIRED:512B_PACKED_SINGLE", 16}}},
      EVENT("PAPI_FP_OPS"), EVENT("RETIRED_SSE_AVX_FLOPS:ANY")}},
    {"l1d_misses", "misses", true, ZERO_IS_SUSPECT,
     {EVENT("PAPI_L1_DCM"), EVENT("perf::L1-DCACHE-LOAD-MISSES")}},
    {"l2_misses", "misses", true, ZERO_IS_FINE,
     {EVENT("PAPI_L2_TCM"), EVENT("PAPI_L2_DCM"), EVENT("L2_RQSTS:ALL_DEMAND_MISS"),
      EVENT("CORE_TO_L2_CACHEABLE_REQUEST_ACCESS_STATUS:LS_RD_BLK_C")}},
    {"llc_misses", "misses", true, ZERO_IS_FINE,
     {EVENT("PAPI_L3_TCM"), EVENT("LONGEST_LAT_CACHE:MISS"), EVENT("perf::LLC-LOAD-MISSES")}},
    {"branch_misses", "misses", true, ZERO_IS_SUSPECT,
     {EVENT("PAPI_BR_MSP"), EVENT("perf::BRANCH-MISSES")}},
    {"task_clock_ns", "ns", false, ZERO_IS_IMPOSSIBLE,
     {EVENT("perf::TASK-CLOCK"), KERNEL("clock_gettime(CLOCK_THREAD_CPUTIME_ID)", thread_cpu_ns)}},
    {"page_faults", "faults", false, ZERO_IS_SUSPECT,
     {EVENT("perf::PAGE-FAULTS"), KERNEL("getrusage ru_minflt + ru_majflt", page_faults)}},
    {"context_switches", "switches", false, ZERO_IS_FINE,
     {KERNEL("getrusage ru_nvcsw + ru_nivcsw", context_switches)}},
};
/* clang-format on */
enum { ROLE_CYCLES = 0, ROLE_INSTRUCTIONS = 1 };

enum { VALUES_MAX = COUNTER_ROLES * COUNTER_TERMS_MAX, REASON_SIZE = 256 };

struct role_state {
    int source;    /* index into its role's sources; -1: none works, `reason` says why */
    int pass;      /* which pass counts it; -1: none yet */
    int first;     /* its first value in the pass's event set */
    int64_t total; /* over all repeats */
    char reason[REASON_SIZE];
};

/* One event set, and the kernel's numbers for roles that need none (those are in pass 0). */
struct pass {
    int set;
    bool has_set, running;
    int repeats;
    char failure[REASON_SIZE]; /* once set, the pass's roles are unavailable */
    struct kernel_counts before;
    long long values[VALUES_MAX];
};

struct counters {
    const struct counter_backend *backend;
    struct counter_host host;
    int n_passes;
    struct role_state role[COUNTER_ROLES];
    struct pass pass[COUNTER_ROLES + 1]; /* the last is scratch space for probing */
    int64_t thread_cpu_ns, process_cpu_ns;
};
enum { PASS_PROBE = COUNTER_ROLES };

/* ---- the known work ----------------------------------------------------------------------------
 */

/* About 0.2 ms of everything a ZERO_IS_SUSPECT role counts: fresh pages, data larger than a
 * first-level cache, single-precision arithmetic, and branches that follow a pseudo-random bit. */
static void known_work(void) {
    enum { BYTES = 1 << 20, STEPS = 20000 };
    unsigned char *page =
        mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    volatile float value = 1.0f;
    volatile unsigned odd = 0, even = 0;
    uint32_t bits = 2463534242u; /* xorshift */
    if (page != MAP_FAILED)
        for (size_t i = 0; i < BYTES; i += 64) ((volatile unsigned char *)page)[i] = 1;
    for (int i = 0; i < STEPS; i++) {
        value = value * 0.999f + 0.5f;
        bits ^= bits << 13;
        bits ^= bits >> 17;
        bits ^= bits << 5;
        if (bits & 1)
            odd = odd + bits;
        else
            even = even + bits;
    }
    if (page != MAP_FAILED) munmap(page, BYTES);
}

/* ---- proving and packing -----------------------------------------------------------------------
 */

static const struct counter_source *source_of(const struct counters *c, int role) {
    return &counter_roles[role].source[c->role[role].source];
}

static int n_terms(const struct counter_source *source) {
    int n = 0;
    while (n < COUNTER_TERMS_MAX && source->term[n].event) n++;
    return n;
}

static void explain(const struct counters *c, bool hardware, const char *event, int code,
                    char *out) {
    const char *text = c->backend->describe(c->backend->context, code);
    counter_explain(&c->host, hardware, event, code, text, out, REASON_SIZE);
}

static int64_t kernel_field(const struct kernel_counts *counts, size_t offset) {
    int64_t value;
    memcpy(&value, (const char *)counts + offset, sizeof value);
    return value;
}

/* What a role counted in the last run of its pass. */
static int64_t role_value(const struct counters *c, int role, const struct kernel_counts *after) {
    const struct counter_source *source = source_of(c, role);
    const struct pass *pass = &c->pass[c->role[role].pass];
    int terms = n_terms(source);
    if (terms == 0)
        return kernel_field(after, source->kernel_offset) -
               kernel_field(&pass->before, source->kernel_offset);
    int64_t sum = 0;
    for (int i = 0; i < terms; i++)
        sum += source->term[i].weight * (int64_t)pass->values[c->role[role].first + i];
    return sum;
}

static void drop_set(struct counters *c, struct pass *pass) {
    if (pass->has_set) c->backend->destroy(c->backend->context, pass->set);
    pass->has_set = false;
}

/* Builds the event set of one pass from the roles assigned to it. On failure there is no set,
 * `reason` names the event that would not go in, and the code is returned. */
static int build_set(struct counters *c, int index, char *reason) {
    const struct counter_backend *backend = c->backend;
    struct pass *pass = &c->pass[index];
    int n = 0;
    drop_set(c, pass);
    for (int role = 0; role < COUNTER_ROLES; role++) {
        if (c->role[role].pass != index) continue;
        const struct counter_source *source = source_of(c, role);
        c->role[role].first = n;
        for (int i = 0, terms = n_terms(source); i < terms; i++, n++) {
            const char *event = source->term[i].event;
            int code = COUNTER_OK;
            if (!pass->has_set) code = backend->create(backend->context, &pass->set);
            if (code == COUNTER_OK) {
                pass->has_set = true;
                code = backend->add(backend->context, pass->set, event);
            }
            if (code == COUNTER_OK) continue;
            explain(c, counter_roles[role].hardware, event, code, reason);
            drop_set(c, pass);
            return code;
        }
    }
    return COUNTER_OK;
}

/* The words for a pass as a whole, for failures that no single event is guilty of. */
static void fail_pass(const struct counters *c, struct pass *pass, int code) {
    pass->running = false;
    explain(c, false, "the event set", code, pass->failure);
}

static void start_pass(struct counters *c, struct pass *pass) {
    const struct counter_backend *backend = c->backend;
    if (pass->failure[0]) return;
    if (!backend->kernel(backend->context, &pass->before)) {
        snprintf(pass->failure, sizeof pass->failure,
                 "the kernel does not tell CPU time or faults");
        return;
    }
    int code = pass->has_set ? backend->start(backend->context, pass->set) : COUNTER_OK;
    if (code == COUNTER_OK)
        pass->running = true;
    else
        fail_pass(c, pass, code);
}

static bool stop_pass(struct counters *c, struct pass *pass, struct kernel_counts *after) {
    const struct counter_backend *backend = c->backend;
    if (!pass->running) return false;
    int code =
        pass->has_set ? backend->stop(backend->context, pass->set, pass->values) : COUNTER_OK;
    if (code != COUNTER_OK) {
        fail_pass(c, pass, code);
        return false;
    }
    pass->running = false;
    return backend->kernel(backend->context, after);
}

/* A derived preset is a difference of events and may come out below zero. */
static bool doubtful(int role, const char *event, int64_t value, enum counter_zero worst,
                     char *reason) {
    if (value < 0)
        snprintf(reason, REASON_SIZE, "%s read %lld, and a count cannot be negative", event,
                 (long long)value);
    else if (value == 0 && counter_roles[role].zero >= worst)
        snprintf(reason, REASON_SIZE,
                 "%s was added and read 0 over work that causes some: it does "
                 "not count here",
                 event);
    else
        return false;
    return true;
}

/* Whether the roles assigned to a pass count the known work together: COUNTER_OK, or why not. */
static int prove_pass(struct counters *c, int index, char *reason) {
    struct pass *pass = &c->pass[index];
    struct kernel_counts after;
    int code = build_set(c, index, reason);
    if (code != COUNTER_OK) return code;
    pass->failure[0] = '\0';
    start_pass(c, pass);
    known_work();
    if (!stop_pass(c, pass, &after)) {
        snprintf(reason, REASON_SIZE, "%s", pass->failure);
        pass->failure[0] = '\0';
        return COUNTER_DOES_NOT_COUNT;
    }
    for (int role = 0; role < COUNTER_ROLES; role++)
        if (c->role[role].pass == index &&
            doubtful(role, source_of(c, role)->name, role_value(c, role, &after), ZERO_IS_SUSPECT,
                     reason))
            return COUNTER_DOES_NOT_COUNT;
    return COUNTER_OK;
}

/* Finds the first source of a role that counts. Of the failures, the first that is more than "no
 * such event" is the one worth telling. */
static void prove_role(struct counters *c, int role, const char *problem) {
    struct role_state *state = &c->role[role];
    const struct counter_source *source = counter_roles[role].source;
    bool only_missing = true; /* so far every source failed as unknown */
    for (int i = 0; i < COUNTER_SOURCES_MAX && source[i].name; i++) {
        char reason[REASON_SIZE] = "";
        if (problem[0] && n_terms(&source[i]) > 0) {
            snprintf(state->reason, sizeof state->reason, "%s", problem);
            continue;
        }
        state->source = i;
        state->pass = PASS_PROBE;
        int code = prove_pass(c, PASS_PROBE, reason);
        drop_set(c, &c->pass[PASS_PROBE]);
        state->pass = -1;
        if (code == COUNTER_OK) {
            state->reason[0] = '\0';
            return;
        }
        bool missing = counter_is_missing(code);
        if (i == 0 || (only_missing && !missing)) memcpy(state->reason, reason, sizeof reason);
        only_missing = only_missing && missing;
    }
    state->source = -1;
}

/* Puts a proven role into the first pass where it counts beside the others. */
static void pack_role(struct counters *c, int role) {
    struct role_state *state = &c->role[role];
    bool kernel = n_terms(source_of(c, role)) == 0; /* conflicts with nothing: always pass 0 */
    char reason[REASON_SIZE] = "";
    for (int index = 0; index < COUNTER_ROLES; index++) {
        state->pass = index;
        if (kernel || prove_pass(c, index, reason) == COUNTER_OK) {
            if (index >= c->n_passes) c->n_passes = index + 1;
            return;
        }
        state->pass = -1;
        /* The others' set again; should that fail now, something else took their counters. */
        char broken[REASON_SIZE] = "";
        if (build_set(c, index, broken) != COUNTER_OK)
            memcpy(c->pass[index].failure, broken, sizeof broken);
        if (index >= c->n_passes) break; /* not even alone, although it was proven alone */
    }
    state->source = -1;
    memcpy(state->reason, reason, sizeof reason);
}

/* ---- interface ---------------------------------------------------------------------------------
 */

bool counters_open_backend(const struct counter_backend *backend, struct counters **out,
                           struct error *error) {
    char problem[REASON_SIZE] = "";
    *out = NULL;
    struct counters *c = calloc(1, sizeof *c);
    if (!c) return error_set(error, "out of memory for the event counters: free some and retry");
    c->backend = backend;
    c->n_passes = 1;
    if (backend->open(backend->context, &c->host, problem, sizeof problem) != COUNTER_OK &&
        !problem[0])
        snprintf(problem, sizeof problem, "the counting library did not start");
    for (int role = 0; role < COUNTER_ROLES; role++) {
        c->role[role].source = c->role[role].pass = -1;
        prove_role(c, role, problem);
    }
    for (int role = 0; role < COUNTER_ROLES; role++)
        if (c->role[role].source >= 0) pack_role(c, role);
    *out = c;
    return true;
}

bool counters_open(struct counters **out, struct error *error) {
    return counters_open_backend(&counter_backend_papi, out, error);
}

void counters_close(struct counters *c) {
    if (!c) return;
    for (int i = 0; i < c->n_passes; i++) {
        struct kernel_counts unused;
        stop_pass(c, &c->pass[i], &unused);
        drop_set(c, &c->pass[i]);
    }
    free(c);
}

int counters_passes(const struct counters *c) {
    return c->n_passes;
}

void counters_start(struct counters *c, int pass) {
    start_pass(c, &c->pass[pass]);
}

void counters_stop(struct counters *c, int index) {
    struct pass *pass = &c->pass[index];
    struct kernel_counts after;
    if (!stop_pass(c, pass, &after)) return;
    pass->repeats++;
    c->thread_cpu_ns += after.thread_cpu_ns - pass->before.thread_cpu_ns;
    c->process_cpu_ns += after.process_cpu_ns - pass->before.process_cpu_ns;
    for (int role = 0; role < COUNTER_ROLES; role++) {
        struct role_state *state = &c->role[role];
        if (state->pass != index || state->reason[0]) continue;
        int64_t value = role_value(c, role, &after);
        /* Checked per repeat: in the sum, a negative count could hide. */
        if (!doubtful(role, source_of(c, role)->name, value, ZERO_IS_IMPOSSIBLE, state->reason))
            state->total += value;
    }
}

static void make_unavailable(struct counter_result *out, const char *reason) {
    out->available = false;
    out->value = NAN;
    snprintf(out->status, sizeof out->status, "unavailable");
    snprintf(out->reason, sizeof out->reason, "%s", reason);
}

void counters_describe(const struct counters *c, int role, struct counter_result *out) {
    const struct role_state *state = &c->role[role];
    *out = (struct counter_result){.available = true, .value = NAN};
    snprintf(out->role, sizeof out->role, "%s", counter_roles[role].name);
    snprintf(out->scope, sizeof out->scope, "thread");
    snprintf(out->status, sizeof out->status, "counted");
    if (state->source >= 0) snprintf(out->event, sizeof out->event, "%s", source_of(c, role)->name);
    if (state->pass >= 0) out->repeats = c->pass[state->pass].repeats;
    if (state->reason[0])
        make_unavailable(out, state->reason);
    else if (state->pass >= 0 && c->pass[state->pass].failure[0])
        make_unavailable(out, c->pass[state->pass].failure);
}

/* Instructions per cycle of the means of both roles; NaN unless both were counted. */
static double instructions_per_cycle(const struct counters *c) {
    const struct role_state *cycles = &c->role[ROLE_CYCLES], *work = &c->role[ROLE_INSTRUCTIONS];
    if (cycles->pass < 0 || work->pass < 0 || cycles->total <= 0) return NAN;
    return (double)work->total / c->pass[work->pass].repeats /
           ((double)cycles->total / c->pass[cycles->pass].repeats);
}

void counters_result(const struct counters *c, int role, double inputs,
                     struct counter_result *out) {
    counters_describe(c, role, out);
    if (!out->available) return;
    double ipc = instructions_per_cycle(c);
    if (out->repeats == 0)
        make_unavailable(out, "the region was never run in this role's pass");
    else if (!(inputs > 0))
        make_unavailable(out, "the region processed no input");
    else if ((role == ROLE_CYCLES || role == ROLE_INSTRUCTIONS) && (ipc < 0.01 || ipc > 8)) {
        char reason[REASON_SIZE];
        snprintf(reason, sizeof reason,
                 "%.3g instructions per cycle is outside 0.01..8: one of the two counts is wrong",
                 ipc);
        make_unavailable(out, reason);
    } else
        out->value = (double)c->role[role].total / out->repeats / inputs;
}

double counters_thread_share(const struct counters *c) {
    return c->process_cpu_ns > 0 ? (double)c->thread_cpu_ns / (double)c->process_cpu_ns : NAN;
}
