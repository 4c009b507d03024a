/*
 * One clock reading, one moment of the device's, or one look at the books, per mark. See
 * phase_timer.h.
 */
#include "harness/measure/phase_timer.h"
#include "models/base/clock.h"

#include <string.h>

/* Takes the first n of the marks that were noted out of the ring, and the times between them and
 * those that follow. What follows a stop is nobody's. */
static void read_marks(struct phase_timer *t, int n) {
    for (int i = 0; i < n; i++) {
        int next = (t->first + 1) % PHASE_MARKS;
        enum phase phase = t->noted[t->first];
        if (phase != PHASES) t->ns[phase] += t->device->ops->between(t->device, t->first, next);
        t->first = next;
        t->n_noted--;
    }
}

/* A full ring is read by half: what began so many marks ago is over, so this waits for nothing. */
static void note(struct phase_timer *t, enum phase phase) {
    if (t->n_noted == PHASE_MARKS) read_marks(t, PHASE_MARKS / 2);
    int at = (t->first + t->n_noted++) % PHASE_MARKS;
    t->noted[at] = phase;
    t->device->ops->mark(t->device, at);
}

static bool is_far(const struct phase_timer *t) {
    return t->device && !t->device->is_host;
}

static void enter_timed(void *context, enum phase phase) {
    struct phase_timer *t = context;
    if (is_far(t)) {
        note(t, phase);
    } else {
        double now = t->clock();
        if (t->at != PHASES) t->ns[t->at] += now - t->since;
        t->since = now;
    }
    t->at = phase;
    t->marks++;
}

void phase_timer_start(struct phase_timer *t, double (*clock)(void)) {
    memset(t, 0, sizeof *t);
    t->phases = (struct phases){enter_timed, t};
    t->clock = clock ? clock : clock_nanoseconds;
    t->at = PHASES;
}

void phase_timer_stop(struct phase_timer *t) {
    if (t->at == PHASES) return;
    if (is_far(t))
        note(t, PHASES);
    else
        t->ns[t->at] += t->clock() - t->since;
    t->at = PHASES;
}

void phase_timer_read(struct phase_timer *t) {
    if (t->n_noted > 1) read_marks(t, t->n_noted - 1);
    if (t->at == PHASES) t->n_noted = 0;
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
        phase_timer_stop(&t);
        phase_timer_read(&t);
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
