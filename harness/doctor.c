/*
 * The doctor: reads every source once, the way profiling uses it, and prints one screen. Reasons
 * that several roles share are printed once, with the fix at their end.
 */
#include "harness/doctor.h"

#include <glob.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "harness/memory.h"
#include "harness/system_file.h"

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

/* One RAPL domain. A counter without its range cannot be unwrapped, so it needs both files. */
static void read_domain(const char *folder, struct doctor_source *out) {
    char name[32], energy[32], range[32];
    bool named = system_line(folder, "/name", name, sizeof name);
    snprintf(out->what, sizeof out->what, "%s", named ? name : "unnamed domain");
    out->available = system_line(folder, "/energy_uj", energy, sizeof energy) &&
                     system_line(folder, "/max_energy_range_uj", range, sizeof range);
    if (out->available)
        snprintf(out->detail, sizeof out->detail, "%.200s/energy_uj", folder);
    else
        snprintf(out->detail, sizeof out->detail,
                 "energy_uj is not readable by this user: run as root or `sudo chmod a+r "
                 "/sys/class/powercap/intel-rapl:*/energy_uj`");
}

int doctor_read_energy(const char *root, struct doctor_source out[DOCTOR_ENERGY_MAX]) {
    char pattern[512];
    glob_t found;
    int n = 0;
    memset(out, 0, DOCTOR_ENERGY_MAX * sizeof *out);
    snprintf(pattern, sizeof pattern, "%s/sys/class/powercap/intel-rapl:*", root);
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (; n < DOCTOR_ENERGY_MAX && (size_t)n < found.gl_pathc; n++)
            read_domain(found.gl_pathv[n], &out[n]);
        globfree(&found);
    }
    if (n > 0) return n;
    snprintf(out[0].what, sizeof out[0].what, "energy");
    snprintf(out[0].detail, sizeof out[0].detail,
             "/sys/class/powercap has no intel-rapl domain: measure on bare metal, with the kernel "
             "module intel_rapl_msr loaded");
    return 1;
}

void doctor_read(struct doctor *out) {
    struct counters *counters = NULL;
    struct error error;
    memset(out, 0, sizeof *out);
    environment_read(&out->environment);
    read_clock(&out->clock);
    read_memory(out->memory);
    out->n_energy = doctor_read_energy("", out->energy);
    if (counters_open(NULL, &counters, &error)) {
        out->n_passes = counters_passes(counters);
        for (int role = 0; role < COUNTER_ROLES; role++)
            counters_describe(counters, role, &out->counter[role]);
    } else {
        snprintf(out->counters_problem, sizeof out->counters_problem, "%.255s", error.text);
    }
    counters_close(counters);
}

bool doctor_can_profile(const struct doctor *doctor) {
    return doctor->clock.available;
}

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

static void print_environment(const struct page *page, const struct doctor *doctor) {
    const struct environment *e = &doctor->environment;
    char blas[320];
    snprintf(blas, sizeof blas, "%s, %s kernels, threads: %" PRId64 "%s", e->blas_config,
             e->blas_core, e->blas_threads, e->blas_threads > 1 ? " (trials run with 1)" : "");
    print_text(page, doctor, "blas_config", blas);
    print_text(page, doctor, "governor", e->governor);
    print_state(page, doctor, "turbo", e->turbo);
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
    fprintf(out, "\nTime, memory, energy\n");
    print_source(&page, &doctor->clock);
    for (int i = 0; i < DOCTOR_MEMORY; i++) print_source(&page, &doctor->memory[i]);
    for (int i = 0; i < doctor->n_energy; i++) print_source(&page, &doctor->energy[i]);
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
}

int doctor_run(FILE *out, bool colour) {
    struct doctor doctor;
    doctor_read(&doctor);
    doctor_print(&doctor, out, colour);
    return doctor_can_profile(&doctor) ? 0 : 1;
}
