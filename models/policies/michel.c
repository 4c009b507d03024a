/*
 * Head importance of a trained model (Michel, Levy & Neubig 2019): I_h = E_x |dL/dxi_h| at gate
 * xi_h = 1, which is E_x |<Att_h(x), dL/dAtt_h(x)>|, divided by its Euclidean norm over the heads
 * of a layer. The least important heads are removed until K are left. The expectation is over the
 * training split or a part of it, without dropout.
 *
 * The paper's formula takes the absolute value once per input, after the sum over its tokens; the
 * released code takes it per token (`level: token`). It also divides by the number of tokens or of
 * inputs, which the norm takes out again. Scores are computed once, as in the code's default, or
 * again after each step (`recompute`, the code's --exact_pruning). The method ends with the
 * removal; with `recovery` epochs it is Michel plus recovery (the code has such epochs as an
 * option, off).
 */
#include "models/head_gates.h"
#include "models/parameters.h"
#include "models/policies/static_method.h"

struct michel_options {
    double heads;
    int level;
    bool recompute;
    double step;
    bool at_least_one;
    int order;
    int inputs;
    int recovery;
    double rate;
};

enum { LEVEL_SAMPLE, LEVEL_TOKEN };
enum { ORDER_LOWEST, ORDER_HIGHEST };

#define FIELD(name) offsetof(struct michel_options, name)

static const struct option rows[] = {
    STATIC_HEADS_ROW(struct michel_options),
    {"level", OPTION_CHOICE, FIELD(level), "sample", 0, 0, "sample|token",
     "absolute value of a whole input's sum (paper) or of each token's term (released code)"},
    {"recompute", OPTION_BOOL, FIELD(recompute), "false", 0, 0, NULL,
     "score again after each step of removals"},
    {"step", OPTION_FLOAT, FIELD(step), "0.1", 0.001, 1, NULL,
     "with recompute: share of all heads that one step removes"},
    {"at_least_one", OPTION_BOOL, FIELD(at_least_one), "false", 0, 0, NULL,
     "leave every layer one head"},
    {"order", OPTION_CHOICE, FIELD(order), "lowest", 0, 0, "lowest|highest",
     "which importance is removed first; highest is a control"},
    {"inputs", OPTION_INT, FIELD(inputs), "0", 0, 1000000000, NULL,
     "training inputs of a scoring pass, 0 = all"},
    STATIC_RECOVERY_ROWS(struct michel_options),
};

enum { MASK, IMPORTANCE, N_TENSORS };

static const struct michel_options *options_of(const struct model_config *config) {
    return (const void *)config->policy_options;
}

static bool shape(struct model_config *config, struct error *error) {
    const struct michel_options *o = options_of(config);
    int kept = static_kept(config, o->heads);
    if (!static_check(config, o->heads, error)) return false;
    if (!o->at_least_one || kept >= config->layers) return true;
    return error_set(error, "at_least_one needs a head for each of %d layers, and only %d stay",
                     config->layers, kept);
}

/* The mask is 1 on heads that are still there; the importance is summed over scored inputs. */
static int tensors(const struct model_config *config, int layer, struct policy_tensor *out) {
    int heads = config->heads.value[layer];
    out[MASK] = (struct policy_tensor){"mask", 1, 1, heads, .init_value = 1};
    out[IMPORTANCE] = (struct policy_tensor){"importance", 1, 1, heads, .init_value = 0};
    return N_TENSORS;
}

static void gates_train(const struct gate_call *call, float *a) {
    for (int r = 0; r < call->rows; r++)
        for (int h = 0; h < call->heads; h++) a[r * call->heads + h] = call->param[MASK][h];
}

/* The "gradient" of the importance is its sum over the inputs. Rows are tokens; da is that of the
 * batch's mean loss, so times the number of inputs it is that of each input's own loss. */
static void gates_backward(const struct gate_call *call, const float *da, float *dx) {
    const struct michel_options *o = options_of(call->config);
    double scale = call->step->n_samples;
    (void)dx;
    for (int h = 0; h < call->heads; h++) {
        double total = 0.0;
        for (int b = 0; b < call->n_samples; b++) {
            double sum = 0.0, absolute = 0.0;
            for (int i = call->offsets[b]; i < call->offsets[b + 1]; i++) {
                double term = (double)da[i * call->heads + h];
                sum += term;
                absolute += fabs(term);
            }
            total += o->level == LEVEL_TOKEN ? absolute : fabs(sum);
        }
        call->grad[IMPORTANCE][h] += (float)(scale * total);
    }
}

/* Heads that one step of `recompute` removes. */
static int removed_per_step(const struct model_config *config) {
    return (int)ceil(options_of(config)->step * static_all(config) - 1e-9);
}

static void post_hoc(const struct model_config *config, struct post_hoc *out) {
    const struct michel_options *o = options_of(config);
    int removed = static_all(config) - static_kept(config, o->heads);
    int per_step = o->recompute ? removed_per_step(config) : removed;
    *out = (struct post_hoc){.rounds = removed > 0 ? (removed + per_step - 1) / per_step : 1,
                             .scores = true,
                             .inputs = o->inputs,
                             .recovery = o->recovery,
                             .rate = o->rate};
}

/* Importance of layer l's heads that are still there over its Euclidean norm (+ 1e-20, as the
 * code); which of them count for the norm when some are gone is ours. */
static void normalise(const struct parameters *p, int l, double *score) {
    const float *mask = p->layer[l].policy[MASK], *importance = p->layer[l].policy[IMPORTANCE];
    int heads = p->config.heads.value[l];
    double square = 0.0;
    for (int h = 0; h < heads; h++)
        if (mask[h] != 0.0f) square += (double)importance[h] * (double)importance[h];
    for (int h = 0; h < heads; h++) score[h] = (double)importance[h] / (sqrt(square) + 1e-20);
}

/* Removes the head that comes next, by `order`; ties to the lower layer and head. */
static void remove_one(struct parameters *p, const struct head_scores *scores) {
    const struct model_config *c = &p->config;
    const struct michel_options *o = options_of(c);
    double sign = o->order == ORDER_HIGHEST ? -1.0 : 1.0;
    int layer = -1, head = -1;
    for (int l = 0; l < c->layers; l++) {
        const float *mask = p->layer[l].policy[MASK];
        int left = 0;
        for (int h = 0; h < c->heads.value[l]; h++) left += mask[h] != 0.0f;
        if (o->at_least_one && left == 1) continue;
        for (int h = 0; h < c->heads.value[l]; h++)
            if (mask[h] != 0.0f &&
                (layer < 0 || sign * scores->value[l][h] < sign * scores->value[layer][head])) {
                layer = l;
                head = h;
            }
    }
    if (layer >= 0) p->layer[layer].policy[MASK][head] = 0.0f;
}

static void keep(struct parameters *p, int round, struct head_gates *out) {
    const struct model_config *c = &p->config;
    const struct michel_options *o = options_of(c);
    struct head_scores scores = {0};
    int all = static_all(c), kept = static_kept(c, o->heads), left = kept, before = all;
    if (o->recompute) {
        before = all - round * removed_per_step(c);
        left = before - removed_per_step(c) > kept ? before - removed_per_step(c) : kept;
    }
    for (int l = 0; l < c->layers; l++) normalise(p, l, scores.value[l]);
    for (; before > left; before--) remove_one(p, &scores);
    *out = (struct head_gates){0};
    for (int l = 0; l < c->layers; l++)
        for (int h = 0; h < c->heads.value[l]; h++) {
            out->value[l][h] = p->layer[l].policy[MASK][h];
            p->layer[l].policy[IMPORTANCE][h] = 0.0f; /* the next pass starts over */
        }
}

const struct policy_ops policy_michel = {
    .name = "michel",
    .summary =
        "the K heads that matter most to a trained model stay; with recovery: Michel plus recovery",
    .options = {"arm (policy michel)", rows, sizeof rows / sizeof *rows},
    .unit = GATE_PER_TOKEN,
    .base = BASE_WEIGHTS,
    .shape = shape,
    .post_hoc = post_hoc,
    .keep = keep,
    .tensors = tensors,
    .gates_train = gates_train,
    .gates_backward = gates_backward,
    .decide = gates_train,
};
