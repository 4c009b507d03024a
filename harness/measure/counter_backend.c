/*
 * The real source of counts: PAPI's low-level interface where it was found at build time, and the
 * kernel's accounting of the thread. Also what the machine allows, and how a failure is explained:
 * PAPI's own words ("Event does not exist") name neither the cause nor the fix.
 */
#include "harness/measure/counter_backend.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif
#ifdef HAVE_PAPI
#include <papi.h>
#endif

#include "models/base/system_file.h"

/* ---- the host ---- */

/* The hypervisor's signature (CPUID leaf 0x40000000), once the CPU has said that there is one. */
static void read_hypervisor_vendor(char *out, size_t size) {
    snprintf(out, size, "unidentified");
#if defined(__x86_64__) || defined(__i386__)
    unsigned eax = 0, word[3] = {0, 0, 0};
    char vendor[sizeof word + 1] = "";
    __cpuid(0x40000000, eax, word[0], word[1], word[2]);
    memcpy(vendor, word, sizeof word);
    if (!isalpha((unsigned char)vendor[0])) return;
    for (const char *c = vendor; *c; c++)
        if (!isprint((unsigned char)*c)) return;
    static const char *const known[][2] = {{"KVMKVMKVM", "KVM"},
                                           {"Microsoft Hv", "Hyper-V"},
                                           {"VMwareVMware", "VMware"},
                                           {"XenVMMXenVMM", "Xen"}};
    const char *name = vendor;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(vendor, known[i][0]) == 0) name = known[i][1];
    snprintf(out, size, "%s", name);
#endif
}

static void read_hypervisor(const char *root, char *out, size_t size) {
    char flags[8192];
    if (system_line(root, "/sys/hypervisor/type", out, size)) return; /* Xen */
    if (!system_value(root, "/proc/cpuinfo", "flags", flags, sizeof flags)) return;
    if (strstr(flags, " hypervisor"))
        read_hypervisor_vendor(out, size);
    else
        snprintf(out, size, "none");
}

/* A core PMU driver registers a folder here; a guest without a virtual PMU has only software,
 * tracepoint and the like. This is the one sign that does not depend on permissions. Of the PMUs of
 * a hybrid CPU the last by name, whatever order the folder has: it is that of the larger cores
 * (cpu_core, not cpu_atom; armv8_cortex_a72, not a53). */
static void read_pmu(const char *root, char *out, size_t size) {
    char path[512];
    snprintf(path, sizeof path, "%s/sys/bus/event_source/devices", root);
    DIR *folder = opendir(path);
    if (!folder) return;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        const char *name = entry->d_name;
        bool core = strcmp(name, "cpu") == 0 || strncmp(name, "cpu_", 4) == 0 ||
                    strncmp(name, "cpum_cf", 7) == 0 || strncmp(name, "armv", 4) == 0 ||
                    strncmp(name, "apple_", 6) == 0;
        if (core && strlen(name) < size && strcmp(name, out) > 0)
            snprintf(out, size, "%.*s", (int)size - 1, name);
    }
    closedir(folder);
}

static int read_setting(const char *root, const char *path) {
    char text[16];
    return system_line(root, path, text, sizeof text) ? (int)strtol(text, NULL, 10) : -1;
}

static bool exists_below(const char *root, const char *path) {
    char full[512];
    snprintf(full, sizeof full, "%s%s", root, path);
    return access(full, F_OK) == 0;
}

/* The driver's own list of its settings, "RmProfilingAdminOnly: 1". */
static bool read_card_admins(const char *root) {
    char text[16];
    return system_value(root, "/proc/driver/nvidia/params", "RmProfilingAdminOnly", text,
                        sizeof text) &&
           strcmp(text, "0") != 0;
}

static int read_turn(const char *root, const char *pmu) {
    char path[160];
    snprintf(path, sizeof path, "/sys/bus/event_source/devices/%s/perf_event_mux_interval_ms", pmu);
    return read_setting(root, path);
}

void counter_host_read(const char *root, struct counter_host *host) {
    *host = (struct counter_host){.pmu = ""};
    read_pmu(root, host->pmu, sizeof host->pmu);
    host->turn_ms = read_turn(root, host->pmu);
    read_hypervisor(root, host->hypervisor, sizeof host->hypervisor);
    host->container = exists_below(root, "/.dockerenv") || exists_below(root, "/run/.containerenv");
    host->paranoid = read_setting(root, "/proc/sys/kernel/perf_event_paranoid");
    host->nmi_watchdog = read_setting(root, "/proc/sys/kernel/nmi_watchdog");
    host->card_admins = read_card_admins(root);
}

/* ---- explanations ---- */

/* PAPI 7.0 disables its component at level 3, and 7.2 above 2, whatever the program's
 * capabilities: only the level helps with all of them. Up to level 2 the kernel lets everyone count
 * their own program. */
static void explain_permission(const struct counter_host *host, char *out, size_t size) {
    if (host->paranoid <= 2)
        snprintf(out, size,
                 "no permission to count, although kernel.perf_event_paranoid allows it: a "
                 "container or a security module forbids perf_event_open: allow it there (docker: "
                 "--cap-add PERFMON and a seccomp profile)");
    else
        snprintf(out, size,
                 "kernel.perf_event_paranoid=%d forbids counting: run `sudo sysctl "
                 "kernel.perf_event_paranoid=2`%s",
                 host->paranoid,
                 host->container ? " on the container's host, and start the container with "
                                   "--cap-add PERFMON and a seccomp profile that allows "
                                   "perf_event_open"
                                 : "");
}

static void explain_disabled(const struct counter_host *host, char *out, size_t size) {
    bool unknown_cpu = strstr(host->disabled, "libpfm4") != NULL; /* its table of PMUs */
    snprintf(out, size, "PAPI disabled its component perf_event: %s%s",
             host->disabled[0] ? host->disabled : "the reason is unknown",
             unknown_cpu ? ": a newer PAPI may know this CPU" : "");
}

bool counter_is_missing(int code) {
    return code == COUNTER_NO_EVENT || code == COUNTER_NOT_SUPPORTED ||
           code == COUNTER_NOT_SUPPORTED_BY_COMPONENT;
}

void counter_explain(const struct counter_host *host, bool hardware, const char *event, int code,
                     const char *text, char *out, size_t size) {
    bool virtual_machine = host->hypervisor[0] && strcmp(host->hypervisor, "none") != 0;
    bool disabled = code == COUNTER_COMPONENT_DISABLED;
    bool unused = disabled || (hardware && host->disabled[0]);
    bool forbidden = host->paranoid > 2 && code != COUNTER_CONFLICT;
    const char *component_end =
        event ? strstr(event, ":::") : NULL; /* NULL: the CPU's own component */
    if (component_end && (disabled || counter_is_missing(code)))
        snprintf(out, size,
                 "PAPI has no event %s: `papi_component_avail` tells whether its component %.*s is "
                 "built and enabled",
                 event, (int)(component_end - event), event);
    else if (hardware && !host->pmu[0] && virtual_machine)
        snprintf(out, size,
                 "this virtual machine exposes no performance-monitoring unit: ask its host for a "
                 "virtual PMU, or measure on bare metal");
    else if (hardware && !host->pmu[0])
        snprintf(out, size,
                 "the kernel shows no performance-monitoring unit in "
                 "/sys/bus/event_source/devices: measure on a machine and kernel that have one");
    else if (unused && !forbidden)
        explain_disabled(host, out, size);
    else if (forbidden || code == COUNTER_NO_PERMISSION)
        explain_permission(host, out, size);
    else if (code == COUNTER_CONFLICT && host->nmi_watchdog == 1)
        snprintf(out, size,
                 "%s: no counter is free, the NMI watchdog holds one: run `sudo sysctl "
                 "kernel.nmi_watchdog=0`",
                 event);
    else if (code == COUNTER_CONFLICT)
        snprintf(out, size, "%s: no counter is free: stop other programs that count (perf, PAPI)",
                 event);
    else if (code == COUNTER_IS_RUNNING)
        snprintf(out, size, "%s: another event set of this thread is counting: stop it first",
                 event);
    else if (!event)
        snprintf(out, size, "PAPI knows no event for it on this CPU: a newer PAPI may");
    else if (counter_is_missing(code))
        snprintf(out, size, "PAPI knows no event %s that counts on this CPU: a newer PAPI may",
                 event);
    else if (!text || strcmp(text, "No error") == 0) /* strerror of PAPI 7.0.0 for codes it lacks */
        snprintf(out, size, "%s: PAPI failed with code %d", event, code);
    else
        snprintf(out, size, "%s: PAPI failed: %s (code %d)", event, text, code);
}

bool counter_version_problem(unsigned built, unsigned loaded, char *out, size_t size) {
    if (built >> 16 == loaded >> 16) return false; /* PAPI's own rule: major.minor must agree */
    snprintf(out, size,
             "built for PAPI %u.%u but PAPI %u.%u is loaded: install the matching libpapi-dev and "
             "rebuild",
             built >> 24, built >> 16 & 255, loaded >> 24, loaded >> 16 & 255);
    return true;
}

/* ---- the kernel's accounting ---- */

static int64_t nanoseconds(struct timespec t) {
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool kernel_read(void *context, struct kernel_counts *out) {
    (void)context;
    struct rusage usage;
    struct timespec thread, process;
    if (getrusage(RUSAGE_THREAD, &usage) != 0) return false;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &thread) != 0) return false;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &process) != 0) return false;
    *out = (struct kernel_counts){
        .thread_cpu_ns = nanoseconds(thread),
        .process_cpu_ns = nanoseconds(process),
        .page_faults = usage.ru_minflt + usage.ru_majflt,
        .context_switches = usage.ru_nvcsw + usage.ru_nivcsw,
    };
    return true;
}

/* ---- PAPI ---- */

#ifdef HAVE_PAPI

_Static_assert(COUNTER_NO_EVENT == PAPI_ENOEVNT && COUNTER_CONFLICT == PAPI_ECNFLCT &&
                   COUNTER_IS_RUNNING == PAPI_EISRUN && COUNTER_NO_PERMISSION == PAPI_EPERM &&
                   COUNTER_NOT_SUPPORTED == PAPI_ENOSUPP &&
                   COUNTER_NOT_SUPPORTED_BY_COMPONENT == PAPI_ECMP &&
                   COUNTER_COMPONENT_DISABLED == PAPI_ECMP_DISABLED &&
                   COUNTER_SEVERAL_RUNS == PAPI_EMULPASS,
               "the codes are PAPI's");

void counter_library_version(char *version, size_t version_size, char *reason, size_t reason_size) {
    int loaded = PAPI_get_opt(PAPI_LIB_VERSION, NULL); /* may be asked before initialisation */
    snprintf(reason, reason_size, "%s", loaded > 0 ? "" : "PAPI does not tell its version");
    snprintf(version, version_size, "%s", "");
    if (loaded > 0)
        snprintf(version, version_size, "%u.%u.%u", (unsigned)loaded >> 24,
                 (unsigned)loaded >> 16 & 255, (unsigned)loaded >> 8 & 255);
}

static void read_disabled(struct counter_host *host) {
    int component = PAPI_get_component_index("perf_event");
    const PAPI_component_info_t *info = component < 0 ? NULL : PAPI_get_component_info(component);
    if (!info || info->disabled == PAPI_OK) return;
    snprintf(host->disabled, sizeof host->disabled, "%.*s", (int)sizeof host->disabled - 1,
             info->disabled_reason);
}

/* 7.2 brought the events' :stat=, and with it the names that are asked for here. */
static void papi_card_problem(void *context, char *problem, size_t size) {
    (void)context;
    int component = PAPI_get_component_index("cuda");
    const PAPI_component_info_t *info = component < 0 ? NULL : PAPI_get_component_info(component);
    unsigned version = (unsigned)PAPI_get_opt(PAPI_LIB_VERSION, NULL);
    snprintf(problem, size, "%s", "");
    if (!info || version >> 16 < 0x0702)
        snprintf(problem, size,
                 "PAPI %u.%u.%u has no component for cards that is known here: build PAPI 7.2 or "
                 "later with its component cuda, and make again with PAPI_DIR (README.md, On a "
                 "GPU)",
                 version >> 24, version >> 16 & 255, version >> 8 & 255);
    else if (info->disabled != PAPI_OK && info->disabled != PAPI_EDELAY_INIT)
        snprintf(problem, size,
                 "PAPI disabled its component cuda: %.*s (PAPI_CUDA_ROOT: %s; README.md, On a GPU)",
                 (int)sizeof info->disabled_reason - 1, info->disabled_reason,
                 getenv("PAPI_CUDA_ROOT") ? getenv("PAPI_CUDA_ROOT") : "not set");
}

/* The library stays initialised until the process ends: shutting PAPI 7.0 down and starting it
 * again in one process is not reliable, and event sets are what holds the kernel's resources. */
static int papi_open(void *context, struct counter_host *host, char *problem, size_t size) {
    (void)context;
    counter_host_read("", host);
    int code = PAPI_library_init(PAPI_VER_CURRENT);
    if (code == PAPI_VER_CURRENT) {
        read_disabled(host);
        return COUNTER_OK;
    }
    int loaded = PAPI_get_opt(PAPI_LIB_VERSION, NULL);
    if (loaded <= 0 || !counter_version_problem(PAPI_VER_CURRENT, (unsigned)loaded, problem, size))
        counter_explain(host, false, "PAPI_library_init", code, PAPI_strerror(code), problem, size);
    return COUNTER_NO_BACKEND;
}

static int papi_create(void *context, int *set) {
    (void)context;
    *set = PAPI_NULL;
    return PAPI_create_eventset(set);
}

/* A set has to be bound to a component before it can be told to multiplex; 0 is perf_event. */
static int papi_multiplex(void *context, int set) {
    (void)context;
    int code = PAPI_multiplex_init();
    if (code == PAPI_OK) code = PAPI_assign_eventset_component(set, 0);
    return code == PAPI_OK ? PAPI_set_multiplex(set) : code;
}

static int papi_add(void *context, int set, const char *event) {
    (void)context;
    return PAPI_add_named_event(set, event);
}

static int papi_start(void *context, int set) {
    (void)context;
    return PAPI_start(set);
}

static int papi_stop(void *context, int set, long long *values) {
    (void)context;
    return PAPI_stop(set, values);
}

static void papi_destroy(void *context, int set) {
    (void)context;
    PAPI_cleanup_eventset(set);
    PAPI_destroy_eventset(&set);
}

static const char *papi_describe(void *context, int code) {
    (void)context;
    return PAPI_strerror(code);
}

const struct counter_backend counter_backend_papi = {
    .open = papi_open,
    .create = papi_create,
    .multiplex = papi_multiplex,
    .add = papi_add,
    .start = papi_start,
    .stop = papi_stop,
    .destroy = papi_destroy,
    .describe = papi_describe,
    .kernel = kernel_read,
    .card_problem = papi_card_problem,
};

#else

static const char no_papi[] = "built without PAPI, 7.0 or later: install libpapi-dev and rebuild";

void counter_library_version(char *version, size_t version_size, char *reason, size_t reason_size) {
    snprintf(version, version_size, "%s", "");
    snprintf(reason, reason_size, "%s", no_papi);
}

static int absent_open(void *context, struct counter_host *host, char *problem, size_t size) {
    (void)context;
    counter_host_read("", host);
    snprintf(problem, size, "%s", no_papi);
    return COUNTER_NO_BACKEND;
}

/* After COUNTER_NO_BACKEND nothing but kernel() is called. */
const struct counter_backend counter_backend_papi = {.open = absent_open, .kernel = kernel_read};

#endif
