/*
 * What a trial costs, roughly, before it has run: from its settings and the sizes of its data
 * files. It orders trials, shares them out among shards, and says how much is left.
 */
#include "harness/sweep/plan.h"
#include "models/flops.h"
#include "models/policy.h"
#include "workloads/data/data_files.h"

/* Training inputs and their tokens; for text a guess: about 6 bytes a word. */
static void guess_size(const struct data_config *data, double *inputs, int *length) {
    if (!data->train_file[0]) {
        *inputs = data->n_train;
        *length = data->length;
    } else {
        double found = data_files_training_bytes(data);
        *length = data->max_len > 0 && data->max_len < 32 ? data->max_len : 32;
        *inputs = data->train_limit > 0 ? data->train_limit : 10000;
        found = found / 6 / *length;
        if (found > 0 && (data->train_limit == 0 || found < *inputs)) *inputs = found;
    }
    if (*length < 1) *length = 1;
}

/* Passes over the training split, forward and backward; a method that starts from trained weights
 * says itself how many it adds. */
static int training_passes(const struct experiment *e, const struct model_config *model) {
    struct post_hoc extra;
    if (model->policy->base != BASE_WEIGHTS) return e->train.epochs;
    model->policy->post_hoc(model, &extra);
    return extra.epochs + extra.recovery + (extra.scores ? extra.rounds : 0);
}

double plan_expected_flops(const struct experiment *e, const struct model_config *model,
                           bool profile) {
    double inputs, passes = 0;
    int length;
    guess_size(&e->data, &inputs, &length);
    struct flops dense = flops_dense(model, length);
    double forward = (double)flops_total(&dense);
    if (!profile) return 3 * forward * inputs * training_passes(e, model);
    for (int i = 0; i < e->profile.batch_sizes.n; i++)
        passes +=
            (double)e->profile.batch_sizes.value[i] * (e->profile.warmup + e->profile.repeats);
    return forward * passes;
}

bool plan_trial_flops(const struct experiment *e, const struct arm *arm, bool profile,
                      struct model_config *model, double *flops, struct error *error) {
    experiment_model(e, arm, model);
    model->vocab = model->classes = model->max_len = 2; /* cost only: look-ups are free */
    if (!model_resolve(model, error)) return false;
    *flops = plan_expected_flops(e, model, profile) * (profile ? 1 : arm->candidates.n);
    return true;
}
