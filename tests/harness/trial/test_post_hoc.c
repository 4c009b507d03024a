/*
 * Methods that start from a trained model: what they leave is the base without the heads they
 * removed, at the cost they say, with the heads named as in the base; and a base that does not fit
 * is refused by what is wrong with it.
 */
#include "harness/trial/evaluation.h"
#include "harness/trial/saved_model.h"
#include "models/pruning.h"
#include "tests/harness/trial/small_trial.h"

#include <math.h>
#include <stdlib.h>

enum { LAYERS = 2, HEADS = 4 };
static const char half_data[] = "source: topic, length: 12, n_train: 300, n_test: 150";

/* A trained base and a method that starts from it. */
struct fixture {
    struct small_trial base;
    struct saved_model model; /* of the base */
};

static int train_base(void **state) {
    struct fixture *f = *state = calloc(1, sizeof *f);
    struct small_trial_text text = small_topic;
    struct error error;
    if (!f) return -1;
    text.data = half_data;
    text.model = "layers: 2, dim: 16, heads: 4, ffn: 32, dropout: 0.1";
    small_trial_run(&f->base, &text);
    return saved_model_read(f->base.checkpoint, &f->model, &error) ? 0 : -1;
}

static int free_base(void **state) {
    struct fixture *f = *state;
    saved_model_free(&f->model);
    small_trial_free(&f->base);
    free(f);
    return 0;
}

/* Reads a trial of the method; its arm's base stands second in the file. */
static void read_method(struct small_trial *t, const char *arm, const char *base) {
    char text[400];
    struct small_trial_text method = small_topic;
    snprintf(text, sizeof text, "%s, base: below}\n  - {arm: below, %s", arm, base);
    method.data = half_data;
    method.model = "layers: 2, dim: 16, heads: 4, ffn: 32, dropout: 0.1";
    method.arm = text;
    small_trial_read(t, &method);
}

static bool run_method(const struct fixture *f, struct small_trial *t, FILE *log,
                       struct error *error) {
    struct training_context context = {.checkpoint = t->checkpoint,
                                       .trial = "key of the method",
                                       .log = log,
                                       .base = {f->base.checkpoint, "key of the trial", NULL}};
    return training_run(&t->experiment, &context, &t->result, error);
}

static void train_method(const struct fixture *f, const char *arm, struct small_trial *t) {
    struct error error;
    read_method(t, arm, "policy: fixed, heads: 4");
    if (!run_method(f, t, NULL, &error)) fail_msg("%s: %s", arm, error.text);
}

static const struct evaluation_result *find(const struct training_result *r, const char *weights,
                                            const char *split) {
    for (int i = 0; i < r->n_evaluations; i++)
        if (strcmp(r->evaluations[i].weights, weights) == 0 &&
            strcmp(r->evaluations[i].split, split) == 0)
            return &r->evaluations[i];
    fail_msg("no evaluation %s/%s", weights, split);
    return NULL;
}

/* The heads that the test says were run, in the base's numbering. */
static struct head_gates survivors(const struct evaluation_result *e) {
    struct head_gates gates = {0};
    assert_int_equal(e->heads, HEADS);
    for (int l = 0; l < LAYERS; l++)
        for (int h = 0; h < HEADS; h++) {
            uint64_t used = e->usage[l * HEADS + h];
            assert_true(used == 0 || used == (uint64_t)e->n); /* the same for every input */
            for (int c = 0; c < e->classes; c++)
                used -= e->class_usage[(c * LAYERS + l) * HEADS + h];
            assert_int_equal(used, 0);
            used = e->usage[l * HEADS + h];
            gates.value[l][h] = used > 0 ? 1.0f : 0.0f;
        }
    return gates;
}

/* Test loss of these weights, evaluated afresh. */
static double loss_of(const struct small_trial *t, const struct parameters *p) {
    struct dataset *data;
    struct model_config model, dense;
    struct evaluator *evaluator = NULL;
    struct evaluation_result result;
    struct error error;
    assert_true(dataset_load(&t->experiment.data, &data, &error));
    assert_true(trial_models(&t->experiment, data, &model, &dense, &error));
    assert_true(evaluator_new(p, &dense, 40, data->max_len, &evaluator, &error));
    assert_true(evaluator_run(evaluator, &data->test, NULL, NULL, &result, &error));
    double loss = result.loss;
    evaluation_result_free(&result);
    evaluator_free(evaluator);
    dataset_free(data);
    return loss;
}

static void one_shot_methods_leave_the_base_without_its_removed_heads(void **state) {
    const struct fixture *f = *state;
    static const char *const arms[] = {"policy: michel, heads: 2",
                                       "policy: michel, heads: 1.5, recompute: true",
                                       "policy: michel, heads: 0.5, level: token, inputs: 100",
                                       "policy: random-static, heads: 2.5"};
    static const int kept[] = {4, 3, 1, 5};
    for (int i = 0; i < 4; i++) {
        struct small_trial t;
        struct saved_model saved;
        struct parameters *pruned = NULL;
        struct error error;
        train_method(f, arms[i], &t);
        const struct evaluation_result *e = find(&t.result, "best", "test");
        struct head_gates gates = survivors(e);
        assert_int_equal(head_gates_total(&f->model.parameters->config, &gates), kept[i]);
        assert_true(fabs(e->mean_heads - (double)kept[i] / LAYERS) < 1e-12);
        assert_true(e->dense_flops > flops_total(&e->executed));
        assert_true(prune_heads(f->model.parameters, &gates, "p", &pruned, &error));
        assert_true(loss_of(&t, pruned) == e->loss);
        assert_int_equal(t.result.parameters, parameters_count(pruned));
        /* The checkpoint is that of a plain model with these heads. */
        if (!saved_model_read(t.checkpoint, &saved, &error)) fail_msg("%s", error.text);
        assert_string_equal(saved.parameters->config.policy->name, "fixed");
        for (int l = 0; l < LAYERS; l++)
            assert_int_equal(saved.parameters->config.heads.value[l],
                             head_gates_kept(&f->model.parameters->config, &gates, l));
        assert_memory_equal(saved.parameters->arena.base, pruned->arena.base, pruned->arena.used);
        assert_true(saved.parameters->config.dropout == f->model.parameters->config.dropout);
        assert_int_equal(t.result.n_epochs, 0);
        assert_int_equal(t.result.best_epoch, 0);
        assert_int_equal(t.result.steps, 0);
        saved_model_free(&saved);
        parameters_free(pruned);
        small_trial_free(&t);
    }
}

static void keeping_all_heads_changes_nothing(void **state) {
    const struct fixture *f = *state;
    static const char *const arms[] = {"policy: michel, heads: 4",
                                       "policy: random-static, heads: 4"};
    for (int i = 0; i < 2; i++) {
        struct small_trial t;
        train_method(f, arms[i], &t);
        const struct evaluation_result *own = find(&t.result, "best", "test");
        const struct evaluation_result *base = find(&f->base.result, "best", "test");
        assert_true(own->loss == base->loss && own->accuracy == base->accuracy);
        assert_memory_equal(&own->executed, &base->executed, sizeof own->executed);
        small_trial_free(&t);
    }
}

static void opposite_orders_keep_opposite_heads(void **state) {
    const struct fixture *f = *state;
    struct small_trial low, high;
    train_method(f, "policy: michel, heads: 2", &low);
    train_method(f, "policy: michel, heads: 2, order: highest", &high);
    struct head_gates a = survivors(find(&low.result, "best", "test"));
    struct head_gates b = survivors(find(&high.result, "best", "test"));
    for (int l = 0; l < LAYERS; l++)
        for (int h = 0; h < HEADS; h++) assert_true(a.value[l][h] != b.value[l][h]);
    small_trial_free(&low);
    small_trial_free(&high);
}

/* 270 inputs of 12 tokens in batches of 16; the base trained for 4 epochs. */
static void extra_training_is_counted_and_the_base_is_not(void **state) {
    const struct fixture *f = *state;
    struct small_trial t;
    struct flops all = flops_dense(&f->model.parameters->config, 12), left;
    struct model_config half = f->model.parameters->config;
    uint64_t one = 3 * flops_gemm(&all);
    train_method(f, "policy: michel, heads: 2, inputs: 100", &t);
    assert_int_equal(t.result.train_flops, 100 * one);
    small_trial_free(&t);
    train_method(f, "policy: michel, heads: 3, recompute: true, step: 0.125", &t);
    assert_int_equal(t.result.train_flops, 2 * 270 * one);
    assert_true(t.result.train_seconds > 0);
    small_trial_free(&t);
    train_method(f, "policy: voita, cost: 0, epochs: 3", &t); /* all heads stay */
    assert_int_equal(t.result.train_flops, 3 * 270 * one);
    assert_int_equal(t.result.steps, 3 * 17);
    assert_int_equal(t.result.best_epoch, 3);
    small_trial_free(&t);
    train_method(f, "policy: voita, cost: 0", &t); /* eight, if nothing is said */
    assert_int_equal(t.result.train_flops, 8 * 270 * one);
    assert_int_equal(t.result.epochs[7].step, 8 * 17);
    small_trial_free(&t);
    train_method(f, "policy: dsp, heads: 2, epochs: 1, recovery: 2", &t);
    struct head_gates gates = survivors(find(&t.result, "best", "test"));
    for (int l = 0; l < LAYERS; l++) half.heads.value[l] = head_gates_kept(&half, &gates, l);
    left = flops_dense(&half, 12);
    assert_int_equal(t.result.train_flops, 270 * (one + 2 * 3 * flops_gemm(&left)));
    assert_int_equal(t.result.n_epochs, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(t.result.epochs[i].epoch, i + 1);
        assert_int_equal(t.result.epochs[i].step, 17 * (i + 1));
    }
    small_trial_free(&t);
}

static void recovery_reports_its_best_late_epoch(void **state) {
    const struct fixture *f = *state;
    struct small_trial none, t;
    train_method(f, "policy: random-static, heads: 0.5", &none);
    train_method(f, "policy: random-static, heads: 0.5, recovery: 4, rate: 0.5", &t);
    const struct epoch_result *best = &t.result.epochs[t.result.best_epoch - 1];
    assert_true(t.result.best_epoch >= 3); /* select_after 0.65 of four epochs */
    for (int i = 2; i < 4; i++)
        assert_true(best->validation_accuracy >= t.result.epochs[i].validation_accuracy);
    assert_true(find(&t.result, "best", "validation")->loss == best->validation_loss);
    assert_true(t.result.epochs[0].learning_rate <= 0.5 * 1e-2);
    assert_true(find(&t.result, "best", "test")->loss < find(&none.result, "best", "test")->loss);
    assert_memory_equal(find(&t.result, "best", "test")->usage,
                        find(&none.result, "best", "test")->usage,
                        LAYERS * HEADS * sizeof(uint64_t)); /* heads do not come back */
    small_trial_free(&none);
    small_trial_free(&t);
}

static void learned_gates_close_heads_at_a_price(void **state) {
    const struct fixture *f = *state;
    static const char *const arms[] = {"policy: voita, cost: 0",
                                       "policy: voita, cost: 3, gate_rate: 0.5"};
    double heads[2];
    for (int i = 0; i < 2; i++) {
        struct small_trial t;
        train_method(f, arms[i], &t);
        heads[i] = find(&t.result, "best", "test")->mean_heads;
        assert_true(t.result.epochs[0].train_regulariser >= 0);
        small_trial_free(&t);
    }
    assert_true(heads[0] == HEADS);
    assert_true(heads[1] < 1);
}

static void subset_pruning_keeps_exactly_k(void **state) {
    const struct fixture *f = *state;
    static const char *const estimators[] = {"gumbel", "ste"};
    for (int k = 1; k <= 7; k += 3)
        for (int e = 0; e < 2; e++) {
            char arm[96];
            struct small_trial t;
            snprintf(arm, sizeof arm, "policy: dsp, heads: %g, epochs: 1, estimator: %s", k / 2.0,
                     estimators[e]);
            train_method(f, arm, &t);
            struct head_gates gates = survivors(find(&t.result, "best", "test"));
            assert_int_equal(head_gates_total(&f->model.parameters->config, &gates), k);
            small_trial_free(&t);
        }
}

static void same_trial_gives_the_same_bits(void **state) {
    const struct fixture *f = *state;
    static const char *const arms[] = {
        "policy: michel, heads: 2, recovery: 1", "policy: voita, cost: 0.3, epochs: 1",
        "policy: dsp, heads: 2, epochs: 1", "policy: random-static, heads: 2, recovery: 1"};
    for (int i = 0; i < 4; i++) {
        struct small_trial t[2];
        struct saved_model saved[2];
        struct error error;
        for (int j = 0; j < 2; j++) {
            train_method(f, arms[i], &t[j]);
            assert_true(saved_model_read(t[j].checkpoint, &saved[j], &error));
        }
        const struct evaluation_result *a = find(&t[0].result, "best", "test"),
                                       *b = find(&t[1].result, "best", "test");
        assert_true(a->loss == b->loss);
        assert_memory_equal(a->usage, b->usage, LAYERS * HEADS * sizeof *a->usage);
        assert_int_equal(saved[0].parameters->arena.used, saved[1].parameters->arena.used);
        assert_memory_equal(saved[0].parameters->arena.base, saved[1].parameters->arena.base,
                            saved[0].parameters->arena.used);
        for (int j = 0; j < 2; j++) {
            saved_model_free(&saved[j]);
            small_trial_free(&t[j]);
        }
    }
}

/* Scores are those of the model as it is deployed: a trial with much dropout keeps the same. */
static void scoring_is_without_dropout(void **state) {
    const struct fixture *f = *state;
    for (int k = 1; k < 8; k++) {
        char arm[64];
        struct small_trial t[2];
        struct error error;
        snprintf(arm, sizeof arm, "policy: michel, heads: %g, inputs: 20", k / 2.0);
        for (int i = 0; i < 2; i++) {
            read_method(&t[i], arm, "policy: fixed, heads: 4");
            t[i].experiment.model.dropout = i ? 0.9 : 0;
            if (!run_method(f, &t[i], NULL, &error)) fail_msg("%s", error.text);
        }
        assert_memory_equal(find(&t[0].result, "best", "test")->usage,
                            find(&t[1].result, "best", "test")->usage,
                            LAYERS * HEADS * sizeof(uint64_t));
        for (int i = 0; i < 2; i++) small_trial_free(&t[i]);
    }
}

/* After a base of four epochs comes the order of the fifth; after one of six, that of the
 * seventh. */
static void extra_epochs_go_on_where_the_base_ended(void **state) {
    const struct fixture *f = *state;
    static const char *const arms[] = {"policy: random-static, heads: 4, recovery: 1",
                                       "policy: voita, epochs: 1, cost: 0"};
    for (int i = 0; i < 2; i++) {
        double loss[2];
        for (int longer = 0; longer < 2; longer++) {
            struct small_trial t;
            struct error error;
            read_method(&t, arms[i], "policy: fixed, heads: 4");
            t.experiment.model.dropout = 0;
            t.experiment.train.epochs += 2 * longer;
            if (!run_method(f, &t, NULL, &error)) fail_msg("%s", error.text);
            loss[longer] = t.result.epochs[0].train_loss;
            small_trial_free(&t);
        }
        assert_true(loss[0] != loss[1]);
    }
}

/* At rates that move no weight only dropout tells one epoch from another. After four epochs of a
 * base and one of gates comes the sixth of all, as it does after three and two. */
static void recovery_goes_on_where_the_gates_ended(void **state) {
    const struct fixture *f = *state;
    static const int bases[] = {4, 3, 4}, gates[] = {1, 2, 2};
    double loss[3];
    for (int i = 0; i < 3; i++) {
        char arm[120];
        struct small_trial t;
        struct error error;
        snprintf(arm, sizeof arm,
                 "policy: voita, cost: 0, gate_rate: 1e-9, rate: 1e-6, epochs: %d, recovery: 1",
                 gates[i]);
        read_method(&t, arm, "policy: fixed, heads: 4");
        t.experiment.train.epochs = bases[i];
        t.experiment.train.learning_rate = 1e-20;
        if (!run_method(f, &t, NULL, &error)) fail_msg("%s", error.text);
        loss[i] = t.result.epochs[gates[i]].train_loss;
        small_trial_free(&t);
    }
    assert_true(loss[0] == loss[1]);
    assert_true(loss[0] != loss[2]);
}

static void log_says_which_heads_stay(void **state) {
    const struct fixture *f = *state;
    struct small_trial t;
    struct error error;
    char *log = NULL;
    size_t size = 0;
    read_method(&t, "policy: michel, heads: 1.5", "policy: fixed, heads: 4");
    FILE *file = open_memstream(&log, &size);
    assert_true(file && run_method(f, &t, file, &error));
    fclose(file);
    assert_non_null(strstr(log, "3 of 8 heads stay: layer 0:"));
    assert_non_null(strstr(log, "; layer 1:"));
    free(log);
    small_trial_free(&t);
}

static void bases_that_do_not_fit_are_refused(void **state) {
    const struct fixture *f = *state;
    struct small_trial narrow, t;
    struct small_trial_text text = small_topic;
    struct error error;
    read_method(&t, "policy: michel, heads: 2", "policy: fixed, heads: 4");
    struct training_context context = {.checkpoint = t.checkpoint, .trial = ""};
    assert_false(training_run(&t.experiment, &context, &t.result, &error));
    assert_non_null(strstr(error.text, "was given none"));
    context.base = (struct trained){f->base.checkpoint, "another key", NULL};
    assert_false(training_run(&t.experiment, &context, &t.result, &error));
    assert_non_null(strstr(error.text, f->base.checkpoint));
    assert_non_null(strstr(error.text, "not written by the training"));
    context.base.path = "/nonexistent.safetensors";
    assert_false(training_run(&t.experiment, &context, &t.result, &error));
    assert_non_null(strstr(error.text, "/nonexistent.safetensors"));
    static const char *const arms[][2] = {
        {"policy: fixed, heads: [4, 3]", "layer 1 of this one has 3"},
        {"policy: random, heads: 4", "policy random"},
        {"policy: none", "layer 0 of this one has 0"},
        {"policy: bag-of-words", "has 0 and policy bag-of-words"}};
    context.base.trial = "key of the trial";
    text.train = "epochs: 1, batch: 16";
    for (int i = 0; i < 4; i++) {
        text.arm = arms[i][0];
        small_trial_run(&narrow, &text);
        context.base.path = narrow.checkpoint;
        assert_false(training_run(&t.experiment, &context, &t.result, &error));
        if (!strstr(error.text, arms[i][1])) fail_msg("'%s' lacks '%s'", error.text, arms[i][1]);
        small_trial_free(&narrow);
    }
    small_trial_free(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_shot_methods_leave_the_base_without_its_removed_heads),
        cmocka_unit_test(keeping_all_heads_changes_nothing),
        cmocka_unit_test(opposite_orders_keep_opposite_heads),
        cmocka_unit_test(extra_training_is_counted_and_the_base_is_not),
        cmocka_unit_test(recovery_reports_its_best_late_epoch),
        cmocka_unit_test(learned_gates_close_heads_at_a_price),
        cmocka_unit_test(subset_pruning_keeps_exactly_k),
        cmocka_unit_test(same_trial_gives_the_same_bits),
        cmocka_unit_test(scoring_is_without_dropout),
        cmocka_unit_test(extra_epochs_go_on_where_the_base_ended),
        cmocka_unit_test(recovery_goes_on_where_the_gates_ended),
        cmocka_unit_test(log_says_which_heads_stay),
        cmocka_unit_test(bases_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, train_base, free_base);
}
