/*
 * One clock reading, or one look at the books, per mark. See phase_timer.h.
 */
#include "harness/measure/phase_timer.h"
#include "models/base/clock.h"

#include <string.h>

static double read_clock(const struct phase_timer *t) {
    if (t->device) t->device->ops->wait(t->device);
    return t->clock();
}

static void enter_timed(void *context, enum phase phase) {
    struct phase_timer *t = context;
    double now = read_clock(t);
    if (t->at != PHASES) t->ns[t->at] += now - t->since;
    t->at = phase;
    t->since = now;
    t->marks++;
}

void phase_timer_start(struct phase_timer *t, double (*clock)(void)) {
    memset(t, 0, sizeof *t);
    t->phases = (struct phases){enter_timed, t};
    t->clock = clock ? clock : clock_nanoseconds;
    t->at = PHASES;
}

void phase_timer_stop(struct phase_timer *t) {
    if (t->at != PHASES) t->ns[t->at] += read_clock(t) - t->since;
    t->at = PHASES;
}

double phase_timer_sum(const struct phase_timer *t) {
    double sum = 0.0;
    for (int i = 0; i < PHASES; i++) sum += t->ns[i];
    return sum;
}

double phase_timer_mark_ns(const struct device *device) {
    enum { RUNS = 5, MARKS = 2000 };
    double best = 0.0;
    for (int run = 0; run < RUNS; run++) {
        struct phase_timer t;
        phase_timer_start(&t, NULL);
        t.device = device;
        double start = clock_nanoseconds();
        for (int i = 0; i < MARKS; i++) phase_enter(&t.phases, (enum phase)(i % PHASES));
        double one = (clock_nanoseconds() - start) / MARKS;
        if (run == 0 || one < best) best = one;
    }
    return best;
}

static void enter_worked(void *context, enum phase phase) {
    struct phase_work *w = context;
    uint64_t flops = flops_total(&w->work.flops), bytes = w->work.bytes;
    if (w->at != PHASES) {
        w->flops[w->at] += flops - w->flops_before;
        w->bytes[w->at] += bytes - w->bytes_before;
    }
    w->at = phase;
    w->flops_before = flops;
    w->bytes_before = bytes;
}

void phase_work_start(struct phase_work *w) {
    memset(w, 0, sizeof *w);
    w->phases = (struct phases){enter_worked, w};
    w->work.phases = &w->phases;
    w->at = PHASES;
}

void phase_work_stop(struct phase_work *w) {
    enter_worked(w, PHASES);
}
