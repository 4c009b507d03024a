/*
 * Passes that are done again, as in inference (inference_recordings.c): what the passes of a batch
 * ask of a device hangs on the lengths of its inputs alone, as long as no number that changes from
 * step to step is part of what the host asks. Dropout's counter is, and so is what gates depend on
 * that are not made on the device, or whose kernels are not told in memory; where there is neither,
 * each pass of a batch like one before is recorded, and then repeated with one call. The passes are
 * recorded apart, so that phases begin where they do.
 */
#include "models/trainer_private.h"

#include <string.h>

/* Whether the host has no say in the middle of the passes. Where a batch is several chunks, the
 * share of an input in the loss hangs on all of them. */
static bool is_the_device_s(const struct trainer *t) {
    bool gates = t->p->config.policy->unit != GATE_NONE;
    return t->device->ops->record && t->device->whole_batches && t->dropout_rate <= 0.0 &&
           (!gates || trainer_tells(t));
}

static void forget(const struct trainer *t, struct recorded_batch *of, enum pass pass) {
    if (of->recording[pass]) t->device->ops->forget(t->device, of->recording[pass]);
    of->recording[pass] = NULL;
}

void trainer_forget(struct trainer *t) {
    for (int i = 0; i < RECORDED_BATCHES; i++)
        for (enum pass pass = 0; pass < PASSES; pass++) forget(t, &t->recorded[i], pass);
}

/* The batch at hand among those that were seen last; else it takes the place of the one that was
 * not seen for longest. */
static struct recorded_batch *find(struct trainer *t) {
    const struct batch *batch = &t->chunk.batch;
    size_t bytes = ((size_t)batch->n_samples + 1) * sizeof *batch->offsets;
    struct recorded_batch *oldest = &t->recorded[0];
    t->batches++;
    for (int i = 0; i < RECORDED_BATCHES; i++) {
        struct recorded_batch *of = &t->recorded[i];
        if (of->used > 0 && of->n_samples == batch->n_samples &&
            memcmp(of->offsets, batch->offsets, bytes) == 0) {
            of->used = t->batches;
            return of;
        }
        if (of->used < oldest->used) oldest = of;
    }
    for (enum pass pass = 0; pass < PASSES; pass++) {
        forget(t, oldest, pass);
        oldest->seen[pass] = 0;
    }
    oldest->used = t->batches;
    oldest->n_samples = batch->n_samples;
    memcpy(oldest->offsets, batch->offsets, bytes);
    return oldest;
}

static void run(struct trainer *t, struct policy_step *step, enum pass pass) {
    if (pass == PASS_FORWARD)
        trainer_forward(t, step);
    else
        trainer_backward(t, step);
}

void trainer_run(struct trainer *t, struct policy_step *step, enum pass pass) {
    const struct device *d = t->device;
    struct recorded_batch *of = is_the_device_s(t) ? find(t) : NULL;
    /* Of a first pass nobody knows whether another will follow. */
    if (of && !of->recording[pass] && of->seen[pass]++ > 0 && d->ops->record(d)) {
        run(t, step, pass);
        of->recording[pass] = d->ops->recorded(d);
    }
    if (of && of->recording[pass]) {
        if (d->ops->replay(d, of->recording[pass])) return;
        forget(t, of, pass);
    }
    run(t, step, pass);
}
