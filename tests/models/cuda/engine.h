/*
 * The same model twice, on the CPU and on a device, and what their passes differ by: the whole
 * engine, of which a device is the lower half.
 */
#ifndef HEADROOM_TESTS_ENGINE_H
#define HEADROOM_TESTS_ENGINE_H

#include "models/device_parameters.h"
#include "models/inference.h"
#include "models/optimizer.h"
#include "tests/models/per_token_gate.h"
#include "tests/models/small_model.h"
#include "tests/models/tested_devices.h"

/* A policy with options: one way to train and to deploy. */
struct method {
    const char *policy, *options;
};

/* Every policy, and every option that changes which code BudgetFormer's gates run through. */
static const struct method methods[] = {
    {"fixed", "{\"heads\":4}"},
    {"fixed", "{\"heads\":[0,3]}"},
    {"fixed-matched", "{}"},
    {"flop-matched", "{}"},
    {"wide", "{\"heads\":2}"},
    {"budgetformer", "{\"hard_from\":0}"},
    {"budgetformer", "{\"cost\":0.5,\"initial_budget\":0.6}"},
    {"budgetformer", "{\"cost\":0.5,\"cost_on\":\"executed\",\"initial_budget\":0.4}"},
    {"budgetformer", "{\"estimator\":\"gumbel\",\"noise\":1,\"initial_budget\":0.35}"},
    {"budgetformer", "{\"global_budget\":true,\"cost\":0.5,\"initial_budget\":0.95}"},
    {"budgetformer", "{\"budget\":0.6,\"cost\":0,\"entropy_start\":-0.5}"},
    {"budgetformer", "{\"budget\":0.5,\"cost\":0,\"estimator\":\"gumbel\"}"},
    {"budgetformer", "{\"scores\":\"random\",\"cost\":0.5}"},
    {"budgetformer", "{\"scores\":\"random-at-test\"}"},
    {"budgetformer", "{\"scores\":\"random\",\"budget\":0.6,\"cost\":0}"},
    {"budgetformer", "{\"noise\":0,\"tau_start\":0.5,\"tau_end\":0.5,\"hinge\":0,\"hidden\":5}"},
    {"budgetformer-paper", "{\"budget\":0.6}"},
    {"budgetformer-paper", "{\"global_budget\":true,\"cost\":0.5}"},
    {"budgetformer-paper", "{\"scores\":\"random\",\"global_budget\":true}"},
    {"budgetformer-paper", "{\"scores\":\"random-at-test\",\"mode\":\"mass\"}"},
    {"budgetformer-paper", "{\"mode\":\"raw\",\"entropy_start\":0.3}"},
    {"random", "{\"heads\":2}"},
    {"moh", "{\"shared\":1,\"routed\":2,\"balance\":1}"},
    {"moh-pool", "{\"shared\":1,\"routed\":1,\"balance\":1}"},
    {"drophead", "{\"p\":0.4}"},
    {"michel", "{\"heads\":2}"},
    {"random-static", "{\"heads\":2}"},
    {"voita", "{\"cost\":0.5,\"initial\":0}"},
    {"dsp", "{\"heads\":1.67,\"t_start\":4,\"t_end\":0.5}"},
    {"none", "{}"},
    {"bag-of-words", "{}"},
    {"bag-of-bigrams", "{\"buckets\":7}"},
    {"per-token (test)", "{}"},
};
enum { METHODS = sizeof methods / sizeof *methods, DATA_SAMPLES_MAX = 8 };

static inline const struct policy_ops *method_policy(const struct method *method) {
    return strcmp(method->policy, per_token.name) == 0 ? &per_token : policy_find(method->policy);
}

/* A ragged batch of random tokens. */
struct data {
    int32_t *tokens, offsets[DATA_SAMPLES_MAX + 1], labels[DATA_SAMPLES_MAX], ids[DATA_SAMPLES_MAX];
    struct trainer_limits limits;
    struct batch batch;
};

static inline void data_fill(struct data *data, int n, const int *lengths, uint64_t seed) {
    struct rng rng = rng_stream(seed, RNG_GENERATOR);
    *data = (struct data){.limits = {.samples = n}};
    for (int i = 0; i < n; i++) {
        data->offsets[i + 1] = data->offsets[i] + lengths[i];
        data->labels[i] = (int32_t)rng_below(&rng, 1, (uint64_t)i, SMALL_CLASSES);
        data->ids[i] = 10 * i + 7;
        if (lengths[i] > data->limits.length) data->limits.length = lengths[i];
    }
    int total = data->limits.tokens = data->offsets[n];
    data->tokens = calloc((size_t)total, sizeof *data->tokens);
    assert_non_null(data->tokens);
    for (int i = 0; i < total; i++)
        data->tokens[i] = (int32_t)rng_below(&rng, 2, (uint64_t)i, SMALL_VOCAB);
    data->batch = (struct batch){n, total, data->tokens, data->offsets, data->labels, data->ids};
}

static inline struct model_config method_config(const struct method *method,
                                                const struct data *data) {
    struct model_config c = small_config(method_policy(method), method->options, 2, 16, 4);
    c.dropout = 0.2;
    c.init_std = 0.15;
    if (c.positions) c.max_len = data->limits.length;
    return c;
}

/* One of the two: everything that a trial has. */
struct side {
    const struct device *d;
    struct parameters *p;
    struct trainer *trainer;
    struct optimizer *optimizer;
    struct inference *inference;
};

/* Steps whose length hardly depends on gradients that are rounding alone: those of K's biases are 0
 * but for it, and a small epsilon would make full steps of them. */
static const struct optimizer_config steady = {.learning_rate = 1e-2,
                                               .weight_decay = 0.01,
                                               .beta1 = 0.9,
                                               .beta2 = 0.999,
                                               .epsilon = 1e-2,
                                               .clip_norm = 1,
                                               .warmup_steps = 2,
                                               .total_steps = 20};

static inline void side_new(struct side *side, const struct device *d,
                            const struct model_config *config,
                            const struct trainer_limits *limits) {
    struct error error;
    *side = (struct side){.d = d, .p = small_parameters(config, 8)};
    if (!trainer_new_on(d, side->p, limits, 1, &side->trainer, &error) ||
        !inference_new_on(d, side->p, limits, &side->inference, &error))
        fail_msg("%s", error.text);
    trainer_load(side->trainer);
    if (!optimizer_new_on(d, trainer_parameters(side->trainer), &steady, &side->optimizer, &error))
        fail_msg("%s", error.text);
}

static inline void side_free(struct side *side) {
    optimizer_free(side->optimizer);
    inference_free(side->inference);
    trainer_free(side->trainer);
    parameters_free(side->p);
}

/* The gradients of the last step in the host's memory. */
static inline const struct parameters *side_gradients(const struct side *side) {
    const struct parameters *g = trainer_gradients(side->trainer);
    device_parameters_store(side->d, g);
    return side->d->is_host ? g : g->host;
}

static inline float *numbers_of(const struct parameters *p, int tensor) {
    return (float *)(void *)p->arena.base + p->tensors[tensor].offset;
}

/* The largest relative errors of a method on a device, and inputs that were given other heads in
 * some layer, of how many. A gradient's error is of its tensor's own norm. Where what is added up
 * cancels (the one number of a budget's bias, say) that is a share of next to nothing, which says
 * much about the sum and little about the precision: `weighed` is of half the whole gradient's norm
 * where that is larger. */
struct errors {
    double logits, loss, gradients, weighed;
    char tensor[96]; /* that `gradients` is of */
    int inputs, other_k;
};

static inline double errors_worst(const struct errors *e, enum precision precision) {
    double gradients = precision == PRECISION_FP32 ? e->gradients : e->weighed;
    return fmax(gradients, fmax(e->logits, e->loss));
}

static inline void errors_add(struct errors *to, const struct errors *from) {
    to->logits = fmax(to->logits, from->logits);
    to->loss = fmax(to->loss, from->loss);
    to->weighed = fmax(to->weighed, from->weighed);
    to->inputs += from->inputs;
    to->other_k += from->other_k;
    if (from->gradients <= to->gradients) return;
    to->gradients = from->gradients;
    memcpy(to->tensor, from->tensor, sizeof to->tensor);
}

/* Whether an input runs the same heads in a layer on both sides. */
static inline bool same_heads(const struct side *a, const struct side *b, int l, int sample) {
    for (int h = 0; h < a->p->config.heads.value[l]; h++)
        if (inference_head_ran(a->inference, l, h, sample) !=
            inference_head_ran(b->inference, l, h, sample))
            return false;
    struct heads_used of_a = inference_heads_used(a->inference, l, sample);
    struct heads_used of_b = inference_heads_used(b->inference, l, sample);
    return of_a.run == of_b.run && of_a.token_heads == of_b.token_heads;
}

/* Whether a budget that chose a number of heads was within rounding of another number. */
static inline bool at_a_boundary(const struct side *side, int l, int sample) {
    const struct model_config *c = &side->p->config;
    if (!c->policy->budget) return false;
    double s = c->policy->budget(inference_decisions(side->inference, l) +
                                 (size_t)sample * policy_decision_floats(c, l));
    double at = s * c->heads.value[l];
    return fabs(at - round(at)) < 1e-4;
}

/* Runs the batch on both sides; the logits of inputs that run the same heads count. In float32 a
 * difference that no boundary explains is an infinite error. */
static inline void compare_inference(const struct side *cpu, const struct side *there,
                                     const struct batch *batch, struct errors *out) {
    const struct model_config *c = &cpu->p->config;
    float found[DATA_SAMPLES_MAX * SMALL_CLASSES], expected[DATA_SAMPLES_MAX * SMALL_CLASSES];
    size_t n = 0, row = (size_t)c->classes;
    inference_run(cpu->inference, batch, NULL, NULL);
    inference_run(there->inference, batch, NULL, NULL);
    tested_ok(there->d);
    for (int b = 0; b < batch->n_samples; b++) {
        int l = 0;
        while (l < c->layers && same_heads(cpu, there, l, b)) l++;
        out->inputs++;
        if (l < c->layers) {
            out->other_k++;
            if (there->d->precision == PRECISION_FP32 && !at_a_boundary(cpu, l, b))
                out->logits = (double)INFINITY;
            continue;
        }
        memcpy(found + n, inference_logits(there->inference) + (size_t)b * row,
               row * sizeof *found);
        memcpy(expected + n, inference_logits(cpu->inference) + (size_t)b * row,
               row * sizeof *found);
        n += row;
    }
    out->logits = fmax(out->logits, relative_error(found, expected, n));
}

static inline struct policy_step step_at(int step, double progress) {
    return (struct policy_step){
        .progress = progress, .step = (uint64_t)step, .noise = rng_stream(3, RNG_NOISE)};
}

static inline double off_by(double found, double expected) {
    double off = fabs(found - expected) / (fabs(expected) + 1e-3);
    return isfinite(off) ? off : (double)INFINITY;
}

/* One training step on both sides: loss with its regulariser, and every gradient. */
static inline void compare_step(const struct side *cpu, const struct side *there,
                                const struct batch *batch, int number, double progress,
                                struct errors *out) {
    struct policy_step here = step_at(number, progress), far = here;
    double expected = trainer_step(cpu->trainer, batch, &here);
    double found = trainer_step(there->trainer, batch, &far);
    tested_ok(there->d);
    struct errors now = {.loss = off_by(found + far.regulariser, expected + here.regulariser)};
    now.loss = fmax(now.loss, off_by(far.sum_budget, here.sum_budget));
    now.loss = fmax(now.loss, off_by(far.sum_entropy, here.sum_entropy));
    assert_int_equal(far.n_budget, here.n_budget);
    assert_int_equal(far.n_entropy, here.n_entropy);
    const struct parameters *g = side_gradients(cpu), *other = side_gradients(there);
    double whole = 0;
    for (int i = 0; i < g->n_tensors; i++)
        whole = hypot(whole, norm_of(numbers_of(g, i), g->tensors[i].count));
    for (int i = 0; i < g->n_tensors; i++) {
        size_t n = g->tensors[i].count;
        double error = relative_error(numbers_of(other, i), numbers_of(g, i), n);
        double norm = norm_of(numbers_of(g, i), n);
        now.weighed = fmax(now.weighed, norm < 0.5 * whole ? error * norm / (0.5 * whole) : error);
        if (error <= now.gradients) continue;
        now.gradients = error;
        memcpy(now.tensor, g->tensors[i].name, sizeof now.tensor);
    }
    errors_add(out, &now);
}

#endif
