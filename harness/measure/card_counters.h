/*
 * What a card counts while it runs passes, through the component `cuda` of PAPI 7.2 or later. Roles
 * are those of a card (counter_names.h), each by one event; which, is stored beside the value. As on
 * the processor (counters.h) nothing is believed before it has counted work of which it is known
 * what it counts, on this very card, and what cannot be counted is a reason and never a zero.
 *
 * Every role has a pass of its own: not all events fit the hardware together, and a set that does
 * not is refused only when it starts, after which PAPI lets nobody count on the card until the
 * process ends. Starting takes .15 s, stopping .03 (H100), so a region is all the passes that a role
 * is counted over:
 *
 *     for (int pass = 0; pass < card_counters_passes(c); pass++) {
 *         card_counters_start(c, pass);
 *         region();            ends with the device's `wait`
 *         card_counters_stop(c, pass);
 *     }
 *     for (int role = 0; role < CARD_ROLES; role++)
 *         card_counters_result(c, role, inputs, repeats, &out[role]);
 *
 * Scope is the card. What other processes do there meanwhile may be counted as well: a profile has
 * the card to itself.
 */
#ifndef HEADROOM_HARNESS_MEASURE_CARD_COUNTERS_H
#define HEADROOM_HARNESS_MEASURE_CARD_COUNTERS_H

#include "harness/measure/card_work.h"
#include "harness/measure/counter_backend.h"
#include "harness/record/counter_names.h"
#include "harness/record/results.h"
#include "models/device.h"

struct card_counters;

/* Finds out by counting which roles work on the card of this device, in some seconds; needs 300 MB
 * of the card's memory meanwhile. Operations of tensor cores are those of the device's precision, and
 * in fp32 those of TF32, which should then be none. Fails only when memory of the host runs out. */
bool card_counters_open(const struct device *d, struct card_counters **out, struct error *error);

/* The same on another PAPI, and by other work. */
bool card_counters_open_backend(const struct counter_backend *backend, struct card_work *work,
                                struct card_counters **out, struct error *error);
void card_counters_close(struct card_counters *counters);

int card_counters_passes(const struct card_counters *counters);

/* Around a region, in the thread that opened. A failure makes the pass's role unavailable with its
 * reason. */
void card_counters_start(struct card_counters *counters, int pass);
void card_counters_stop(struct card_counters *counters, int pass);

/* A role of the last region, which processed so many inputs in so many forward passes; beside its
 * value what a region of nothing reads, which is not taken away. */
void card_counters_result(const struct card_counters *counters, enum card_role_id role,
                          double inputs, int repeats, struct counter_result *out);

#endif
