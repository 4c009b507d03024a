/*
 * What a policy's gradient is the sum of: a term for each head of each input, and one for the
 * regulariser. Terms have both signs and may cancel (da_h minus the heads' mean in every softmax, a
 * budget's bias over all inputs), and then the sum's own norm says nothing about how exact it can
 * be: where every term is off by e of its norm, the sum may be off by e times the sum of the terms'
 * norms, however small it is. That sum is found here, on the CPU, whatever device is tested.
 *
 * A policy's gradient is linear in dL/da. So the step is made once, and all dL/da are kept; then
 * once more for each term, with all of them 0 but for that head of that input. Dropout's masks,
 * noise and gates are the same each time.
 */
#ifndef HEADROOM_TESTS_GRADIENT_TERMS_H
#define HEADROOM_TESTS_GRADIENT_TERMS_H

#include "tests/models/small_model.h"

#include <math.h>
#include <stdlib.h>

struct terms_state {
    float *da; /* of all calls of a step, one after the other */
    size_t at; /* the next call's */
    bool keep;
    int id, head; /* whose dL/da is not made 0 */
};

/* The CPU, but for what becomes of dL/da. */
struct terms_device {
    struct device device; /* first */
    struct device_ops ops;
    struct terms_state *state;
};

static inline float *numbers_of(const struct parameters *p, int tensor) {
    return (float *)(void *)p->arena.base + p->tensors[tensor].offset;
}

static inline double norm_of(const float *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    return sqrt(sum);
}

static inline struct terms_state *terms_of(const struct device *d) {
    return ((const struct terms_device *)(const void *)d)->state;
}

static inline void terms_gate_gradient(const struct device *d, const struct device_chunk *chunk,
                                       bool by_token, int heads, int head_dim, const float *a,
                                       const void *context, void *dcontext, float *da) {
    struct terms_state *s = terms_of(d);
    const struct batch *batch = &chunk->batch;
    device_cpu()->ops->gate_gradient(d, chunk, by_token, heads, head_dim, a, context, dcontext, da);
    for (int b = 0; b < batch->n_samples; b++) {
        int rows = by_token ? batch->offsets[b + 1] - batch->offsets[b] : 1;
        for (int i = 0; i < rows * heads; i++, da++, s->at++)
            if (s->keep)
                s->da[s->at] = *da;
            else
                *da = batch->ids[b] == s->id && i % heads == s->head ? s->da[s->at] : 0.0f;
    }
}

/* Only for the encoder's gradients, which a term is not about: made when dL/da are. */
static inline void terms_attend_gradient(const struct device *d, const struct device_chunk *chunk,
                                         const struct device_attention *a, const void *dcontext,
                                         float *delta, void *dqkv) {
    if (terms_of(d)->keep) device_cpu()->ops->attend_gradient(d, chunk, a, dcontext, delta, dqkv);
}

/* The gradients of a step with dL/da of one head of one input. */
static inline const struct parameters *terms_step(struct trainer *trainer, struct terms_state *s,
                                                  const struct batch *batch,
                                                  struct policy_step step, int id, int head) {
    s->at = 0;
    s->id = id;
    s->head = head;
    trainer_step(trainer, batch, &step);
    return trainer_gradients(trainer);
}

/* Adds the norm of g - without of each of the policy's tensors to norms, and itself to sum. */
static inline void terms_add(const struct parameters *g, const float *without, double *norms,
                             float *sum) {
    float *base = (float *)(void *)g->arena.base;
    for (int i = 0; i < g->n_tensors; i++) {
        size_t first = g->tensors[i].offset, n = g->tensors[i].count;
        if (!g->tensors[i].policy) continue;
        for (size_t j = first; j < first + n; j++) {
            if (without) base[j] -= without[j];
            sum[j] += base[j];
        }
        norms[i] += norm_of(base + first, n);
    }
}

/* norms[tensor], 0 before: the sum of the norms of the terms of its gradient in this step; of the
 * encoder's it stays 0. Fails unless the terms add up to the gradient. */
static inline void gradient_terms(struct parameters *p, const struct trainer_limits *limits,
                                  const struct batch *batch, struct policy_step step,
                                  double *norms) {
    const struct model_config *c = &p->config;
    struct terms_state s = {.keep = true};
    struct terms_device d = {*device_cpu(), *device_cpu()->ops, &s};
    struct trainer *trainer = NULL;
    struct error error;
    int of_policy = 0;
    for (int i = 0; i < p->n_tensors; i++) of_policy += p->tensors[i].policy;
    if (of_policy == 0) return;
    d.device.ops = &d.ops;
    d.ops.gate_gradient = terms_gate_gradient;
    d.ops.attend_gradient = terms_attend_gradient;
    if (!trainer_new_on(&d.device, p, limits, 1, &trainer, &error)) fail_msg("%s", error.text);
    size_t bytes = p->arena.used;
    float *whole = malloc(bytes), *regulariser = malloc(bytes), *sum = calloc(1, bytes);
    s.da =
        malloc((size_t)c->layers * (size_t)batch->n_tokens * (size_t)c->base_heads * sizeof *s.da);
    if (!whole || !regulariser || !sum || !s.da) abort();
    memcpy(whole, terms_step(trainer, &s, batch, step, 0, 0)->arena.base, bytes);
    s.keep = false;
    const struct parameters *g = terms_step(trainer, &s, batch, step, -1, -1);
    memcpy(regulariser, g->arena.base, bytes);
    terms_add(g, NULL, norms, sum);
    for (int b = 0; b < batch->n_samples; b++)
        for (int h = 0; h < c->base_heads; h++)
            terms_add(terms_step(trainer, &s, batch, step, batch->ids[b], h), regulariser, norms,
                      sum);
    for (int i = 0; i < p->n_tensors; i++)
        for (size_t j = p->tensors[i].offset, n = 0; n < p->tensors[i].count && norms[i] > 0; n++)
            assert_true(fabs((double)sum[j + n] - (double)whole[j + n]) <= 1e-5 * norms[i]);
    trainer_free(trainer);
    free(whole);
    free(regulariser);
    free(sum);
    free(s.da);
}

#endif
