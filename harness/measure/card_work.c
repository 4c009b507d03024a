/*
 * Known work by the engine's own entries, so that what proves an event runs on the same context and
 * through the same kernels as what is counted. All arrays are zeros: counts do not depend on
 * numbers.
 */
#include "harness/measure/card_work.h"

#include <stdio.h>
#include <stdlib.h>

enum { COLUMNS = 1024 }; /* of the array that is summed to, and of the row that is added */

struct tasks {
    const struct device *plain, *tensor; /* fp32, and the one on tensor cores */
    void *memory;
    size_t bytes;
};

/* Factors and result are parts of the array of the sum. */
static void multiply(const struct device *d, char *memory) {
    enum { N = CARD_PRODUCT_SIZE };
    size_t bytes = (size_t)N * N * d->operand_size;
    struct device_product product = {.m = N,
                                     .n = N,
                                     .k = N,
                                     .a = {memory, N, false, OPERANDS},
                                     .b = {memory + bytes, N, true, OPERANDS},
                                     .c = memory + 2 * bytes,
                                     .ldc = N,
                                     .c_element = OPERANDS};
    d->ops->multiply(d, 1, &product);
    d->ops->wait(d);
}

static void run(struct card_work *work, enum card_task task) {
    const struct tasks *t = work->context;
    const struct device *d = t->plain;
    char *memory = t->memory;
    if (task == CARD_PRODUCT)
        multiply(d, memory);
    else if (task == CARD_TENSOR_PRODUCT)
        multiply(t->tensor, memory);
    else if (task == CARD_SUM)
        d->ops->bias(d, CARD_SUM_BYTES / (COLUMNS * (int)sizeof(float)), COLUMNS,
                     (const float *)(const void *)(memory + CARD_SUM_BYTES), memory, NUMBERS);
    d->ops->wait(d);
}

static void end(struct card_work *work) {
    struct tasks *t = work->context;
    if (!t) return;
    if (t->memory) t->plain->ops->release(t->plain, t->memory, t->bytes);
    device_close(t->plain);
    device_close(t->tensor);
    free(t);
    work->context = NULL;
}

/* Runs every task once: cuBLAS loads its kernels when they are first needed. */
static bool start(struct card_work *work, struct error *error) {
    const struct device *d = work->device;
    char name[16];
    enum precision precision = d->precision == PRECISION_FP32 ? PRECISION_TF32 : d->precision;
    struct tasks *t = calloc(1, sizeof *t);
    if (!t) return error_set(error, "out of memory for work to prove counters by");
    work->context = t;
    t->bytes = CARD_SUM_BYTES + COLUMNS * sizeof(float);
    snprintf(name, sizeof name, "cuda:%d", d->card);
    if (!device_open(name, PRECISION_FP32, &t->plain, error) ||
        !device_open(name, precision, &t->tensor, error) ||
        !t->plain->ops->allocate(t->plain, t->bytes, &t->memory, error))
        return false;
    t->plain->ops->clear(t->plain, t->memory, t->bytes);
    for (enum card_task task = CARD_PRODUCT; task < CARD_NOTHING; task++) run(work, task);
    return t->plain->ops->ok(t->plain, error) && t->tensor->ops->ok(t->tensor, error);
}

struct card_work card_work_on(const struct device *d) {
    return (struct card_work){.device = d, .start = start, .run = run, .end = end};
}
