/*
 * Counting by role. Opening proves every source alone by counting a small piece of known work (a
 * query is worthless: on a virtual machine without a PMU, PAPI finds perf::CYCLES and then cannot
 * add it), and then packs the proven roles greedily into as few event sets as the hardware allows,
 * each proven again as a whole. The order of adding matters to PAPI, so a set is always built from
 * scratch.
 */
#include "harness/measure/counters.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/measure/known_work.h"

enum {
    REASON_SIZE = 256,
    EVENTS_MAX = COUNTER_ROLES * COUNTER_TERMS_MAX + NAME_LIST_MAX,
    PASSES_MAX = EVENTS_MAX,
    PASS_PROBE = PASSES_MAX /* scratch space for proving one event alone */
};

_Static_assert(sizeof((struct counter_result *)0)->role >= NAME_SIZE &&
                   (int)NAME_SIZE >= (int)COUNTER_NAME_SIZE,
               "an event that a workload asks for is a role of the same name");

/* One event of a role's source, or the kernel's number. The events of a weighted sum are placed one
 * by one: four of them may be more than the hardware counts at a time. */
struct term_state {
    int pass;      /* which pass counts it; -1: none yet */
    int slot;      /* its value in the pass's event set */
    bool seen;     /* read something other than 0 at least once */
    int64_t total; /* over all repeats */
    int64_t empty; /* what the pass reads around nothing, at least */
};

struct role_state {
    const struct counter_role *is;
    int source; /* index into its role's sources; -1: none works, `reason` says why */
    struct term_state term[COUNTER_TERMS_MAX];
    char reason[REASON_SIZE];
};

/* One event set, and the kernel's numbers for roles that need none (those are in pass 0). */
struct pass {
    int set;
    bool has_set, running;
    bool multiplexed; /* its hardware events take turns: more of them than counters */
    int n_hardware;   /* of its events */
    int repeats;
    char failure[REASON_SIZE]; /* once set, the pass's roles are unavailable */
    struct kernel_counts before;
    long long values[EVENTS_MAX];
};

struct counters {
    const struct counter_backend *backend;
    struct counter_host host;
    int n_roles, n_passes;
    struct role_state role[COUNTER_ROLES_MAX];
    struct counter_request request; /* owns the names of the roles behind the built-in ones */
    struct counter_role asked[NAME_LIST_MAX];
    struct pass pass[PASSES_MAX + 1];
    int64_t thread_cpu_ns, process_cpu_ns;
};

/* ---- proving and packing ---- */

static const struct counter_source *source_of(const struct role_state *state) {
    return &state->is->source[state->source];
}

static int n_terms(const struct counter_source *source) {
    int n = 0;
    while (n < COUNTER_TERMS_MAX && source->term[n].weight) n++;
    return n;
}

static bool from_kernel(const struct counter_source *source) {
    return !source->term[0].event;
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

/* What a term counted in the last run of its pass. */
static int64_t term_value(const struct counters *c, const struct role_state *state, int term,
                          const struct kernel_counts *after) {
    const struct counter_source *source = source_of(state);
    const struct pass *pass = &c->pass[state->term[term].pass];
    if (!from_kernel(source)) return pass->values[state->term[term].slot];
    return kernel_field(after, source->kernel_offset) -
           kernel_field(&pass->before, source->kernel_offset);
}

static void drop_set(struct counters *c, struct pass *pass) {
    if (pass->has_set) c->backend->destroy(c->backend->context, pass->set);
    pass->has_set = false;
}

/* An empty set, to be shared in turns where its pass says so. */
static int create_set(struct counters *c, struct pass *pass, char *reason) {
    const struct counter_backend *backend = c->backend;
    int code = backend->create(backend->context, &pass->set);
    pass->has_set = code == COUNTER_OK;
    if (!pass->has_set) explain(c, false, "an event set", code, reason);
    if (!pass->has_set || !pass->multiplexed) return code;
    code = backend->multiplex(backend->context, pass->set);
    if (code != COUNTER_OK) explain(c, false, "a multiplexed event set", code, reason);
    return code;
}

/* Builds the event set of one pass from the terms assigned to it. On failure there is no set,
 * `reason` names the event that would not go in, and the code is returned. */
static int build_set(struct counters *c, int index, char *reason) {
    struct pass *pass = &c->pass[index];
    int n = 0;
    drop_set(c, pass);
    pass->n_hardware = 0;
    for (int role = 0; role < c->n_roles; role++) {
        struct role_state *state = &c->role[role];
        if (state->source < 0 || from_kernel(source_of(state))) continue;
        for (int i = 0, terms = n_terms(source_of(state)); i < terms; i++) {
            if (state->term[i].pass != index) continue;
            const char *event = source_of(state)->term[i].event;
            state->term[i].slot = n++;
            pass->n_hardware += state->is->hardware;
            int code = pass->has_set ? COUNTER_OK : create_set(c, pass, reason);
            if (code == COUNTER_OK) {
                code = c->backend->add(c->backend->context, pass->set, event);
                if (code == COUNTER_OK) continue;
                explain(c, state->is->hardware, event, code, reason);
            }
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
static bool doubtful(const char *event, int64_t value, bool zero_is_doubtful, char *reason) {
    if (value < 0)
        snprintf(reason, REASON_SIZE, "%s read %lld, and a count cannot be negative", event,
                 (long long)value);
    else if (value == 0 && zero_is_doubtful)
        snprintf(reason, REASON_SIZE,
                 "%s was added and read 0 over work that causes some: it does "
                 "not count here",
                 event);
    else
        return false;
    return true;
}

/* Whether the terms assigned to a pass count the known work together: COUNTER_OK, or why not. In
 * company a term that counted alone must do so again; but in turns with others, over a piece of
 * work this short, it need not. */
static int prove_pass(struct counters *c, int index, char *reason) {
    struct pass *pass = &c->pass[index];
    struct kernel_counts after;
    int code = build_set(c, index, reason);
    if (code != COUNTER_OK) return code;
    pass->failure[0] = '\0';
    start_pass(c, pass);
    known_work_run();
    if (!stop_pass(c, pass, &after)) {
        snprintf(reason, REASON_SIZE, "%s", pass->failure);
        pass->failure[0] = '\0';
        return COUNTER_DOES_NOT_COUNT;
    }
    for (int role = 0; role < c->n_roles; role++) {
        struct role_state *state = &c->role[role];
        for (int i = 0; state->source >= 0 && i < n_terms(source_of(state)); i++) {
            struct term_state *term = &state->term[i];
            if (term->pass != index) continue;
            int64_t value = term_value(c, state, i, &after);
            const char *event = source_of(state)->term[i].event;
            bool expected = term->seen && state->is->zero >= ZERO_IS_SUSPECT && !pass->multiplexed;
            if (doubtful(event ? event : source_of(state)->name, value, expected, reason))
                return COUNTER_DOES_NOT_COUNT;
            if (index == PASS_PROBE) term->seen = value != 0;
        }
    }
    return COUNTER_OK;
}

/* Whether each event of a role's source counts the known work when alone, and they together count
 * something where there is something. */
static int prove_source(struct counters *c, struct role_state *state, char *reason) {
    bool seen = false;
    int code = COUNTER_OK, terms = n_terms(source_of(state));
    for (int i = 0; i < terms; i++) state->term[i] = (struct term_state){.pass = -1};
    for (int i = 0; i < terms && code == COUNTER_OK; i++) {
        state->term[i].pass = PASS_PROBE;
        code = prove_pass(c, PASS_PROBE, reason);
        drop_set(c, &c->pass[PASS_PROBE]);
        state->term[i].pass = -1;
        seen |= state->term[i].seen;
    }
    bool expected = state->is->zero >= ZERO_IS_SUSPECT;
    if (code == COUNTER_OK && doubtful(source_of(state)->name, seen, expected, reason))
        code = COUNTER_DOES_NOT_COUNT;
    return code;
}

/* Finds the first source of a role that counts. Of the failures, the first that is more than "no
 * such event" is the one worth telling. Where there is none, and the events were not asked for by
 * name, naming one would be misleading: they may be those of other processors. */
static void prove_role(struct counters *c, struct role_state *state, const char *problem) {
    const struct counter_source *source = state->is->source;
    bool only_missing = true; /* so far every source failed as unknown */
    for (int i = 0; i < COUNTER_SOURCES_MAX && source[i].name; i++) {
        char reason[REASON_SIZE] = "";
        if (problem[0] && !from_kernel(&source[i])) {
            snprintf(state->reason, sizeof state->reason, "%s", problem);
            continue;
        }
        state->source = i;
        int code = prove_source(c, state, reason);
        if (code == COUNTER_OK) {
            state->reason[0] = '\0';
            return;
        }
        bool missing = counter_is_missing(code);
        if (i == 0 || (only_missing && !missing)) memcpy(state->reason, reason, sizeof reason);
        only_missing = only_missing && missing;
    }
    state->source = -1;
    bool built_in = state < c->role + COUNTER_ROLES;
    if (built_in && only_missing && !problem[0])
        explain(c, state->is->hardware, NULL, COUNTER_NO_EVENT, state->reason);
}

/* Whether a term counts beside the others of a pass; in turns with them where that was asked for
 * and nothing else helps, because what fits the counters is counted exactly. Software events are
 * always counting and need no turn. */
static bool fits_pass(struct counters *c, const struct role_state *state, int index, char *reason) {
    struct pass *pass = &c->pass[index];
    if (prove_pass(c, index, reason) == COUNTER_OK) return true;
    if (!c->request.multiplex || !state->is->hardware || pass->multiplexed) return false;
    pass->multiplexed = true;
    if (prove_pass(c, index, reason) == COUNTER_OK) return true;
    pass->multiplexed = false;
    return false;
}

/* Puts a proven term into the first pass where it counts. */
static bool pack_term(struct counters *c, struct role_state *state, struct term_state *term) {
    bool kernel = from_kernel(source_of(state)); /* conflicts with nothing: always pass 0 */
    char reason[REASON_SIZE] = "";
    for (int index = 0; index < PASSES_MAX; index++) {
        term->pass = index;
        if (kernel || fits_pass(c, state, index, reason)) {
            if (index >= c->n_passes) c->n_passes = index + 1;
            return true;
        }
        term->pass = -1;
        /* The others' set again; should that fail now, something else took their counters. */
        char broken[REASON_SIZE] = "";
        if (build_set(c, index, broken) != COUNTER_OK)
            memcpy(c->pass[index].failure, broken, sizeof broken);
        if (index >= c->n_passes) break; /* not even alone, although it was proven alone */
    }
    memcpy(state->reason, reason, sizeof reason);
    return false;
}

/* A sum with a part missing is none: the parts that have a place stay there, unused. */
static void pack_role(struct counters *c, struct role_state *state) {
    if (state->source < 0) return;
    for (int i = 0, terms = n_terms(source_of(state)); i < terms; i++)
        if (!pack_term(c, state, &state->term[i])) return;
}

/* What reading itself counts, as the least of some passes around nothing: more than that would be
 * somebody else's doing. */
static void read_empty_regions(struct counters *c) {
    enum { TIMES = 10 };
    struct kernel_counts after;
    for (int i = 0; i < c->n_passes * TIMES; i++) {
        struct pass *pass = &c->pass[i / TIMES];
        start_pass(c, pass);
        if (!stop_pass(c, pass, &after)) continue;
        for (int role = 0; role < c->n_roles; role++) {
            struct role_state *state = &c->role[role];
            for (int t = 0; state->source >= 0 && t < n_terms(source_of(state)); t++) {
                struct term_state *term = &state->term[t];
                if (term->pass != i / TIMES) continue;
                int64_t value = term_value(c, state, t, &after);
                if (i % TIMES == 0 || value < term->empty) term->empty = value > 0 ? value : 0;
            }
        }
    }
}

/* ---- interface ---- */

/* Whether an event that was asked for needs a PMU. Those of other components than the CPU's have a
 * prefix before ":::", as in sde:::headroom::tokens; some of the CPU's own are the kernel's. */
static bool needs_pmu(const char *name) {
    static const char *const software[] = {
        "CPU-CLOCK",      "TASK-CLOCK", "PAGE-FAULTS",      "FAULTS",     "MINOR-FAULTS",
        "MAJOR-FAULTS",   "CS",         "CONTEXT-SWITCHES", "MIGRATIONS", "CPU-MIGRATIONS",
        "CGROUP-SWITCHES"};
    if (strstr(name, ":::")) return false;
    if (strncmp(name, "perf::", 6) != 0) return true;
    name += 6;
    size_t length = strcspn(name, ":"); /* masks follow */
    for (size_t i = 0; i < sizeof software / sizeof *software; i++)
        if (strlen(software[i]) == length && strncmp(name, software[i], length) == 0) return false;
    return strncmp(name, "PERF_COUNT_SW_", 14) != 0;
}

/* The built-in roles and, behind them, one for each event asked for. */
static void list_roles(struct counters *c, const struct counter_request *request) {
    if (request) c->request = *request;
    c->n_roles = COUNTER_ROLES + c->request.events.n;
    for (int i = 0; i < COUNTER_ROLES; i++) c->role[i].is = &counter_roles[i];
    for (int i = 0; i < c->request.events.n; i++) {
        const char *name = c->request.events.name[i];
        c->asked[i] =
            (struct counter_role){name,
                                  "events",
                                  needs_pmu(name),
                                  c->request.believes_zero ? ZERO_IS_FINE : ZERO_IS_UNPROVEN,
                                  {{name, {{name, 1}}, 0}}};
        c->role[COUNTER_ROLES + i].is = &c->asked[i];
    }
}

bool counters_open_backend(const struct counter_backend *backend,
                           const struct counter_request *request, struct counters **out,
                           struct error *error) {
    char problem[REASON_SIZE] = "";
    *out = NULL;
    struct counters *c = calloc(1, sizeof *c);
    if (!c) return error_set(error, "out of memory for the event counters: free some and retry");
    c->backend = backend;
    c->n_passes = 1;
    list_roles(c, request);
    if (backend->open(backend->context, &c->host, problem, sizeof problem) != COUNTER_OK &&
        !problem[0])
        snprintf(problem, sizeof problem, "the counting library did not start");
    for (int role = 0; role < c->n_roles; role++) {
        struct role_state *state = &c->role[role];
        state->source = -1;
        if (role < COUNTER_ROLES && c->request.only_events)
            snprintf(state->reason, sizeof state->reason, "this role was not asked for");
        else
            prove_role(c, state, problem);
    }
    for (int role = 0; role < c->n_roles; role++) pack_role(c, &c->role[role]);
    read_empty_regions(c);
    *out = c;
    return true;
}

bool counters_open(const struct counter_request *request, struct counters **out,
                   struct error *error) {
    return counters_open_backend(&counter_backend_papi, request, out, error);
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

int counters_roles(const struct counters *c) {
    return c->n_roles;
}

int counters_passes(const struct counters *c) {
    return c->n_passes;
}

void counters_start(struct counters *c, int pass) {
    start_pass(c, &c->pass[pass]);
}

/* Whether any part of a role is counted in turns with others. */
static bool takes_turns(const struct counters *c, const struct role_state *state) {
    bool any = false;
    for (int i = 0, terms = n_terms(source_of(state)); i < terms && state->is->hardware; i++)
        any |= state->term[i].pass >= 0 && c->pass[state->term[i].pass].multiplexed;
    return any;
}

/* Whether a run was too short for each event of its pass to have its share of turns. On an emulated
 * PMU (ten events, seven counters, turns of 4 ms) counts of runs shorter than a turn of every event
 * were off by up to 217%, of longer ones by 2% at most. Twice that is asked for, because some
 * presets are two native events. Where the kernel does not tell, a turn is at most 10 ms. */
static bool too_short(const struct counters *c, const struct pass *pass, const char *event,
                      const struct kernel_counts *after, char *reason) {
    int turn_ms = c->host.turn_ms > 0 ? c->host.turn_ms : 10;
    int needed = 2 * turn_ms * pass->n_hardware;
    double ms = (double)(after->thread_cpu_ns - pass->before.thread_cpu_ns) / 1e6;
    if (ms >= needed) return false;
    snprintf(reason, REASON_SIZE,
             "%s took turns in a region of %.3g ms: %d events in turns of %d ms need at least %d "
             "ms; count without `multiplex`",
             event, ms, pass->n_hardware, turn_ms, needed);
    return true;
}

/* Adds one run of its pass to a term. Checked per repeat: in a sum, a negative count could hide. An
 * event that took turns with others and reads 0 may have had none. */
static void add_term(struct counters *c, struct role_state *state, int i,
                     const struct kernel_counts *after) {
    const struct counter_source *source = source_of(state);
    struct term_state *term = &state->term[i];
    const struct pass *pass = &c->pass[term->pass];
    int64_t value = term_value(c, state, i, after);
    bool turns = pass->multiplexed && state->is->hardware;
    if (turns && too_short(c, pass, source->name, after, state->reason)) return;
    if (turns && value == 0)
        snprintf(state->reason, sizeof state->reason,
                 "%s read 0 while multiplexed: it may have had no turn; count without `multiplex`",
                 source->name);
    else if (!doubtful(source->name, value, state->is->zero == ZERO_IS_IMPOSSIBLE, state->reason)) {
        term->total += value;
        term->seen |= value != 0;
    }
}

void counters_stop(struct counters *c, int pass) {
    struct pass *run = &c->pass[pass];
    struct kernel_counts after;
    if (!stop_pass(c, run, &after)) return;
    run->repeats++;
    c->thread_cpu_ns += after.thread_cpu_ns - run->before.thread_cpu_ns;
    c->process_cpu_ns += after.process_cpu_ns - run->before.process_cpu_ns;
    for (int role = 0; role < c->n_roles; role++) {
        struct role_state *state = &c->role[role];
        if (state->source < 0) continue;
        for (int i = 0, terms = n_terms(source_of(state)); i < terms && !state->reason[0]; i++)
            if (state->term[i].pass == pass) add_term(c, state, i, &after);
    }
}

static void make_unavailable(struct counter_result *out, const char *reason) {
    out->available = false;
    out->value = NAN;
    out->pass = -1;
    snprintf(out->status, sizeof out->status, "unavailable");
    snprintf(out->reason, sizeof out->reason, "%s", reason);
}

void counters_describe(const struct counters *c, int role, struct counter_result *out) {
    const struct role_state *state = &c->role[role];
    const struct counter_source *source = state->source < 0 ? NULL : source_of(state);
    const char *failure = state->reason;
    *out = (struct counter_result){.available = true, .value = NAN, .empty = NAN, .pass = -1};
    snprintf(out->role, sizeof out->role, "%s", state->is->name);
    snprintf(out->scope, sizeof out->scope, state->is->hardware ? "thread, user" : "thread");
    snprintf(out->status, sizeof out->status, "%s",
             source && takes_turns(c, state) ? "multiplexed" : "counted");
    if (source) snprintf(out->event, sizeof out->event, "%s", source->name);
    for (int i = 0; source && i < n_terms(source) && !failure[0]; i++) {
        int index = state->term[i].pass;
        const struct pass *pass = &c->pass[index];
        if (pass->failure[0]) failure = pass->failure;
        if (i == 0 || index < out->pass) out->pass = index;
        if (i == 0 || pass->repeats < out->repeats) out->repeats = pass->repeats;
    }
    if (failure[0]) make_unavailable(out, failure);
}

/* The mean over repeats of a role that is available and was run. */
static double mean_count(const struct counters *c, const struct role_state *state) {
    double sum = 0.0;
    for (int i = 0, terms = n_terms(source_of(state)); i < terms; i++)
        sum += source_of(state)->term[i].weight * (double)state->term[i].total /
               c->pass[state->term[i].pass].repeats;
    return sum;
}

static double empty_count(const struct role_state *state) {
    double sum = 0.0;
    for (int i = 0, terms = n_terms(source_of(state)); i < terms; i++)
        sum += source_of(state)->term[i].weight * (double)state->term[i].empty;
    return sum;
}

/* Instructions per cycle of the means of both roles; NaN unless both were counted. */
static double instructions_per_cycle(const struct counters *c) {
    struct counter_result cycles, work;
    counters_describe(c, ROLE_CYCLES, &cycles);
    counters_describe(c, ROLE_INSTRUCTIONS, &work);
    if (!cycles.available || !work.available || !cycles.repeats || !work.repeats) return NAN;
    return mean_count(c, &c->role[ROLE_INSTRUCTIONS]) / mean_count(c, &c->role[ROLE_CYCLES]);
}

static bool ever_seen(const struct role_state *state) {
    bool seen = false;
    for (int i = 0, terms = n_terms(source_of(state)); i < terms; i++) seen |= state->term[i].seen;
    return seen;
}

void counters_result(const struct counters *c, int role, double inputs,
                     struct counter_result *out) {
    const struct role_state *state = &c->role[role];
    char reason[REASON_SIZE];
    counters_describe(c, role, out);
    if (!out->available) return;
    double ipc = instructions_per_cycle(c);
    if (out->repeats == 0)
        make_unavailable(out, "the region was never run in this role's pass");
    else if (!(inputs > 0))
        make_unavailable(out, "the region processed no input");
    else if ((role == ROLE_CYCLES || role == ROLE_INSTRUCTIONS) && (ipc < 0.01 || ipc > 8)) {
        snprintf(reason, sizeof reason,
                 "%.3g instructions per cycle is outside 0.01..8: one of the two counts is wrong",
                 ipc);
        make_unavailable(out, reason);
    } else if (state->is->zero == ZERO_IS_UNPROVEN && !ever_seen(state)) {
        snprintf(reason, sizeof reason,
                 "%s never read anything but 0: nothing shows that it counts here",
                 source_of(state)->name);
        make_unavailable(out, reason);
    } else {
        out->value = mean_count(c, state) / inputs;
        if (!takes_turns(c, state)) out->empty = empty_count(state) / inputs;
    }
}

double counters_thread_share(const struct counters *c) {
    return c->process_cpu_ns > 0 ? (double)c->thread_cpu_ns / (double)c->process_cpu_ns : NAN;
}
