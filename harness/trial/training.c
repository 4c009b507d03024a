/*
 * A trial: data, the stages that train its model, one look at the test split at the end, for the
 * best and for the final weights and for the controls, and the checkpoint.
 */
#include "harness/trial/base_budget.h"
#include "models/base/clock.h"
#include "harness/config/placement.h"
#include "harness/measure/code_hash.h"
#include "harness/measure/memory.h"
#include "harness/trial/saved_model.h"
#include "harness/trial/training_private.h"
#include "models/policies/registry.h"
#include "workloads/data/dataset_load.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

bool trial_data(const struct experiment *trial, const struct trial_identity *identity,
                struct dataset **out, struct error *error) {
    return dataset_load(&trial->data, out, error) &&
           (!identity || trial_key_check(identity, &trial->data, (*out)->files_sha256, error));
}

bool trial_models(const struct experiment *trial, const struct dataset *data,
                  struct model_config *model, struct model_config *dense, struct error *error) {
    experiment_model(trial, &trial->arms[0], model);
    model->vocab = data->vocab;
    model->classes = data->n_classes;
    model->max_len = data->max_len;
    model->separator = data->separator;
    *dense = *model;
    dense->policy = policy_find("fixed"); /* no gates to charge */
    return model_resolve(model, error) && model_resolve_full(dense, error);
}

static void run_free(struct run *run) {
    stage_free(run);
    batch_buffer_free(run->buffer);
    dataset_free(run->data);
    free(run->order);
}

/* Gives the model the size of what the trial's base runs, for a policy that asks for it. */
static bool shape_like_base(const struct run *run, struct model_config *model,
                            struct error *error) {
    const struct training_context *c = run->context;
    struct base_budget budget;
    if (model->policy->base != BASE_BUDGET) return true;
    if (!c->base.path)
        return error_set(error, "policy %s has no base to start from", model->policy->name);
    return base_budget_count(&c->base, run->data, &run->dense, run->trial->train.eval_batch,
                             &budget, error) &&
           model->policy->shape_like(model, &budget, error);
}

/* Everything but the model. */
static bool run_new(struct run *run, struct model_config *model, struct error *error) {
    const struct experiment *trial = run->trial;
    uint64_t seed = (uint64_t)trial->seeds.value[0];
    if (!trial_data(trial, run->context->identity, &run->data, error) ||
        !trial_models(trial, run->data, model, &run->dense, error) ||
        !shape_like_base(run, model, error))
        return false;
    /* Making a data set may need more memory than training on it, reading a cached one does not:
     * the peak starts here, or it would depend on which trial came first. */
    memory_phase_start(&run->stretch);
    int n = run->data->train.n, batch = trial->train.batch;
    run->order = malloc((size_t)n * sizeof *run->order);
    if (!run->order) return error_set(error, "out of memory for the order of %d inputs", n);
    run->steps_per_epoch = (n + batch - 1) / batch;
    run->order_rng = rng_stream(seed, RNG_DATA_ORDER);
    run->noise = rng_stream(seed, RNG_NOISE);
    return batch_buffer_new(batch, run->data->max_len, &run->buffer, error);
}

/* From the initial weights, or from those of the arm's base, to the best and the final ones. */
static bool train(struct run *run, struct training_result *out, struct error *error) {
    const struct train_config *t = &run->trial->train;
    struct stage stage = {.epochs = t->epochs, .learning_rate = t->learning_rate};
    if (!run_new(run, &stage.model, error)) return false;
    bool post_hoc = stage.model.policy->base == BASE_WEIGHTS;
    run->n_epochs = post_hoc ? post_hoc_epochs(&stage.model) : stage.epochs;
    out->epochs = calloc((size_t)run->n_epochs + 1, sizeof *out->epochs);
    if (!out->epochs) return error_set(error, "out of memory for the results");
    if (post_hoc) return post_hoc_train(run, &stage.model, out, error);
    return stage_start(run, &stage, error) && stage_train(run, out, error);
}

/* Evaluates the current weights on a split and appends the result under the given names. */
static bool append_evaluation(struct run *run, const struct split *split, const char *weights,
                              const char *split_name, const char *control,
                              const struct decisions *given, struct decisions *record,
                              struct training_result *out, struct error *error) {
    struct evaluation_result *result = &out->evaluations[out->n_evaluations];
    if (stage_must_stop(run, error)) return false;
    if (!evaluator_run(run->evaluator, split, given, record, result, error)) return false;
    out->n_evaluations++;
    result->weights = weights;
    result->split = split_name;
    result->control = control;
    run->diverged = !evaluation_require_finite(result, error);
    if (run->diverged)
        return error_prefix(error, "%s weights, %s split, control %s", weights, split_name,
                            control);
    if (run->trial->arms[0].policy->base == BASE_WEIGHTS)
        post_hoc_original_heads(&run->kept, result);
    return true;
}

/* Heads of each layer, mean over inputs. */
static void mean_heads(const struct evaluation_result *result, double mean[MODEL_LAYERS_MAX]) {
    for (int l = 0; l < result->layers; l++) {
        int64_t sum = 0;
        for (int i = 0; i < result->n; i++) sum += result->heads_run[i * result->layers + l];
        mean[l] = (double)sum / result->n;
    }
}

/* Everybody gets the mean decision of the training set, with the heads that it executed. */
static bool evaluate_static(struct run *run, struct training_result *out, struct error *error) {
    const struct dataset *data = run->data;
    const struct model_config *model = &run->parameters->config;
    struct evaluation_result own = {0};
    struct decisions train = {0}, mean = {0};
    double heads[MODEL_LAYERS_MAX];
    uint64_t seed = (uint64_t)run->trial->seeds.value[0];
    if (!model->policy->set_heads) return true;
    bool ok = evaluator_run(run->evaluator, &data->train, NULL, &train, &own, error);
    if (ok) mean_heads(&own, heads);
    ok = ok && decisions_mean(&train, data->test.n, &mean, error) &&
         decisions_set_heads(&mean, model, heads, seed, error) &&
         append_evaluation(run, &data->test, "best", "test", "static", &mean, NULL, out, error);
    evaluation_result_free(&own);
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

/* The best weights as they were trained, beside what is deployed of them (results.h). The order is
 * free by now. */
static bool evaluate_as_trained(struct run *run, struct evaluation_result *out,
                                struct error *error) {
    const struct split *test = &run->data->test;
    int batch = run->trial->train.batch, n_train = run->data->train.n, correct = 0;
    int most = batch < n_train ? batch : n_train;
    double entropy = 0.0;
    long n_entropy = 0;
    trainer_load(run->trainer);
    for (int first = 0; first < test->n; first += most) {
        int n = test->n - first < most ? test->n - first : most;
        for (int i = 0; i < n; i++) run->order[i] = first + i;
        struct batch inputs = batch_gather(run->buffer, test, run->order, n);
        struct policy_step step = {
            .progress = 1.0, .step = (uint64_t)run->total_steps, .noise = run->noise};
        correct += trainer_correct(run->trainer, &inputs, &step);
        entropy += step.sum_entropy;
        n_entropy += step.n_entropy;
    }
    out->trained_accuracy = (double)correct / test->n;
    out->score_entropy = n_entropy ? entropy / (double)n_entropy : NAN;
    return run->device->ops->ok(run->device, error);
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
    if (ok && policy_is_adaptive(run->parameters->config.policy))
        ok = evaluate_as_trained(run, &out->evaluations[out->n_evaluations - 1], error);
    if (ok && run->parameters->config.policy->budget)
        ok = evaluate_controls(run, &test, out, error);
    ok = ok && evaluate_modes(run, out, error);
    decisions_free(&test);
    return ok;
}

/* Ends a stretch of the trial as a row, and begins the next. */
static void end_stretch(struct run *run, const char *what, int64_t predicted,
                        struct training_result *out) {
    struct memory_result *row = &out->memory[out->n_memory++];
    *row = (struct memory_result){.predicted = predicted};
    snprintf(row->what, sizeof row->what, "peak resident, %s", what);
    char ignored[160];
    row->bytes = memory_phase_end(&run->stretch, &row->page_faults);
    int64_t peak = memory_peak_resident(ignored, sizeof ignored); /* read later: never less */
    if (peak > out->peak_rss_bytes) out->peak_rss_bytes = peak;
    snprintf(row->reason, sizeof row->reason, "%s", run->stretch.reason);
    memory_phase_start(&run->stretch);
}

/* The arenas, and the peak of the training: what was resident before, and all arenas. */
static void describe_training(struct run *run, struct training_result *out) {
    int64_t predicted = run->stretch.resident;
    for (int i = 0; i < run->arenas.n; i++) {
        out->memory[out->n_memory++] = run->arenas.rows[i];
        if (predicted > 0 && !run->arenas.rows[i].on_device)
            predicted += run->arenas.rows[i].predicted;
    }
    out->n_memory += card_use_told(&run->card, run->device, "", out->memory + out->n_memory);
    end_stretch(run, "training", predicted, out);
}

static void count_classes(const struct split *split, struct class_result *classes, size_t field) {
    for (int i = 0; i < split->n; i++) ++*(int *)((char *)&classes[split->labels[i]] + field);
}

/* What the predictions are about. Taken from the data set, which nobody needs any more. */
static bool describe_data(struct dataset *data, struct training_result *out, struct error *error) {
    out->classes = calloc((size_t)data->n_classes, sizeof *out->classes);
    if (!out->classes) return error_set(error, "out of memory for %d classes", data->n_classes);
    for (int c = 0; c < data->n_classes; c++) {
        out->classes[c].name = data->class_names[c];
        data->class_names[c] = NULL;
    }
    count_classes(&data->train, out->classes, offsetof(struct class_result, n_train));
    count_classes(&data->validation, out->classes, offsetof(struct class_result, n_validation));
    count_classes(&data->test, out->classes, offsetof(struct class_result, n_test));
    out->sources = data->sources;
    data->sources = (struct sources){0};
    return true;
}

static void describe(const struct run *run, struct training_result *out) {
    const struct dataset *data = run->data;
    out->parameters = parameters_count(run->parameters);
    out->arena_bytes = run->arenas.host_bytes;
    out->n_train = data->train.n;
    out->n_validation = data->validation.n;
    out->n_test = data->test.n;
    out->n_classes = data->n_classes;
    out->vocab = data->vocab;
    out->n_truncated = data->n_truncated;
    out->n_dropped = data->n_dropped;
    out->n_overlap = data->n_overlap;
    out->n_overlap_texts = data->n_overlap_texts;
    out->n_overlap_dropped = data->n_overlap_dropped;
    out->mean_length = data->mean_length;
    out->unknown_share = data->unknown_share;
    memcpy(out->data_sha256, data->sha256, sizeof out->data_sha256);
    struct placement placement = placement_of_training(&run->trial->train);
    bool card = strcmp(placement_kind(&placement), "cpu") != 0;
    code_hash(run->trial->arms[0].policy->name, false, card, out->code_sha256);
    for (int p = 0; p < PHASES; p++) out->phase_seconds[p] = 1e-9 * run->timer.ns[p];
    snprintf(out->checkpoint, sizeof out->checkpoint, "%s", run->context->checkpoint);
}

bool training_run(const struct experiment *trial, const struct training_context *context,
                  struct training_result *out, struct error *error) {
    enum { EVALUATIONS_MAX = 7 + POLICY_MODES_MAX };
    struct run run = {.trial = trial,
                      .context = context,
                      .device = context->device ? context->device : device_cpu()};
    run.started = run.saved = clock_seconds();
    memset(out, 0, sizeof *out);
    out->peak_rss_bytes = -1;
    phase_timer_start(&run.timer, NULL);
    run.timer.device = run.device;
    card_use_open(run.device, &run.card);
    out->evaluations = calloc(EVALUATIONS_MAX, sizeof *out->evaluations);
    bool ok = out->evaluations || error_set(error, "out of memory for the results");
    ok = ok && train(&run, out, error);
    phase_timer_read(&run.timer);
    if (ok) describe_training(&run, out);
    ok = ok && evaluate_all(&run, out, error) &&
         saved_model_write(context->checkpoint, run.parameters, run.data, context->trial,
                           out->checkpoint_sha256, error);
    if (ok) end_stretch(&run, "evaluation", 0, out);
    if (ok) describe(&run, out);
    ok = ok && describe_data(run.data, out, error);
    out->wall_seconds = clock_seconds() - run.started;
    card_use_close(&run.card);
    run_free(&run);
    if (!ok) training_result_free(out);
    out->diverged = run.diverged;
    return ok;
}

void training_result_free(struct training_result *r) {
    for (int i = 0; i < r->n_evaluations; i++) evaluation_result_free(&r->evaluations[i]);
    for (int i = 0; i < r->n_candidates; i++) free(r->candidates[i].settings);
    for (int c = 0; r->classes && c < r->n_classes; c++) free(r->classes[c].name);
    free(r->classes);
    sources_free(&r->sources);
    free(r->candidates);
    free(r->evaluations);
    free(r->epochs);
    memset(r, 0, sizeof *r);
}
