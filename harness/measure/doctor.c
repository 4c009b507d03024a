/*
 * The doctor: reads every source once, the way profiling uses it, and prints one screen: what can
 * be measured, then what cannot, each reason once and with the fix at its end.
 */
#include "harness/measure/doctor.h"
#include "harness/table/width.h"
#include "models/base/json.h"
#include "models/base/system_file.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "harness/measure/blas_kernels.h"
#include "harness/measure/card_counters.h"
#include "harness/measure/card_sensor.h"
#include "harness/measure/cpu_quota.h"
#include "harness/measure/energy.h"
#include "harness/measure/memory.h"
#include "harness/measure/simulated_counters.h"
#include "harness/measure/software_events.h"

/* ---- reading ---- */

static struct doctor_source *add_source(struct doctor *doctor, const char *kind, const char *what,
                                        bool available, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

static struct doctor_source *add_source(struct doctor *doctor, const char *kind, const char *what,
                                        bool available, const char *format, ...) {
    struct doctor_source *source = &doctor->source[doctor->n_sources++];
    va_list arguments;
    source->kind = kind;
    source->available = available;
    snprintf(source->what, sizeof source->what, "%s", what);
    va_start(arguments, format);
    vsnprintf(source->detail, sizeof source->detail, format, arguments);
    va_end(arguments);
    return source;
}

static void read_clock(struct doctor *out) {
    struct timespec step;
    out->can_profile = clock_getres(CLOCK_MONOTONIC, &step) == 0 && step.tv_sec == 0;
    if (out->can_profile)
        add_source(out, "time", "latency", true, "CLOCK_MONOTONIC, step %ld ns", step.tv_nsec);
    else
        add_source(out, "time", "latency", false, "CLOCK_MONOTONIC is missing or too coarse");
}

static void read_memory(struct doctor *out) {
    char reason[160];
    int64_t peak = memory_peak_resident(reason, sizeof reason);
    if (peak > 0)
        add_source(out, "memory", "peak resident", true, "VmHWM, now %.1f MB", (double)peak / 1e6);
    else
        add_source(out, "memory", "peak resident", false, "%s", reason);
    bool reset = memory_reset_peak(reason, sizeof reason);
    add_source(out, "memory", "peak per phase", reset, "%s",
               reset ? "/proc/self/clear_refs" : reason);
}

/* RAPL domains as the profiles read them; one line that says so where there is none. */
static void read_energy(const char *root, struct doctor *out) {
    struct energy energy;
    energy_open(root, &energy);
    for (int i = 0; i < energy.n; i++) {
        const struct energy_domain *domain = &energy.domain[i];
        bool usable = !domain->reason[0];
        add_source(out, "energy", domain->name, usable, "%s%s",
                   usable ? domain->folder : domain->reason, usable ? "/energy_uj" : "")
            ->untested = true;
    }
    if (energy.n == 0)
        add_source(out, "energy", "energy", false, "%s", energy.reason[ENERGY_PACKAGE])->untested =
            true;
}

/* A group that is made and removed: there is no other way to know. */
static void read_bounds(const char *root, struct doctor *out) {
    if (memory_group_make(root, (int64_t)1 << 30, 0, out->memory_group))
        memory_group_remove(out->memory_group);
    out->temporary = space_temporary();
    out->cache = space_cache();
}

static void read_simulator(const char *path, struct doctor *out) {
    char detail[512];
    bool usable = simulated_counters_usable(path, NULL, detail, sizeof detail);
    add_source(out, "simulation", "simulated counts", usable, "%s", detail);
}

static void read_counters(const struct counter_backend *backend, struct doctor *out) {
    struct counters *counters = NULL;
    struct counter_result role;
    struct error error;
    if (!counters_open_backend(backend, NULL, &counters, &error)) {
        add_source(out, "counter", "counters", false, "%s", error.text);
        return;
    }
    out->n_passes = counters_passes(counters);
    for (int i = 0; i < COUNTER_ROLES; i++) {
        counters_describe(counters, i, &role);
        out->n_hardware += counter_roles[i].hardware && role.available;
        add_source(out, "counter", role.role, role.available, "%s",
                   role.available ? role.event : role.reason)
            ->untested = counter_roles[i].hardware;
    }
    counters_close(counters);
}

/* Whether PAPI reads Headroom's own counts: a region of made-up counts, exported and read back. */
static void read_software_events(const struct counter_backend *backend, struct doctor *out) {
    static const struct software_counts made_up = {{1, 1, 1, 1}};
    static const char name[] = "sde:::headroom";
    struct software_events *events;
    struct counter_result read = {.available = true};
    struct error error;
    if (!software_events_open_backend(backend, &events, &error)) {
        add_source(out, "software events", name, false, "%s", error.text);
        return;
    }
    software_events_start(events);
    software_events_stop(events, &made_up);
    for (int i = 0; i < SOFTWARE_EVENTS && read.available; i++)
        software_events_result(events, (enum software_event)i, 1, &read);
    add_source(out, "software events", name, read.available, "%s",
               read.available ? "FLOPs, heads, tokens and gathered bytes as PAPI events"
                              : read.reason);
    software_events_close(events);
}

/* "of the most" where both are told. */
static void append_clock(const struct card_sensor *sensor, const char *name, enum card_quantity now,
                         enum card_quantity most, struct text *out) {
    char reason[CARD_REASON];
    uint64_t mhz, limit;
    if (card_sensor_read(sensor, now, &mhz, reason) &&
        card_sensor_read(sensor, most, &limit, reason))
        text_append(out, "; %s now %" PRIu64 " of %" PRIu64 " MHz", name, mhz, limit);
}

/* What the card's driver tells, as a profile reads it. */
static void read_card_sensor(int number, const char *pci, char *state, size_t size,
                             struct doctor *out) {
    struct card_sensor *sensor;
    char what[32], reason[CARD_REASON];
    struct text words = {0};
    uint64_t value;
    snprintf(what, sizeof what, "joules of cuda:%d", number);
    bool told = card_sensor_open(pci, &sensor, reason);
    bool energy = told && card_sensor_read(sensor, CARD_MILLIJOULES, &value, reason);
    add_source(out, "energy", what, energy, "%s",
               energy ? "NVML's count of the whole card's, in regions of 2 s" : reason);
    if (!told) return;
    append_clock(sensor, "SM", CARD_SM_MHZ, CARD_SM_MOST_MHZ, &words);
    append_clock(sensor, "memory", CARD_MEMORY_MHZ, CARD_MEMORY_MOST_MHZ, &words);
    if (card_sensor_read(sensor, CARD_POWER_LIMIT_MW, &value, reason))
        text_append(&words, "; at most %" PRIu64 " W", value / 1000);
    if (card_sensor_read(sensor, CARD_ECC, &value, reason))
        text_append(&words, "; ECC %s", value ? "on" : "off");
    snprintf(state, size, "%s", words.data ? words.data + strlen("; ") : "");
    text_free(&words);
    card_sensor_close(sensor);
}

static void read_cards(const char *root, struct doctor *out) {
    struct error error = {0};
    while (out->n_cards < DOCTOR_CARDS_MAX &&
           device_describe_card(out->n_cards, &out->card[out->n_cards], &error))
        out->n_cards++;
    if (out->n_cards == 0)
        snprintf(out->no_card, sizeof out->no_card, "%.*s", (int)sizeof out->no_card - 1,
                 error.text);
    else if (!system_line(root, "/sys/module/nvidia/version", out->driver, sizeof out->driver))
        out->driver[0] = '\0';
    for (int i = 0; i < out->n_cards; i++)
        read_card_sensor(i, out->card[i].pci, out->card_state[i], sizeof out->card_state[i], out);
}

/* What the first card counts; the others are its like, as far as PAPI goes. */
static void read_card_counters(const struct counter_backend *backend, struct doctor *out) {
    static const char kind[] = "card counter";
    const struct device *device = NULL;
    struct card_counters *counters = NULL;
    struct counter_result role;
    struct error error;
    if (out->n_cards == 0) return;
    if (device_open("cuda", PRECISION_FP32, &device, &error)) {
        struct card_work work = card_work_on(device);
        card_counters_open_backend(backend, &work, &counters, &error);
    }
    if (!counters) add_source(out, kind, "counters of cuda:0", false, "%s", error.text);
    for (int i = 0; counters && i < CARD_ROLES; i++) {
        card_counters_result(counters, (enum card_role_id)i, 1, 1, &role);
        add_source(out, kind, role.role, role.available, "%s",
                   role.available ? role.event : role.reason);
    }
    card_counters_close(counters);
    device_close(device);
}

void doctor_read_machine(const struct counter_backend *backend, const char *root, const char *path,
                         const char *sqlite_version, struct doctor *out) {
    memset(out, 0, sizeof *out);
    environment_read_root(root, sqlite_version, &out->environment);
    out->better_kernels = blas_kernels_better(root, out->environment.blas_core);
    out->quota = cpu_quota_read(root);
    read_bounds(root, out);
    read_clock(out);
    read_counters(backend, out);
    read_software_events(backend, out);
    read_memory(out);
    read_energy(root, out);
    read_simulator(path, out);
    read_cards(root, out);
    read_card_counters(backend, out);
}

void doctor_read(const char *sqlite_version, struct doctor *out) {
    doctor_read_machine(&counter_backend_papi, "", getenv("PATH"), sqlite_version, out);
}

/* ---- printing ---- */

struct page {
    FILE *file;
    bool colour;
    int column; /* of the cursor */
};

/* Words from the cursor on, wrapped to a left margin. */
static void print_words(struct page *page, int margin, const char *words) {
    int width = width_of(page->file);
    while (*words) {
        int spaces = (int)strspn(words, " "), length = (int)strcspn(words + spaces, " ");
        if (page->column > margin && page->column + spaces + length > width) {
            fprintf(page->file, "\n%*s", margin, "");
            page->column = margin;
            words += spaces;
            spaces = 0;
        }
        fprintf(page->file, "%.*s", spaces + length, words);
        page->column += spaces + length;
        words += spaces + length;
    }
}

/* A paragraph: a head, green where what it names is there and yellow where it is missing, and what
 * there is to say of it, which this frees. Nothing where nothing is said. */
static void print_paragraph(struct page *page, int margin, bool available, const char *head,
                            struct text *words) {
    if (words->size > 0 || words->failed) {
        if (page->colour) fputs(available ? "\033[32m" : "\033[33m", page->file);
        print_words(page, margin, head);
        if (page->colour) fputs("\033[0m", page->file);
        print_words(page, margin, words->failed ? " out of memory" : words->data);
        fputc('\n', page->file);
        page->column = 0;
    }
    text_free(words);
}

static void print_available(struct page *page, const struct doctor *doctor) {
    fprintf(page->file, "Measured here\n");
    for (int i = 0; i < doctor->n_sources; i++) {
        const struct doctor_source *source = &doctor->source[i];
        struct text words = {0};
        char head[sizeof source->what + 4];
        if (!source->available) continue;
        snprintf(head, sizeof head, "  %-19s", source->what);
        text_append(&words, " %s", source->detail);
        print_paragraph(page, 22, true, head, &words);
    }
}

/* The reasons of counters start with their event where they are about one. */
static const char *beside_event(const struct doctor_source *source) {
    const char *rest = strchr(source->detail, ' ');
    return strstr(source->kind, "counter") && rest ? rest : source->detail;
}

/* One reason after another, each behind all that it stops, and for the first of their events where
 * it is the same for several. */
static void print_unavailable(struct page *page, const struct doctor *doctor) {
    bool told[DOCTOR_SOURCES_MAX] = {false}, any = false;
    for (int i = 0; i < doctor->n_sources; i++) {
        const struct doctor_source *first = &doctor->source[i];
        struct text names = {0}, words = {0};
        const char *joint = "; nor do ";
        if (first->available || told[i]) continue;
        text_append(&names, "  %s", first->what);
        text_append(&words, ": %s", first->detail);
        for (int j = i + 1; j < doctor->n_sources; j++) {
            const struct doctor_source *source = &doctor->source[j];
            const char *rest = beside_event(source);
            if (source->available || strcmp(rest, beside_event(first)) != 0) continue;
            told[j] = true;
            text_append(&names, ", %s", source->what);
            if (strcmp(source->detail, first->detail) == 0) continue;
            text_append(&words, "%s%.*s", joint, (int)(rest - source->detail), source->detail);
            joint = ", ";
        }
        if (!any) fputs("Not measured here\n", page->file);
        any = true;
        print_paragraph(page, 6, false, names.failed ? first->what : names.data, &words);
        text_free(&names);
    }
}

static void print_line(struct page *page, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void print_line(struct page *page, const char *format, ...) {
    char line[640];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    print_words(page, 2, line);
    fputc('\n', page->file);
    page->column = 0;
}

/* What `--device cuda` would compute on. */
static void print_cards(struct page *page, const struct doctor *doctor) {
    for (int i = 0; i < doctor->n_cards; i++) {
        const struct device_card *card = &doctor->card[i];
        char name[sizeof card->name + 16];
        struct text words = {0};
        snprintf(name, sizeof name, "Card cuda:%d %s", i, card->name);
        text_append(
            &words, ", compute capability %d.%d, %.1f GiB; built with CUDA %d.%d, the driver",
            card->capability / 10, card->capability % 10, (double)card->memory_bytes / (1 << 30),
            card->runtime / 1000, card->runtime % 1000 / 10);
        text_append(&words, "%s%s knows up to %d.%d", doctor->driver[0] ? " " : "", doctor->driver,
                    card->driver / 1000, card->driver % 1000 / 10);
        if (doctor->card_state[i][0]) text_append(&words, "; %s", doctor->card_state[i]);
        print_paragraph(page, 6, true, name, &words);
    }
    if (doctor->n_cards > 0) return;
    struct text words = {0};
    text_append(&words, " %s", doctor->no_card);
    print_paragraph(page, 6, false, "No card:", &words);
}

/* Nothing else would say that products take several times as long as they should. A processor of
 * x86 that can run no other set is as fast as it is. */
static void print_generic_kernels(struct page *page, const struct doctor *doctor) {
    const struct environment *e = &doctor->environment;
    bool x86 = strcasecmp(e->blas_core, "armv8") != 0;
    struct text words = {0};
    if (!blas_kernels_are_generic(e->blas_core) || (x86 && !doctor->better_kernels)) return;
    text_append(&words, " OpenBLAS runs %s, for processors that it does not know", e->blas_core);
    if (x86) text_append(&words, ", where flags allow %s", doctor->better_kernels);
    if (strcmp(e->blas_core_chosen_by, "user") == 0)
        text_append(&words, "; " BLAS_KERNELS_VARIABLE " says so: unset it");
    else
        text_append(&words, "; install a newer one, built with DYNAMIC_ARCH");
    print_paragraph(page, 6, false, "  generic kernels:", &words);
}

/* Whatever else is quiet, times taken in a group that stands still are those of waiting. */
static void print_quota(struct page *page, const struct cpu_quota *quota) {
    struct text words = {0};
    if (isnan(quota->cores)) return;
    text_append(&words, " %.2f cores", quota->cores);
    if (quota->throttled > 0)
        text_append(&words, ", throttled in %" PRId64 " of %" PRId64 " periods so far",
                    quota->throttled, quota->periods);
    bool enough = quota->cores >= 1 && quota->throttled <= 0;
    if (!enough)
        text_append(&words, "; times need 1 at least: raise it (docker "
                            "--cpus, Kubernetes limits.cpu, systemd CPUQuota=)");
    print_paragraph(page, 6, enough, "  CPU quota:", &words);
}

static void append_space(struct text *out, const char *what, const struct space *space) {
    static const double mib = 1 << 20, gib = 1 << 30;
    if (!space->folder[0]) return;
    text_append(out, "%s %s in %s", out->size ? ";" : "", what, space->folder);
    if (space->n_files >= 0)
        text_append(out, ", %d with %.1f MiB", space->n_files, (double)space->bytes / mib);
    if (space->free_bytes >= 0)
        text_append(out, ", %.1f GiB free", (double)space->free_bytes / gib);
}

/* What else a trial takes, and what may hold it. */
static void print_bounds(struct page *page, const struct doctor *doctor) {
    struct text space = {0}, memory = {0};
    append_space(&space, "temporary files", &doctor->temporary);
    append_space(&space, "cached data sets", &doctor->cache);
    print_paragraph(page, 6, true, "  disk:", &space);
    if (doctor->memory_group[0])
        text_append(&memory, " by a control group of each trial, as %s", doctor->memory_group);
    else
        text_append(&memory, " by RLIMIT_DATA; no control group (version 2) can be made here");
    print_paragraph(page, 6, true, "  --memory:", &memory);
}

/* Settings that are known, those that are not with their reasons, and what would make times
 * steadier. */
static void print_environment(struct page *page, const struct doctor *doctor) {
    const struct environment *e = &doctor->environment;
    const struct {
        const char *field, *value;
    } settings[] = {{"affinity", e->affinity},
                    {"governor", e->governor},
                    {"turbo", e->turbo == STATE_ON ? "on" : "off"},
                    {"smt", e->smt == STATE_ON ? "on" : "off"},
                    {"perf_event_paranoid", e->perf_event_paranoid}};
    enum { N = sizeof settings / sizeof *settings };
    struct text known = {0}, unknown = {0};
    text_append(&known, " %s", e->blas_config);
    if (!strstr(e->blas_config, e->blas_core)) /* OpenBLAS says it itself where it chooses */
        text_append(&known, ", %s kernels", e->blas_core);
    if (strcmp(e->blas_core_chosen_by, "Headroom") == 0)
        text_append(&known, ", chosen by flags for a processor that OpenBLAS does not know");
    text_append(&known, ", threads: %" PRId64 "%s", e->blas_threads,
                e->blas_threads > 1 ? " (trials run with 1)" : "");
    for (int i = 0; i < N; i++) {
        const char *why = environment_why_unknown(e, settings[i].field);
        struct text *words = why ? &unknown : &known;
        text_append(words, "%s %s %s%s%s", words->size ? "," : "", settings[i].field,
                    why ? "(" : "", why ? why : settings[i].value, why ? ")" : "");
    }
    print_paragraph(page, 6, true, " ", &known);
    print_paragraph(page, 6, false, "  unknown:", &unknown);
    print_generic_kernels(page, doctor);
    print_quota(page, &doctor->quota);
    print_bounds(page, doctor);
    if (e->governor[0] && strcmp(e->governor, "performance") != 0)
        print_line(page, "  for steadier times: sudo cpupower frequency-set -g performance");
    if (e->turbo == STATE_ON)
        print_line(page, "  for steadier times: echo 1 | sudo tee "
                         "/sys/devices/system/cpu/intel_pstate/no_turbo, or echo 0 | sudo tee "
                         "/sys/devices/system/cpu/cpufreq/boost");
    if (strcmp(e->build, "release") != 0)
        print_line(page, "  timings of this build mean nothing: rebuild with make");
}

void doctor_print(const struct doctor *doctor, FILE *out, bool colour) {
    struct page page = {out, colour, 0};
    char machine[512];
    int n_hardware = 0;
    for (int i = 0; i < COUNTER_ROLES; i++) n_hardware += counter_roles[i].hardware;
    environment_summary(&doctor->environment, machine, sizeof machine);
    print_line(&page, "%s", machine);
    if (!doctor->can_profile)
        print_line(&page, "Profiling is not possible here: there is no usable clock.");
    else if (doctor->n_hardware == 0)
        print_line(&page,
                   "Profiling works here, without hardware counters of the CPU: those are NULL, "
                   "with a reason.");
    else
        print_line(&page,
                   "Profiling works here, with %d of %d hardware counters in %d pass%s; try them "
                   "with --verify",
                   doctor->n_hardware, n_hardware, doctor->n_passes,
                   doctor->n_passes == 1 ? "" : "es");
    print_available(&page, doctor);
    print_unavailable(&page, doctor);
    print_cards(&page, doctor);
    fprintf(out, "Settings\n");
    print_environment(&page, doctor);
    print_line(&page,
               "Untested on hardware: hardware counters and RAPL energy (an emulated PMU and "
               "made-up files only)");
}

/* ---- for machines ---- */

static void write_space(const char *name, const struct space *space, struct text *out) {
    text_append(out, ", \"%s\": {\"folder\": ", name);
    text_append_json_string(out, space->folder);
    if (space->free_bytes >= 0) text_append(out, ", \"free_bytes\": %" PRId64, space->free_bytes);
    if (space->n_files >= 0)
        text_append(out, ", \"n_files\": %d, \"bytes\": %" PRId64, space->n_files, space->bytes);
    text_append(out, "}");
}

void doctor_write_json(const struct doctor *doctor, struct text *out) {
    text_append(out, "{\"can_profile\": %s, \"counter_passes\": %d, \"sources\": [",
                doctor->can_profile ? "true" : "false", doctor->n_passes);
    for (int i = 0; i < doctor->n_sources; i++) {
        const struct doctor_source *source = &doctor->source[i];
        text_append(out, "%s{\"kind\": \"%s\", \"what\": ", i ? ", " : "", source->kind);
        text_append_json_string(out, source->what);
        text_append(out, ", \"available\": %s, \"detail\": ", source->available ? "true" : "false");
        text_append_json_string(out, source->detail);
        text_append(out, ", \"untested_on_hardware\": %s}", source->untested ? "true" : "false");
    }
    text_append(out, "], \"cards\": [");
    for (int i = 0; i < doctor->n_cards; i++) {
        const struct device_card *card = &doctor->card[i];
        text_append(out, "%s{\"name\": ", i ? ", " : "");
        text_append_json_string(out, card->name);
        text_append(out,
                    ", \"compute_capability\": \"%d.%d\", \"memory_bytes\": %" PRId64
                    ", \"cuda\": \"%d.%d\", \"driver_cuda\": \"%d.%d\", \"pci\": \"%s\"",
                    card->capability / 10, card->capability % 10, card->memory_bytes,
                    card->runtime / 1000, card->runtime % 1000 / 10, card->driver / 1000,
                    card->driver % 1000 / 10, card->pci);
        text_append(out, ", \"state\": \"%s\"}", doctor->card_state[i]);
    }
    text_append(out, "], \"no_card\": ");
    text_append_json_string(out, doctor->no_card);
    write_space("temporary", &doctor->temporary, out);
    write_space("cache", &doctor->cache, out);
    text_append(out, ", \"memory_group\": ");
    text_append_json_string(out, doctor->memory_group);
    text_append(out, ", \"environment\": ");
    environment_write_json(&doctor->environment, out);
    text_append(out, "}");
}

int doctor_run(const char *sqlite_version, FILE *out, bool json, bool colour) {
    struct doctor doctor;
    struct text text = {0};
    doctor_read(sqlite_version, &doctor);
    if (json) {
        doctor_write_json(&doctor, &text);
        fprintf(out, "%s\n", text.failed ? "null" : text.data);
        text_free(&text);
    } else {
        doctor_print(&doctor, out, colour);
    }
    return doctor.can_profile ? 0 : 1;
}
