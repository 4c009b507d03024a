/*
 * Headroom's own counts as software-defined events of PAPI (libsde), so that any tool in the
 * process that reads PAPI events sees heads and tokens beside cycles. Optional: plain counters stay
 * the truth, and what is read back is held against them.
 */
#ifndef HEADROOM_HARNESS_MEASURE_SOFTWARE_EVENTS_H
#define HEADROOM_HARNESS_MEASURE_SOFTWARE_EVENTS_H

#include "harness/measure/counters.h"
#include "harness/measure/phase_timer.h"
#include "models/inference.h"

struct software_counts {
    int64_t count[SOFTWARE_EVENTS];
};

/* What the last run did over a batch whose phases were booked: the running sums of `phases` less
 * those before it, in `before`, which are brought up to date. */
struct software_counts software_counts_since(const struct inference *inference, int layers,
                                             const struct batch *batch,
                                             const struct phase_work *phases,
                                             struct software_counts *before);

/* What PAPI calls it: its name, with where it comes from in front. */
void software_event_papi_name(enum software_event event, char out[NAME_SIZE]);

struct software_events;

/* Exports the four events, or finds them exported already: they belong to the process, as PAPI 7.0
 * cannot take them back. Without libsde, or where PAPI does not show them, every result is
 * unavailable with the reason. Fails only when memory runs out. */
bool software_events_open(struct software_events **out, struct error *error);
bool software_events_open_backend(const struct counter_backend *backend,
                                  struct software_events **out, struct error *error);
void software_events_close(struct software_events *events);

/* Around one region: start, run, and stop with what the region did. That is added to the exported
 * events, and PAPI's reading ends after it. */
void software_events_start(struct software_events *events);
void software_events_stop(struct software_events *events, const struct software_counts *counts);

/* What PAPI read, per input, as counters_result; unavailable where it is not what was counted. */
void software_events_result(const struct software_events *events, enum software_event event,
                            double inputs, struct counter_result *out);

#endif
