/*
 * Listeners to the engine's phase markers (models/phase.h): one for the time of each phase and one
 * for its work, so that neither disturbs the other. For the time, every mark is one reading of the
 * clock that ends one phase and begins the next, so the phases add up to the time between the first
 * mark and the stop, whatever the clock and however slow the machine.
 *
 * A card is still busy when a call returns. There a mark is noted between its kernels, by its own
 * clock, and read later: nobody waits for it, and the phases add up to the card's time. What the
 * host does in a phase counts as far as the card has nothing to do meanwhile.
 */
#ifndef HEADROOM_HARNESS_MEASURE_PHASE_TIMER_H
#define HEADROOM_HARNESS_MEASURE_PHASE_TIMER_H

#include <stdint.h>

#include "models/device.h"
#include "models/phase.h"
#include "models/work.h"

/* Marks that are noted and not yet read; two of a device's are left to who holds the phases' sum
 * against the whole. */
enum { PHASE_MARKS = DEVICE_MARKS - 2 };

struct phase_timer {
    struct phases phases;  /* give its address to the engine */
    double ns[PHASES];     /* nanoseconds of each phase, of all passes, as far as they were read */
    long marks;            /* phases entered */
    double (*clock)(void); /* nanoseconds; tests bring one that does not depend on the machine */
    enum phase at;         /* the phase that lasts; PHASES: none */
    double since;
    /* Whose work the time is of; NULL: a host's, which is done when a call returns. */
    const struct device *device;
    /* Of a device that is no host: the marks from `first` on, in a ring, and what began there. */
    int first, n_noted;
    enum phase noted[PHASE_MARKS];
};

/* `clock` NULL: the clock that all durations here are read from. A timer must stay where it is. */
void phase_timer_start(struct phase_timer *timer, double (*clock)(void));

/* Ends the phase that lasts; the next mark goes on from there. */
void phase_timer_stop(struct phase_timer *timer);

/* Brings `ns` up to the last mark. Waits for a device; does nothing on a host. */
void phase_timer_read(struct phase_timer *timer);

/* Sum over all phases, nanoseconds. */
double phase_timer_sum(const struct phase_timer *timer);

/* What one mark costs here in nanoseconds, on a device that has nothing to do: the fastest of
 * several long runs of nothing but marks. */
double phase_timer_mark_ns(const struct device *device);

/* What the kernels booked into `work` during each phase; `work` also carries the marks here. */
struct phase_work {
    struct work work;
    struct phases phases;
    uint64_t flops[PHASES], bytes[PHASES];
    enum phase at;
    uint64_t flops_before, bytes_before;
};

/* Pass &work->work to the engine; like a timer it must stay where it is. */
void phase_work_start(struct phase_work *work);
void phase_work_stop(struct phase_work *work);

#endif
