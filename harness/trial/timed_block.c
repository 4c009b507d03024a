/*
 * A block and its tries. See timed_block.h.
 */
#include "harness/trial/timed_block.h"
#include "harness/measure/turn.h"
#include "models/base/clock.h"

#include <stdio.h>
#include <time.h>

static void sleep_for(double seconds) {
    struct timespec left = {.tv_nsec = (long)(1e9 * seconds)};
    nanosleep(&left, NULL);
}

const struct block_clock block_clock_real = {clock_seconds, clock_thread_seconds, sleep_for};

/* Two profiles of one model differ by some 2% on a quiet machine, and the report takes a machine
 * for noisy from there on (harness/store/report.c). */
static const double least_share = 0.98;

/* Before another try: most of what wakes up on a machine is asleep again by then. */
static const double rest_seconds = 0.05;

bool timed_block_is_disturbed(const struct profile_block *block) {
    return block->cpu_share < least_share;
}

void timed_block_take(const struct block_clock *clock, int warmup, int first, int end,
                      double (*pass)(void *context, int i), void *context, double *latency_ns,
                      struct profile_block *out) {
    for (int try = 0; try < BLOCK_TRIES && (try == 0 || timed_block_is_disturbed(out)); try++) {
        if (try > 0) clock->rest(rest_seconds);
        for (int i = 0; i < warmup; i++) pass(context, i);
        out->others_running = turn_others_running();
        out->started_s = clock->now();
        double own = clock->own();
        for (int i = first; i < end; i++) latency_ns[i] = pass(context, i);
        out->cpu_share = (clock->own() - own) / (clock->now() - out->started_s);
    }
}

void timed_block_describe(const struct profile_block *blocks, int n, char *out, size_t size) {
    bool disturbed = false;
    for (int i = 0; i < n; i++) disturbed |= timed_block_is_disturbed(&blocks[i]);
    if (disturbed)
        snprintf(out, size,
                 "disturbed: a block of timed passes waited for a core for more than %.0f%% of its "
                 "time, %d times in a row",
                 100.0 * (1.0 - least_share), BLOCK_TRIES);
}
