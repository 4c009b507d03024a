/*
 * Work on a card of which it is known what it counts, so that an event can be held against it: a
 * product in float32, one on tensor cores, and a sum over an array that no cache holds.
 */
#ifndef HEADROOM_HARNESS_MEASURE_CARD_WORK_H
#define HEADROOM_HARNESS_MEASURE_CARD_WORK_H

#include "models/device.h"

enum card_task { CARD_PRODUCT, CARD_TENSOR_PRODUCT, CARD_SUM, CARD_NOTHING };

/* Sizes: the products are of square matrices of CARD_PRODUCT_SIZE, and the sum reads and writes
 * CARD_SUM_BYTES each, five times what the L2 of an H100 has. */
enum { CARD_PRODUCT_SIZE = 2048, CARD_SUM_BYTES = 256 << 20 };

/* Who does it; tests put made-up work in its place. `start` reserves what the tasks need, or says why
 * it cannot, and is called once, if at all; `run` does a task to its end. */
struct card_work {
    const struct device *device;
    void *context;
    bool (*start)(struct card_work *work, struct error *error);
    void (*run)(struct card_work *work, enum card_task task);
    void (*end)(struct card_work *work);
};

/* On the card of `d`, through devices of its own: fp32 for the first task, and d's precision, or tf32
 * where that is fp32, for the second. */
struct card_work card_work_on(const struct device *d);

#endif
