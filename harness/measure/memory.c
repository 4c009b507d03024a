/*
 * Peak resident memory from /proc/self/status, reset through /proc/self/clear_refs (5: the peak
 * only, which leaves the page-referenced bits that other tools read alone).
 */
#include "harness/measure/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "models/base/system_file.h"

int64_t memory_peak_resident_at(const char *path, char *reason, size_t size) {
    char value[64], *unit;
    snprintf(reason, size, "%s", "");
    if (system_value("", path, "VmHWM", value, sizeof value)) {
        errno = 0;
        long long kilobytes = strtoll(value, &unit, 10);
        if (errno == 0 && unit != value && strcmp(unit, " kB") == 0 && kilobytes > 0 &&
            kilobytes <= INT64_MAX / 1024)
            return kilobytes * 1024;
        snprintf(reason, size, "%s has an unreadable VmHWM: \"%s\"", path, value);
    } else {
        snprintf(reason, size, "%s has no VmHWM: peak memory needs a Linux kernel with /proc",
                 path);
    }
    return -1;
}

bool memory_reset_peak_at(const char *path, char *reason, size_t size) {
    snprintf(reason, size, "%s", "");
    int file = open(path, O_WRONLY | O_CLOEXEC);
    bool done = file >= 0 && write(file, "5", 1) == 1;
    if (!done)
        snprintf(reason, size, "%s cannot be written (%s): the peak is that of the whole process",
                 path, strerror(errno));
    if (file >= 0) close(file);
    return done;
}

int64_t memory_peak_resident(char *reason, size_t size) {
    return memory_peak_resident_at("/proc/self/status", reason, size);
}

bool memory_reset_peak(char *reason, size_t size) {
    return memory_reset_peak_at("/proc/self/clear_refs", reason, size);
}

static int64_t page_faults_so_far(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt + usage.ru_majflt;
}

void memory_phase_start(struct memory_phase *phase) {
    char ignored[sizeof phase->reason];
    bool own = memory_reset_peak(phase->reason, sizeof phase->reason);
    phase->resident = own ? memory_peak_resident(ignored, sizeof ignored) : -1;
    phase->faults = page_faults_so_far();
}

int64_t memory_phase_end(struct memory_phase *phase, int64_t *page_faults) {
    *page_faults = page_faults_so_far() - phase->faults;
    if (phase->reason[0]) return -1;
    return memory_peak_resident(phase->reason, sizeof phase->reason);
}
