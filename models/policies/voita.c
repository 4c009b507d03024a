/*
 * Hard-concrete gates (Voita et al. 2019, after Louizos et al. 2018): each head of a trained model
 * has a gate that does not look at the input and is zero or one with some probability. Weights and
 * gates train on together under a price for the expected number of open heads:
 *   c = sigmoid((ln u - ln(1 - u) + log_a) / beta),  u ~ U(eps, 1 - eps) for each head and step,
 *   g = clip(c (zeta - gamma) + gamma, 0, 1),
 *   P(open) = sigmoid(log_a - beta ln(-gamma / zeta)), clipped to [eps, 1 - eps],
 *   loss = cross-entropy + cost * (1 / L) sum over layers and heads of P(open).
 * At test c = sigmoid(log_a), without beta, stretched and clipped alike: heads of gate 0 are
 * removed, other gates are folded into W_O. beta, gamma, zeta and eps are the paper's code's; how
 * the gates start, their rate and the number of epochs are ours. On offsets 2 epochs were too few:
 * with 8, 2.0 heads of 8 reach .99.
 */
#include "models/head_gates.h"
#include "models/parameters.h"
#include "models/policies/static_method.h"

struct voita_options {
    double cost;
    int epochs;
    double gate_rate, initial;
    int recovery;
    double rate;
};

#define FIELD(name) offsetof(struct voita_options, name)

static const struct option rows[] = {
    {"cost", OPTION_FLOAT, FIELD(cost), "0.03", 0, 100, NULL,
     "lambda, weight of the expected number of open heads (mean over layers) in the loss"},
    {"epochs", OPTION_INT, FIELD(epochs), "8", 1, 1000, NULL,
     "epochs of training weights and gates together"},
    {"gate_rate", OPTION_FLOAT, FIELD(gate_rate), "0.1", 1e-9, 10, NULL,
     "peak learning rate of the gates"},
    {"initial", OPTION_FLOAT, FIELD(initial), "3", -20, 20, NULL,
     "log_a at the start; from 2.4 on the gates of a test are 1"},
    STATIC_RECOVERY_ROWS(struct voita_options),
};

static const double beta = 0.33, low_end = -0.1, high_end = 1.1; /* gamma, zeta */
static const double epsilon = 1e-6;

static const struct voita_options *options_of(const struct model_config *config) {
    return (const void *)config->policy_options;
}

static int tensors(const struct model_config *config, int layer, struct policy_tensor *out) {
    const struct voita_options *o = options_of(config);
    out[0] = (struct policy_tensor){"log_a",
                                    1,
                                    1,
                                    config->heads.value[layer],
                                    .init_value = (float)o->initial,
                                    .learning_rate = (float)o->gate_rate};
    return 1;
}

static double sigmoid(double x) {
    return 1.0 / (1.0 + exp(-x));
}

static double stretch(double c) {
    return fmin(fmax(c * (high_end - low_end) + low_end, 0.0), 1.0);
}

/* c of head h in this step: one draw for the whole batch, as in the released code. */
static double concrete(const struct gate_call *call, int h) {
    const struct policy_step *step = call->step;
    uint64_t high = step->step * MODEL_LAYERS_MAX + (uint64_t)call->layer;
    double u = epsilon + (1.0 - 2.0 * epsilon) * rng_uniform(&step->noise, high, (uint64_t)h);
    return sigmoid((log(u) - log(1.0 - u) + (double)call->param[0][h]) / beta);
}

/* P(open), and its derivative by log_a: 0 where it is clipped. */
static double open_probability(double log_a, double *slope) {
    double p = sigmoid(log_a - beta * log(-low_end / high_end));
    *slope = p > epsilon && p < 1.0 - epsilon ? p * (1.0 - p) : 0.0;
    return fmin(fmax(p, epsilon), 1.0 - epsilon);
}

/* Weight of P(open) in the part of the loss that the rows at hand stand for: a chunk's share of the
 * batch, so that the chunks of a step add up to one penalty. */
static double penalty_weight(const struct gate_call *call) {
    double share = (double)call->rows / call->step->n_samples;
    return share * options_of(call->config)->cost / call->config->layers;
}

static void gates_train(const struct gate_call *call, float *a) {
    double weight = penalty_weight(call), slope;
    for (int h = 0; h < call->heads; h++) {
        float gate = (float)stretch(concrete(call, h));
        for (int r = 0; r < call->rows; r++) a[r * call->heads + h] = gate;
        call->step->regulariser += weight * open_probability((double)call->param[0][h], &slope);
    }
}

/* dg/dlog_a = (zeta - gamma) c (1 - c) / beta where the gate is not clipped. */
static void gates_backward(const struct gate_call *call, const float *da, float *dx) {
    double weight = penalty_weight(call);
    (void)dx;
    for (int h = 0; h < call->heads; h++) {
        double c = concrete(call, h), gate = stretch(c), sum = 0.0, slope;
        for (int r = 0; r < call->rows; r++) sum += (double)da[r * call->heads + h];
        if (gate <= 0.0 || gate >= 1.0) sum = 0.0;
        open_probability((double)call->param[0][h], &slope);
        call->grad[0][h] +=
            (float)(sum * (high_end - low_end) * c * (1.0 - c) / beta + weight * slope);
    }
}

static double test_gate(float log_a) {
    return stretch(sigmoid((double)log_a));
}

static void decide(const struct gate_call *call, float *decision) {
    for (int r = 0; r < call->rows; r++)
        for (int h = 0; h < call->heads; h++)
            decision[r * call->heads + h] = (float)test_gate(call->param[0][h]);
}

static void post_hoc(const struct model_config *config, struct post_hoc *out) {
    const struct voita_options *o = options_of(config);
    *out = (struct post_hoc){
        .epochs = o->epochs, .rounds = 1, .recovery = o->recovery, .rate = o->rate};
}

static void keep(struct parameters *parameters, int round, struct head_gates *out) {
    const struct model_config *c = &parameters->config;
    (void)round;
    *out = (struct head_gates){0};
    for (int l = 0; l < c->layers; l++)
        for (int h = 0; h < c->heads.value[l]; h++)
            out->value[l][h] = (float)test_gate(parameters->layer[l].policy[0][h]);
}

const struct policy_ops policy_voita = {
    .name = "voita",
    .summary =
        "a trained model trains on with priced gates, closed ones go; with recovery: plus recovery",
    .options = {"arm (policy voita)", rows, sizeof rows / sizeof *rows},
    .unit = GATE_PER_SAMPLE,
    .base = BASE_WEIGHTS,
    .post_hoc = post_hoc,
    .keep = keep,
    .tensors = tensors,
    .gates_train = gates_train,
    .gates_backward = gates_backward,
    .decide = decide,
};
