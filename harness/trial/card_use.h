/*
 * What a trial on a card tells of the card itself: whose memory is held for what, beside the closed
 * form, and what the driver says of the whole; joules, which the driver counts.
 */
#ifndef HEADROOM_HARNESS_TRIAL_CARD_USE_H
#define HEADROOM_HARNESS_TRIAL_CARD_USE_H

#include "harness/measure/card_energy.h"
#include "models/device.h"

/* The card that computes, as its driver sees it. */
struct card_use {
    struct card_sensor *sensor; /* NULL: reason says why */
    char reason[CARD_REASON];
    struct card_rest rest;
};

/* Of the CPU, or where the driver does not tell: no sensor. */
void card_use_open(const struct device *device, struct card_use *out);
void card_use_close(struct card_use *card);

enum { CARD_HELD_ROWS = DEVICE_USES - 1, CARD_TOLD_ROWS = 2 };

/* Rows of what the device itself holds, beside the arrays, whose rows are the caller's; `suffix` ends
 * their names. None on a host. Returns how many. */
int card_use_held(const struct device *device, int64_t predicted_copies, const char *suffix,
                  struct memory_result rows[CARD_HELD_ROWS]);

/* Rows of what the driver tells of the moment. Nothing is reserved in a step, so after some steps this
 * is what a stretch has needed at most: with the context, the kernels' code, and what the allocator
 * rounds up to. */
int card_use_told(const struct card_use *card, const struct device *device, const char *suffix,
                  struct memory_result rows[CARD_TOLD_ROWS]);

#endif
