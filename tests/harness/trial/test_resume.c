/*
 * A training that is ended and goes on: at any step, as often as one likes, what comes out has the
 * bits of one that nobody interrupted, for every kind of policy, for methods that start from a base
 * and for tuned arms. And what is left behind is believed only if it is of this trial, this data and
 * this code.
 */
#include "harness/trial/tuning.h"
#include "models/base/sha256.h"
#include "tests/harness/trial/small_trial.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* Who asks it to stop: after so many steps and other places where it may be. */
struct stopper {
    int left;  /* questions until it has to; -1: never */
    int asked; /* in all */
};

static bool must_stop(void *hearer) {
    struct stopper *stopper = hearer;
    stopper->asked++;
    return stopper->left >= 0 && stopper->left-- == 0;
}

static const struct small_trial_text fresh_text = {
    .data = "source: topic, length: 12, n_train: 120, n_test: 60",
    .model = "layers: 2, dim: 16, heads: 4, ffn: 32, dropout: 0.1",
    .train = "epochs: 3, batch: 16, learning_rate: 1e-2, eval_batch: 40",
    .seed = 1,
};

struct interrupted {
    struct small_trial trial;
    struct trained base;
    struct stopper stopper;
    double save_seconds;
    char log[4096]; /* of the last attempt */
    struct error error;
};

static void read_arm(struct interrupted *t, const char *arm, const struct small_trial *base) {
    char text[400];
    struct small_trial_text one = fresh_text;
    memset(t, 0, sizeof *t);
    snprintf(text, sizeof text, "%s%s", arm,
             base ? ", base: below}\n  - {arm: below, policy: fixed, heads: 4" : "");
    one.arm = text;
    small_trial_read(&t->trial, &one);
    if (base) t->base = (struct trained){base->checkpoint, "key of the trial", NULL};
}

/* One attempt, which is asked to stop after so many questions. */
static bool attempt(struct interrupted *t, int stop_after) {
    FILE *log = fmemopen(t->log, sizeof t->log, "w");
    assert_non_null(log);
    t->stopper = (struct stopper){.left = stop_after};
    struct training_context context = {.checkpoint = t->trial.checkpoint,
                                       .trial = "key of the method",
                                       .log = log,
                                       .base = t->base,
                                       .must_stop = must_stop,
                                       .hearer = &t->stopper,
                                       .save_seconds = t->save_seconds,
                                       .states = t->trial.checkpoint};
    training_result_free(&t->trial.result);
    bool ok = tuning_run(&t->trial.experiment, &context, &t->trial.result, &t->error);
    fclose(log);
    if (!ok && !strstr(t->error.text, "stopped")) fail_msg("%s", t->error.text);
    return ok;
}

/* Files in the trial's folder with this in their names. */
static int files_with(const struct interrupted *t, const char *part, char *path, size_t size) {
    struct dirent *entry;
    int n = 0;
    DIR *folder = opendir(t->trial.scratch.folder);
    assert_non_null(folder);
    while ((entry = readdir(folder)))
        if (strstr(entry->d_name, part)) {
            n++;
            if (path) snprintf(path, size, "%s/%s", t->trial.scratch.folder, entry->d_name);
        }
    closedir(folder);
    return n;
}

static void assert_same(const struct training_result *a, const struct training_result *b) {
    assert_int_equal(a->n_epochs, b->n_epochs);
    assert_int_equal(a->best_epoch, b->best_epoch);
    assert_int_equal(a->steps, b->steps);
    assert_int_equal(a->train_flops, b->train_flops);
    assert_int_equal(a->n_candidates, b->n_candidates);
    for (int i = 0; i < a->n_epochs; i++) {
        struct epoch_result x = a->epochs[i], y = b->epochs[i];
        x.train_seconds = y.train_seconds = x.validation_seconds = y.validation_seconds = 0;
        assert_memory_equal(&x, &y, sizeof x);
    }
    assert_int_equal(a->n_evaluations, b->n_evaluations);
    for (int i = 0; i < a->n_evaluations; i++) {
        const struct evaluation_result *x = &a->evaluations[i], *y = &b->evaluations[i];
        assert_memory_equal(&x->loss, &y->loss, sizeof x->loss);
        assert_memory_equal(&x->executed, &y->executed, sizeof x->executed);
        assert_memory_equal(x->predicted, y->predicted, (size_t)x->n * sizeof *x->predicted);
    }
    assert_string_equal(a->checkpoint_sha256, b->checkpoint_sha256);
}

/* Stopped again and again, further on each time, against one that runs through. */
static void check(const char *arm, const struct small_trial *base, int stride,
                  double save_seconds) {
    struct interrupted whole, parts;
    int stops = 0;
    read_arm(&whole, arm, base);
    read_arm(&parts, arm, base);
    parts.save_seconds = save_seconds;
    assert_true(attempt(&whole, -1));
    assert_int_equal(files_with(&whole, ".stage-", NULL, 0), 0);
    while (!attempt(&parts, stride)) {
        stops++;
        if (stops > 100) fail_msg("%s gets nowhere", arm);
    }
    if (stops == 0) fail_msg("%s was never stopped", arm);
    if (!strstr(parts.log, "goes on after")) fail_msg("%s went on from nothing", arm);
    assert_same(&whole.trial.result, &parts.trial.result);
    assert_true(parts.trial.result.train_seconds > 0);
    training_forget(parts.trial.checkpoint);
    assert_int_equal(files_with(&parts, ".stage-", NULL, 0), 0);
    small_trial_free(&whole.trial);
    small_trial_free(&parts.trial);
}

/* 8 steps an epoch: attempts end within epochs and at their ends. Evaluations are not left half done,
 * so that an attempt has to be longer than they are. */
static void every_kind_of_policy_goes_on_with_the_same_bits(void **state) {
    (void)state;
    static const char *const arms[] = {
        "policy: fixed, heads: 4",
        "policy: none",
        "policy: budgetformer, cost: 0.1, initial_budget: 0.6",
        "policy: budgetformer, estimator: gumbel",
        "policy: budgetformer-paper",
        "policy: moh, shared: 1, routed: 1",
        "policy: drophead",
        "policy: random, heads: 2",
        "policy: bag-of-words",
    };
    static const int strides[] = {9, 5, 11, 13, 12, 10, 6, 17, 7};
    for (size_t i = 0; i < sizeof arms / sizeof *arms; i++) check(arms[i], NULL, strides[i], 0);
}

static void so_do_methods_that_start_from_a_base(void **state) {
    (void)state;
    static const char *const arms[] = {"policy: voita, cost: 0, epochs: 3",
                                       "policy: michel, heads: 2, recovery: 2",
                                       "policy: dsp, heads: 2"};
    struct small_trial_text text = fresh_text;
    struct small_trial base;
    text.arm = "policy: fixed, heads: 4";
    small_trial_run(&base, &text);
    for (size_t i = 0; i < sizeof arms / sizeof *arms; i++) check(arms[i], &base, 7, 0);
    small_trial_free(&base);
}

static void so_do_tuned_arms(void **state) {
    (void)state;
    static const char arm[] =
        "policy: fixed, tune: {heads: [1, 3, 2], learning_rate: [1e-3, 1e-2, 1e-2]}";
    check(arm, NULL, 30,
          1e-9); /* after every step: a candidate that is done is not trained again */
}

/* What was left is of the first epoch: who believes it does not begin with it. */
static void what_another_trial_left_is_not_gone_on_with(void **state) {
    (void)state;
    struct interrupted t, other;
    char from[400], to[400];
    read_arm(&t, "policy: fixed, heads: 4", NULL);
    read_arm(&other, "policy: fixed, heads: 4", NULL);
    other.trial.experiment.data.seed++; /* other texts of the same kind */
    assert_false(attempt(&other, 4));
    assert_int_equal(files_with(&other, ".stage-", from, sizeof from), 1);
    snprintf(to, sizeof to, "%s.stage-0.1", t.trial.checkpoint);
    assert_int_equal(rename(from, to), 0);
    assert_true(attempt(&t, -1));
    assert_non_null(strstr(t.log, "from the start"));
    assert_null(strstr(t.log, "goes on after"));
    assert_int_equal(access(to, F_OK), -1);
    small_trial_free(&t.trial);
    small_trial_free(&other.trial);
}

/* Each byte of the file changed in turn, at a distance: never another result without a word. */
static void a_damaged_file_is_removed_and_told(void **state) {
    (void)state;
    struct interrupted t, whole;
    char path[400], *bytes = NULL;
    size_t size = 0;
    read_arm(&whole, "policy: fixed, heads: 4", NULL);
    assert_true(attempt(&whole, -1));
    read_arm(&t, "policy: fixed, heads: 4", NULL);
    assert_false(attempt(&t, 6));
    assert_int_equal(files_with(&t, ".stage-", path, sizeof path), 1);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    size = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(size);
    assert_true(bytes && fread(bytes, 1, size, file) == size);
    fclose(file);
    for (int cut = 0; cut < 2; cut++) {
        file = fopen(path, "wb");
        assert_non_null(file);
        size_t n = cut ? size - 100 : size;
        if (!cut) memset(bytes + size - 16, 0xff, 16); /* no number */
        assert_int_equal(fwrite(bytes, 1, n, file), n);
        fclose(file);
        t.stopper = (struct stopper){.left = -1};
        struct training_context context = {.checkpoint = t.trial.checkpoint,
                                           .trial = "key of the method",
                                           .states = t.trial.checkpoint};
        training_result_free(&t.trial.result);
        bool ok = tuning_run(&t.trial.experiment, &context, &t.trial.result, &t.error);
        assert_int_equal(access(path, F_OK), -1);
        if (!ok) assert_non_null(strstr(t.error.text, "damaged and was removed"));
        assert_true(ok || attempt(&t, -1));
        assert_same(&whole.trial.result, &t.trial.result);
    }
    free(bytes);
    small_trial_free(&t.trial);
    small_trial_free(&whole.trial);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_policy_goes_on_with_the_same_bits),
        cmocka_unit_test(so_do_methods_that_start_from_a_base),
        cmocka_unit_test(so_do_tuned_arms),
        cmocka_unit_test(what_another_trial_left_is_not_gone_on_with),
        cmocka_unit_test(a_damaged_file_is_removed_and_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
