/*
 * What /proc tells of a process, in one read of its `stat`.
 */
#ifndef HEADROOM_HARNESS_MEASURE_PROCESS_H
#define HEADROOM_HARNESS_MEASURE_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct process {
    char state;            /* R, S, D, T (stopped), Z (ended, not waited for), ... */
    pid_t group;           /* its process group */
    long long cpu_ticks;   /* it and the children it has waited for: on a core, in clock ticks */
    long long start_ticks; /* since boot: tells it from a later process with the same id */
};

/* False where there is no such process, or /proc cannot be read. */
bool process_read(pid_t pid, struct process *out);

/* No such process, one that has ended and was not waited for, or by its start another one.
 * start_ticks negative: when it started is not known. */
bool process_is_gone(pid_t pid, long long start_ticks);

#endif
