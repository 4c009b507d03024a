/*
 * The training loop: one model, one schedule, so many epochs. The rule that picks the reported
 * weights is the same for every arm: the best validation epoch among those that end after
 * `select_after` of the steps (before that, a budgeted model is not yet what will be deployed).
 */
#include "models/base/clock.h"
#include "models/batch_limits.h"
#include "harness/trial/stage_state.h"
#include "models/footprint.h"

#include <math.h>
#include <string.h>

void stage_free(struct run *run) {
    evaluator_free(run->evaluator);
    trainer_free(run->trainer);
    optimizer_free(run->optimizer);
    parameters_free(run->parameters);
    parameters_free(run->best);
    run->evaluator = NULL;
    run->trainer = NULL;
    run->optimizer = NULL;
    run->parameters = run->best = NULL;
}

static bool new_optimizer(struct run *run, struct error *error) {
    const struct train_config *t = &run->trial->train;
    struct optimizer_config config = {
        .learning_rate = run->stage.learning_rate,
        .weight_decay = t->weight_decay,
        .beta1 = t->beta1,
        .beta2 = t->beta2,
        .epsilon = t->epsilon,
        .clip_norm = t->clip_norm,
        .warmup_steps = (int64_t)(t->warmup * (double)run->total_steps),
        .total_steps = run->total_steps,
    };
    return optimizer_new_on(run->device, trainer_parameters(run->trainer), &config, &run->optimizer,
                            error);
}

static void add_arena(struct stage_arenas *arenas, const struct device *device, const char *what,
                      int64_t bytes, int64_t predicted) {
    struct memory_result *row = &arenas->rows[arenas->n++];
    bool on_device = !device->is_host;
    *row = (struct memory_result){
        .bytes = bytes, .predicted = predicted, .page_faults = -1, .on_device = on_device};
    snprintf(row->what, sizeof row->what, "%s %s", on_device ? "device memory," : "arena", what);
    arenas->bytes += bytes;
    if (!on_device) arenas->host_bytes += bytes;
}

/* The arenas of the stage at hand, beside the closed form. */
static struct stage_arenas list_arenas(const struct run *run, const struct trainer_limits *trained,
                                       const struct trainer_limits *evaluated) {
    const struct device *d = run->device, *host = device_cpu();
    struct footprint need = footprint_on(d, &run->stage.model, trained);
    struct footprint evaluation = footprint_on(d, &run->stage.model, evaluated);
    int64_t own_parameters = evaluator_parameter_bytes(run->evaluator);
    int64_t copies = own_parameters > 0 ? need.copies : 0;
    struct stage_arenas list = {0};
    add_arena(&list, host, "parameters", (int64_t)run->parameters->arena.size, need.parameters);
    add_arena(&list, host, "best parameters", (int64_t)run->best->arena.size, need.parameters);
    if (run->trainer) {
        if (!d->is_host)
            add_arena(&list, d, "parameters", (int64_t)trainer_parameters(run->trainer)->arena.size,
                      need.parameters);
        copies += need.copies;
        int64_t gradients = (int64_t)trainer_gradients(run->trainer)->arena.size;
        int64_t activations = trainer_activation_bytes(run->trainer);
        add_arena(&list, d, "gradients", gradients, need.parameters);
        add_arena(&list, d, "activations", activations, need.activations);
        add_arena(&list, d, "training workspace",
                  trainer_bytes(run->trainer) - gradients - activations, need.training);
    }
    if (run->optimizer)
        add_arena(&list, d, "optimiser", optimizer_bytes(run->optimizer),
                  2 * need.parameters + need.late);
    if (own_parameters > 0)
        add_arena(&list, d, "evaluation parameters", own_parameters, need.parameters);
    add_arena(&list, d, "evaluation workspace", evaluator_bytes(run->evaluator),
              evaluation.inference);
    list.n += card_use_held(d, copies, "", list.rows + list.n);
    return list;
}

bool stage_start(struct run *run, const struct stage *stage, struct error *error) {
    const struct train_config *t = &run->trial->train;
    uint64_t seed = (uint64_t)run->trial->seeds.value[0];
    int max_len = run->data->max_len;
    struct trainer_limits limits, evaluated;
    bool trained = stage->epochs > 0, differentiated = trained || stage->gradients;
    if (!batch_limits(t->batch, max_len, &limits, error) ||
        !batch_limits(t->eval_batch, max_len, &evaluated, error))
        return false;
    stage_free(run);
    run->stage = *stage;
    run->total_steps = run->steps_per_epoch * stage->epochs;
    if (!parameters_new(&stage->model, "parameters", &run->parameters, error) ||
        !parameters_new(&stage->model, "best parameters", &run->best, error) ||
        (differentiated &&
         !trainer_new_on(run->device, run->parameters, &limits, seed, &run->trainer, error)) ||
        (trained && !new_optimizer(run, error)) ||
        !evaluator_new_on(run->device, run->parameters, &run->dense, t->eval_batch, max_len,
                          &run->evaluator, error))
        return false;
    if (differentiated) trainer_set_phases(run->trainer, &run->timer.phases);
    parameters_initialise(run->parameters, seed);
    struct stage_arenas arenas = list_arenas(run, &limits, &evaluated);
    if (arenas.bytes > run->arenas.bytes) run->arenas = arenas;
    return true;
}

void stage_shuffle(struct run *run, int epoch) {
    int32_t n = run->data->train.n;
    for (int32_t i = 0; i < n; i++) run->order[i] = i;
    rng_shuffle(&run->order_rng, (uint64_t)run->stage.epochs_before + (uint64_t)epoch, run->order,
                (size_t)n);
}

bool stage_must_stop(const struct run *run, struct error *error) {
    const struct training_context *c = run->context;
    return c->must_stop && c->must_stop(c->hearer) &&
           !error_set(error, "stopped; run again it goes on from where it was last saved");
}

/* Leaves behind where the stage stands, in none of the times that are kept. Steps that embeddings
 * are owed are made for it now, and are the optimiser's as those at the end of an epoch. */
static void leave_behind(struct run *run, const struct training_result *out) {
    struct stage_position *at = &run->at;
    if (at->step > 0) {
        phase_enter(&run->timer.phases, PHASE_OPTIMISER);
        optimizer_settle(run->optimizer, trainer_parameters(run->trainer));
    }
    phase_timer_stop(&run->timer);
    run->device->ops->wait(run->device);
    if (at->step > 0) at->sums.seconds = clock_seconds() - run->epoch_started;
    stage_state_save(run, out);
    run->saved = clock_seconds();
    run->epoch_started = run->saved - at->sums.seconds;
    run->has_state = true;
    if (at->epoch < run->stage.epochs) phase_enter(&run->timer.phases, PHASE_DATA);
}

/* False, with an error, if it must stop. Then, and when it is time, where the stage stands is left
 * behind. */
static bool may_go_on(struct run *run, const struct training_result *out, struct error *error) {
    const struct training_context *c = run->context;
    bool stops = stage_must_stop(run, error), saves = c->states && stops;
    if (c->states && c->save_seconds > 0 && !stops)
        saves = clock_seconds() - run->saved >= c->save_seconds;
    /* Evaluations come next, and have none of their own: what has a file keeps it up to date. */
    saves |= run->has_state && run->at.epoch == run->stage.epochs;
    if (saves) leave_behind(run, out);
    return !stops;
}

/* One step with the batch at hand of the epoch's order. */
static bool train_step(struct run *run, struct epoch_result *row, struct error *error) {
    const struct split *train = &run->data->train;
    struct stage_position *at = &run->at;
    struct epoch_sums *sums = &at->sums;
    int batch_size = run->trial->train.batch, first = (int)at->step * batch_size;
    int n = train->n - first < batch_size ? train->n - first : batch_size;
    int64_t steps_before = run->stage.epochs_before * run->steps_per_epoch;
    int64_t step_index = at->epoch * run->steps_per_epoch + at->step;
    struct batch batch = batch_gather(run->buffer, train, run->order + first, n);
    struct policy_step step = {.progress = (double)step_index / (double)run->total_steps,
                               .step = (uint64_t)(steps_before + step_index),
                               .noise = run->noise};
    trainer_begin(run->trainer, &batch, &step);
    phase_enter(&run->timer.phases, PHASE_OPTIMISER);
    row->learning_rate = optimizer_step(run->optimizer, trainer_parameters(run->trainer),
                                        trainer_gradients(run->trainer));
    phase_enter(&run->timer.phases, PHASE_DATA);
    double loss = trainer_end(run->trainer, &step);
    if (!isfinite(loss) || !isfinite(step.regulariser)) {
        if (!run->device->ops->ok(run->device, error)) return false; /* not the settings */
        run->diverged = true;
        return error_set(error,
                         "training diverged in epoch %d (loss %g); lower learning_rate or "
                         "set clip_norm",
                         row->epoch, loss);
    }
    sums->loss += loss * n;
    sums->regulariser += step.regulariser;
    sums->budget += step.sum_budget;
    sums->n_budget += step.n_budget;
    sums->entropy += step.sum_entropy;
    sums->n_entropy += step.n_entropy;
    at->step++;
    return true;
}

/* The steps that are left of the epoch at hand. Fills the training fields of its row. */
static bool train_epoch(struct run *run, struct epoch_result *row, struct training_result *out,
                        struct error *error) {
    struct stage_position *at = &run->at;
    struct epoch_sums *sums = &at->sums;
    run->epoch_started = clock_seconds() - sums->seconds;
    phase_enter(&run->timer.phases, PHASE_DATA);
    stage_shuffle(run, (int)at->epoch);
    while (at->step < run->steps_per_epoch)
        if (!may_go_on(run, out, error) || !train_step(run, row, error)) return false;
    phase_enter(&run->timer.phases, PHASE_OPTIMISER);
    optimizer_settle(run->optimizer, trainer_parameters(run->trainer));
    phase_timer_stop(&run->timer);
    row->train_loss = sums->loss / run->data->train.n;
    row->train_regulariser = sums->regulariser / (double)run->steps_per_epoch;
    row->train_mean_s = sums->n_budget ? sums->budget / (double)sums->n_budget : NAN;
    row->train_score_entropy = sums->n_entropy ? sums->entropy / (double)sums->n_entropy : NAN;
    run->device->ops->wait(run->device); /* for the last step */
    row->train_seconds = clock_seconds() - run->epoch_started;
    trainer_store(run->trainer);
    return run->device->ops->ok(run->device, error);
}

static bool validate_epoch(struct run *run, struct epoch_result *row, struct error *error) {
    struct evaluation_result result;
    if (!evaluator_run(run->evaluator, &run->data->validation, NULL, NULL, &result, error))
        return false;
    if (!isfinite(result.loss)) {
        evaluation_result_free(&result);
        run->diverged = true;
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

void copy_values(const struct parameters *from, struct parameters *to) {
    memcpy(to->arena.base, from->arena.base, from->arena.used);
}

uint64_t stage_train_flops(const struct run *run, int n) {
    const struct split *train = &run->data->train;
    uint64_t total = 0;
    for (int i = 0; i < n; i++) {
        int32_t input = run->order[i];
        struct flops one =
            flops_dense(&run->stage.model, train->offsets[input + 1] - train->offsets[input]);
        total += 3 * flops_gemm(&one);
    }
    return total;
}

static void log_epoch(const struct run *run, const struct epoch_result *row) {
    FILE *log = run->context->log;
    if (!log) return;
    fprintf(log, "epoch %d/%d: train loss %.4f, validation accuracy %.4f, mean heads %.2f",
            row->epoch, run->n_epochs, row->train_loss, row->validation_accuracy,
            row->validation_mean_heads);
    if (!isnan(row->train_score_entropy))
        fprintf(log, ", score entropy %.2f", row->train_score_entropy);
    fprintf(log, ", %.1f s\n", row->train_seconds + row->validation_seconds);
}

static void tell_epoch(const struct run *run, const struct epoch_result *row) {
    const struct training_context *context = run->context;
    bool tuned = context->n_candidates > 0;
    struct training_progress progress = {
        .candidate = tuned ? context->candidate : 1,
        .n_candidates = tuned ? context->n_candidates : 1,
        .epoch = row->epoch,
        .n_epochs = run->n_epochs,
        .train_loss = row->train_loss,
        .validation_accuracy = row->validation_accuracy,
        .validation_mean_heads = row->validation_mean_heads,
    };
    log_epoch(run, row);
    if (context->hear) context->hear(context->hearer, &progress);
}

/* Whether the epoch that has just ended takes the place of the best: `best` NULL is none. */
static bool is_better(const struct run *run, const struct epoch_result *row,
                      const struct epoch_result *best) {
    double late_from = run->trial->train.select_after * (double)run->total_steps;
    if ((double)((run->at.epoch + 1) * run->steps_per_epoch) < late_from) return false;
    return !best || row->validation_accuracy > best->validation_accuracy ||
           (row->validation_accuracy == best->validation_accuracy &&
            row->validation_loss < best->validation_loss);
}

bool stage_train(struct run *run, struct training_result *out, struct error *error) {
    struct stage_position *at = &run->at;
    struct epoch_result *rows = out->epochs + out->n_epochs; /* of this stage */
    *at = (struct stage_position){.best = -1};
    run->n_stages++;
    run->has_state = false;
    int before = out->n_epochs;
    if (run->stage.epochs == 0) copy_values(run->parameters, run->best);
    stage_state_restore(run, out);
    if (run->trainer) trainer_load(run->trainer);
    while (at->epoch < run->stage.epochs) {
        struct epoch_result *row = &rows[at->epoch];
        row->epoch = out->n_epochs + 1;
        if (!train_epoch(run, row, out, error) || !validate_epoch(run, row, error)) return false;
        out->n_epochs++;
        out->steps += run->steps_per_epoch;
        row->step = out->steps;
        out->train_seconds += row->train_seconds;
        out->train_flops += stage_train_flops(run, run->data->train.n);
        tell_epoch(run, row);
        if (is_better(run, row, at->best < 0 ? NULL : &rows[at->best])) {
            at->best = at->epoch;
            copy_values(run->parameters, run->best);
        }
        *at = (struct stage_position){.epoch = at->epoch + 1, .best = at->best};
        if (!may_go_on(run, out, error)) return false;
    }
    out->best_epoch = at->best < 0 ? before : rows[at->best].epoch;
    return true;
}
