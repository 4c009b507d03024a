/*
 * Evaluation by batches of the split's own order; inputs are ragged, so no order wastes work. Every
 * batch's executed FLOPs are booked by the kernels and summed by the closed form: a difference is a
 * bug in one of them and ends the trial instead of being stored.
 */
#include "harness/trial/evaluation.h"
#include "harness/trial/metrics.h"
#include "models/base/clock.h"
#include "models/batch_limits.h"
#include "models/inference.h"
#include "models/policy.h"
#include "workloads/data/batch_buffer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct evaluator {
    const struct device *device;
    const struct parameters *parameters;
    struct model_config dense;
    struct inference *inference;
    struct batch_buffer *buffer;
    int batch;
    int32_t *index; /* [batch] */
};

bool evaluator_new_on(const struct device *device, const struct parameters *parameters,
                      const struct model_config *dense, int batch, int max_len,
                      struct evaluator **out, struct error *error) {
    struct trainer_limits limits;
    if (!batch_limits(batch, max_len, &limits, error)) return false;
    struct evaluator *e = calloc(1, sizeof *e);
    if (!e) return error_set(error, "out of memory for the evaluator");
    e->device = device;
    e->parameters = parameters;
    e->dense = *dense;
    e->batch = batch;
    e->index = calloc((size_t)batch, sizeof *e->index);
    if (!e->index) {
        error_set(error, "out of memory for the evaluator");
        goto failed;
    }
    if (!inference_new_on(device, parameters, &limits, &e->inference, error) ||
        !batch_buffer_new(batch, max_len, &e->buffer, error))
        goto failed;
    *out = e;
    return true;
failed:
    evaluator_free(e);
    return false;
}

void evaluator_free(struct evaluator *e) {
    if (!e) return;
    inference_free(e->inference);
    batch_buffer_free(e->buffer);
    free(e->index);
    free(e);
}

void evaluator_set_mode(struct evaluator *e, int mode) {
    inference_set_mode(e->inference, mode);
}

int64_t evaluator_bytes(const struct evaluator *e) {
    return inference_bytes(e->inference);
}

int64_t evaluator_parameter_bytes(const struct evaluator *e) {
    return inference_parameter_bytes(e->inference);
}

void decisions_free(struct decisions *d) {
    for (int l = 0; l < d->layers; l++) free(d->layer[l]);
    memset(d, 0, sizeof *d);
}

static bool decisions_new(int n, int layers, const int *width, struct decisions *out,
                          struct error *error) {
    memset(out, 0, sizeof *out);
    out->n = n;
    out->layers = layers;
    for (int l = 0; l < layers; l++) {
        out->width[l] = width[l];
        if (width[l] == 0) continue;
        out->layer[l] = calloc((size_t)n * (size_t)width[l], sizeof(float));
        if (!out->layer[l]) {
            decisions_free(out);
            return error_set(error, "out of memory for the decisions of %d inputs", n);
        }
    }
    return true;
}

/* Width of an input's decision row in each layer; 0 where no decision is made for whole inputs. */
static void decision_widths(const struct model_config *c, int width[MODEL_LAYERS_MAX]) {
    for (int l = 0; l < c->layers; l++)
        width[l] = c->policy->unit != GATE_PER_SAMPLE || c->heads.value[l] == 0
                       ? 0
                       : (int)policy_decision_floats(c, l);
}

bool decisions_mean(const struct decisions *from, int n, struct decisions *out,
                    struct error *error) {
    if (!decisions_new(n, from->layers, from->width, out, error)) return false;
    for (int l = 0; l < from->layers; l++)
        for (int j = 0; j < from->width[l]; j++) {
            double sum = 0.0;
            for (int i = 0; i < from->n; i++)
                sum += (double)from->layer[l][(size_t)i * (size_t)from->width[l] + (size_t)j];
            for (int i = 0; i < n; i++)
                out->layer[l][(size_t)i * (size_t)from->width[l] + (size_t)j] =
                    (float)(sum / from->n);
        }
    return true;
}

/* The mean decision alone would not do: k = ceil(mean s H) is not the mean of ceil(s H). */
bool decisions_set_heads(struct decisions *d, const struct model_config *config,
                         const double *mean_heads, uint64_t seed, struct error *error) {
    struct rng rng = rng_stream(seed, RNG_CONTROL);
    int32_t *order = malloc((size_t)d->n * sizeof *order);
    if (!order) return error_set(error, "out of memory for an order of %d inputs", d->n);
    for (int l = 0; l < d->layers; l++) {
        int k = (int)floor(mean_heads[l]), n_more = (int)lround((mean_heads[l] - k) * d->n);
        if (d->width[l] == 0) continue;
        for (int i = 0; i < d->n; i++) order[i] = i;
        /* counted down from the last: those of the shuffles count up from 0 */
        rng_shuffle(&rng, UINT64_MAX - (uint64_t)l, order, (size_t)d->n);
        for (int i = 0; i < d->n; i++)
            config->policy->set_heads(d->layer[l] + (size_t)order[i] * (size_t)d->width[l],
                                      config->heads.value[l], i < n_more ? k + 1 : k);
    }
    free(order);
    return true;
}

/* One input and what it may be exchanged within. */
struct member {
    int32_t group, input;
};

static int compare_members(const void *a, const void *b) {
    const struct member *x = a, *y = b;
    if (x->group != y->group) return x->group < y->group ? -1 : 1;
    return (x->input > y->input) - (x->input < y->input);
}

/* source[i]: whose decisions input i gets. Groups lie end to end in `member` and `order`, one
 * permutation each. */
static void permute_groups(const int32_t *group, int n, uint64_t seed, struct member *member,
                           int32_t *order, int32_t *source) {
    struct rng rng = rng_stream(seed, RNG_CONTROL);
    uint64_t n_groups = 0;
    for (int32_t i = 0; i < n; i++) member[i] = (struct member){group ? group[i] : 0, i};
    qsort(member, (size_t)n, sizeof *member, compare_members);
    for (int first = 0, end; first < n; first = end) {
        for (end = first; end < n && member[end].group == member[first].group; end++)
            order[end] = member[end].input;
        rng_shuffle(&rng, n_groups++, order + first, (size_t)(end - first));
    }
    for (int i = 0; i < n; i++) source[member[i].input] = order[i];
}

bool decisions_shuffle(const struct decisions *from, const int32_t *group, uint64_t seed,
                       struct decisions *out, struct error *error) {
    size_t n = (size_t)from->n;
    struct member *member = malloc(n * sizeof *member);
    int32_t *order = malloc(n * sizeof *order), *source = malloc(n * sizeof *source);
    bool ok = (member && order && source) ||
              error_set(error, "out of memory for a permutation of %d inputs", from->n);
    ok = ok && decisions_new(from->n, from->layers, from->width, out, error);
    if (ok) permute_groups(group, from->n, seed, member, order, source);
    for (int l = 0; ok && l < from->layers; l++)
        for (int i = 0; i < from->n; i++)
            if (from->width[l])
                memcpy(out->layer[l] + (size_t)i * (size_t)from->width[l],
                       from->layer[l] + (size_t)source[i] * (size_t)from->width[l],
                       (size_t)from->width[l] * sizeof(float));
    free(source);
    free(order);
    free(member);
    return ok;
}

void evaluation_result_free(struct evaluation_result *r) {
    free(r->label);
    free(r->predicted);
    free(r->p_predicted);
    free(r->p_true);
    free(r->difficulty);
    free(r->length);
    free(r->heads_run);
    free(r->budget);
    free(r->usage);
    free(r->class_usage);
    memset(r, 0, sizeof *r);
}

bool evaluation_require_finite(const struct evaluation_result *r, struct error *error) {
    return isfinite(r->loss) ||
           error_set(error, "the model's logits are not finite: its weights are too large for "
                            "single precision");
}

static bool result_new(const struct evaluator *e, const struct split *split,
                       struct evaluation_result *r, struct error *error) {
    const struct model_config *c = &e->parameters->config;
    size_t n = (size_t)split->n, layers = (size_t)c->layers;
    memset(r, 0, sizeof *r);
    r->n = split->n;
    r->layers = c->layers;
    r->heads = c->base_heads;
    r->classes = c->classes;
    r->trained_accuracy = r->score_entropy = NAN;
    r->label = calloc(n, sizeof *r->label);
    r->predicted = calloc(n, sizeof *r->predicted);
    r->p_predicted = calloc(n, sizeof *r->p_predicted);
    r->p_true = calloc(n, sizeof *r->p_true);
    r->difficulty = calloc(n, sizeof *r->difficulty);
    r->length = calloc(n, sizeof *r->length);
    r->heads_run = calloc(n * layers + 1, sizeof *r->heads_run);
    size_t heads = layers * (size_t)c->base_heads;
    r->usage = calloc(heads + 1, sizeof *r->usage);
    r->class_usage = calloc((size_t)c->classes * heads + 1, sizeof *r->class_usage);
    bool budget = c->policy->budget && c->layers > 0;
    if (budget) r->budget = calloc(n * layers, sizeof *r->budget);
    if (r->label && r->predicted && r->p_predicted && r->p_true && r->difficulty && r->length &&
        r->heads_run && r->usage && r->class_usage && (r->budget || !budget))
        return true;
    evaluation_result_free(r);
    return error_set(error, "out of memory for the predictions of %d inputs", split->n);
}

/* Prediction, loss and heads of sample b of the batch just run, which is input i of the split. */
static void take_input(const struct evaluator *e, const struct batch *batch, int b, int i,
                       struct evaluation_result *r) {
    const struct model_config *c = &e->parameters->config;
    const float *logits = inference_logits(e->inference) + (size_t)b * (size_t)c->classes;
    int best = 0, length = batch->offsets[b + 1] - batch->offsets[b];
    double sum = 0.0;
    for (int k = 1; k < c->classes; k++)
        if (logits[k] > logits[best]) best = k;
    for (int k = 0; k < c->classes; k++) {
        sum += exp((double)logits[k] - (double)logits[best]);
        if (!isfinite(logits[k])) r->loss = NAN; /* also of a class whose share would just be 0 */
    }
    r->loss += log(sum) + (double)logits[best] - (double)logits[batch->labels[b]];
    r->accuracy += best == batch->labels[b];
    r->label[i] = batch->labels[b];
    r->predicted[i] = best;
    r->p_predicted[i] = 1.0 / sum;
    r->p_true[i] = exp((double)logits[batch->labels[b]] - (double)logits[best]) / sum;
    r->length[i] = length;
    struct flops active = {{0}};
    for (int l = 0; l < c->layers; l++) {
        struct heads_used used = inference_heads_used(e->inference, l, b);
        for (int h = 0; h < c->heads.value[l]; h++) {
            bool ran = inference_head_ran(e->inference, l, h, b);
            r->usage[l * r->heads + h] += ran;
            r->class_usage[(r->label[i] * r->layers + l) * r->heads + h] += ran;
        }
        r->heads_run[i * c->layers + l] = used.run;
        r->mean_heads += (double)used.token_heads / length;
        flops_add_layer(c, l, length, used.run, used.token_heads, used.token_heads_gated,
                        &r->formula);
        flops_add_layer_active(c, l, length, used.token_heads, &active);
    }
    flops_add_ends(c, length, &r->formula);
    flops_add_ends(c, length, &active);
    r->active_flops += flops_total(&active);
    struct flops dense = flops_dense(&e->dense, length);
    r->dense_flops += flops_total(&dense);
}

/* Moves the decisions that the batch used into the split's record, and its budgets into the
 * result. */
static void take_decisions(const struct evaluator *e, const struct decisions *given, int first,
                           int n, struct decisions *record, struct evaluation_result *r) {
    const struct model_config *c = &e->parameters->config;
    int width[MODEL_LAYERS_MAX];
    decision_widths(c, width);
    for (int l = 0; l < c->layers; l++) {
        if (width[l] == 0) continue;
        size_t row = (size_t)width[l], offset = (size_t)first * row;
        const float *used = given ? given->layer[l] + offset : inference_decisions(e->inference, l);
        if (record) memcpy(record->layer[l] + offset, used, (size_t)n * row * sizeof(float));
        for (int i = 0; r->budget && i < n; i++) {
            double s = c->policy->budget(used + (size_t)i * row);
            r->budget[(first + i) * c->layers + l] = (float)s;
            r->mean_s += s;
        }
    }
}

static bool check_flops(const struct evaluation_result *r, struct error *error) {
    if (memcmp(&r->executed, &r->formula, sizeof r->executed) == 0) return true;
    return error_set(error, "executed FLOPs %llu differ from the closed form %llu: this is a bug",
                     (unsigned long long)flops_total(&r->executed),
                     (unsigned long long)flops_total(&r->formula));
}

static bool take_metrics(struct evaluation_result *r, int n_classes, struct error *error) {
    struct metrics m;
    if (!metrics_make(r->label, r->predicted, r->p_predicted, r->n, n_classes, &m, error))
        return false;
    r->macro_f1 = m.macro_f1;
    r->matthews = m.matthews;
    r->ece = m.ece;
    return true;
}

bool evaluator_run(struct evaluator *e, const struct split *split, const struct decisions *given,
                   struct decisions *record, struct evaluation_result *r, struct error *error) {
    const struct model_config *c = &e->parameters->config;
    int width[MODEL_LAYERS_MAX];
    decision_widths(c, width);
    if (!result_new(e, split, r, error)) return false;
    if (record && !decisions_new(split->n, c->layers, width, record, error)) {
        evaluation_result_free(r);
        return false;
    }
    struct work work = {0};
    double start = clock_seconds();
    inference_load(e->inference); /* they may have been trained since */
    for (int first = 0; first < split->n; first += e->batch) {
        int n = split->n - first < e->batch ? split->n - first : e->batch;
        const float *use[MODEL_LAYERS_MAX];
        for (int i = 0; i < n; i++) e->index[i] = first + i;
        for (int l = 0; given && l < c->layers; l++)
            use[l] = given->layer[l] ? given->layer[l] + (size_t)first * (size_t)width[l] : NULL;
        struct batch batch = batch_gather(e->buffer, split, e->index, n);
        inference_run(e->inference, &batch, &work, given ? use : NULL);
        for (int b = 0; b < n; b++) take_input(e, &batch, b, first + b, r);
        take_decisions(e, given, first, n, record, r);
    }
    r->seconds = clock_seconds() - start;
    memcpy(r->difficulty, split->difficulty, (size_t)split->n * sizeof *r->difficulty);
    r->executed = work.flops;
    if (given) r->formula.count[FLOP_GATE] = 0; /* nobody asked the gate */
    r->accuracy /= split->n;
    r->loss /= split->n;
    double decided = (double)split->n * (c->layers > 0 ? c->layers : 1);
    r->mean_heads /= decided;
    r->mean_s = r->budget ? r->mean_s / decided : NAN;
    /* Of a device that failed, nothing was computed that could be checked. */
    if (e->device->ops->ok(e->device, error) && check_flops(r, error) &&
        take_metrics(r, c->classes, error))
        return true;
    evaluation_result_free(r);
    if (record) decisions_free(record);
    return false;
}
