/*
 * Tuning: the validation slice chooses by the stated rule, the chosen candidate's results are
 * those it would have alone, and what the others did and cost is kept.
 */
#include "harness/trial/tuning.h"
#include "harness/trial/saved_model.h"
#include "models/model_json.h"
#include "tests/harness/trial/small_trial.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the rule ---- */

static struct candidate_result candidate(double accuracy, double loss, double heads) {
    return (struct candidate_result){
        .validation_accuracy = accuracy, .validation_loss = loss, .validation_mean_heads = heads};
}

static void highest_accuracy_wins_and_lower_loss_among_equals(void **state) {
    (void)state;
    struct candidate_result c[] = {candidate(0.7, 0.1, 8), candidate(0.9, 0.4, 1),
                                   candidate(0.9, 0.3, 4), candidate(0.9, 0.3, 2)};
    assert_int_equal(tuning_choose(c, 4, 0, 8), 2);
    strcpy(c[2].reason, "diverged");
    assert_int_equal(tuning_choose(c, 4, 0, 8), 3);
    for (int i = 0; i < 4; i++) strcpy(c[i].reason, "diverged");
    assert_int_equal(tuning_choose(c, 4, 0, 8), -1);
}

static void target_takes_the_nearest_and_accuracy_decides_among_the_near(void **state) {
    (void)state;
    /* H = 8, target 1/4: 2 heads. The margin is 1/16 of the heads, half a head. */
    struct candidate_result c[] = {candidate(0.99, 0.1, 4), candidate(0.8, 0.1, 1.75),
                                   candidate(0.9, 0.1, 2.7), candidate(0.95, 0.1, 2.8)};
    assert_int_equal(tuning_choose(c, 4, 0.25, 8), 2); /* .25 away, then .7: near; .8 is not */
    assert_int_equal(tuning_choose(c, 2, 0.25, 8), 1);
    assert_int_equal(tuning_choose(c, 4, 0.5, 8), 0);
    strcpy(c[1].reason, "diverged"); /* now .7 is the nearest, and .8 near */
    assert_int_equal(tuning_choose(c, 4, 0.25, 8), 3);
}

/* ---- whole trials ---- */

static void run(struct small_trial *t, const char *arm, struct error *error, bool expected) {
    struct small_trial_text text = small_topic;
    text.arm = arm;
    small_trial_read(t, &text);
    struct training_context context = {.checkpoint = t->checkpoint, .trial = "key of the trial"};
    bool ok = tuning_run(&t->experiment, &context, &t->result, error);
    if (ok != expected) fail_msg("%s", ok ? "no error" : error->text);
}

static void read_bytes(const char *path, struct text *out) {
    FILE *file = fopen(path, "rb");
    char byte[2] = "";
    assert_non_null(file);
    for (int c; (c = fgetc(file)) != EOF;) {
        snprintf(byte, sizeof byte, "%c", c ? c : 1); /* a text has no inner zero */
        text_append(out, "%s", byte);
    }
    fclose(file);
}

static void chosen_candidate_has_what_it_would_have_alone(void **state) {
    (void)state;
    struct small_trial tuned, alone;
    struct error error;
    struct text a = {0}, b = {0};
    run(&tuned, "policy: fixed, tune: {heads: [1, 3, 2], learning_rate: [1e-5, 1e-2, 1e-5]}",
        &error, true);
    struct small_trial_text text = small_topic;
    text.arm = "policy: fixed, heads: 3";
    small_trial_run(&alone, &text);
    const struct training_result *r = &tuned.result;
    assert_int_equal(r->n_candidates, 3);
    for (int i = 0; i < 3; i++) assert_int_equal(r->candidates[i].chosen, i == 1);
    assert_string_equal(r->candidates[1].settings, "{\"heads\":[3],\"learning_rate\":0.01}");
    assert_int_equal(r->n_epochs, alone.result.n_epochs);
    for (int e = 0; e < r->n_epochs; e++)
        assert_true(r->epochs[e].train_loss == alone.result.epochs[e].train_loss);
    assert_true(r->n_evaluations == alone.result.n_evaluations);
    assert_true(r->evaluations[0].loss == alone.result.evaluations[0].loss);
    read_bytes(tuned.checkpoint, &a);
    read_bytes(alone.checkpoint, &b);
    assert_int_equal(a.size, b.size);
    assert_string_equal(a.data, b.data);
    text_free(&a);
    text_free(&b);
    small_trial_free(&tuned);
    small_trial_free(&alone);
}

struct heard {
    int n, n_wrong;
};

/* Epochs 1 to 4 of candidate 1, then those of candidate 2. */
static void hear(void *hearer, const struct training_progress *p) {
    struct heard *heard = hearer;
    bool right = p->candidate == 1 + heard->n / 4 && p->n_candidates == 2 &&
                 p->epoch == 1 + heard->n % 4 && p->n_epochs == 4 && p->train_loss > 0 &&
                 p->validation_accuracy > 0.2 &&
                 fabs(p->validation_mean_heads - (p->candidate == 1 ? 1 : 4)) < 1e-9;
    heard->n++;
    heard->n_wrong += !right;
}

static void every_epoch_of_every_candidate_is_told(void **state) {
    (void)state;
    struct small_trial t;
    struct error error;
    struct heard heard = {0};
    struct small_trial_text text = small_topic;
    text.arm = "policy: fixed, tune: {heads: [1, 4]}";
    small_trial_read(&t, &text);
    struct training_context context = {
        .checkpoint = t.checkpoint, .trial = "key", .hear = hear, .hearer = &heard};
    if (!tuning_run(&t.experiment, &context, &t.result, &error)) fail_msg("%s", error.text);
    assert_int_equal(heard.n, 8);
    assert_int_equal(heard.n_wrong, 0);
    small_trial_free(&t);
}

static void every_candidate_is_reported_with_its_cost_and_leaves_no_file(void **state) {
    (void)state;
    struct small_trial t;
    struct error error;
    char path[200];
    run(&t, "policy: fixed, tune: {heads: [1, 4]}", &error, true);
    double seconds = 0;
    for (int i = 0; i < 2; i++) {
        const struct candidate_result *c = &t.result.candidates[i];
        assert_string_equal(c->reason, "");
        assert_true(c->validation_accuracy > 0.2 && isfinite(c->validation_loss));
        assert_true(fabs(c->validation_mean_heads - (i ? 4 : 1)) < 1e-9);
        assert_true(c->train_seconds > 0);
        seconds += c->train_seconds;
        snprintf(path, sizeof path, "%s.%d", t.checkpoint, i + 1);
        assert_int_not_equal(access(path, F_OK), 0);
    }
    assert_true(t.result.candidates[0].train_flops < t.result.candidates[1].train_flops);
    assert_true(t.result.wall_seconds >= seconds);
    int chosen = t.result.candidates[1].chosen;
    assert_true(t.result.train_flops == t.result.candidates[chosen].train_flops);
    small_trial_free(&t);
}

static void candidate_that_diverges_is_out_and_all_of_them_are_a_failure(void **state) {
    (void)state;
    struct small_trial t;
    struct error error = {{0}, {{0}, 0, 0}};
    char path[200];
    run(&t,
        "policy: fixed, heads: 4, tune: {learning_rate: [10, 1e-2], "
        "weight_decay: [10, 0.01], warmup: [0, 0.1]}",
        &error, true);
    assert_non_null(strstr(t.result.candidates[0].reason, "diverged"));
    assert_true(isnan(t.result.candidates[0].validation_accuracy));
    assert_true(t.result.candidates[1].chosen);
    small_trial_free(&t);
    run(&t,
        "policy: fixed, heads: 4, tune: {learning_rate: [10, 9], "
        "weight_decay: [10, 10], warmup: [0, 0]}",
        &error, false);
    assert_non_null(strstr(error.text, "no candidate has a result"));
    assert_non_null(strstr(error.text, "diverged"));
    assert_int_not_equal(access(t.checkpoint, F_OK), 0);
    snprintf(path, sizeof path, "%s.candidate-1", t.checkpoint);
    assert_int_not_equal(access(path, F_OK), 0);
    small_trial_free(&t);
}

static void error_that_is_not_the_settings_fault_ends_the_trial(void **state) {
    (void)state;
    struct small_trial t;
    struct error error;
    char path[200];
    struct small_trial_text text = small_topic;
    text.arm = "policy: fixed, tune: {heads: [1, 4]}";
    small_trial_read(&t, &text);
    snprintf(path, sizeof path, "%s.candidate-2", t.checkpoint); /* where the second waits: taken */
    assert_int_equal(mkdir(path, 0777), 0);
    struct training_context context = {.checkpoint = t.checkpoint, .trial = "key of the trial"};
    assert_false(tuning_run(&t.experiment, &context, &t.result, &error));
    assert_non_null(strstr(error.text, path));
    assert_int_equal(t.result.n_candidates, 0);
    assert_int_equal(rmdir(path), 0);
    snprintf(path, sizeof path, "%s.candidate-1", t.checkpoint);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_not_equal(access(t.checkpoint, F_OK), 0);
    small_trial_free(&t);
}

static void trial_without_tune_is_a_training(void **state) {
    (void)state;
    struct small_trial t;
    struct error error;
    run(&t, "policy: fixed, heads: 2", &error, true);
    assert_int_equal(t.result.n_candidates, 0);
    assert_int_equal(access(t.checkpoint, F_OK), 0);
    small_trial_free(&t);
}

static void tuned_option_is_in_the_checkpoint(void **state) {
    (void)state;
    struct small_trial t;
    struct saved_model model;
    struct error error;
    run(&t,
        "policy: budgetformer, ramp_from: 0, ramp_until: 0.1, hard_from: 0.1, target_budget: 0.25, "
        "tune: {cost: [0, 20]}",
        &error, true);
    assert_true(t.result.candidates[1].chosen); /* cost 20 brings it nearer to one head of four */
    if (!saved_model_read(t.checkpoint, &model, &error)) fail_msg("%s", error.text);
    struct text json = {0};
    model_write_json(&model.parameters->config, &json);
    assert_non_null(strstr(json.data, "\"cost\":20,"));
    text_free(&json);
    saved_model_free(&model);
    small_trial_free(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(highest_accuracy_wins_and_lower_loss_among_equals),
        cmocka_unit_test(target_takes_the_nearest_and_accuracy_decides_among_the_near),
        cmocka_unit_test(chosen_candidate_has_what_it_would_have_alone),
        cmocka_unit_test(every_epoch_of_every_candidate_is_told),
        cmocka_unit_test(every_candidate_is_reported_with_its_cost_and_leaves_no_file),
        cmocka_unit_test(candidate_that_diverges_is_out_and_all_of_them_are_a_failure),
        cmocka_unit_test(error_that_is_not_the_settings_fault_ends_the_trial),
        cmocka_unit_test(trial_without_tune_is_a_training),
        cmocka_unit_test(tuned_option_is_in_the_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
