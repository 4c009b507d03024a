/*
 * Between the passes and the policy: what a gate call is given, and, where the policy works in
 * another memory than the device, the way there and back, which is a phase of its own.
 */
#include "models/device_parameters.h"
#include "models/trainer_private.h"

static void *told_of(const struct trainer *t, unsigned char *told, int l) {
    return trainer_tells(t) ? told + (size_t)l * POLICY_TOLD_BYTES : NULL;
}

/* What layer l's policy is given, in training. */
static struct gate_call gate_call(struct trainer *t, int l, struct policy_step *step) {
    const struct model_config *c = &t->p->config;
    const struct batch *batch = &t->chunk.batch;
    return (struct gate_call){.config = c,
                              .layer = l,
                              .heads = c->heads.value[l],
                              .rows = trainer_gate_rows(t),
                              .n_samples = batch->n_samples,
                              .offsets = batch->offsets,
                              .x = t->layer[l].policy.pooled,
                              .ids = t->form ? t->chunk.ids : batch->ids,
                              .param = t->p->layer[l].policy,
                              .grad = t->gradients->layer[l].policy,
                              .saved = t->layer[l].saved,
                              .shared = t->shared,
                              .parameters = t->p,
                              .gradients = t->gradients,
                              .step = step,
                              .device = t->device,
                              .sums = t->form ? t->sums->layer + l : NULL,
                              .told = told_of(t, t->told, l)};
}

void trainer_tell_gates(struct trainer *t, struct policy_step *step) {
    if (!trainer_tells(t)) return;
    for (int l = 0; l < t->p->config.layers; l++) {
        struct gate_call call = gate_call(t, l, step);
        t->form->tell(&call, told_of(t, t->own_told, l));
    }
    t->device->ops->upload(t->device, t->told, t->own_told, trainer_told_bytes(t));
}

/* Floats from the device to where the policy is, or back, unless both are one array. */
static void move(struct trainer *t, enum phase then, bool to_policy, size_t n, float *device,
                 float *policy) {
    const struct device *d = t->device;
    if (device == policy) return;
    phase_enter(t->phases, PHASE_TRANSFER);
    if (to_policy)
        d->ops->download(d, policy, device, n * sizeof *policy);
    else
        d->ops->upload(d, device, policy, n * sizeof *policy);
    phase_enter(t->phases, then);
}

/* The policy's own entries for the parts of the chunk that the CPU would make: where a regulariser
 * is about many rows at once, those of such a part are meant (batch.h). */
static void call_on_host(struct trainer *t, int l, struct policy_step *step, bool backward) {
    const struct model_config *c = &t->p->config;
    const struct batch *batch = &t->chunk.batch;
    const struct layer_state *s = &t->layer[l];
    struct gate_call call = gate_call(t, l, step);
    size_t dim = (size_t)c->dim, heads = (size_t)call.heads, shared = policy_shared_floats(c);
    size_t saved = c->policy->saved_floats ? (size_t)c->policy->saved_floats(c, l) : 0;
    for (int first = 0; first < batch->n_samples;) {
        struct batch part = batch_chunk(batch, first, t->chunk.chunk_tokens, t->part_offsets);
        size_t row = (size_t)(trainer_by_token(t) ? batch->offsets[first] : first);
        call.rows = trainer_by_token(t) ? part.n_tokens : part.n_samples;
        call.n_samples = part.n_samples;
        call.offsets = part.offsets;
        call.ids = part.ids;
        call.x = s->policy.pooled + row * dim;
        if (saved) call.saved = s->saved + row * saved;
        if (shared) call.shared = t->shared + (size_t)first * shared;
        if (backward)
            c->policy->gates_backward(&call, s->policy.dgates + row * heads,
                                      t->own_dpooled + row * dim);
        else
            c->policy->gates_train(&call, s->policy.gates + row * heads);
        first += part.n_samples;
    }
}

void trainer_make_gates(struct trainer *t, int l, struct policy_step *step) {
    const struct device *d = t->device;
    struct layer_state *s = &t->layer[l];
    struct gate_call call = gate_call(t, l, step);
    size_t rows = (size_t)call.rows, dim = (size_t)call.config->dim;
    d->ops->pool(d, &t->chunk, trainer_by_token(t), call.config->dim, s->norm1, OPERANDS,
                 s->here.pooled);
    move(t, PHASE_FORWARD, true, rows * dim, s->here.pooled, s->policy.pooled);
    if (t->form)
        t->form->gates_train(&call, s->policy.gates);
    else
        call_on_host(t, l, step, false);
    move(t, PHASE_FORWARD, false, rows * (size_t)call.heads, s->here.gates, s->policy.gates);
}

void trainer_gates_gradient(struct trainer *t, int l, struct policy_step *step) {
    const struct device *d = t->device;
    struct layer_state *s = &t->layer[l];
    struct gate_call call = gate_call(t, l, step);
    size_t rows = (size_t)call.rows, size = rows * (size_t)call.config->dim;
    const struct device *where = t->form ? d : device_cpu();
    if (!call.config->policy->gates_backward) return;
    move(t, PHASE_BACKWARD, true, rows * (size_t)call.heads, s->here.dgates, s->policy.dgates);
    where->ops->clear(where, t->own_dpooled, size * sizeof *t->own_dpooled);
    if (t->form)
        t->form->gates_backward(&call, s->policy.dgates, t->own_dpooled);
    else
        call_on_host(t, l, step, true);
    move(t, PHASE_BACKWARD, false, size, t->dpooled, t->own_dpooled);
    d->ops->pool_gradient(d, &t->chunk, trainer_by_token(t), call.config->dim, t->dpooled,
                          t->branch, OPERANDS);
}

void trainer_add_gate_sums(const struct trainer *t, const struct gate_sums *sums,
                           struct policy_step *step) {
    for (int l = 0; l < t->p->config.layers; l++) {
        step->regulariser += sums[l].regulariser;
        step->sum_budget += sums[l].budget;
        step->sum_entropy += sums[l].entropy;
        step->n_budget += (long)sums[l].n_budget;
        step->n_entropy += (long)sums[l].n_entropy;
    }
}
