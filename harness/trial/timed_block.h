/*
 * One block of timed passes. What else runs on a machine does not make a pass longer by a little: it
 * takes the core away for milliseconds, and a block of which a part was spent waiting says nothing
 * of the model. So a block that was disturbed by more than two profiles of one model differ on a
 * quiet machine is thrown away and taken again, a few times at most; the last one is kept, and
 * whoever asks learns that it is disturbed.
 */
#ifndef HEADROOM_HARNESS_TRIAL_TIMED_BLOCK_H
#define HEADROOM_HARNESS_TRIAL_TIMED_BLOCK_H

#include "harness/record/results.h"

/* How often a block is taken at most. */
enum { BLOCK_TRIES = 5 };

/* What waiting is measured by; tests bring their own. In seconds. */
struct block_clock {
    double (*now)(void);
    double (*own)(void);          /* that the calling thread had a core for */
    void (*rest)(double seconds); /* sleeps */
};
extern const struct block_clock block_clock_real;

/* Passes `first` to `end` - 1, which `pass` runs one by one. It returns the nanoseconds of one,
 * which come to latency_ns[first] and behind; the first `warmup` of the block (numbers from 0) run
 * before every try and are not kept. */
void timed_block_take(const struct block_clock *clock, int warmup, int first, int end,
                      double (*pass)(void *context, int i), void *context, double *latency_ns,
                      struct profile_block *out);

/* Whether the thread waited for a core for more of the block than the noise floor allows. */
bool timed_block_is_disturbed(const struct profile_block *block);

/* The warning of a profile that has such a block; `out` stays where there is none. Equal for all, so
 * that a report tells it once. */
void timed_block_describe(const struct profile_block *blocks, int n, char *out, size_t size);

#endif
