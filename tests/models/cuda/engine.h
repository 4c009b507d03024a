/*
 * The same model twice, on the CPU and on a device, and what their passes differ by: the whole
 * engine, of which a device is the lower half.
 */
#ifndef HEADROOM_TESTS_ENGINE_H
#define HEADROOM_TESTS_ENGINE_H

#include "models/device_parameters.h"
#include "models/inference.h"
#include "models/optimizer.h"
#include "tests/models/cuda/gradient_terms.h"
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
enum { METHODS = sizeof methods / sizeof *methods, DATA_SAMPLES_MAX = 8, SMALL_TENSORS_MAX = 64 };

static inline const struct policy_ops *method_policy(const struct method *method) {
    return strcmp(method->policy, per_token.name) == 0 ? &per_token : policy_find(method->policy);
}

/* With HEADROOM_QUICK, those between whom every kernel of gates and of chosen heads is called: by
 * inputs and by tokens, made on the device and on the host. */
static const struct method quick_methods[] = {
    {"fixed", "{\"heads\":[0,3]}"},
    {"budgetformer", "{\"cost\":0.5,\"initial_budget\":0.6}"},
    {"budgetformer", "{\"estimator\":\"gumbel\",\"noise\":1,\"initial_budget\":0.35}"},
    {"budgetformer-paper", "{\"global_budget\":true,\"cost\":0.5}"},
    {"moh", "{\"shared\":1,\"routed\":2,\"balance\":1}"},
    {"bag-of-bigrams", "{\"buckets\":7}"},
};

/* Those of this run on a device, and how many. The far device has its gates on the host in tf32,
 * where all of them are compared in fp32, and rounds more in bf16, where all are compared too: a few
 * will do. */
static inline const struct method *tested_methods(const struct tested_device *tested, int *n) {
    bool few = tested_quickly() || (!tested->is_card && tested->precision == PRECISION_TF32);
    *n = few ? (int)(sizeof quick_methods / sizeof *quick_methods) : METHODS;
    return few ? quick_methods : methods;
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

/* Weights of small_model.h make attention maps and gates steep, and in float32 the bounds hold with
 * them. Steep functions magnify the rounding of operands as well: on the far device, with a
 * standard deviation of 0.3, gradients of the encoder are off by up to 1.1e-2 in tf32 and 6e-2 in
 * bfloat16 (0.2: 3.3e-3 and 4.2e-2), of a policy's terms by 6.7e-3 and 4.1e-2. That is the model's
 * doing, not the device's: the far device's kernels are the CPU's. With 0.15 they are within 2.4e-3
 * and 2.7e-2, of terms within 1.8e-3 and 2.1e-2. */
static inline struct model_config method_config(const struct method *method,
                                                const struct data *data, enum precision precision) {
    struct model_config c = small_config(method_policy(method), method->options, 2, 16, 4);
    c.dropout = 0.2;
    if (precision != PRECISION_FP32) c.init_std = 0.15;
    if (c.positions) c.max_len = data->limits.length;
    return c;
}

/* One of the two: everything that a trial has. */
struct side {
    const struct device *d;
    struct trainer_limits limits;
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
    *side = (struct side){.d = d, .limits = *limits, .p = small_parameters(config, 8)};
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

/* The largest relative errors of a method on a device. Logits and a gradient's tensor: of their
 * norms. Loss, with its regulariser, and the sums of budgets and entropies, which may be 0: of
 * their size plus 1e-3. A policy's gradients are told twice, as a share of a tensor's norm and of
 * its terms' norms (gradient_terms.h). All have the same bound.
 *
 * And the inputs of how many run another number of heads in some layer, or equally many that are
 * others. */
struct errors {
    double logits, loss, encoder, policy, policy_terms;
    char encoder_tensor[96], policy_tensor[96]; /* of the largest errors of norms */
    int inputs, other_k, other_heads;
};

/* What a precision's bound is for: float32 promises every gradient to be within it of its norm.
 * With operands of 11 or 8 bits that holds for the encoder. Of a policy it can hold for the terms
 * alone: in bfloat16 they are off by a percent or two, and what they leave of each other is as
 * small as it happens to be. */
static inline double errors_worst(const struct errors *e, enum precision precision) {
    double policy = precision == PRECISION_FP32 ? e->policy : e->policy_terms;
    return fmax(fmax(e->encoder, policy), fmax(e->logits, e->loss));
}

/* The larger error, and whose it is. */
static inline void errors_larger(double *to, char *name, double error, const char *of) {
    if (error <= *to) return;
    *to = error;
    memcpy(name, of, sizeof((struct errors *)0)->policy_tensor);
}

static inline void errors_add(struct errors *to, const struct errors *from) {
    to->logits = fmax(to->logits, from->logits);
    to->loss = fmax(to->loss, from->loss);
    to->policy_terms = fmax(to->policy_terms, from->policy_terms);
    to->inputs += from->inputs;
    to->other_k += from->other_k;
    to->other_heads += from->other_heads;
    errors_larger(&to->encoder, to->encoder_tensor, from->encoder, from->encoder_tensor);
    errors_larger(&to->policy, to->policy_tensor, from->policy, from->policy_tensor);
}

/* Whether an input runs the same number of heads in a layer on both sides, in all of its tokens. */
static inline bool same_k(const struct side *a, const struct side *b, int l, int sample) {
    struct heads_used of_a = inference_heads_used(a->inference, l, sample);
    struct heads_used of_b = inference_heads_used(b->inference, l, sample);
    return of_a.run == of_b.run && of_a.token_heads == of_b.token_heads;
}

/* Whether they are the same heads too. */
static inline bool same_heads(const struct side *a, const struct side *b, int l, int sample) {
    for (int h = 0; h < a->p->config.heads.value[l]; h++)
        if (inference_head_ran(a->inference, l, h, sample) !=
            inference_head_ran(b->inference, l, h, sample))
            return false;
    return same_k(a, b, l, sample);
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

/* Whether an input's logits can be compared: it runs the same heads in all layers. Else it is
 * counted; what comes after the first layer that differs is that layer's doing. In float32 another
 * number that no boundary explains, and other heads, are an infinite error. */
static inline bool is_comparable(const struct side *cpu, const struct side *there, int sample,
                                 struct errors *out) {
    int l = 0, layers = cpu->p->config.layers;
    while (l < layers && same_heads(cpu, there, l, sample)) l++;
    if (l == layers) return true;
    bool equal_k = same_k(cpu, there, l, sample);
    if (there->d->precision == PRECISION_FP32 && (equal_k || !at_a_boundary(cpu, l, sample)))
        out->logits = (double)INFINITY;
    while (l < layers && same_k(cpu, there, l, sample)) l++;
    *(l < layers ? &out->other_k : &out->other_heads) += 1;
    return false;
}

/* Runs the batch on both sides; the logits of inputs that run the same heads count. */
static inline void compare_inference(const struct side *cpu, const struct side *there,
                                     const struct batch *batch, struct errors *out) {
    const struct model_config *c = &cpu->p->config;
    float found[DATA_SAMPLES_MAX * SMALL_CLASSES], expected[DATA_SAMPLES_MAX * SMALL_CLASSES];
    size_t n = 0, row = (size_t)c->classes;
    inference_run(cpu->inference, batch, NULL, NULL);
    inference_run(there->inference, batch, NULL, NULL);
    tested_ok(there->d);
    for (int b = 0; b < batch->n_samples; b++) {
        out->inputs++;
        if (!is_comparable(cpu, there, b, out)) continue;
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

/* Every gradient of the step that both sides have just made. Without terms, a policy's tensors are
 * one term each. */
static inline void compare_gradients(const struct side *cpu, const struct side *there,
                                     const double *terms, struct errors *out) {
    const struct parameters *g = side_gradients(cpu), *other = side_gradients(there);
    for (int i = 0; i < g->n_tensors; i++) {
        const struct tensor *tensor = &g->tensors[i];
        const float *expected = numbers_of(g, i);
        double error = relative_error(numbers_of(other, i), expected, tensor->count);
        double norm = norm_of(expected, tensor->count);
        if (!tensor->policy) {
            errors_larger(&out->encoder, out->encoder_tensor, error, tensor->name);
            continue;
        }
        errors_larger(&out->policy, out->policy_tensor, error, tensor->name);
        out->policy_terms = fmax(
            out->policy_terms, terms && norm > 0 && terms[i] > 0 ? error * norm / terms[i] : error);
    }
}

/* One training step on both sides: loss with its regulariser, and every gradient. */
static inline void compare_step(const struct side *cpu, const struct side *there,
                                const struct batch *batch, int number, double progress,
                                struct errors *out) {
    struct policy_step here = step_at(number, progress), far = here;
    double terms[SMALL_TENSORS_MAX] = {0};
    assert_in_range(cpu->p->n_tensors, 1, SMALL_TENSORS_MAX);
    bool by_terms = there->d->precision != PRECISION_FP32;
    if (by_terms) gradient_terms(cpu->p, &cpu->limits, batch, here, terms);
    double expected = trainer_step(cpu->trainer, batch, &here);
    double found = trainer_step(there->trainer, batch, &far);
    tested_ok(there->d);
    out->loss = fmax(out->loss, off_by(found + far.regulariser, expected + here.regulariser));
    out->loss = fmax(out->loss, off_by(far.sum_budget, here.sum_budget));
    out->loss = fmax(out->loss, off_by(far.sum_entropy, here.sum_entropy));
    assert_int_equal(far.n_budget, here.n_budget);
    assert_int_equal(far.n_entropy, here.n_entropy);
    compare_gradients(cpu, there, by_terms ? terms : NULL, out);
}

#endif
