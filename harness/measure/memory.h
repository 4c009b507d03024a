/*
 * Peak resident memory of this process, as the kernel saw it. A process reports its own peak: what
 * wait4() says about a child after fork and exec includes the parent's pages and is wrong by the
 * size of the parent (a 1 MB child of a 300 MB parent reads as 307 MB), while VmHWM starts clean at
 * exec.
 */
#ifndef HEADROOM_HARNESS_MEASURE_MEMORY_H
#define HEADROOM_HARNESS_MEASURE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of VmHWM since exec or the last reset; -1 with the reason when the kernel does not tell. */
int64_t memory_peak_resident(char *reason, size_t size);

/* Sets the peak to what is resident now, so that the next reading means the phase after it. */
bool memory_reset_peak(char *reason, size_t size);

/* A stretch of this process's life: what it needed at most, and how often it touched new pages. */
struct memory_phase {
    int64_t resident; /* bytes at its start; -1: unknown */
    int64_t faults;   /* page faults of the process until its start */
    char reason[160]; /* why there is no peak of its own; "" if there is one */
};
void memory_phase_start(struct memory_phase *phase);

/* Bytes of its peak, or -1 with phase->reason; page faults, minor and major, since its start. */
int64_t memory_phase_end(struct memory_phase *phase, int64_t *page_faults);

/* The same from other files than /proc/self/{status,clear_refs}: for tests. */
int64_t memory_peak_resident_at(const char *path, char *reason, size_t size);
bool memory_reset_peak_at(const char *path, char *reason, size_t size);

#endif
