/*
 * One clock reading per mark. See phase_timer.h.
 */
#include "harness/phase_timer.h"
#include "harness/clock.h"

#include <string.h>

static void enter(void *context, enum phase phase) {
    struct phase_timer *t = context;
    double now = t->clock();
    if (t->at != PHASES) t->ns[t->at] += now - t->since;
    t->at = phase;
    t->since = now;
    t->marks++;
}

void phase_timer_start(struct phase_timer *t, double (*clock)(void)) {
    memset(t, 0, sizeof *t);
    t->phases = (struct phases){enter, t};
    t->clock = clock ? clock : clock_nanoseconds;
    t->at = PHASES;
}

void phase_timer_stop(struct phase_timer *t) {
    if (t->at != PHASES) t->ns[t->at] += t->clock() - t->since;
    t->at = PHASES;
}

double phase_timer_sum(const struct phase_timer *t) {
    double sum = 0.0;
    for (int i = 0; i < PHASES; i++) sum += t->ns[i];
    return sum;
}

double phase_timer_mark_ns(void) {
    enum { RUNS = 5, MARKS = 2000 };
    double best = 0.0;
    for (int run = 0; run < RUNS; run++) {
        struct phase_timer t;
        phase_timer_start(&t, NULL);
        double start = clock_nanoseconds();
        for (int i = 0; i < MARKS; i++) phase_enter(&t.phases, (enum phase)(i % PHASES));
        double one = (clock_nanoseconds() - start) / MARKS;
        if (run == 0 || one < best) best = one;
    }
    return best;
}
