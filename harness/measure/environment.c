/*
 * Reading the environment. Three sources: files of /proc, /sys and /etc; system calls and
 * libraries; and what the build says about itself through macros of the Makefile (HEADROOM_CFLAGS,
 * the compiler flags, and HEADROOM_GIT, the revision with "-dirty" or, of sources that were taken
 * from an archive, "-archive" after it, or "unknown").
 */
#include "harness/measure/environment.h"
#include "models/cpu/gemm.h"
#include "models/base/json.h"

#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness/measure/blas_kernels.h"
#include "harness/measure/card_sensor.h"
#include "harness/measure/counter_backend.h"
#include "harness/measure/cpu_model.h"
#include "harness/measure/cpu_quota.h"
#include "models/base/system_file.h"
#include "models/device_card.h"

#ifndef HEADROOM_CFLAGS
#define HEADROOM_CFLAGS ""
#endif
#ifndef HEADROOM_GIT
#define HEADROOM_GIT ""
#endif

#define FIELD(name, kind, stable)                                                                  \
    {                                                                                              \
#name, kind, offsetof(struct environment, name), sizeof(((struct environment *)0)->name),  \
            stable                                                                                 \
    }

const struct environment_field environment_fields[] = {
    FIELD(hostname, FIELD_TEXT, true),
    FIELD(cpu_model, FIELD_TEXT, true),
    FIELD(microcode, FIELD_TEXT, true),
    FIELD(cores, FIELD_INTEGER, true),
    FIELD(cores_allowed, FIELD_INTEGER, true),
    FIELD(affinity, FIELD_TEXT, true),
    FIELD(cpu_quota, FIELD_REAL, true),
    FIELD(governor, FIELD_TEXT, true),
    FIELD(turbo, FIELD_STATE, true),
    FIELD(smt, FIELD_STATE, true),
    FIELD(hypervisor, FIELD_TEXT, true),
    FIELD(container, FIELD_STATE, true),
    FIELD(pmu, FIELD_TEXT, true),
    FIELD(perf_event_paranoid, FIELD_TEXT, true),
    FIELD(memory_bytes, FIELD_INTEGER, true),
    FIELD(kernel, FIELD_TEXT, true),
    FIELD(distribution, FIELD_TEXT, true),
    FIELD(compiler, FIELD_TEXT, true),
    FIELD(compiler_flags, FIELD_TEXT, true),
    FIELD(build, FIELD_TEXT, true),
    FIELD(blas_config, FIELD_TEXT, true),
    FIELD(blas_core, FIELD_TEXT, true),
    FIELD(blas_core_chosen_by, FIELD_TEXT, true),
    FIELD(blas_threads, FIELD_INTEGER, true),
    FIELD(papi_version, FIELD_TEXT, true),
    FIELD(sqlite_version, FIELD_TEXT, true),
    FIELD(git_revision, FIELD_TEXT, true),
    FIELD(git_dirty, FIELD_STATE, true),
    FIELD(load_average, FIELD_REAL, false),
    FIELD(card, FIELD_TEXT, true),
    FIELD(card_driver, FIELD_TEXT, true),
    FIELD(cuda, FIELD_TEXT, true),
    FIELD(card_sm_mhz, FIELD_INTEGER, false),
    FIELD(card_sm_most_mhz, FIELD_INTEGER, true),
    FIELD(card_memory_mhz, FIELD_INTEGER, false),
    FIELD(card_memory_most_mhz, FIELD_INTEGER, true),
    FIELD(card_power_limit_watts, FIELD_INTEGER, true),
    FIELD(card_ecc, FIELD_STATE, true),
};
const int environment_n_fields = (int)(sizeof environment_fields / sizeof *environment_fields);

_Static_assert(sizeof environment_fields / sizeof *environment_fields <= ENVIRONMENT_UNKNOWN_MAX,
               "every field may be unknown");
_Static_assert(sizeof(enum tristate) == sizeof(int), "states are read as int");

/* ---- fields as values ---- */

static const void *value_of(const struct environment *e, const struct environment_field *field) {
    return (const char *)e + field->offset;
}

static bool is_known(const struct environment *e, const struct environment_field *field) {
    const void *value = value_of(e, field);
    switch (field->kind) {
    case FIELD_TEXT:
        return *(const char *)value != '\0';
    case FIELD_INTEGER:
        return *(const int64_t *)value >= 0;
    case FIELD_REAL:
        return !isnan(*(const double *)value);
    case FIELD_STATE:
        return *(const enum tristate *)value != STATE_UNKNOWN;
    }
    return false;
}

/* A value as JSON. */
static void append_value(const struct environment *e, const struct environment_field *field,
                         struct text *out) {
    const void *value = value_of(e, field);
    if (!is_known(e, field))
        text_append(out, "null");
    else if (field->kind == FIELD_TEXT)
        text_append_json_string(out, value);
    else if (field->kind == FIELD_INTEGER)
        text_append(out, "%" PRId64, *(const int64_t *)value);
    else if (field->kind == FIELD_REAL)
        text_append(out, "%.6g", *(const double *)value);
    else
        text_append(out, "%s", *(const enum tristate *)value == STATE_ON ? "true" : "false");
}

const char *environment_why_unknown(const struct environment *e, const char *field) {
    for (int i = 0; i < e->n_unknown; i++)
        if (strcmp(e->unknown[i].field, field) == 0) return e->unknown[i].reason;
    return NULL;
}

/* Records why a field is unknown; the first reason given for a field stays. */
static void explain(struct environment *e, const char *field, const char *reason) {
    if (e->n_unknown == ENVIRONMENT_UNKNOWN_MAX || environment_why_unknown(e, field)) return;
    e->unknown[e->n_unknown].field = field;
    snprintf(e->unknown[e->n_unknown].reason, sizeof e->unknown[0].reason, "%.*s",
             (int)sizeof e->unknown[0].reason - 1, reason);
    e->n_unknown++;
}

/* ---- reading ---- */

/* What is known of a card, and is unknown where the CPU computes: by CUDA and the system, and from
 * BY_DRIVER on by the driver. */
static const char *const card_fields[] = {"card",
                                          "card_driver",
                                          "cuda",
                                          "card_sm_mhz",
                                          "card_sm_most_mhz",
                                          "card_memory_mhz",
                                          "card_memory_most_mhz",
                                          "card_power_limit_watts",
                                          "card_ecc"};
enum { BY_DRIVER = 3, CARD_FIELDS = sizeof card_fields / sizeof *card_fields };

static void explain_card(struct environment *e, int first, const char *reason) {
    for (int i = first; i < CARD_FIELDS; i++) explain(e, card_fields[i], reason);
}

static void read_processor(const char *root, struct environment *e) {
    char text[64];
    if (!cpu_model_read(root, e->cpu_model, sizeof e->cpu_model))
        explain(e, "cpu_model", "/proc/cpuinfo has neither \"model name\" nor \"CPU part\"");
    if (!system_value(root, "/proc/cpuinfo", "microcode", e->microcode, sizeof e->microcode))
        explain(e, "microcode", "/proc/cpuinfo has no \"microcode\"");
    if (!system_line(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", e->governor,
                     sizeof e->governor))
        explain(e, "governor", "no cpufreq driver: the machine or its host decides the frequency");
    /* Intel's own driver has a switch that is on when turbo is off; others have `boost`. */
    if (system_line(root, "/sys/devices/system/cpu/intel_pstate/no_turbo", text, sizeof text))
        e->turbo = strcmp(text, "0") == 0 ? STATE_ON : STATE_OFF;
    else if (system_line(root, "/sys/devices/system/cpu/cpufreq/boost", text, sizeof text))
        e->turbo = strcmp(text, "0") == 0 ? STATE_OFF : STATE_ON;
    else
        explain(e, "turbo", "neither intel_pstate/no_turbo nor cpufreq/boost is readable");
    if (system_line(root, "/sys/devices/system/cpu/smt/active", text, sizeof text))
        e->smt = strcmp(text, "0") == 0 ? STATE_OFF : STATE_ON;
    else
        explain(e, "smt", "/sys/devices/system/cpu/smt/active is not readable");
    e->cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (!system_value(root, "/proc/self/status", "Cpus_allowed_list", e->affinity,
                      sizeof e->affinity))
        explain(e, "affinity", "/proc/self/status has no (or too long a) Cpus_allowed_list");
    cpu_set_t allowed;
    e->cores_allowed =
        sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : -1;
    e->cpu_quota = cpu_quota_read(root).cores;
    if (isnan(e->cpu_quota))
        explain(e, "cpu_quota", "no control group of this process has one, as far as it sees");
}

static void read_counting(const char *root, struct environment *e) {
    struct counter_host host;
    char reason[128];
    counter_host_read(root, &host);
    memcpy(e->hypervisor, host.hypervisor, sizeof e->hypervisor);
    memcpy(e->pmu, host.pmu[0] ? host.pmu : "none", host.pmu[0] ? sizeof e->pmu : sizeof "none");
    e->container = host.container ? STATE_ON : STATE_OFF;
    if (!host.hypervisor[0]) explain(e, "hypervisor", "this kind of CPU does not tell");
    if (!system_line(root, "/proc/sys/kernel/perf_event_paranoid", e->perf_event_paranoid,
                     sizeof e->perf_event_paranoid))
        explain(e, "perf_event_paranoid", "the kernel was built without perf events");
    counter_library_version(e->papi_version, sizeof e->papi_version, reason, sizeof reason);
    if (!e->papi_version[0]) explain(e, "papi_version", reason);
}

static void read_system(const char *root, struct environment *e) {
    char text[64], *end;
    struct utsname system;
    if (gethostname(e->hostname, sizeof e->hostname) != 0) e->hostname[0] = '\0';
    e->hostname[sizeof e->hostname - 1] = '\0';
    if (uname(&system) == 0)
        snprintf(e->kernel, sizeof e->kernel, "%s %s", system.sysname, system.release);
    if (!system_value(root, "/etc/os-release", "PRETTY_NAME", e->distribution,
                      sizeof e->distribution))
        explain(e, "distribution", "/etc/os-release has no PRETTY_NAME");
    if (system_value(root, "/proc/meminfo", "MemTotal", text, sizeof text)) {
        long long kilobytes = strtoll(text, &end, 10);
        if (kilobytes > 0 && strcmp(end, " kB") == 0) e->memory_bytes = kilobytes * 1024;
    }
    if (e->memory_bytes < 0) explain(e, "memory_bytes", "/proc/meminfo has no MemTotal in kB");
    if (system_line(root, "/proc/loadavg", text, sizeof text)) {
        double load = strtod(text, &end);
        if (end != text) e->load_average = load;
    }
    if (isnan(e->load_average)) explain(e, "load_average", "/proc/loadavg is not readable");
}

static void read_build(struct environment *e) {
#ifdef __clang__
    snprintf(e->compiler, sizeof e->compiler, "clang %s", __clang_version__);
#else
    snprintf(e->compiler, sizeof e->compiler, "gcc %s", __VERSION__);
#endif
    snprintf(e->compiler_flags, sizeof e->compiler_flags, "%s", HEADROOM_CFLAGS);
    if (!e->compiler_flags[0]) explain(e, "compiler_flags", "built without HEADROOM_CFLAGS");
    const char *build = "release";
#ifndef __OPTIMIZE__
    build = "debug";
#endif
    /* The undefined-behaviour sanitizer sets no macro in gcc: it shows in the flags only. */
    if (strstr(HEADROOM_CFLAGS, "-fsanitize")) build = "sanitizer";
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    build = "sanitizer";
#endif
    snprintf(e->build, sizeof e->build, "%s", build);

    const char *git = strcmp(HEADROOM_GIT, "unknown") == 0 ? "" : HEADROOM_GIT;
    size_t length = strcspn(git, "-");
    bool archive = strcmp(git + length, "-archive") == 0;
    snprintf(e->git_revision, sizeof e->git_revision, "%.*s", (int)length, git);
    if (git[0] && !archive) e->git_dirty = git[length] ? STATE_ON : STATE_OFF;
    if (archive)
        explain(e, "git_dirty", "built from an archive: whether it was changed is unknown");
    if (!git[0]) explain(e, "git_revision", "built outside a git checkout");
    if (!git[0]) explain(e, "git_dirty", "built outside a git checkout");
}

static void read_libraries(const char *sqlite_version, struct environment *e) {
    gemm_library(e->blas_config, sizeof e->blas_config);
    snprintf(e->blas_core, sizeof e->blas_core, "%s", gemm_core());
    snprintf(e->blas_core_chosen_by, sizeof e->blas_core_chosen_by, "%s", blas_kernels_chosen_by());
    e->blas_threads = gemm_threads();
    snprintf(e->sqlite_version, sizeof e->sqlite_version, "%s", sqlite_version);
}

void environment_read_root(const char *root, const char *sqlite_version, struct environment *e) {
    memset(e, 0, sizeof *e);
    e->turbo = e->smt = e->container = e->git_dirty = e->card_ecc = STATE_UNKNOWN;
    e->card_sm_mhz = e->card_sm_most_mhz = e->card_memory_mhz = e->card_memory_most_mhz = -1;
    e->card_power_limit_watts = -1;
    e->cores = e->cores_allowed = e->memory_bytes = e->blas_threads = -1;
    e->cpu_quota = e->load_average = NAN;
    read_processor(root, e);
    read_counting(root, e);
    read_system(root, e);
    read_build(e);
    read_libraries(sqlite_version, e);
    explain_card(e, 0, "the CPU computes");
    for (int i = 0; i < environment_n_fields; i++)
        if (!is_known(e, &environment_fields[i]))
            explain(e, environment_fields[i].name, "the system does not tell");
}

/* Takes back why a field was unknown. */
static void forget(struct environment *e, const char *field) {
    int kept = 0;
    for (int i = 0; i < e->n_unknown; i++)
        if (strcmp(e->unknown[i].field, field) != 0) e->unknown[kept++] = e->unknown[i];
    e->n_unknown = kept;
}

static int64_t read_sensor(const struct card_sensor *sensor, enum card_quantity what,
                           const char *field, struct environment *e) {
    char reason[CARD_REASON];
    uint64_t value;
    if (card_sensor_read(sensor, what, &value, reason)) return (int64_t)value;
    explain(e, field, reason);
    return -1;
}

/* What the driver knows and CUDA does not. */
static void read_sensors(const char *pci, struct environment *e) {
    struct card_sensor *sensor;
    char reason[CARD_REASON];
    if (!card_sensor_open(pci, &sensor, reason)) {
        explain_card(e, BY_DRIVER, reason);
        return;
    }
    e->card_sm_mhz = read_sensor(sensor, CARD_SM_MHZ, "card_sm_mhz", e);
    e->card_sm_most_mhz = read_sensor(sensor, CARD_SM_MOST_MHZ, "card_sm_most_mhz", e);
    e->card_memory_mhz = read_sensor(sensor, CARD_MEMORY_MHZ, "card_memory_mhz", e);
    e->card_memory_most_mhz = read_sensor(sensor, CARD_MEMORY_MOST_MHZ, "card_memory_most_mhz", e);
    int64_t limit = read_sensor(sensor, CARD_POWER_LIMIT_MW, "card_power_limit_watts", e);
    e->card_power_limit_watts = limit < 0 ? -1 : limit / 1000;
    int64_t ecc = read_sensor(sensor, CARD_ECC, "card_ecc", e);
    e->card_ecc = ecc < 0 ? STATE_UNKNOWN : ecc ? STATE_ON : STATE_OFF;
    card_sensor_close(sensor);
}

void environment_read_card(const char *root, struct environment *e) {
    struct device_card card;
    struct error error;
    for (int i = 0; i < CARD_FIELDS; i++) forget(e, card_fields[i]);
    if (!device_describe_card(0, &card, &error)) {
        char reason[sizeof e->unknown[0].reason];
        snprintf(reason, sizeof reason, "%.*s", (int)sizeof reason - 1, error.text);
        explain_card(e, 0, reason);
        return;
    }
    snprintf(e->card, sizeof e->card, "%s", card.name);
    snprintf(e->cuda, sizeof e->cuda, "%d.%d", card.runtime / 1000, card.runtime % 1000 / 10);
    read_sensors(card.pci, e);
    if (!system_line(root, "/sys/module/nvidia/version", e->card_driver, sizeof e->card_driver))
        explain(e, "card_driver", "/sys/module/nvidia/version is not readable");
}

void environment_read(const char *sqlite_version, struct environment *e) {
    environment_read_root("", sqlite_version, e);
}

/* ---- writing ---- */

const char *environment_revision(void) {
    return HEADROOM_GIT[0] ? HEADROOM_GIT : "unknown";
}

void environment_summary(const struct environment *e, char *out, size_t size) {
    bool guest = e->hypervisor[0] && strcmp(e->hypervisor, "none") != 0;
    snprintf(out, size, "%s%s%s, %" PRId64 " core%s, %s%s%s, %s", e->card, e->card[0] ? " in " : "",
             e->cpu_model[0] ? e->cpu_model : "unknown CPU", e->cores, e->cores == 1 ? "" : "s",
             guest ? e->hypervisor : "", guest ? " guest, " : "",
             e->kernel[0] ? e->kernel : "unknown kernel",
             e->distribution[0] ? e->distribution : "unknown distribution");
}

void environment_write_json(const struct environment *e, struct text *out) {
    text_append(out, "{");
    for (int i = 0; i < environment_n_fields; i++) {
        text_append(out, "\"%s\": ", environment_fields[i].name);
        append_value(e, &environment_fields[i], out);
        text_append(out, ", ");
    }
    text_append(out, "\"unknown\": {");
    for (int i = 0; i < e->n_unknown; i++) {
        text_append(out, "%s\"%s\": ", i ? ", " : "", e->unknown[i].field);
        text_append_json_string(out, e->unknown[i].reason);
    }
    text_append(out, "}}");
}

/* FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/. Not cryptographic; it only tells apart. */
static uint64_t fnv1a(uint64_t hash, const void *data, size_t size) {
    for (const unsigned char *byte = data; size > 0; size--) {
        hash ^= *byte++;
        hash *= UINT64_C(0x100000001b3);
    }
    return hash;
}

void environment_hash(const struct environment *e, char out[ENVIRONMENT_HASH_SIZE]) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (int i = 0; i < environment_n_fields; i++) {
        const struct environment_field *field = &environment_fields[i];
        if (!field->stable) continue;
        const void *value = value_of(e, field);
        size_t size = field->kind == FIELD_TEXT ? strlen(value) : field->size;
        hash = fnv1a(hash, field->name, strlen(field->name) + 1);
        hash = fnv1a(hash, value, size);
    }
    snprintf(out, ENVIRONMENT_HASH_SIZE, "%016" PRIx64, hash);
}
