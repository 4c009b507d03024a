/*
 * The doctor: reads every source once, the way profiling uses it, and prints one screen. Reasons
 * that several roles share are printed once, with the fix at their end.
 */
#include "harness/doctor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/energy.h"
#include "harness/memory.h"
#include "harness/simulated_counters.h"

/* ---- reading -----------------------------------------------------------------------------------
 */

static void read_clock(struct doctor_source *out) {
    struct timespec step;
    snprintf(out->what, sizeof out->what, "latency");
    out->available = clock_getres(CLOCK_MONOTONIC, &step) == 0 && step.tv_sec == 0;
    if (out->available)
        snprintf(out->detail, sizeof out->detail, "CLOCK_MONOTONIC, step %ld ns", step.tv_nsec);
    else
        snprintf(out->detail, sizeof out->detail, "CLOCK_MONOTONIC is missing or too coarse");
}

static void read_memory(struct doctor_source out[DOCTOR_MEMORY]) {
    int64_t peak = memory_peak_resident(out[0].detail, sizeof out[0].detail);
    snprintf(out[0].what, sizeof out[0].what, "peak resident");
    out[0].available = peak > 0;
    if (peak > 0)
        snprintf(out[0].detail, sizeof out[0].detail, "VmHWM of /proc/self/status, now %.1f MB",
                 (double)peak / 1e6);
    snprintf(out[1].what, sizeof out[1].what, "peak per phase");
    out[1].available = memory_reset_peak(out[1].detail, sizeof out[1].detail);
    if (out[1].available) snprintf(out[1].detail, sizeof out[1].detail, "/proc/self/clear_refs");
}

/* RAPL domains as the profiles read them; one line that says so where there is none. */
static void read_energy(const char *root, struct doctor *out) {
    struct energy energy;
    energy_open(root, &energy);
    for (int i = 0; i < energy.n; i++) {
        const struct energy_domain *domain = &energy.domain[i];
        struct doctor_source *source = &out->energy[i];
        snprintf(source->what, sizeof source->what, "%s", domain->name);
        source->available = !domain->reason[0];
        if (source->available)
            snprintf(source->detail, sizeof source->detail, "%.200s/energy_uj", domain->folder);
        else
            snprintf(source->detail, sizeof source->detail, "%s", domain->reason);
    }
    out->n_energy = energy.n;
    if (energy.n > 0) return;
    out->n_energy = 1;
    snprintf(out->energy[0].what, sizeof out->energy[0].what, "energy");
    memcpy(out->energy[0].detail, energy.reason[ENERGY_PACKAGE], sizeof out->energy[0].detail);
}

/* Whether PAPI reads Headroom's own counts: a region of made-up counts, exported and read back. */
static void read_software_events(const struct counter_backend *backend, struct doctor_source *out) {
    static const struct software_counts made_up = {{1, 1, 1, 1}};
    struct software_events *events;
    struct counter_result read;
    struct error error;
    snprintf(out->what, sizeof out->what, "sde:::headroom");
    if (!software_events_open_backend(backend, &events, &error)) {
        snprintf(out->detail, sizeof out->detail, "%.255s", error.text);
        return;
    }
    software_events_start(events);
    software_events_stop(events, &made_up);
    out->available = true;
    snprintf(out->detail, sizeof out->detail,
             "FLOPs, heads, tokens and gathered bytes as PAPI events");
    for (int i = 0; i < SOFTWARE_EVENTS && out->available; i++) {
        software_events_result(events, (enum software_event)i, 1, &read);
        out->available = read.available;
        if (!read.available) snprintf(out->detail, sizeof out->detail, "%s", read.reason);
    }
    software_events_close(events);
}

void doctor_read_machine(const struct counter_backend *backend, const char *root, const char *path,
                         struct doctor *out) {
    struct counters *counters = NULL;
    struct error error;
    memset(out, 0, sizeof *out);
    environment_read_root(root, &out->environment);
    read_clock(&out->clock);
    read_memory(out->memory);
    read_energy(root, out);
    snprintf(out->simulator.what, sizeof out->simulator.what, "simulated counts");
    out->simulator.available =
        simulated_counters_usable(path, NULL, out->simulator.detail, sizeof out->simulator.detail);
    if (counters_open_backend(backend, NULL, &counters, &error)) {
        out->n_passes = counters_passes(counters);
        for (int role = 0; role < COUNTER_ROLES; role++)
            counters_describe(counters, role, &out->counter[role]);
    } else {
        snprintf(out->counters_problem, sizeof out->counters_problem, "%.255s", error.text);
    }
    counters_close(counters);
    read_software_events(backend, &out->software_events);
}

void doctor_read(struct doctor *out) {
    doctor_read_machine(&counter_backend_papi, "", getenv("PATH"), out);
}

bool doctor_can_profile(const struct doctor *doctor) {
    return doctor->clock.available;
}

/* What was written without a machine that could run it. */
static const char doctor_untested[] =
    "hardware counters and RAPL energy. No machine used in development\n"
    "has a PMU or RAPL, so that code has only run against made-up ones";

/* ---- printing ----------------------------------------------------------------------------------
 */

struct page {
    FILE *file;
    bool colour;
};

/* Words wrapped under a left margin at which the cursor already stands; ends the line. */
static void print_wrapped(const struct page *page, int margin, const char *words) {
    enum { WIDTH = 96 };
    int column = margin;
    while (*words) {
        int length = (int)strcspn(words, " ");
        if (column > margin && column + 1 + length > WIDTH) {
            fprintf(page->file, "\n%*s", margin, "");
            column = margin;
        } else if (column > margin) {
            fputc(' ', page->file);
            column++;
        }
        fprintf(page->file, "%.*s", length, words);
        column += length;
        words += length;
        words += strspn(words, " ");
    }
    fputc('\n', page->file);
}

/* "  name                yes  detail" */
static void print_line(const struct page *page, const char *name, bool available,
                       const char *detail) {
    const char *start = page->colour ? (available ? "\033[32m" : "\033[33m") : "";
    const char *end = page->colour ? "\033[0m" : "";
    fprintf(page->file, "  %-19s %s%-4s%s ", name, start, available ? "yes" : "no", end);
    print_wrapped(page, 27, detail);
}

static void print_source(const struct page *page, const struct doctor_source *source) {
    print_line(page, source->what, source->available, source->detail);
}

/* Roles that work, each with its event; then one reason after another, below the roles it stops. */
static void print_counters(const struct page *page, const struct doctor *doctor) {
    const struct counter_result *counter = doctor->counter;
    if (doctor->counters_problem[0]) {
        print_line(page, "counters", false, doctor->counters_problem);
        return;
    }
    for (int i = 0; i < COUNTER_ROLES; i++)
        if (counter[i].available) print_line(page, counter[i].role, true, counter[i].event);
    for (int i = 0; i < COUNTER_ROLES; i++) {
        bool told = counter[i].available;
        for (int j = 0; j < i && !told; j++)
            told = strcmp(counter[j].reason, counter[i].reason) == 0;
        if (told) continue;
        for (int j = i; j < COUNTER_ROLES; j++)
            if (strcmp(counter[j].reason, counter[i].reason) == 0)
                print_line(page, counter[j].role, false, j == i ? counter[i].reason : "\"");
    }
}

/* One setting of the environment: its value, or "unknown" with the reason. */
static void print_text(const struct page *page, const struct doctor *doctor, const char *field,
                       const char *value) {
    const char *why = environment_why_unknown(&doctor->environment, field);
    fprintf(page->file, "  %-19s %s", field, why ? "unknown: " : "");
    print_wrapped(page, 22, why ? why : value);
}

static void print_state(const struct page *page, const struct doctor *doctor, const char *field,
                        enum tristate state) {
    print_text(page, doctor, field, state == STATE_ON ? "on" : "off");
}

/* What would make times steadier, under the setting it is about. */
static void print_fix(const struct page *page, const char *command) {
    fprintf(page->file, "  %-19s for steadier times: ", "");
    print_wrapped(page, 22, command);
}

static void print_environment(const struct page *page, const struct doctor *doctor) {
    const struct environment *e = &doctor->environment;
    char blas[320];
    snprintf(blas, sizeof blas, "%s, %s kernels, threads: %" PRId64 "%s", e->blas_config,
             e->blas_core, e->blas_threads, e->blas_threads > 1 ? " (trials run with 1)" : "");
    print_text(page, doctor, "blas_config", blas);
    print_text(page, doctor, "affinity", e->affinity);
    print_text(page, doctor, "governor", e->governor);
    if (e->governor[0] && strcmp(e->governor, "performance") != 0)
        print_fix(page, "sudo cpupower frequency-set -g performance");
    print_state(page, doctor, "turbo", e->turbo);
    if (e->turbo == STATE_ON)
        print_fix(page, "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo, or "
                        "echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost");
    print_state(page, doctor, "smt", e->smt);
    print_text(page, doctor, "perf_event_paranoid", e->perf_event_paranoid);
    print_text(page, doctor, "build", e->build);
    if (strcmp(e->build, "release") != 0)
        fprintf(page->file, "  %-19s %s\n", "",
                "timings of this build mean nothing: rebuild with make");
}

void doctor_print(const struct doctor *doctor, FILE *out, bool colour) {
    struct page page = {out, colour};
    char machine[512];
    int n_hardware = 0, n_counted = 0;
    environment_summary(&doctor->environment, machine, sizeof machine);
    fprintf(out, "%s\n\nCounters (PAPI %s, calling thread, %d pass%s)\n", machine,
            doctor->environment.papi_version[0] ? doctor->environment.papi_version : "absent",
            doctor->n_passes, doctor->n_passes == 1 ? "" : "es");
    print_counters(&page, doctor);
    print_source(&page, &doctor->software_events);
    fprintf(out, "\nTime, memory, energy\n");
    print_source(&page, &doctor->clock);
    for (int i = 0; i < DOCTOR_MEMORY; i++) print_source(&page, &doctor->memory[i]);
    for (int i = 0; i < doctor->n_energy; i++) print_source(&page, &doctor->energy[i]);
    print_source(&page, &doctor->simulator);
    fprintf(out, "\nSettings\n");
    print_environment(&page, doctor);
    for (int i = 0; i < COUNTER_ROLES; i++) {
        n_hardware += counter_roles[i].hardware;
        n_counted += counter_roles[i].hardware && doctor->counter[i].available;
    }
    if (!doctor_can_profile(doctor))
        fprintf(out, "\nProfiling is not possible here: there is no usable clock.\n");
    else if (n_counted == 0)
        fprintf(out,
                "\nProfiling works, with time, memory and software events; hardware counters "
                "are stored as NULL\nwith the reason above. FLOPs are counted by the program and "
                "do not need them.\n");
    else
        fprintf(out, "\nProfiling works, with %d of %d hardware counters.\n", n_counted,
                n_hardware);
    fprintf(out, "Untested on hardware: %s.\n", doctor_untested);
}

/* ---- for machines ------------------------------------------------------------------------------
 */

static void append_source(struct text *out, const char *kind, bool untested,
                          const struct doctor_source *source) {
    bool first = !out->failed && out->data[out->size - 1] == '[';
    text_append(out, "%s{\"kind\": \"%s\", \"what\": ", first ? "" : ", ", kind);
    text_append_json_string(out, source->what);
    text_append(out, ", \"available\": %s, \"detail\": ", source->available ? "true" : "false");
    text_append_json_string(out, source->detail);
    text_append(out, ", \"untested_on_hardware\": %s}", untested ? "true" : "false");
}

static void append_counter(struct text *out, int role, const struct counter_result *counter) {
    struct doctor_source source = {.available = counter->available};
    snprintf(source.what, sizeof source.what, "%s", counter->role);
    snprintf(source.detail, sizeof source.detail, "%s",
             counter->available ? counter->event : counter->reason);
    append_source(out, "counter", counter_roles[role].hardware, &source);
}

void doctor_write_json(const struct doctor *doctor, struct text *out) {
    text_append(out, "{\"can_profile\": %s, \"counter_passes\": %d, \"counters_problem\": ",
                doctor_can_profile(doctor) ? "true" : "false", doctor->n_passes);
    if (doctor->counters_problem[0])
        text_append_json_string(out, doctor->counters_problem);
    else
        text_append(out, "null");
    text_append(out, ", \"sources\": [");
    append_source(out, "time", false, &doctor->clock);
    for (int i = 0; i < DOCTOR_MEMORY; i++) append_source(out, "memory", false, &doctor->memory[i]);
    for (int i = 0; i < doctor->n_energy; i++)
        append_source(out, "energy", true, &doctor->energy[i]);
    append_source(out, "simulation", false, &doctor->simulator);
    for (int i = 0; i < COUNTER_ROLES && !doctor->counters_problem[0]; i++)
        append_counter(out, i, &doctor->counter[i]);
    append_source(out, "software events", false, &doctor->software_events);
    text_append(out, "], \"environment\": ");
    environment_write_json(&doctor->environment, out);
    text_append(out, "}");
}

int doctor_run(FILE *out, bool json, bool colour) {
    struct doctor doctor;
    struct text text = {0};
    doctor_read(&doctor);
    if (json) {
        doctor_write_json(&doctor, &text);
        fprintf(out, "%s\n", text.failed ? "null" : text.data);
        text_free(&text);
    } else {
        doctor_print(&doctor, out, colour);
    }
    return doctor_can_profile(&doctor) ? 0 : 1;
}
