/*
 * Where executed work is booked: FLOPs, bytes and phases of what the engine asks of a device
 * (device.h), in the engine and nowhere below it, so that two devices cannot count differently. A
 * NULL in place of a struct work books nothing.
 *
 * Bytes follow one rule (ours, after STREAM's): a product or kernel reads each array that it is
 * given once and writes each result once, reading it first where it is updated, whichever level of
 * the memory serves it. A number counts 4 bytes, also where a device keeps it in 2. The tiles of an
 * attention map live inside one kernel and count nothing.
 */
#ifndef HEADROOM_MODELS_WORK_H
#define HEADROOM_MODELS_WORK_H

#include <stdint.h>

#include "models/flops.h"
#include "models/phase.h"

struct work {
    struct flops flops;
    /* Called with the dimensions of every product, for tests that hold them against the formula. */
    void (*observe)(void *context, enum flop_component component, int m, int n, int k);
    void *context;
    uint64_t bytes;              /* read and written */
    const struct phases *phases; /* told where phases begin; NULL: nobody */
};

static inline void work_enter(const struct work *work, enum phase phase) {
    if (work) phase_enter(work->phases, phase);
}

/* Books `floats` numbers read or written. */
static inline void work_move(struct work *work, uint64_t floats) {
    if (work) work->bytes += floats * sizeof(float);
}

static inline void work_add(struct work *work, enum flop_component component, uint64_t flops) {
    if (work) work->flops.count[component] += flops;
}

/* The FLOPs of a product of m x k by k x n. */
static inline void work_multiply(struct work *work, enum flop_component component, int m, int n,
                                 int k) {
    if (!work || m == 0 || n == 0) return;
    work_add(work, component, 2 * (uint64_t)m * (uint64_t)n * (uint64_t)k);
    if (work->observe) work->observe(work->context, component, m, n, k);
}

/* The same, and its bytes: both operands, and the result, which is read first if it is added to. */
static inline void work_product(struct work *work, enum flop_component component, int m, int n,
                                int k, bool adds) {
    uint64_t rows = (uint64_t)m, cols = (uint64_t)n, depth = (uint64_t)k;
    if (!work || m == 0 || n == 0) return;
    work_multiply(work, component, m, n, k);
    work_move(work, rows * depth + depth * cols + (adds ? 2 : 1) * rows * cols);
}

#endif
