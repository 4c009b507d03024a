/*
 * The one clock that durations are read from: monotonic, so that a change of the date moves
 * nothing.
 */
#ifndef HEADROOM_MODELS_BASE_CLOCK_H
#define HEADROOM_MODELS_BASE_CLOCK_H

#include <time.h>

/* Nanoseconds since some fixed moment; a double holds them exactly for 104 days of uptime. */
static inline double clock_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e9 * (double)now.tv_sec + (double)now.tv_nsec;
}

static inline double clock_seconds(void) {
    return 1e-9 * clock_nanoseconds();
}

/* Seconds that the calling thread had a core for. */
static inline double clock_thread_seconds(void) {
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (double)used.tv_sec + 1e-9 * (double)used.tv_nsec;
}

#endif
