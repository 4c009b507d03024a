/*
 * Methods that start from a trained model with all its heads and leave a smaller one (policy.h:
 * BASE_WEIGHTS). The base's weights are trained or scored with the policy's gates, the policy says
 * which heads stay, the others are removed for good, and what is left may train on. Every step of
 * that is the policy's choice; what it cost is added up here, so that a result carries the cost of
 * everything after the base's own training, and the base's is in its row.
 *
 * Extra epochs go on where the base's ended: data order, dropout and noise are those of the epochs
 * after its last, not those of its first again.
 */
#include "models/base/clock.h"
#include "harness/trial/saved_model.h"
#include "harness/trial/training_private.h"
#include "models/pruning.h"

#include <math.h>
#include <string.h>

/* The base must have all heads of the model that is to be pruned, and no gates of its own. */
static bool check_base(const struct saved_model *base, const struct run *run,
                       const struct model_config *model, struct error *error) {
    const struct model_config *c = &base->parameters->config;
    if (!saved_model_check_data(base, run->data, error)) return false;
    if (c->layers != model->layers || c->policy->unit != GATE_NONE)
        return error_set(error,
                         "%s removes heads from a plain model of %d layers; the base has %d and "
                         "policy %s",
                         model->policy->name, model->layers, c->layers, c->policy->name);
    for (int l = 0; l < c->layers; l++)
        if (c->heads.value[l] != model->base_heads)
            return error_set(error,
                             "%s starts from a base with all %d heads in every layer; layer %d of "
                             "this one has %d",
                             model->policy->name, model->base_heads, l, c->heads.value[l]);
    return true;
}

/* The base's weights in place of the initial ones; the policy's own tensors stay as drawn. */
static bool load_base(struct run *run, struct error *error) {
    const struct trained *trained = &run->context->base;
    struct saved_model base;
    if (!trained->path)
        return error_set(error,
                         "policy %s starts from a trained model and was given none; name the arm "
                         "with all heads as its base",
                         run->stage.model.policy->name);
    if (!saved_model_read_trained(trained, &base, error)) return false;
    bool ok = check_base(&base, run, &run->stage.model, error) &&
              parameters_copy(base.parameters, run->parameters, error);
    saved_model_free(&base);
    return ok || error_prefix(error, "base %s", trained->path);
}

/* Adds the gradients of the policy's tensors to their values. */
static void add_gradients(const struct parameters *gradients, struct parameters *p) {
    const struct model_config *c = &p->config;
    struct policy_tensor own[POLICY_TENSORS_MAX];
    for (int l = 0; l < c->layers; l++) {
        int n = c->policy->tensors(c, l, own);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < own[i].rows * own[i].cols; j++)
                p->layer[l].policy[i][j] += gradients->layer[l].policy[i][j];
    }
}

/* One pass over training inputs, in the order of the epoch that would come next. */
static bool score(struct run *run, int inputs, struct training_result *out, struct error *error) {
    const struct split *train = &run->data->train;
    int most = inputs > 0 && inputs < train->n ? inputs : train->n;
    int batch_size = run->trial->train.batch;
    double start = clock_seconds();
    phase_enter(&run->timer.phases, PHASE_DATA);
    stage_shuffle(run, 0);
    trainer_load(run->trainer); /* without the heads that an earlier round took */
    for (int first = 0; first < most; first += batch_size) {
        int n = most - first < batch_size ? most - first : batch_size;
        struct batch batch = batch_gather(run->buffer, train, run->order + first, n);
        struct policy_step step = {.noise = run->noise};
        if (!isfinite(trainer_step(run->trainer, &batch, &step)))
            return run->device->ops->ok(run->device, error) &&
                   error_set(error, "the base's loss on training inputs is not finite");
        phase_enter(&run->timer.phases, PHASE_OPTIMISER); /* what takes the gradients here */
        add_gradients(trainer_gradients(run->trainer), run->parameters);
        phase_enter(&run->timer.phases, PHASE_DATA);
    }
    phase_timer_stop(&run->timer);
    out->train_seconds += clock_seconds() - start;
    out->train_flops += stage_train_flops(run, most);
    return run->device->ops->ok(run->device, error);
}

static void log_heads(const struct run *run) {
    const struct model_config *c = &run->stage.model;
    const struct head_gates *gates = &run->kept;
    FILE *log = run->context->log;
    if (!log) return;
    fprintf(log, "%d of %d heads stay", head_gates_total(c, gates), c->layers * c->base_heads);
    for (int l = 0; l < c->layers; l++) {
        fprintf(log, "%s layer %d:", l ? ";" : ":", l);
        for (int h = 0; h < c->heads.value[l]; h++)
            if (gates->value[l][h] != 0.0f) fprintf(log, " %d", h);
        if (head_gates_kept(c, gates, l) == 0) fprintf(log, " none");
    }
    fprintf(log, "\n");
}

/* From the base's weights to the gates that say which heads stay; run->parameters has all of
 * them. */
static bool choose_heads(struct run *run, const struct post_hoc *plan, struct training_result *out,
                         struct error *error) {
    const struct policy_ops *policy = run->stage.model.policy;
    if (!load_base(run, error) || !stage_train(run, out, error)) return false;
    for (int round = 0; round < plan->rounds; round++) {
        if (plan->scores && !score(run, plan->inputs, out, error)) return false;
        policy->keep(run->parameters, round, &run->kept);
    }
    log_heads(run);
    return true;
}

bool post_hoc_train(struct run *run, const struct model_config *model, struct training_result *out,
                    struct error *error) {
    const struct train_config *t = &run->trial->train;
    struct parameters *pruned = NULL;
    struct post_hoc plan;
    model->policy->post_hoc(model, &plan);
    struct stage all = {.model = *model,
                        .epochs = plan.epochs,
                        .epochs_before = t->epochs,
                        .learning_rate = plan.rate * t->learning_rate,
                        .gradients = plan.scores};
    if (plan.scores) all.model.dropout = 0.0; /* nothing is trained: the model as it is deployed */
    if (!stage_start(run, &all, error) || !choose_heads(run, &plan, out, error) ||
        !prune_heads(run->parameters, &run->kept, "pruned parameters", &pruned, error))
        return false;
    struct stage left = {.model = pruned->config,
                         .epochs = plan.recovery,
                         .epochs_before = t->epochs + plan.epochs,
                         .learning_rate = all.learning_rate};
    left.model.dropout = model->dropout;
    bool ok = stage_start(run, &left, error) && parameters_copy(pruned, run->parameters, error) &&
              stage_train(run, out, error);
    parameters_free(pruned);
    return ok;
}

int post_hoc_epochs(const struct model_config *model) {
    struct post_hoc plan;
    model->policy->post_hoc(model, &plan);
    return plan.epochs + plan.recovery;
}

/* usage: [layers][heads]; from above, so that nothing is overwritten unread. */
static void to_original_places(const struct head_gates *kept, int layers, int heads,
                               uint64_t *usage) {
    for (int l = 0; l < layers; l++, usage += heads) {
        int place = 0; /* among the heads that are left */
        for (int h = 0; h < heads; h++) place += kept->value[l][h] != 0.0f;
        for (int h = heads - 1; h >= 0; h--)
            usage[h] = kept->value[l][h] != 0.0f ? usage[--place] : 0;
    }
}

void post_hoc_original_heads(const struct head_gates *kept, struct evaluation_result *r) {
    to_original_places(kept, r->layers, r->heads, r->usage);
    for (int c = 0; c < r->classes; c++)
        to_original_places(kept, r->layers, r->heads,
                           r->class_usage + (size_t)c * (size_t)r->layers * (size_t)r->heads);
}
