/*
 * Differentiable subset pruning (Li, Cotterell & Sachan 2021): exactly K heads of a trained model
 * stay. One weight w per head ranks the heads of all layers together; it is trained on with the
 * model's weights, through one of two estimators of the top-K mask:
 *   gumbel: r = w + Gumbel noise; K times p = softmax(r / t), mask += p, r += ln(1 - p), with t
 *           falling exponentially over training, so that the mask starts even and ends hard;
 *   ste:    mask = 1 on the K largest w, gradient as if mask = w (straight-through).
 * At test the K heads of the largest w stay. Temperatures, the rate of w and doubles are those of
 * the released code; the number of epochs and the small random w at the start (it breaks ties of
 * ste) are ours. On offsets 2 epochs were too few (.96 where 8 reach .995).
 */
#include "models/head_gates.h"
#include "models/parameters.h"
#include "models/policies/gumbel_top_k.h"
#include "models/policies/static_method.h"

#include <string.h>

struct dsp_options {
    double heads;
    int estimator;
    int epochs;
    double gate_rate, t_start, t_end;
    int recovery;
    double rate;
};

enum { ESTIMATOR_GUMBEL, ESTIMATOR_STE };

#define FIELD(name) offsetof(struct dsp_options, name)

static const struct option rows[] = {
    STATIC_HEADS_ROW(struct dsp_options),
    {"estimator", OPTION_CHOICE, FIELD(estimator), "gumbel", 0, 0, "gumbel|ste",
     "how the mask of the K largest w passes a gradient"},
    {"epochs", OPTION_INT, FIELD(epochs), "8", 1, 1000, NULL,
     "epochs of training weights and w together"},
    {"gate_rate", OPTION_FLOAT, FIELD(gate_rate), "0.5", 1e-9, 10, NULL, "peak learning rate of w"},
    {"t_start", OPTION_FLOAT, FIELD(t_start), "1000", 1e-9, 1e9, NULL, "temperature at step 0"},
    {"t_end", OPTION_FLOAT, FIELD(t_end), "1e-8", 1e-9, 1e9, NULL, "temperature at the last step"},
    STATIC_RECOVERY_ROWS(struct dsp_options),
};

static const double initial_std = 0.01;

static const struct dsp_options *options_of(const struct model_config *config) {
    return (const void *)config->policy_options;
}

static bool shape(struct model_config *config, struct error *error) {
    return static_check(config, options_of(config)->heads, error);
}

static int tensors(const struct model_config *config, int layer, struct policy_tensor *out) {
    out[0] = (struct policy_tensor){"w",
                                    1,
                                    1,
                                    config->heads.value[layer],
                                    .init_std = (float)initial_std,
                                    .learning_rate = (float)options_of(config)->gate_rate};
    return 1;
}

static double temperature(const struct dsp_options *o, double progress) {
    return o->t_start * pow(o->t_end / o->t_start, progress);
}

/* r[n] = w + Gumbel noise of all layers' heads, in order; one draw for the whole batch. */
static int noisy_weights(const struct gate_call *call, double *r) {
    const struct model_config *c = call->config;
    int n = 0;
    for (int l = 0; l < c->layers; l++)
        for (int h = 0; h < c->heads.value[l]; h++, n++)
            r[n] = (double)call->parameters->layer[l].policy[0][h] +
                   gumbel_noise(&call->step->noise, call->step->step, (uint64_t)n);
    return n;
}

/* Where the heads of a layer start in the order of all heads. */
static int first_of(const struct gate_call *call) {
    int first = 0;
    for (int l = 0; l < call->layer; l++) first += call->config->heads.value[l];
    return first;
}

/* Doubles [K][n] of the rounds, once per layer: counted per row, because every call has a row. */
static int saved_floats(const struct model_config *config, int layer) {
    const struct dsp_options *o = options_of(config);
    (void)layer;
    if (o->estimator == ESTIMATOR_STE) return 0;
    return 2 * static_kept(config, o->heads) * static_all(config);
}

static void hard_gates(const struct parameters *parameters, struct head_gates *out) {
    const struct model_config *c = &parameters->config;
    struct head_scores scores;
    for (int l = 0; l < c->layers; l++)
        for (int h = 0; h < c->heads.value[l]; h++)
            scores.value[l][h] = (double)parameters->layer[l].policy[0][h];
    head_gates_top(c, &scores, static_kept(c, options_of(c)->heads), out);
}

/* The K heads of the largest w: at inference, and in the forward pass of ste. */
static void decide(const struct gate_call *call, float *a) {
    struct head_gates gates;
    hard_gates(call->parameters, &gates);
    for (int r = 0; r < call->rows; r++)
        memcpy(a + (size_t)r * (size_t)call->heads, gates.value[call->layer],
               (size_t)call->heads * sizeof *a);
}

static void gates_train(const struct gate_call *call, float *a) {
    const struct dsp_options *o = options_of(call->config);
    double r[GUMBEL_SCORES_MAX], mask[GUMBEL_SCORES_MAX];
    if (o->estimator == ESTIMATOR_STE) {
        decide(call, a);
        return;
    }
    int n = noisy_weights(call, r), first = first_of(call);
    gumbel_top_k(r, static_kept(call->config, o->heads), temperature(o, call->step->progress), n,
                 (void *)call->saved, mask);
    for (int i = 0; i < call->rows; i++)
        for (int h = 0; h < call->heads; h++) a[i * call->heads + h] = (float)mask[first + h];
}

/* This layer's gates depend on the w of all layers, and so its backward pass adds to all. */
static void gates_backward(const struct gate_call *call, const float *da, float *dx) {
    const struct dsp_options *o = options_of(call->config);
    const struct model_config *c = call->config;
    double dmask[GUMBEL_SCORES_MAX] = {0}, dw[GUMBEL_SCORES_MAX];
    int n = static_all(c), first = first_of(call);
    (void)dx;
    for (int r = 0; r < call->rows; r++)
        for (int h = 0; h < call->heads; h++) dmask[first + h] += (double)da[r * call->heads + h];
    if (o->estimator == ESTIMATOR_STE)
        memcpy(dw, dmask, (size_t)n * sizeof *dw);
    else
        gumbel_top_k_backward((const void *)call->saved, static_kept(c, o->heads),
                              temperature(o, call->step->progress), n, dmask, dw);
    n = 0;
    for (int l = 0; l < c->layers; l++)
        for (int h = 0; h < c->heads.value[l]; h++)
            call->gradients->layer[l].policy[0][h] += (float)dw[n++];
}

static void post_hoc(const struct model_config *config, struct post_hoc *out) {
    const struct dsp_options *o = options_of(config);
    *out = (struct post_hoc){
        .epochs = o->epochs, .rounds = 1, .recovery = o->recovery, .rate = o->rate};
}

static void keep(struct parameters *parameters, int round, struct head_gates *out) {
    (void)round;
    hard_gates(parameters, out);
}

const struct policy_ops policy_dsp = {
    .name = "dsp",
    .summary =
        "exactly K heads of a trained model stay, by trained weights; with recovery: plus recovery",
    .options = {"arm (policy dsp)", rows, sizeof rows / sizeof *rows},
    .unit = GATE_PER_SAMPLE,
    .base = BASE_WEIGHTS,
    .shape = shape,
    .post_hoc = post_hoc,
    .keep = keep,
    .tensors = tensors,
    .saved_floats = saved_floats,
    .gates_train = gates_train,
    .gates_backward = gates_backward,
    .decide = decide,
};
