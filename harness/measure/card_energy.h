/*
 * The energy of an input on a card, from the driver's count of the joules that the whole card has
 * spent. That moves in steps (every 100 ms on an H100), so a region begins and ends at a step and lasts
 * two seconds. Asking takes milliseconds, in which the card has nothing to do, so there are only a few
 * looks, when a step is due: else they would be a twentieth of a region of short passes. Regions are
 * repeated, and in a sweep the arms take turns between them (turn.h), so that a card that warms up
 * favours none and no two profiles of a sweep spend at the same time.
 *
 * A card spends a large part of its power doing nothing. So it is measured at rest as well, open and
 * with its clocks as they then are, and stored beside each value; taking it away is left to the
 * reader of both.
 */
#ifndef HEADROOM_HARNESS_MEASURE_CARD_ENERGY_H
#define HEADROOM_HARNESS_MEASURE_CARD_ENERGY_H

#include "harness/measure/card_sensor.h"
#include "harness/record/results.h"

enum { CARD_REGIONS_MAX = 10 };

/* How time passes; tests bring their own. */
struct card_time {
    double (*now)(void);          /* seconds */
    void (*rest)(double seconds); /* sleeps */
};
extern const struct card_time card_time_real;

/* A card at rest. */
struct card_rest {
    double watts;             /* NaN: reason says why */
    double step_seconds;      /* between two steps of the count; 0: unknown */
    int busy_percent;         /* of the time that another process computed there; -1: not told */
    char reason[CARD_REASON]; /* of watts */
};

/* Rests for some three seconds; the card must have nothing to do. */
void card_rest_measure(const struct card_sensor *sensor, const struct card_time *time,
                       struct card_rest *out);

/* `work` over and over, in so many regions: it returns how many inputs it processed, with the card
 * done. Without regions, or where nothing can be measured, nothing runs and the row has a reason. */
void card_energy_measure(const struct card_sensor *sensor, const struct card_time *time,
                         const struct card_rest *rest, int regions, int64_t (*work)(void *context),
                         void *context, struct energy_result *out);

#endif
