/*
 * Joules between two steps of the driver's count. See card_energy.h.
 */
#include "harness/measure/card_energy.h"
#include "harness/measure/energy.h"
#include "harness/measure/turn.h"
#include "models/base/clock.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

static double read_clock(void) {
    return clock_seconds();
}

static void sleep_for(double seconds) {
    double whole = floor(seconds);
    struct timespec left = {(time_t)whole, (long)(1e9 * (seconds - whole))};
    nanosleep(&left, NULL);
}

const struct card_time card_time_real = {read_clock, sleep_for};

/* Seconds: of a region at least; before it, for clocks and temperature; of rest, and before that for
 * what is still going on; after which a count that has not moved stands still; between two looks. */
static const double region_seconds = 2.0, warm_seconds = 0.3, rest_seconds = 2.0,
                    settle_seconds = 1.0, patience = 1.0, look_seconds = 0.001;

/* What runs meanwhile; NULL: nothing, and the card rests. */
struct load {
    int64_t (*work)(void *context);
    void *context;
    int64_t inputs;
};

static void pass(const struct card_time *time, struct load *load) {
    if (load)
        load->inputs += load->work(load->context);
    else
        time->rest(look_seconds);
}

/* A step of the count: the moment and the joules. */
struct step {
    double seconds, joules;
    int64_t inputs; /* until then */
};

/* Runs, or rests, until the count moves. */
static bool next_step(const struct card_sensor *s, const struct card_time *time, struct load *load,
                      struct step *out, char reason[CARD_REASON]) {
    uint64_t before, now;
    double start = time->now();
    if (!card_sensor_read(s, CARD_MILLIJOULES, &before, reason)) return false;
    do {
        if (time->now() - start > patience) {
            snprintf(reason, CARD_REASON, "the card's count of joules stood still for a second");
            return false;
        }
        pass(time, load);
        if (!card_sensor_read(s, CARD_MILLIJOULES, &now, reason)) return false;
    } while (now == before);
    *out = (struct step){time->now(), 1e-3 * (double)now, load ? load->inputs : 0};
    return true;
}

/* From one step to another, so many seconds later. A look may take longer than ten passes, and the card
 * does nothing meanwhile: so there is none until a step is due, where it is known (`period`, else 0) how
 * far they are apart. */
static bool measure_region(const struct card_sensor *s, const struct card_time *time,
                           double seconds, double period, struct load *load, struct step *from,
                           struct step *to, char reason[CARD_REASON]) {
    static const double early = 0.1; /* of a period */
    if (!next_step(s, time, load, from, reason)) return false;
    if (period > 0.0) seconds = (ceil(seconds / period) - early) * period;
    if (!load) time->rest(seconds);
    while (time->now() - from->seconds < seconds) pass(time, load);
    return next_step(s, time, load, to, reason);
}

/* How far steps are apart: as two that follow each other are, roughly, so that there is a whole number
 * of them between two that are seconds apart. */
static double find_period(double roughly, double seconds) {
    return seconds / fmax(1.0, round(seconds / roughly));
}

void card_rest_measure(const struct card_sensor *s, const struct card_time *time,
                       struct card_rest *out) {
    struct step before, from, to;
    uint64_t busy;
    char ignored[CARD_REASON];
    *out = (struct card_rest){.watts = NAN, .busy_percent = -1};
    time->rest(settle_seconds);
    if (next_step(s, time, NULL, &before, out->reason) &&
        measure_region(s, time, rest_seconds, 0.0, NULL, &from, &to, out->reason)) {
        double seconds = to.seconds - from.seconds;
        out->watts = (to.joules - from.joules) / seconds;
        out->step_seconds = find_period(from.seconds - before.seconds, seconds);
    }
    /* This process has done nothing for longer than the driver looks back. */
    if (card_sensor_read(s, CARD_BUSY_PERCENT, &busy, ignored)) out->busy_percent = (int)busy;
}

/* Student's t, two-sided 95%, by degrees of freedom. */
static const double student95[CARD_REGIONS_MAX] = {NAN,   12.706, 4.303, 3.182, 2.776,
                                                   2.571, 2.447,  2.365, 2.306, 2.262};

static double half_interval(int n, const double *value, double mean) {
    double squares = 0.0;
    for (int i = 0; i < n; i++) squares += (value[i] - mean) * (value[i] - mean);
    return n > 1 ? student95[n - 1] * sqrt(squares / (n - 1) / n) : (double)NAN;
}

void card_energy_measure(const struct card_sensor *s, const struct card_time *time,
                         const struct card_rest *rest, int regions, int64_t (*work)(void *context),
                         void *context, struct energy_result *out) {
    double joules[CARD_REGIONS_MAX] = {0}, mean = 0.0, seconds = 0.0;
    int64_t inputs = 0;
    char reason[CARD_REASON] = "";
    int n = regions < CARD_REGIONS_MAX ? regions : CARD_REGIONS_MAX;
    if (n == 0) snprintf(reason, sizeof reason, "the workload says card_energy: off");
    for (int i = 0; i < n && !reason[0]; i++) {
        struct load load = {work, context, 0};
        struct step from, to;
        turn_wait();
        double start = time->now();
        while (time->now() - start < warm_seconds) pass(time, &load);
        if (!measure_region(s, time, region_seconds, rest->step_seconds, &load, &from, &to, reason))
            break;
        int64_t processed = to.inputs - from.inputs;
        joules[i] = (to.joules - from.joules) / (double)processed;
        mean += joules[i] / n;
        seconds += to.seconds - from.seconds;
        inputs += processed;
    }
    *out = energy_unknown("card", reason);
    if (reason[0]) return;
    out->joules_per_input = mean;
    out->idle_watts = rest->watts;
    out->seconds = seconds;
    out->seconds_per_input = seconds / (double)inputs;
    out->n_regions = n;
    out->ci95_half = half_interval(n, joules, mean);
}
