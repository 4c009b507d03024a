/*
 * A training that is ended and goes on: at any step, as often as one likes, asked or killed, what
 * comes out has the bits of one that nobody interrupted, for every policy there is, for methods
 * that start from a base and for tuned arms. And what is left behind is believed only if it is of
 * this trial, this data, this code and this machine, and whole.
 */
#include "harness/trial/tuning.h"
#include "models/policies/registry.h"
#include "tests/harness/trial/small_trial.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Who asks it to stop, or kills it: after so many steps and other places where it may be. */
struct stopper {
    int left; /* questions until it has to; -1: never */
    bool kills;
};

static bool must_stop(void *hearer) {
    struct stopper *stopper = hearer;
    bool now = stopper->left >= 0 && stopper->left-- == 0;
    if (now && stopper->kills) kill(getpid(), SIGKILL);
    return now;
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
    t->stopper.left = stop_after;
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

static const char *const from_scratch[] = {
    "policy: fixed, heads: 4",
    "policy: none",
    "policy: wide, heads: 2",
    "policy: budgetformer, cost: 0.1, initial_budget: 0.6",
    "policy: budgetformer, estimator: gumbel",
    "policy: budgetformer-paper",
    "policy: moh, shared: 1, routed: 1",
    "policy: moh-pool, shared: 1, routed: 1",
    "policy: drophead",
    "policy: random, heads: 2",
    "policy: bag-of-words",
    "policy: bag-of-bigrams, buckets: 64",
};

static const char *const from_base[] = {
    "policy: voita, cost: 0, epochs: 3, recovery: 2",
    "policy: michel, heads: 2, recovery: 2",
    "policy: random-static, heads: 2, recovery: 2",
    "policy: dsp, heads: 2",
    "policy: fixed-matched",
    "policy: flop-matched",
};

enum {
    FROM_SCRATCH = sizeof from_scratch / sizeof *from_scratch,
    FROM_BASE = sizeof from_base / sizeof *from_base
};

static void train_base(struct small_trial *base) {
    struct small_trial_text text = fresh_text;
    text.arm = "policy: fixed, heads: 4";
    small_trial_run(base, &text);
}

/* 8 steps an epoch: attempts end within epochs and at their ends. Evaluations are not left half
 * done, so that an attempt has to be longer than they are. */
static void every_policy_goes_on_with_the_same_bits(void **state) {
    (void)state;
    static const int strides[FROM_SCRATCH] = {9, 5, 9, 11, 13, 12, 10, 11, 6, 17, 7, 8};
    for (size_t i = 0; i < FROM_SCRATCH; i++) check(from_scratch[i], NULL, strides[i], 0);
}

static void so_do_methods_that_start_from_a_base(void **state) {
    (void)state;
    struct small_trial base;
    train_base(&base);
    for (size_t i = 0; i < FROM_BASE; i++) check(from_base[i], &base, 7, 0);
    small_trial_free(&base);
}

/* A new method finds no place in the lists above by itself. */
static void no_policy_is_left_out(void **state) {
    (void)state;
    char text[64];
    for (int p = 0; p < policy_registry_size; p++) {
        bool found = false;
        size_t n = (size_t)snprintf(text, sizeof text, "policy: %s", policy_registry[p]->name);
        for (size_t i = 0; i < FROM_SCRATCH + FROM_BASE; i++) {
            const char *arm = i < FROM_SCRATCH ? from_scratch[i] : from_base[i - FROM_SCRATCH];
            found |= strncmp(arm, text, n) == 0 && (arm[n] == ',' || !arm[n]);
        }
        if (!found) fail_msg("%s is not resumed here", policy_registry[p]->name);
    }
}

static void so_do_tuned_arms(void **state) {
    (void)state;
    static const char arm[] =
        "policy: fixed, tune: {heads: [1, 3, 2], learning_rate: [1e-3, 1e-2, 1e-2]}";
    check(arm, NULL, 30,
          1e-9); /* after every step: a candidate that is done is not trained again */
}

/* A process that saves each step dies at some, and again; whether every one of them died. */
static bool kill_at_steps(struct interrupted *t, unsigned *random) {
    bool died = true;
    t->save_seconds = 1e-9;
    t->stopper.kills = true;
    for (int kills = 0; died && kills < 3; kills++) {
        *random = *random * 1103515245u + 12345u;
        int at = 1 + (int)((*random >> 16) % 5), status;
        pid_t pid = fork();
        if (pid == 0) _exit(attempt(t, at) ? 0 : 1);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        died = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    }
    t->stopper.kills = false;
    t->save_seconds = 0;
    return died;
}

static void a_killed_process_loses_what_it_had_not_saved(void **state) {
    (void)state;
    struct interrupted whole, killed;
    struct small_trial base;
    unsigned random = 7;
    train_base(&base);
    for (size_t i = 0; i < FROM_SCRATCH + FROM_BASE; i++) {
        const char *arm = i < FROM_SCRATCH ? from_scratch[i] : from_base[i - FROM_SCRATCH];
        read_arm(&whole, arm, i < FROM_SCRATCH ? NULL : &base);
        read_arm(&killed, arm, i < FROM_SCRATCH ? NULL : &base);
        assert_true(attempt(&whole, -1));
        if (!kill_at_steps(&killed, &random)) fail_msg("%s was not killed", arm);
        assert_true(attempt(&killed, -1));
        assert_same(&whole.trial.result, &killed.trial.result);
        assert_true(strstr(killed.log, "goes on after"));
        small_trial_free(&whole.trial);
        small_trial_free(&killed.trial);
    }
    small_trial_free(&base);
}

/* Four numbers for each parameter, those of the weights, of the best and of both moments, however
 * long it was trained; and padding, of which a small model has much. */
static void a_file_takes_16_bytes_for_each_parameter(void **state) {
    (void)state;
    struct interrupted t;
    char path[400];
    struct stat file;
    struct small_trial_text wide = fresh_text;
    memset(&t, 0, sizeof t);
    wide.model = "layers: 2, dim: 64, heads: 4, ffn: 256";
    wide.arm = "policy: fixed, heads: 4";
    small_trial_read(&t.trial, &wide);
    t.save_seconds = 1e-9;
    assert_false(attempt(&t, 22));
    assert_int_equal(files_with(&t, ".safetensors.", path, sizeof path), 1);
    assert_int_equal(stat(path, &file), 0);
    assert_true(attempt(&t, -1));
    long size = (long)file.st_size, floats = 16 * (long)t.trial.result.parameters;
    if (size < floats || size > floats + floats / 10)
        fail_msg("%ld bytes for %lld parameters", size, (long long)t.trial.result.parameters);
    small_trial_free(&t.trial);
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

static void write_bytes(const char *path, const char *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* A bit of a moment, which is still a number; no number; a file that was cut, and nothing at all.
 */
static void a_damaged_file_is_told_and_training_starts_anew(void **state) {
    (void)state;
    struct interrupted t, whole;
    char path[400];
    size_t size;
    read_arm(&whole, "policy: fixed, heads: 4", NULL);
    assert_true(attempt(&whole, -1));
    read_arm(&t, "policy: fixed, heads: 4", NULL);
    assert_false(attempt(&t, 12));
    assert_int_equal(files_with(&t, ".stage-", path, sizeof path), 1);
    char *bytes = file_bytes(path, &size);
    assert_true(attempt(&t, -1));
    assert_non_null(strstr(t.log, "goes on after")); /* undamaged it is believed */
    for (int damage = 0; damage < 5; damage++) {
        char *bad = malloc(size);
        assert_non_null(bad);
        memcpy(bad, bytes, size);
        char *numbers = strstr(bad + 8, "numbers");
        if (damage == 0) bad[size - 16] ^= 1;
        if (damage == 1) memset(bad + size - 16, 0xff, 16);
        if (damage == 4) numbers[20] = numbers[20] == '0' ? '1' : '0'; /* epochs that are done */
        write_bytes(path, bad, damage == 2 ? size - 100 : damage == 3 ? 0 : size);
        free(bad);
        assert_true(attempt(&t, -1));
        assert_non_null(strstr(t.log, "cannot be used; from the start: "));
        assert_null(strstr(t.log, "goes on after"));
        assert_same(&whole.trial.result, &t.trial.result);
        assert_int_equal(access(path, F_OK), -1);
    }
    free(bytes);
    small_trial_free(&t.trial);
    small_trial_free(&whole.trial);
}

/* Its name is in no digest. */
static void what_another_machine_left_is_told_and_training_starts_anew(void **state) {
    (void)state;
    struct interrupted t;
    char path[400];
    size_t size;
    read_arm(&t, "policy: fixed, heads: 4", NULL);
    assert_false(attempt(&t, 12));
    assert_int_equal(files_with(&t, ".stage-", path, sizeof path), 1);
    char *bytes = file_bytes(path, &size), *machine = strstr(bytes + 8, "\"machine\":\"");
    assert_non_null(machine);
    machine[strlen("\"machine\":\"")] = '!';
    write_bytes(path, bytes, size);
    free(bytes);
    assert_true(attempt(&t, -1));
    assert_non_null(strstr(t.log, "from the start: it is of another machine: !"));
    assert_null(strstr(t.log, "goes on after"));
    assert_int_equal(access(path, F_OK), -1);
    small_trial_free(&t.trial);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_policy_goes_on_with_the_same_bits),
        cmocka_unit_test(so_do_methods_that_start_from_a_base),
        cmocka_unit_test(no_policy_is_left_out),
        cmocka_unit_test(so_do_tuned_arms),
        cmocka_unit_test(a_killed_process_loses_what_it_had_not_saved),
        cmocka_unit_test(a_file_takes_16_bytes_for_each_parameter),
        cmocka_unit_test(what_another_trial_left_is_not_gone_on_with),
        cmocka_unit_test(what_another_machine_left_is_told_and_training_starts_anew),
        cmocka_unit_test(a_damaged_file_is_told_and_training_starts_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
