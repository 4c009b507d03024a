/*
 * Trials that take their size from a finished one: what its base runs over the validation slice is
 * counted right, becomes the shape, and can be profiled from the checkpoint alone.
 */
#include "harness/trial/base_budget.h"
#include "harness/trial/profile.h"
#include "harness/trial/saved_model.h"
#include "models/policy.h"
#include "tests/harness/trial/small_trial.h"

#include <math.h>

static const char budgeted[] =
    "policy: budgetformer, cost: 3, ramp_from: 0, ramp_until: 0.1, hard_from: 0.1";

struct fixture {
    struct small_trial base;
    struct dataset *data;
    struct model_config dense;
    struct error error;
};

static const struct evaluation_result *validation_of(const struct training_result *r) {
    for (int i = 0; i < r->n_evaluations; i++)
        if (strcmp(r->evaluations[i].split, "validation") == 0) return &r->evaluations[i];
    fail_msg("no evaluation of the validation slice");
    return NULL;
}

static int make_fixture(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    struct small_trial_text text = small_topic;
    struct model_config own;
    if (!f) return -1;
    text.arm = budgeted;
    text.train = "epochs: 6, batch: 16, learning_rate: 3e-2, eval_batch: 40";
    small_trial_run(&f->base, &text);
    *state = f;
    return dataset_load(&f->base.experiment.data, &f->data, &f->error) &&
                   trial_models(&f->base.experiment, f->data, &own, &f->dense, &f->error)
               ? 0
               : -1;
}

static int remove_fixture(void **state) {
    struct fixture *f = *state;
    small_trial_free(&f->base);
    dataset_free(f->data);
    free(f);
    return 0;
}

static void count_base(struct fixture *f, struct base_budget *out) {
    if (!base_budget_count(&(struct trained){f->base.checkpoint, "key of the trial", NULL}, f->data,
                           &f->dense, 7, out, &f->error))
        fail_msg("%s", f->error.text);
}

/* A trial of this arm that starts from the fixture's. */
static void run_from_base(struct fixture *f, const char *policy, struct small_trial *t) {
    struct small_trial_text text = small_topic;
    char path[160], arm[256];
    snprintf(arm, sizeof arm, "policy: %s, base: ours}\n  - {arm: ours, %s", policy, budgeted);
    text.arm = arm;
    small_trial_read(t, &text);
    scratch_path(&t->scratch, "second.safetensors", path, sizeof path);
    struct training_context context = {.checkpoint = path,
                                       .trial = "second",
                                       .base = {f->base.checkpoint, "key of the trial", NULL}};
    if (!training_run(&t->experiment, &context, &t->result, &f->error))
        fail_msg("%s", f->error.text);
    strcpy(t->checkpoint, path);
}

static void budget_is_what_the_best_weights_run_on_the_validation_slice(void **state) {
    struct fixture *f = *state;
    const struct evaluation_result *r = validation_of(&f->base.result);
    struct base_budget budget;
    double heads[2] = {0, 0}, length = 0, squares = 0;
    count_base(f, &budget);
    for (int i = 0; i < r->n; i++) {
        length += r->length[i];
        squares += (double)r->length[i] * r->length[i];
        for (int l = 0; l < 2; l++) heads[l] += r->heads_run[2 * i + l];
    }
    assert_int_equal(budget.layers, 2);
    for (int l = 0; l < 2; l++) assert_true(fabs(budget.heads[l] - heads[l] / r->n) < 1e-9);
    assert_true(fabs(budget.mean_length - length / r->n) < 1e-9);
    assert_true(fabs(budget.mean_square_length - squares / r->n) < 1e-9);
    assert_true(fabs(budget.flops_per_input * r->n - (double)flops_total(&r->executed)) < 1);
}

static void fixed_matched_has_the_rounded_heads_of_its_base(void **state) {
    struct fixture *f = *state;
    struct small_trial t;
    struct base_budget budget;
    struct saved_model model;
    count_base(f, &budget);
    assert_true(budget.heads[0] < 3.5); /* else the test says nothing */
    run_from_base(f, "fixed-matched", &t);
    if (!saved_model_read(t.checkpoint, &model, &f->error)) fail_msg("%s", f->error.text);
    for (int l = 0; l < 2; l++) {
        int k = (int)lround(budget.heads[l]);
        assert_int_equal(model.parameters->config.heads.value[l], k < 1 ? 1 : k);
    }
    saved_model_free(&model);
    small_trial_free(&t);
    run_from_base(f, "fixed-matched, least: 4", &t);
    assert_true(fabs(validation_of(&t.result)->mean_heads - 4) < 1e-9);
    small_trial_free(&t);
}

/* By what the kernels booked over the validation slice, not by the formula that chose the size. */
static void flop_matched_executes_what_its_base_does_to_two_percent(void **state) {
    struct fixture *f = *state;
    static const char *const policies[] = {"flop-matched", "flop-matched, by: dim",
                                           "flop-matched, by: layers"};
    for (int i = 0; i < 3; i++) {
        struct small_trial t;
        struct saved_model model;
        run_from_base(f, policies[i], &t);
        if (!saved_model_read(t.checkpoint, &model, &f->error)) fail_msg("%s", f->error.text);
        const struct model_config *c = &model.parameters->config;
        const struct evaluation_result *own = validation_of(&t.result),
                                       *base = validation_of(&f->base.result);
        double ratio = (double)flops_total(&own->executed) / (double)flops_total(&base->executed);
        assert_true(fabs(ratio - 1) <= 0.02);
        assert_int_equal(own->dense_flops, base->dense_flops);
        assert_true(c->ffn < 32 || c->dim < 16 || c->layers < 2);
        if (i == 1) assert_true(c->dim < c->base_heads * c->head_dim);
        for (int l = 0; l < c->layers; l++) assert_int_equal(c->heads.value[l], 4);
        assert_int_equal(c->head_dim, 4);
        saved_model_free(&model);
        small_trial_free(&t);
    }
}

static void profile_takes_the_shape_from_the_checkpoint(void **state) {
    struct fixture *f = *state;
    struct small_trial t;
    struct profiling_result profile;
    run_from_base(f, "flop-matched, by: dim", &t);
    if (!profiling_run(&t.experiment, NULL, &(struct trained){t.checkpoint, "second", NULL}, NULL,
                       &profile, &f->error))
        fail_msg("%s", f->error.text);
    const struct evaluation_result *r = validation_of(&t.result);
    assert_true(fabs(profile.profiles[0].executed_flops_per_input -
                     (double)flops_total(&r->executed) / r->n) < 1);
    assert_true(profile.profiles[0].executed_flops_per_input <
                0.99 * profile.profiles[0].dense_flops_per_input);
    profiling_result_free(&profile);
    small_trial_free(&t);
}

static void another_trials_checkpoint_is_no_base(void **state) {
    struct fixture *f = *state;
    struct base_budget budget;
    struct trained base = {f->base.checkpoint, "another", NULL};
    assert_false(base_budget_count(&base, f->data, &f->dense, 7, &budget, &f->error));
    assert_non_null(strstr(f->error.text, "was not written by the training"));
    base.path = "/nonexistent";
    assert_false(base_budget_count(&base, f->data, &f->dense, 7, &budget, &f->error));
    assert_non_null(strstr(f->error.text, "/nonexistent"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(budget_is_what_the_best_weights_run_on_the_validation_slice),
        cmocka_unit_test(fixed_matched_has_the_rounded_heads_of_its_base),
        cmocka_unit_test(flop_matched_executes_what_its_base_does_to_two_percent),
        cmocka_unit_test(profile_takes_the_shape_from_the_checkpoint),
        cmocka_unit_test(another_trials_checkpoint_is_no_base),
    };
    return cmocka_run_group_tests(tests, make_fixture, remove_fixture);
}
