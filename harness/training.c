/*
 * The training loop. The rule that picks the reported weights is the same for every arm: the best
 * validation epoch among those that end after `select_after` of the steps (before that, a budgeted
 * model is not yet what will be deployed). The test split is read once, at the end, for the best
 * and for the final weights and for the controls.
 */
#include "harness/training.h"
#include "harness/clock.h"
#include "harness/evaluation.h"
#include "harness/memory.h"
#include "harness/saved_model.h"
#include "models/optimizer.h"
#include "models/policy.h"
#include "models/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Everything one trial holds while it runs. */
struct run {
    const struct experiment *trial;
    const struct training_context *context;
    struct dataset *data;
    struct parameters *parameters, *best;
    struct trainer *trainer;
    struct optimizer *optimizer;
    struct evaluator *evaluator; /* over `parameters` */
    struct batch_buffer *buffer;
    int32_t *order; /* [n_train] */
    int64_t steps_per_epoch, total_steps;
    struct rng order_rng, noise;
};

bool trial_models(const struct experiment *trial, const struct dataset *data,
                  struct model_config *model, struct model_config *dense, struct error *error) {
    experiment_model(trial, &trial->arms[0], model);
    model->vocab = data->vocab;
    model->classes = data->n_classes;
    model->max_len = data->max_len;
    *dense = *model;
    dense->policy = policy_find("fixed"); /* no gates to charge */
    return model_resolve(model, error) && model_resolve_full(dense, error);
}

static void run_free(struct run *run) {
    evaluator_free(run->evaluator);
    trainer_free(run->trainer);
    optimizer_free(run->optimizer);
    parameters_free(run->parameters);
    parameters_free(run->best);
    batch_buffer_free(run->buffer);
    dataset_free(run->data);
    free(run->order);
}

static bool run_new(struct run *run, const struct experiment *trial, struct error *error) {
    const struct train_config *t = &trial->train;
    uint64_t seed = (uint64_t)trial->seeds.value[0];
    struct model_config model, dense;
    char ignored[160];
    if (!dataset_load(&trial->data, &run->data, error) ||
        !trial_models(trial, run->data, &model, &dense, error))
        return false;
    /* Making a data set may need more memory than training on it, reading a cached one does not:
     * the peak starts here, or it would depend on which trial came first. */
    memory_reset_peak(ignored, sizeof ignored);
    int n = run->data->train.n, max_len = run->data->max_len;
    struct trainer_limits limits = {t->batch, t->batch * max_len, max_len};
    run->order = malloc((size_t)n * sizeof *run->order);
    if (!run->order) return error_set(error, "out of memory for the order of %d inputs", n);
    run->steps_per_epoch = (n + t->batch - 1) / t->batch;
    run->total_steps = run->steps_per_epoch * t->epochs;
    run->order_rng = rng_stream(seed, RNG_DATA_ORDER);
    run->noise = rng_stream(seed, RNG_NOISE);
    struct optimizer_config optimizer = {
        .learning_rate = t->learning_rate,
        .weight_decay = t->weight_decay,
        .beta1 = t->beta1,
        .beta2 = t->beta2,
        .epsilon = t->epsilon,
        .clip_norm = t->clip_norm,
        .warmup_steps = (int64_t)(t->warmup * (double)run->total_steps),
        .total_steps = run->total_steps,
    };
    if (!parameters_new(&model, "parameters", &run->parameters, error) ||
        !parameters_new(&model, "best parameters", &run->best, error) ||
        !trainer_new(run->parameters, &limits, seed, &run->trainer, error) ||
        !optimizer_new(run->parameters, &optimizer, &run->optimizer, error) ||
        !batch_buffer_new(t->batch, max_len, &run->buffer, error) ||
        !evaluator_new(run->parameters, &dense, t->eval_batch, max_len, &run->evaluator, error))
        return false;
    parameters_initialise(run->parameters, seed);
    return true;
}

/* All steps of one epoch (from 0). Fills the training fields of its row. */
static bool train_epoch(struct run *run, int epoch, struct epoch_result *row, struct error *error) {
    const struct split *train = &run->data->train;
    int batch_size = run->trial->train.batch;
    double loss = 0.0, regulariser = 0.0, sum_budget = 0.0, start = clock_seconds();
    long n_budget = 0;
    for (int32_t i = 0; i < train->n; i++) run->order[i] = i;
    rng_shuffle(&run->order_rng, (uint64_t)epoch, run->order, (size_t)train->n);
    int64_t step_index = epoch * run->steps_per_epoch;
    for (int first = 0; first < train->n; first += batch_size, step_index++) {
        int n = train->n - first < batch_size ? train->n - first : batch_size;
        struct batch batch = batch_gather(run->buffer, train, run->order + first, n);
        struct policy_step step = {.progress = (double)step_index / (double)run->total_steps,
                                   .step = (uint64_t)step_index,
                                   .noise = run->noise};
        double batch_loss = trainer_step(run->trainer, &batch, &step);
        if (!isfinite(batch_loss) || !isfinite(step.regulariser))
            return error_set(error,
                             "training diverged in epoch %d (loss %g); lower learning_rate or "
                             "set clip_norm",
                             epoch + 1, batch_loss);
        row->learning_rate =
            optimizer_step(run->optimizer, run->parameters, trainer_gradients(run->trainer));
        loss += batch_loss * n;
        regulariser += step.regulariser;
        sum_budget += step.sum_budget;
        n_budget += step.n_budget;
    }
    row->epoch = epoch + 1;
    row->step = step_index;
    row->train_loss = loss / train->n;
    row->train_regulariser = regulariser / (double)run->steps_per_epoch;
    row->train_mean_s = n_budget ? sum_budget / (double)n_budget : NAN;
    row->train_seconds = clock_seconds() - start;
    return true;
}

static bool validate_epoch(struct run *run, struct epoch_result *row, struct error *error) {
    struct evaluation_result result;
    if (!evaluator_run(run->evaluator, &run->data->validation, NULL, NULL, &result, error))
        return false;
    if (!isfinite(result.loss)) {
        evaluation_result_free(&result);
        return error_set(error,
                         "training diverged in epoch %d (validation loss is not finite); lower "
                         "learning_rate or set clip_norm",
                         row->epoch);
    }
    row->validation_loss = result.loss;
    row->validation_accuracy = result.accuracy;
    row->validation_mean_heads = result.mean_heads;
    row->validation_seconds = result.seconds;
    evaluation_result_free(&result);
    return true;
}

static void copy_values(const struct parameters *from, struct parameters *to) {
    memcpy(to->arena.base, from->arena.base, from->arena.used);
}

static bool train_all(struct run *run, struct training_result *out, struct error *error) {
    const struct train_config *t = &run->trial->train;
    const struct epoch_result *best = NULL;
    FILE *log = run->context->log;
    for (int epoch = 0; epoch < t->epochs; epoch++) {
        struct epoch_result *row = &out->epochs[epoch];
        if (!train_epoch(run, epoch, row, error) || !validate_epoch(run, row, error)) return false;
        out->n_epochs = epoch + 1;
        out->train_seconds += row->train_seconds;
        if (log)
            fprintf(log,
                    "epoch %d/%d: train loss %.4f, validation accuracy %.4f, mean heads %.2f, "
                    "%.1f s\n",
                    row->epoch, t->epochs, row->train_loss, row->validation_accuracy,
                    row->validation_mean_heads, row->train_seconds + row->validation_seconds);
        bool late = (double)row->step >= t->select_after * (double)run->total_steps;
        bool better = !best || row->validation_accuracy > best->validation_accuracy ||
                      (row->validation_accuracy == best->validation_accuracy &&
                       row->validation_loss < best->validation_loss);
        if (!late || !better) continue;
        best = row;
        out->best_epoch = row->epoch;
        copy_values(run->parameters, run->best);
    }
    return true;
}

/* Evaluates the current weights on a split and appends the result under the given names. */
static bool append_evaluation(struct run *run, const struct split *split, const char *weights,
                              const char *split_name, const char *control,
                              const struct decisions *given, struct decisions *record,
                              struct training_result *out, struct error *error) {
    struct evaluation_result *result = &out->evaluations[out->n_evaluations];
    if (!evaluator_run(run->evaluator, split, given, record, result, error)) return false;
    result->weights = weights;
    result->split = split_name;
    result->control = control;
    out->n_evaluations++;
    return true;
}

/* Everybody gets the mean decision of the training set. */
static bool evaluate_static(struct run *run, struct training_result *out, struct error *error) {
    const struct dataset *data = run->data;
    struct evaluation_result scratch = {0};
    struct decisions train = {0}, mean = {0};
    bool ok =
        evaluator_run(run->evaluator, &data->train, NULL, &train, &scratch, error) &&
        decisions_mean(&train, data->test.n, &mean, error) &&
        append_evaluation(run, &data->test, "best", "test", "static", &mean, NULL, out, error);
    evaluation_result_free(&scratch);
    decisions_free(&train);
    decisions_free(&mean);
    return ok;
}

/* Everybody gets the decisions of another input of the same group. */
static bool evaluate_shuffled(struct run *run, const struct decisions *test, const char *control,
                              const int32_t *group, struct training_result *out,
                              struct error *error) {
    struct decisions shuffled = {0};
    uint64_t seed = (uint64_t)run->trial->seeds.value[0];
    bool ok = decisions_shuffle(test, group, seed, &shuffled, error) &&
              append_evaluation(run, &run->data->test, "best", "test", control, &shuffled, NULL,
                                out, error);
    decisions_free(&shuffled);
    return ok;
}

static bool varies(const int32_t *value, int n) {
    for (int i = 1; i < n; i++)
        if (value[i] != value[0]) return true;
    return false;
}

/* Static and shuffled controls of the best weights on the test split, after its plain evaluation.
 * Where all inputs are of one length or difficulty its own shuffle would be the plain one again. */
static bool evaluate_controls(struct run *run, const struct decisions *test,
                              struct training_result *out, struct error *error) {
    const struct evaluation_result *plain = &out->evaluations[out->n_evaluations - 1];
    const int32_t *length = plain->length, *difficulty = plain->difficulty;
    return evaluate_static(run, out, error) &&
           evaluate_shuffled(run, test, "shuffled", NULL, out, error) &&
           (!varies(length, test->n) ||
            evaluate_shuffled(run, test, "shuffled-by-length", length, out, error)) &&
           (!varies(difficulty, test->n) ||
            evaluate_shuffled(run, test, "shuffled-by-difficulty", difficulty, out, error));
}

/* Every inference mode of the policy: the same weights, each mode deciding for itself. */
static bool evaluate_modes(struct run *run, struct training_result *out, struct error *error) {
    const char *const *modes = run->parameters->config.policy->modes;
    bool ok = true;
    for (int i = 0; ok && modes && modes[i]; i++) {
        evaluator_set_mode(run->evaluator, i + 1);
        ok = append_evaluation(run, &run->data->test, "best", "test", modes[i], NULL, NULL, out,
                               error);
    }
    evaluator_set_mode(run->evaluator, 0);
    return ok;
}

/* Final weights, then best weights (which stay in place for the checkpoint), then the controls and
 * the inference modes. */
static bool evaluate_all(struct run *run, struct training_result *out, struct error *error) {
    const struct dataset *data = run->data;
    struct decisions test = {0};
    if (!append_evaluation(run, &data->test, "final", "test", "none", NULL, NULL, out, error))
        return false;
    copy_values(run->best, run->parameters);
    bool ok = append_evaluation(run, &data->validation, "best", "validation", "none", NULL, NULL,
                                out, error) &&
              append_evaluation(run, &data->test, "best", "test", "none", NULL, &test, out, error);
    if (ok && run->parameters->config.policy->budget)
        ok = evaluate_controls(run, &test, out, error);
    ok = ok && evaluate_modes(run, out, error);
    decisions_free(&test);
    return ok;
}

/* Nominal training work: three forward passes' products, all heads, no recomputation (BFC-1). */
static uint64_t nominal_train_flops(const struct run *run) {
    const struct split *train = &run->data->train;
    uint64_t total = 0;
    for (int i = 0; i < train->n; i++) {
        struct flops one =
            flops_dense(&run->parameters->config, train->offsets[i + 1] - train->offsets[i]);
        total += 3 * flops_gemm(&one);
    }
    return total * (uint64_t)run->trial->train.epochs;
}

static void describe(const struct run *run, struct training_result *out) {
    const struct dataset *data = run->data;
    out->parameters = parameters_count(run->parameters);
    out->steps = run->total_steps;
    out->train_flops = nominal_train_flops(run);
    out->arena_bytes = (int64_t)(run->parameters->arena.size + run->best->arena.size) +
                       trainer_bytes(run->trainer) + optimizer_bytes(run->optimizer) +
                       evaluator_bytes(run->evaluator);
    char reason[160];
    out->peak_rss_bytes = memory_peak_resident(reason, sizeof reason);
    out->n_train = data->train.n;
    out->n_validation = data->validation.n;
    out->n_test = data->test.n;
    out->n_classes = data->n_classes;
    out->vocab = data->vocab;
    out->n_truncated = data->n_truncated;
    out->mean_length = data->mean_length;
    out->unknown_share = data->unknown_share;
    memcpy(out->data_sha256, data->sha256, sizeof out->data_sha256);
    snprintf(out->checkpoint, sizeof out->checkpoint, "%s", run->context->checkpoint);
}

bool training_run(const struct experiment *trial, const struct training_context *context,
                  struct training_result *out, struct error *error) {
    enum { EVALUATIONS_MAX = 7 + POLICY_MODES_MAX };
    struct run run = {.trial = trial, .context = context};
    double start = clock_seconds();
    memset(out, 0, sizeof *out);
    out->epochs = calloc((size_t)trial->train.epochs, sizeof *out->epochs);
    out->evaluations = calloc(EVALUATIONS_MAX, sizeof *out->evaluations);
    bool ok = out->epochs && out->evaluations;
    if (!ok) error_set(error, "out of memory for the results");
    ok = ok && run_new(&run, trial, error) && train_all(&run, out, error) &&
         evaluate_all(&run, out, error) &&
         saved_model_write(context->checkpoint, run.parameters, run.data, context->trial, error);
    if (ok) describe(&run, out);
    out->wall_seconds = clock_seconds() - start;
    run_free(&run);
    if (!ok) training_result_free(out);
    return ok;
}

void training_result_free(struct training_result *r) {
    for (int i = 0; i < r->n_evaluations; i++) evaluation_result_free(&r->evaluations[i]);
    free(r->evaluations);
    free(r->epochs);
    memset(r, 0, sizeof *r);
}
