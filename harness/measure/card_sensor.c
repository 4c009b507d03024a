/*
 * NVML by dlopen. See card_sensor.h.
 */
#include "harness/measure/card_sensor.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char driver_library[] = "libnvidia-ml.so.1";

struct card_sensor {
    struct card_calls calls;
    void *library; /* NULL: the functions are the caller's */
    void *card;
};

/* Of NVML's enums. */
enum { CLOCK_OF_SM = 1, CLOCK_OF_MEMORY = 2, NO_PERMISSION = 4, TOO_SMALL = 7 };

/* What is called by which name; some got another type and name since they were made. */
static const struct {
    const char *name;
    size_t offset;
} symbols[] = {
    {"nvmlInit_v2", offsetof(struct card_calls, init)},
    {"nvmlShutdown", offsetof(struct card_calls, shutdown)},
    {"nvmlErrorString", offsetof(struct card_calls, error)},
    {"nvmlDeviceGetHandleByPciBusId_v2", offsetof(struct card_calls, find)},
    {"nvmlDeviceGetTotalEnergyConsumption", offsetof(struct card_calls, energy)},
    {"nvmlDeviceGetClockInfo", offsetof(struct card_calls, clock)},
    {"nvmlDeviceGetMaxClockInfo", offsetof(struct card_calls, most_clock)},
    {"nvmlDeviceGetEnforcedPowerLimit", offsetof(struct card_calls, power_limit)},
    {"nvmlDeviceGetEccMode", offsetof(struct card_calls, ecc)},
    {"nvmlDeviceGetUtilizationRates", offsetof(struct card_calls, busy)},
    {"nvmlDeviceGetMemoryInfo", offsetof(struct card_calls, memory)},
    {"nvmlDeviceGetComputeRunningProcesses_v3", offsetof(struct card_calls, processes)},
};

static bool find_calls(struct card_sensor *s, char reason[CARD_REASON]) {
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        void *call = dlsym(s->library, symbols[i].name);
        if (!call) {
            snprintf(reason, CARD_REASON, "the NVIDIA driver is older than %s; update it",
                     symbols[i].name);
            return false;
        }
        memcpy((char *)&s->calls + symbols[i].offset, &call, sizeof call);
    }
    return true;
}

/* Why a call failed, in the driver's words and with what helps. */
static bool explain(const struct card_sensor *s, const char *what, int status,
                    char reason[CARD_REASON]) {
    const char *words = s->calls.error(status);
    snprintf(reason, CARD_REASON, "the NVIDIA driver does not tell %s: %.60s%s", what,
             words ? words : "no reason given", status == NO_PERMISSION ? "; run as root" : "");
    return false;
}

/* Takes over `s`. */
static bool find_card(struct card_sensor *s, const char *pci, struct card_sensor **out,
                      char reason[CARD_REASON]) {
    int status = s->calls.init();
    if (status != 0) {
        explain(s, "anything", status, reason);
    } else if ((status = s->calls.find(pci, &s->card)) != 0) {
        char what[48];
        snprintf(what, sizeof what, "of the card at %.24s", pci);
        explain(s, what, status, reason);
        s->calls.shutdown();
    } else {
        *out = s;
        return true;
    }
    if (s->library) dlclose(s->library);
    free(s);
    return false;
}

static bool no_memory(char reason[CARD_REASON]) {
    snprintf(reason, CARD_REASON, "out of memory for what the card tells");
    return false;
}

bool card_sensor_open_library(const char *library, const char *pci, struct card_sensor **out,
                              char reason[CARD_REASON]) {
    struct card_sensor *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!s) return no_memory(reason);
    s->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!s->library)
        snprintf(reason, CARD_REASON,
                 "%.60s is not there: it comes with the NVIDIA driver (in a container, with its "
                 "capability `utility`)",
                 library);
    if (s->library && find_calls(s, reason)) return find_card(s, pci, out, reason);
    if (s->library) dlclose(s->library);
    free(s);
    return false;
}

bool card_sensor_open(const char *pci, struct card_sensor **out, char reason[CARD_REASON]) {
    return card_sensor_open_library(driver_library, pci, out, reason);
}

bool card_sensor_open_calls(const struct card_calls *calls, const char *pci,
                            struct card_sensor **out, char reason[CARD_REASON]) {
    struct card_sensor *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!s) return no_memory(reason);
    s->calls = *calls;
    return find_card(s, pci, out, reason);
}

void card_sensor_close(struct card_sensor *s) {
    if (!s) return;
    s->calls.shutdown();
    if (s->library) dlclose(s->library);
    free(s);
}

/* In a container the driver's numbers of processes are those of the machine, so ours may not be
 * among them; who is alone is this process all the same, as it has the card open. */
static bool read_process(const struct card_sensor *s, uint64_t *value, char reason[CARD_REASON]) {
    enum { MOST = 256 };
    struct card_process process[MOST];
    unsigned n = MOST;
    int status = s->calls.processes(s->card, &n, process);
    if (status != 0 && status != TOO_SMALL)
        return explain(s, "which processes use it", status, reason);
    const struct card_process *own = n == 1 ? &process[0] : NULL;
    for (unsigned i = 0; i < n && i < MOST; i++)
        if (process[i].pid == (unsigned)getpid()) own = &process[i];
    if (own && own->bytes != ~0ULL) {
        *value = own->bytes;
        return true;
    }
    snprintf(reason, CARD_REASON, "%s",
             own     ? "the NVIDIA driver does not tell how much memory a process uses here"
             : n > 0 ? "the NVIDIA driver numbers processes from outside of this container, and "
                       "several use the card"
                     : "the NVIDIA driver tells of no process here, as in a container");
    return false;
}

bool card_sensor_read(const struct card_sensor *s, enum card_quantity what, uint64_t *value,
                      char reason[CARD_REASON]) {
    static const char *const names[CARD_QUANTITIES] = {
        "energy",          "its clocks", "its clocks",  "its clocks",    "its clocks",
        "its power limit", "ECC",        "who is busy", "memory in use", "processes"};
    const struct card_calls *c = &s->calls;
    unsigned long long wide[3] = {0};
    unsigned narrow[2] = {0};
    int ecc = 0, pending = 0, status = 0;
    if (what == CARD_PROCESS_MEMORY) return read_process(s, value, reason);
    if (what == CARD_MILLIJOULES) status = c->energy(s->card, &wide[0]);
    if (what == CARD_SM_MHZ) status = c->clock(s->card, CLOCK_OF_SM, narrow);
    if (what == CARD_SM_MOST_MHZ) status = c->most_clock(s->card, CLOCK_OF_SM, narrow);
    if (what == CARD_MEMORY_MHZ) status = c->clock(s->card, CLOCK_OF_MEMORY, narrow);
    if (what == CARD_MEMORY_MOST_MHZ) status = c->most_clock(s->card, CLOCK_OF_MEMORY, narrow);
    if (what == CARD_POWER_LIMIT_MW) status = c->power_limit(s->card, narrow);
    if (what == CARD_ECC) status = c->ecc(s->card, &ecc, &pending);
    if (what == CARD_BUSY_PERCENT) status = c->busy(s->card, narrow);
    if (what == CARD_MEMORY_USED) status = c->memory(s->card, wide);
    if (status != 0) return explain(s, names[what], status, reason);
    *value = what == CARD_MILLIJOULES   ? wide[0]
             : what == CARD_MEMORY_USED ? wide[2]
             : what == CARD_ECC         ? (uint64_t)(ecc != 0)
                                        : narrow[0];
    return true;
}
