/*
 * Passes that are done again. What a pass asks of a device hangs on the lengths of its inputs and on
 * how each layer's heads run, and on no number in memory: tokens, weights and gates may change. So a
 * pass of a shape that was seen before is recorded, and from then on repeated with one call, for
 * which the host has nothing to do. Of a first pass nobody knows whether another will follow.
 *
 * What a pass books is as constant, but for heads in place, which are booked from their gates when
 * these are known (inference.c). Who is told of phases or of products gets the pass itself.
 */
#include "models/inference_workspace.h"

#include <string.h>

/* Whether nothing in the middle of the pass is up to the host. */
static bool is_the_device_s(const struct inference *inf, const struct work *work) {
    if (!inf->device->ops->record || !inf->repeats || (work && (work->phases || work->observe)))
        return false;
    for (int l = 0; l < inf->p->config.layers; l++)
        if (inf->gates[l] && !inf->settled[l] && !(inf->in_place && inf->form)) return false;
    return true;
}

static bool is_same(const struct inference *inf, const struct recorded_pass *pass) {
    const struct batch *batch = &inf->chunk.batch;
    if (pass->used == 0 || pass->n_samples != batch->n_samples || pass->mode != inf->mode)
        return false;
    for (int l = 0; l < inf->p->config.layers; l++)
        if (pass->settled[l] != inf->settled[l] || pass->way[l] != inf->way[l] ||
            (inf->way[l] == HEADS_PACKED && pass->packed[l] != inf->packed[l].n))
            return false;
    return memcmp(pass->offsets, batch->offsets,
                  ((size_t)batch->n_samples + 1) * sizeof *pass->offsets) == 0;
}

void inference_forget(const struct inference *inf, struct recorded_pass *pass) {
    if (pass->recording) inf->device->ops->forget(inf->device, pass->recording);
    pass->recording = NULL;
}

/* The pass at hand among those that were seen last; else it takes the place of the one that was not
 * seen for longest, and *is_new is true. */
static struct recorded_pass *find(struct inference *inf, bool *is_new) {
    const struct batch *batch = &inf->chunk.batch;
    struct recorded_pass *pass = &inf->recorded[0];
    *is_new = false;
    for (int i = 0; i < RECORDINGS; i++) {
        if (is_same(inf, &inf->recorded[i])) {
            inf->recorded[i].used = ++inf->passes;
            return &inf->recorded[i];
        }
        if (inf->recorded[i].used < pass->used) pass = &inf->recorded[i];
    }
    *is_new = true;
    inference_forget(inf, pass);
    pass->used = ++inf->passes;
    pass->n_samples = batch->n_samples;
    pass->mode = inf->mode;
    memcpy(pass->offsets, batch->offsets, ((size_t)batch->n_samples + 1) * sizeof *pass->offsets);
    memcpy(pass->way, inf->way, sizeof pass->way);
    for (int l = 0; l < inf->p->config.layers; l++) pass->packed[l] = inf->packed[l].n;
    memcpy(pass->settled, inf->settled, sizeof pass->settled);
    return pass;
}

/* Repeats the pass; false: it has no recording that is good. */
static bool repeat(const struct inference *inf, struct recorded_pass *pass, struct work *work) {
    if (!pass->recording) return false;
    if (!inf->device->ops->replay(inf->device, pass->recording)) {
        inference_forget(inf, pass);
        return false;
    }
    for (int i = 0; work && i < FLOP_COMPONENTS; i++)
        work->flops.count[i] += pass->work.flops.count[i];
    if (work) work->bytes += pass->work.bytes;
    return true;
}

/* Records the pass, which does nothing yet; false: the device does not. */
static bool record(struct inference *inf, struct recorded_pass *pass) {
    const struct device *d = inf->device;
    if (!d->ops->record(d)) return false;
    pass->work = (struct work){0};
    inference_pass(inf, &pass->work);
    pass->recording = d->ops->recorded(d);
    inf->recordings += pass->recording != NULL;
    return pass->recording;
}

void inference_pass_again(struct inference *inf, struct work *work) {
    bool is_new = true;
    struct recorded_pass *pass = is_the_device_s(inf, work) ? find(inf, &is_new) : NULL;
    if (pass && repeat(inf, pass, work)) return;
    if (pass && !is_new && record(inf, pass) && repeat(inf, pass, work)) return;
    inference_pass(inf, work);
}
