/*
 * RAPL through powercap: https://docs.kernel.org/power/powercap/powercap.html. Only root may read
 * energy_uj since Linux 5.10, because fine-grained energy can leak secrets of other processes.
 */
#include "harness/measure/energy.h"
#include "models/base/clock.h"
#include "models/base/system_file.h"

#include <errno.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *const energy_part_names[ENERGY_PARTS] = {"package", "dram"};

static bool read_microjoules(const char *folder, const char *file, uint64_t *out) {
    char text[32], *end;
    if (!system_line(folder, file, text, sizeof text)) return false;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && text[0] != '-';
}

static void open_domain(const char *folder, struct energy_domain *d) {
    if (!system_line(folder, "/name", d->name, sizeof d->name))
        snprintf(d->name, sizeof d->name, "unnamed domain");
    snprintf(d->folder, sizeof d->folder, "%s", folder);
    d->part = strncmp(d->name, "package", 7) == 0 ? ENERGY_PACKAGE
              : strcmp(d->name, "dram") == 0      ? ENERGY_DRAM
                                                  : ENERGY_NO_PART;
    if (!read_microjoules(folder, "/energy_uj", &d->before))
        snprintf(d->reason, sizeof d->reason,
                 "energy_uj is not readable by this user: run as root or `sudo chmod a+r "
                 "/sys/class/powercap/intel-rapl:*/energy_uj`");
    else if (!read_microjoules(folder, "/max_energy_range_uj", &d->range))
        snprintf(d->reason, sizeof d->reason,
                 "max_energy_range_uj is not readable: when its counter starts again is unknown");
}

void energy_open(const char *root, struct energy *out) {
    char pattern[512];
    glob_t found;
    memset(out, 0, sizeof *out);
    snprintf(pattern, sizeof pattern, "%s/sys/class/powercap/intel-rapl:*", root);
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (; out->n < ENERGY_DOMAINS_MAX && (size_t)out->n < found.gl_pathc; out->n++)
            open_domain(found.gl_pathv[out->n], &out->domain[out->n]);
        globfree(&found);
    }
    for (int part = 0; part < ENERGY_PARTS; part++) {
        char *reason = out->reason[part];
        size_t size = sizeof out->reason[part];
        bool any = false;
        if (out->n > 0)
            snprintf(reason, size, "this machine has no RAPL domain '%s'", energy_part_names[part]);
        else
            snprintf(reason, size,
                     "/sys/class/powercap has no intel-rapl domain: measure on bare metal, with "
                     "`sudo modprobe intel_rapl_msr`");
        /* The sum needs every socket: one that cannot be read makes the part unknown. */
        for (int i = 0; i < out->n; i++) {
            if ((int)out->domain[i].part != part) continue;
            if (!any || out->domain[i].reason[0])
                snprintf(reason, size, "%s", out->domain[i].reason);
            any = true;
        }
    }
}

void energy_start(struct energy *energy) {
    for (int i = 0; i < energy->n; i++) {
        struct energy_domain *d = &energy->domain[i];
        if (!d->reason[0] && !read_microjoules(d->folder, "/energy_uj", &d->before))
            snprintf(d->reason, sizeof d->reason, "energy_uj was readable and is not any more");
    }
}

void energy_stop(struct energy *energy, double joules[ENERGY_PARTS]) {
    for (int part = 0; part < ENERGY_PARTS; part++)
        joules[part] = energy->reason[part][0] ? (double)NAN : 0.0;
    for (int i = 0; i < energy->n; i++) {
        struct energy_domain *d = &energy->domain[i];
        uint64_t after;
        if (d->part == ENERGY_NO_PART) continue;
        if (d->reason[0] || !read_microjoules(d->folder, "/energy_uj", &after) ||
            (after < d->before && d->before > d->range)) {
            joules[d->part] = NAN;
            continue;
        }
        uint64_t used = after >= d->before ? after - d->before : d->range - d->before + after;
        joules[d->part] += 1e-6 * (double)used;
    }
}

/* Half a second: some hundred times as long as the kernel takes to renew its counters. */
static const double work_seconds = 0.5, idle_seconds = 0.2;

struct energy_result energy_unknown(const char *domain, const char *reason) {
    struct energy_result row = {.domain = domain,
                                .joules_per_input = NAN,
                                .idle_watts = NAN,
                                .seconds = NAN,
                                .seconds_per_input = NAN,
                                .ci95_half = NAN};
    snprintf(row.reason, sizeof row.reason, "%s", reason);
    return row;
}

void energy_measure(const char *root, int64_t (*work)(void *context), void *context,
                    struct energy_result out[ENERGY_PARTS]) {
    struct energy energy;
    double idle[ENERGY_PARTS], busy[ENERGY_PARTS], seconds = 0.0;
    bool any = false;
    int64_t inputs = 0;
    energy_open(root, &energy);
    for (int part = 0; part < ENERGY_PARTS; part++) {
        out[part] = energy_unknown(energy_part_names[part], energy.reason[part]);
        out[part].n_regions = 1;
        any = any || !energy.reason[part][0];
    }
    if (!any) return;
    energy_start(&energy);
    double start = clock_seconds();
    nanosleep(&(struct timespec){.tv_nsec = (long)(1e9 * idle_seconds)}, NULL);
    double slept = clock_seconds() - start;
    energy_stop(&energy, idle);
    energy_start(&energy);
    start = clock_seconds();
    while (seconds < work_seconds) {
        inputs += work(context);
        seconds = clock_seconds() - start;
    }
    energy_stop(&energy, busy);
    for (int part = 0; part < ENERGY_PARTS; part++) {
        struct energy_result *row = &out[part];
        row->joules_per_input = busy[part] / (double)inputs;
        row->idle_watts = idle[part] / slept;
        row->seconds = seconds;
        row->seconds_per_input = seconds / (double)inputs;
        if (!row->reason[0] && !(busy[part] > 0))
            snprintf(row->reason, sizeof row->reason,
                     "its counter stood still or was lost while the passes ran");
    }
}
