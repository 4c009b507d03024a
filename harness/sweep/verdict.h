/*
 * What the way a trial's process ended says about its trial, for trials that did not say so
 * themselves: the status of the row and the reason, with the last line of the log.
 */
#ifndef HEADROOM_HARNESS_SWEEP_VERDICT_H
#define HEADROOM_HARNESS_SWEEP_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct process_end {
    int status;     /* from wait4 */
    int timeout;    /* seconds after which the sweep killed it; 0: it did not */
    int stall;      /* the same for seconds without progress */
    bool held;      /* something outside of the sweep had stopped it then */
    bool stopped;   /* the sweep was being stopped */
    long oom_kills; /* verdict_oom_kills() when it started */
    int64_t over;   /* bytes that a bound held it to, past which the kernel killed; 0: it did not */
    const char *last; /* the line that it wrote last, or "" */
};

/* "timeout", "interrupted", "oom", "killed" or "failed"; the reason in a line. */
const char *verdict_of(const struct process_end *end, char *reason, size_t size);

/* Processes killed for memory since boot, here or in any container: a SIGKILL that nobody here sent
 * is blamed on memory only if this number grew. 0 where the kernel does not say. */
long verdict_oom_kills(void);

#endif
