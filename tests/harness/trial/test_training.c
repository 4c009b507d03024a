/*
 * Whole trainings of small generated tasks: the same bits twice, the rule that picks the reported
 * weights, what every evaluation must add up to, and what the tasks themselves must show (words
 * alone tell a topic and tell nothing of offsets).
 */
#include "harness/trial/card_use.h"
#include "harness/trial/evaluation.h"
#include "models/checkpoint.h"
#include "models/optimizer.h"
#include "models/model_json.h"
#include "models/trainer.h"
#include "tests/harness/trial/small_trial.h"

#include <math.h>
#include <unistd.h>

/* Two finished trials for the tests that only look at results. */
struct finished {
    struct small_trial gated, fixed;
};

static int run_both(void **state) {
    struct finished *f = *state = malloc(sizeof *f);
    if (!f) return -1;
    small_trial_run(&f->gated, &small_gated_topic);
    small_trial_run(&f->fixed, &small_topic);
    return 0;
}

static int free_both(void **state) {
    struct finished *f = *state;
    small_trial_free(&f->gated);
    small_trial_free(&f->fixed);
    free(f);
    return 0;
}

static void assert_same_evaluation(const struct evaluation_result *a,
                                   const struct evaluation_result *b) {
    size_t n = (size_t)a->n, layers = (size_t)a->layers;
    assert_int_equal(a->n, b->n);
    assert_memory_equal(&a->loss, &b->loss, sizeof a->loss);
    assert_memory_equal(&a->mean_s, &b->mean_s, sizeof a->mean_s);
    assert_memory_equal(&a->executed, &b->executed, sizeof a->executed);
    assert_memory_equal(a->predicted, b->predicted, n * sizeof *a->predicted);
    assert_memory_equal(a->heads_run, b->heads_run, n * layers * sizeof *a->heads_run);
    if (a->budget) assert_memory_equal(a->budget, b->budget, n * layers * sizeof *a->budget);
}

static void same_trial_gives_the_same_bits(void **state) {
    const struct finished *f = *state;
    const struct small_trial *a = &f->gated;
    struct small_trial b;
    char *bytes[2];
    size_t size[2];
    small_trial_run(&b, &small_gated_topic);
    for (int i = 0; i < a->result.n_epochs; i++) {
        struct epoch_result x = a->result.epochs[i], y = b.result.epochs[i];
        x.train_seconds = y.train_seconds = x.validation_seconds = y.validation_seconds = 0;
        assert_memory_equal(&x, &y, sizeof x);
    }
    assert_int_equal(a->result.best_epoch, b.result.best_epoch);
    assert_int_equal(a->result.n_evaluations, b.result.n_evaluations);
    for (int i = 0; i < a->result.n_evaluations; i++)
        assert_same_evaluation(&a->result.evaluations[i], &b.result.evaluations[i]);
    bytes[0] = file_bytes(a->checkpoint, &size[0]);
    bytes[1] = file_bytes(b.checkpoint, &size[1]);
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(bytes[0], bytes[1], size[0]);
    free(bytes[0]), free(bytes[1]);
    small_trial_free(&b);
}

static const struct memory_result *memory_of(const struct training_result *r, const char *what) {
    for (int i = 0; i < r->n_memory; i++)
        if (strcmp(r->memory[i].what, what) == 0) return &r->memory[i];
    fail_msg("no row '%s'", what);
    return NULL;
}

/* Arenas are exact and add up; peaks exist or have a reason, and the prediction beside them. */
static void memory_is_told_by_purpose_beside_its_prediction(void **state) {
    const struct finished *f = *state;
    static const char *const arenas[] = {"arena parameters",          "arena best parameters",
                                         "arena gradients",           "arena activations",
                                         "arena optimiser",           "arena training workspace",
                                         "arena evaluation workspace"};
    const struct training_result *r = &f->gated.result;
    int64_t sum = 0;
    for (int i = 0; i < 7; i++) {
        const struct memory_result *row = memory_of(r, arenas[i]);
        assert_true(row->predicted > 0 && row->bytes >= row->predicted);
        assert_true(row->page_faults == -1);
        sum += row->bytes;
    }
    assert_int_equal(sum, r->arena_bytes);
    assert_int_equal(memory_of(r, "arena parameters")->predicted, 4 * r->parameters);
    const struct memory_result *training = memory_of(r, "peak resident, training"),
                               *evaluation = memory_of(r, "peak resident, evaluation");
    assert_true(training->bytes > 0 ? training->predicted > 0 : training->reason[0] != 0);
    assert_true(evaluation->bytes > 0 || evaluation->reason[0] != 0);
    assert_true(training->page_faults >= 0 && evaluation->page_faults >= 0);
    assert_true(r->peak_rss_bytes >= training->bytes && r->peak_rss_bytes >= evaluation->bytes);
    enum { CARD_ROWS = CARD_HELD_ROWS + CARD_TOLD_ROWS }; /* and two copies of the parameters */
    assert_int_equal(r->n_memory, TRAINING_MEMORY - 2 - CARD_ROWS); /* a card has more */
}

/* The marks lie inside the timed interval; between them and its ends stand two readings of the
 * clock an epoch. */
static void phases_sum_to_the_training_time(void **state) {
    const struct finished *f = *state;
    const struct training_result *results[] = {&f->gated.result, &f->fixed.result};
    for (int i = 0; i < 2; i++) {
        const struct training_result *r = results[i];
        double sum = 0;
        for (int p = 0; p < PHASES; p++) {
            bool of_training = p >= PHASE_DATA;
            assert_true(of_training ? r->phase_seconds[p] > 0 : r->phase_seconds[p] == 0);
            sum += r->phase_seconds[p];
        }
        assert_true(sum <= r->train_seconds * (1 + 1e-9));
        assert_true(sum >= 0.98 * r->train_seconds);
    }
}

static void another_seed_changes_training_but_not_the_data(void **state) {
    const struct finished *f = *state;
    const struct small_trial *a = &f->fixed;
    struct small_trial b;
    struct small_trial_text other = small_topic;
    other.seed = 2;
    small_trial_run(&b, &other);
    assert_true(a->result.epochs[0].train_loss != b.result.epochs[0].train_loss);
    assert_true(find_evaluation(&a->result, "best", "test", "none")->loss !=
                find_evaluation(&b.result, "best", "test", "none")->loss);
    assert_string_equal(a->result.data_sha256, b.result.data_sha256);
    assert_memory_equal(find_evaluation(&a->result, "best", "test", "none")->label,
                        find_evaluation(&b.result, "best", "test", "none")->label,
                        150 * sizeof(int32_t));
    small_trial_free(&b);
}

static void seed_draws_the_initial_weights(void **state) {
    (void)state;
    double loss[2];
    for (int i = 0; i < 2; i++) {
        struct small_trial t;
        struct small_trial_text frozen = small_topic;
        frozen.train = "epochs: 1, batch: 16, learning_rate: 1e-9"; /* they stay as they were */
        frozen.seed = 1 + i;
        small_trial_run(&t, &frozen);
        loss[i] = find_evaluation(&t.result, "final", "test", "none")->loss;
        small_trial_free(&t);
    }
    assert_true(fabs(loss[0] - loss[1]) > 1e-3);
}

static void seed_draws_the_random_heads_of_a_test(void **state) {
    (void)state;
    uint64_t usage[2][8];
    for (int i = 0; i < 2; i++) {
        struct small_trial t;
        struct small_trial_text text = small_topic;
        text.train = "epochs: 1, batch: 16";
        text.arm = "policy: random, heads: 2";
        text.seed = 1 + i;
        small_trial_run(&t, &text);
        memcpy(usage[i], find_evaluation(&t.result, "best", "test", "none")->usage,
               sizeof usage[i]);
        small_trial_free(&t);
    }
    assert_memory_not_equal(usage[0], usage[1], sizeof usage[0]);
}

/* The rule, written again: of the epochs that end at or after select_after of all steps, the best
 * validation accuracy, then the lower loss, then the earlier epoch. */
static int best_epoch(const struct training_result *r, double select_after) {
    int best = 0;
    for (int i = r->n_epochs; i >= 1; i--) {
        const struct epoch_result *e = &r->epochs[i - 1], *b = &r->epochs[best ? best - 1 : 0];
        if ((double)e->step < select_after * (double)r->steps) continue;
        if (!best || e->validation_accuracy > b->validation_accuracy ||
            (e->validation_accuracy == b->validation_accuracy &&
             e->validation_loss <= b->validation_loss))
            best = i;
    }
    return best;
}

static void assert_reported_weights_are_the_best(const struct training_result *r) {
    const struct evaluation_result *validation = find_evaluation(r, "best", "validation", "none");
    const struct epoch_result *best = &r->epochs[r->best_epoch - 1];
    assert_true(validation->accuracy == best->validation_accuracy);
    assert_true(validation->loss == best->validation_loss);
    assert_true(validation->mean_heads == best->validation_mean_heads);
}

/* Few inputs, much noise: the model overfits, and the best epoch is rarely the last. */
static void best_late_epoch_is_chosen_and_reported(void **state) {
    (void)state;
    static const double select_after[] = {0, 0.5, 0.65, 1};
    struct small_trial_text noisy = small_topic;
    int not_last = 0, too_early = 0;
    noisy.data = "source: topic, length: 8, n_train: 150, n_test: 20, signal: 0.2,"
                 " validation_share: 0.3";
    for (int i = 0; i < 4; i++)
        for (noisy.seed = 1; noisy.seed <= 3; noisy.seed++) {
            char train[160];
            struct small_trial t;
            snprintf(train, sizeof train,
                     "epochs: 8, batch: 16, learning_rate: 2e-2, select_after: %g",
                     select_after[i]);
            noisy.train = train;
            small_trial_run(&t, &noisy);
            assert_int_equal(t.result.best_epoch, best_epoch(&t.result, select_after[i]));
            assert_reported_weights_are_the_best(&t.result);
            not_last += t.result.best_epoch < 8;
            too_early += best_epoch(&t.result, 0) != t.result.best_epoch;
            if (select_after[i] == 1) assert_int_equal(t.result.best_epoch, 8);
            small_trial_free(&t);
        }
    assert_true(not_last > 0 && too_early > 0); /* else this test shows nothing */
}

static void checkpoint_holds_the_reported_weights(void **state) {
    (void)state;
    struct small_trial t;
    struct error error;
    struct small_trial_text text = small_gated_topic;
    text.train = "epochs: 5, batch: 16, learning_rate: 3e-2, select_after: 0";
    small_trial_run(&t, &text);
    struct checkpoint *file = NULL;
    struct model_config config, model, dense;
    struct parameters *p = NULL;
    struct dataset *data = NULL;
    struct evaluator *evaluator = NULL;
    struct evaluation_result again;
    assert_true(checkpoint_open(t.checkpoint, &file, &error));
    assert_string_equal(checkpoint_metadata(file, "format"), "headroom-1");
    assert_string_equal(checkpoint_metadata(file, "trial"), "key of the trial");
    const char *json = checkpoint_metadata(file, "config");
    assert_true(model_read_json(json, strlen(json), &config, &error));
    assert_true(parameters_new(&config, "p", &p, &error));
    size_t n = parameters_views(p, NULL);
    struct tensor_view *views = calloc(n, sizeof *views);
    assert_non_null(views);
    parameters_views(p, views);
    if (!checkpoint_read(file, views, n, &error)) fail_msg("%s", error.text);
    assert_true(dataset_load(&t.experiment.data, &data, &error));
    assert_string_equal(checkpoint_metadata(file, "vocab_sha256"), data->vocab_sha256);
    assert_non_null(strstr(checkpoint_metadata(file, "tokenizer"), "\"words\""));
    assert_true(trial_models(&t.experiment, data, &model, &dense, &error));
    assert_true(
        evaluator_new(p, &dense, t.experiment.train.eval_batch, data->max_len, &evaluator, &error));
    assert_true(evaluator_run(evaluator, &data->test, NULL, NULL, &again, &error));
    assert_same_evaluation(&again, find_evaluation(&t.result, "best", "test", "none"));
    evaluation_result_free(&again);
    evaluator_free(evaluator);
    dataset_free(data);
    parameters_free(p);
    free(views);
    checkpoint_close(file);
    small_trial_free(&t);
}

static void only_budgeted_arms_have_controls(void **state) {
    const struct finished *f = *state;
    const struct training_result *const results[] = {&f->gated.result, &f->fixed.result};
    for (int i = 0; i < 2; i++) {
        find_evaluation(results[i], "final", "test", "none");
        find_evaluation(results[i], "best", "validation", "none");
        find_evaluation(results[i], "best", "test", "none");
    }
    find_evaluation(&f->gated.result, "best", "test", "static");
    find_evaluation(&f->gated.result, "best", "test", "shuffled");
    assert_int_equal(f->gated.result.n_evaluations, 5);
    assert_int_equal(f->fixed.result.n_evaluations, 3);
    assert_true(isnan(find_evaluation(&f->fixed.result, "best", "test", "none")->mean_s));
    assert_null(find_evaluation(&f->fixed.result, "best", "test", "none")->budget);
    assert_true(isnan(f->fixed.result.epochs[0].train_mean_s));
    assert_true(f->gated.result.epochs[0].train_mean_s > 0.3);
}

/* Everything that an evaluation says, from its per-input rows and the closed form. */
static void check_sums(const struct small_trial *t, const struct evaluation_result *e) {
    struct dataset *data;
    struct model_config model, dense;
    struct error error;
    assert_true(dataset_load(&t->experiment.data, &data, &error));
    assert_true(trial_models(&t->experiment, data, &model, &dense, &error));
    const struct split *split = strcmp(e->split, "test") == 0 ? &data->test : &data->validation;
    struct flops formula = {{0}};
    uint64_t dense_flops = 0, used = 0;
    double right = 0, heads = 0, budget = 0;
    bool mode = strncmp(e->control, "mode:", 5) == 0;
    bool weighed = mode && strcmp(e->control, "mode:plain") != 0;
    assert_int_equal(e->n, split->n);
    assert_memory_equal(e->label, split->labels, (size_t)e->n * sizeof *e->label);
    for (int i = 0; i < e->n; i++) {
        assert_int_equal(e->length[i], split->offsets[i + 1] - split->offsets[i]);
        assert_int_equal(e->difficulty[i], split->difficulty[i]);
        right += e->predicted[i] == e->label[i];
        for (int l = 0; l < e->layers; l++) {
            int k = e->heads_run[i * e->layers + l];
            heads += k;
            if (e->budget) {
                double s = (double)e->budget[i * e->layers + l],
                       ceiling = ceil(s * e->heads - 1e-4);
                budget += s;
                assert_int_equal(k, fmin(fmax(ceiling, 1), e->heads));
            }
            flops_add_layer(&model, l, e->length[i], k, e->length[i] * k,
                            weighed ? e->length[i] * k : 0, &formula);
        }
        flops_add_ends(&model, e->length[i], &formula);
        struct flops one = flops_dense(&dense, e->length[i]);
        dense_flops += flops_total(&one);
    }
    /* Whole inputs choose: active is executed without the gate. */
    assert_int_equal(e->active_flops, flops_total(&formula) - formula.count[FLOP_GATE] -
                                          formula.count[FLOP_GATE_MULTIPLY]);
    if (strcmp(e->control, "none") != 0 && !mode)
        formula.count[FLOP_GATE] = 0; /* decided elsewhere */
    for (int c = 0; c < FLOP_COMPONENTS; c++) {
        assert_int_equal(e->executed.count[c], formula.count[c]);
        assert_int_equal(e->formula.count[c], formula.count[c]);
    }
    for (int i = 0; i < e->layers * e->heads; i++) used += e->usage[i];
    double decided = (double)e->n * (e->layers ? e->layers : 1);
    assert_int_equal(used, heads);
    assert_int_equal(e->dense_flops, dense_flops);
    assert_true(fabs(e->accuracy - right / e->n) < 1e-12);
    assert_true(fabs(e->mean_heads - heads / decided) < 1e-12);
    if (e->budget) assert_true(fabs(e->mean_s - budget / decided) < 1e-6);
    dataset_free(data);
}

static void executed_flops_and_means_follow_from_the_inputs(void **state) {
    (void)state;
    static const char *const arms[] = {"policy: fixed, heads: [1, 3]",
                                       "policy: random, heads: 2",
                                       "policy: none",
                                       "policy: bag-of-words",
                                       "policy: wide, heads: 2",
                                       "policy: drophead, p: 0.2",
                                       "policy: budgetformer, cost: 0.1",
                                       "policy: budgetformer, estimator: gumbel, cost_on: executed",
                                       "policy: budgetformer, global_budget: true",
                                       "policy: budgetformer, budget: 0.5, cost: 0",
                                       "policy: budgetformer, scores: random",
                                       "policy: budgetformer-paper, scores: random-at-test",
                                       "policy: budgetformer-paper, budget: 0.5, scores: random"};
    for (size_t i = 0; i < sizeof arms / sizeof *arms; i++) {
        struct small_trial_text text = small_gated_topic;
        struct small_trial t;
        text.data = "source: mixed, relations: 3, length: 10, n_train: 300, n_test: 100";
        text.train = "epochs: 2, batch: 16, learning_rate: 1e-2, eval_batch: 40";
        text.arm = arms[i];
        small_trial_run(&t, &text);
        for (int k = 0; k < t.result.n_evaluations; k++) check_sums(&t, &t.result.evaluations[k]);
        small_trial_free(&t);
    }
}

/* All that training reserves, each part made once more. */
static int64_t arena_bytes(const struct experiment *e, const struct model_config *model,
                           const struct model_config *dense) {
    struct parameters *p = NULL;
    struct trainer *trainer = NULL;
    struct optimizer *optimizer = NULL;
    struct evaluator *evaluator = NULL;
    struct optimizer_config config = {.total_steps = 1};
    struct trainer_limits limits = {e->train.batch, e->train.batch * model->max_len,
                                    model->max_len};
    struct error error;
    assert_true(parameters_new(model, "p", &p, &error));
    assert_true(trainer_new(p, &limits, 1, &trainer, &error));
    assert_true(optimizer_new(p, &config, &optimizer, &error));
    assert_true(evaluator_new(p, dense, e->train.eval_batch, model->max_len, &evaluator, &error));
    int64_t bytes = 2 * (int64_t)p->arena.size + trainer_bytes(trainer) +
                    optimizer_bytes(optimizer) + evaluator_bytes(evaluator);
    evaluator_free(evaluator);
    optimizer_free(optimizer);
    trainer_free(trainer);
    parameters_free(p);
    return bytes;
}

static void training_reports_its_own_size(void **state) {
    const struct finished *f = *state;
    const struct small_trial *t = &f->fixed;
    struct dataset *data;
    struct model_config model, dense;
    struct error error;
    assert_true(dataset_load(&t->experiment.data, &data, &error));
    assert_true(trial_models(&t->experiment, data, &model, &dense, &error));
    struct flops one = flops_dense(&model, 12);
    assert_int_equal(t->result.n_train, 540);
    assert_int_equal(t->result.n_validation, 60);
    assert_int_equal(t->result.n_test, 150);
    assert_int_equal(t->result.steps, 4 * 34); /* 540 inputs in batches of 16, the last of 12 */
    assert_int_equal(t->result.epochs[3].step, t->result.steps);
    assert_int_equal(t->result.train_flops, 4 * 540 * 3 * flops_gemm(&one));
    /* Embeddings of 40 words and 12 places; two layers; final norm; classifier. */
    assert_int_equal(t->result.parameters,
                     52 * 16 + 2 * (4 * 16 * 16 + 4 * 16 + 4 * 16 + 2 * 16 * 32 + 32 + 16) +
                         2 * 16 + 4 * 16 + 4);
    assert_int_equal(t->result.arena_bytes, arena_bytes(&t->experiment, &model, &dense));
    assert_string_equal(t->result.checkpoint, t->checkpoint);
    dataset_free(data);
}

/* 600 training inputs of four classes in turn, a tenth of them held out, and 150 test inputs. */
static void classes_are_counted_and_sources_handed_on(void **state) {
    const struct finished *f = *state;
    const struct training_result *r = &f->fixed.result;
    int n[3] = {0};
    for (int c = 0; c < 4; c++) {
        char name[16];
        snprintf(name, sizeof name, "class%d", c);
        assert_string_equal(r->classes[c].name, name);
        assert_int_equal(r->classes[c].n_train + r->classes[c].n_validation, 150);
        n[0] += r->classes[c].n_train;
        n[1] += r->classes[c].n_validation;
        n[2] += r->classes[c].n_test;
    }
    assert_int_equal(n[0], r->n_train);
    assert_int_equal(n[1], r->n_validation);
    assert_int_equal(n[2], r->n_test);
    assert_int_equal(r->sources.n, r->n_test);
    assert_int_equal(strlen(r->sources.sha256), 64);
    assert_int_equal(r->sources.source[149].row, 149);
}

/* One training, three ways to run it: each decides for itself, and one of them is the arm's own. */
static void every_inference_mode_is_evaluated(void **state) {
    (void)state;
    static const char *const modes[] = {"mode:plain", "mode:mass", "mode:raw"};
    struct small_trial t;
    struct small_trial_text text = small_gated_topic;
    text.arm = "policy: budgetformer-paper, initial_budget: 0.6, mode: mass";
    small_trial_run(&t, &text);
    const struct evaluation_result *own = find_evaluation(&t.result, "best", "test", "none"), *e[3];
    for (int i = 0; i < 3; i++) {
        e[i] = find_evaluation(&t.result, "best", "test", modes[i]);
        check_sums(&t, e[i]);
        for (int n = 0; n < own->n; n++) /* the first layer's input is the same for all */
            assert_int_equal(e[i]->heads_run[n * 2], own->heads_run[n * 2]);
        assert_true(e[i]->executed.count[FLOP_GATE] == own->executed.count[FLOP_GATE]);
    }
    assert_same_evaluation(own, e[1]);
    assert_true(fabs(e[0]->loss - own->loss) > 1e-4 && fabs(e[2]->loss - own->loss) > 1e-4);
    find_evaluation(&t.result, "best", "test", "static");
    find_evaluation(&t.result, "best", "test", "shuffled");
    assert_int_equal(t.result.n_evaluations, 8);
    small_trial_free(&t);
}

static void one_or_all_heads_learn_a_topic(void **state) {
    (void)state;
    static const char *const arms[] = {"policy: fixed, heads: 4", "policy: fixed, heads: 1",
                                       "policy: budgetformer", "policy: bag-of-words"};
    for (size_t i = 0; i < sizeof arms / sizeof *arms; i++) {
        struct small_trial_text text = small_topic;
        struct small_trial t;
        text.arm = arms[i];
        small_trial_run(&t, &text);
        double accuracy = find_evaluation(&t.result, "best", "test", "none")->accuracy;
        if (accuracy <= 0.8) fail_msg("%s: accuracy %.3f", arms[i], accuracy);
        assert_true(t.result.epochs[3].train_loss < t.result.epochs[0].train_loss);
        small_trial_free(&t);
    }
}

static void words_alone_tell_nothing_of_offsets(void **state) {
    (void)state;
    struct small_trial_text text = {.data = "source: offsets, relations: 4, length: 16,"
                                            " n_train: 1500, n_test: 1000",
                                    .model = "layers: 1, dim: 16, heads: 4",
                                    .train = "epochs: 3, batch: 32, learning_rate: 1e-2",
                                    .arm = "policy: bag-of-words",
                                    .seed = 1};
    struct small_trial t;
    small_trial_run(&t, &text);
    double accuracy = find_evaluation(&t.result, "best", "test", "none")->accuracy;
    assert_true(fabs(accuracy - 0.5) < 5 * sqrt(0.25 / 1000));
    small_trial_free(&t);
}

/* A decay of more than 1 in one step turns the weights over and lets them grow without end. It is
 * seen in the loss of a step or, where an epoch is one step, first on the validation slice. */
static void divergence_is_an_error_with_a_hint(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"epochs: 4, batch: 16, learning_rate: 10, weight_decay: 10, warmup: 0", "(loss"},
        {"epochs: 90, batch: 600, learning_rate: 10, weight_decay: 10, warmup: 0", "(validation"}};
    for (int i = 0; i < 2; i++) {
        struct small_trial t;
        struct small_trial_text text = small_topic;
        struct error error = {{0}, {{0}, 0, 0}};
        text.train = cases[i][0];
        small_trial_read(&t, &text);
        struct training_context context = {.checkpoint = t.checkpoint, .trial = ""};
        assert_false(training_run(&t.experiment, &context, &t.result, &error));
        assert_non_null(strstr(error.text, "diverged in epoch"));
        assert_non_null(strstr(error.text, cases[i][1]));
        assert_non_null(strstr(error.text, "learning_rate"));
        assert_int_equal(access(t.checkpoint, F_OK), -1); /* nothing that looks like a result */
        small_trial_free(&t);
    }
}

static void checkpoint_that_cannot_be_written_is_an_error_naming_it(void **state) {
    (void)state;
    struct small_trial t;
    struct error error = {{0}, {{0}, 0, 0}};
    small_trial_read(&t, &small_topic);
    struct training_context context = {.checkpoint = "/nonexistent/folder/x.safetensors",
                                       .trial = ""};
    assert_false(training_run(&t.experiment, &context, &t.result, &error));
    assert_non_null(strstr(error.text, "/nonexistent/folder/x.safetensors"));
    small_trial_free(&t);
}

static void log_has_one_line_per_epoch(void **state) {
    (void)state;
    struct small_trial t;
    struct error error;
    char *log = NULL;
    size_t size = 0;
    int lines = 0;
    small_trial_read(&t, &small_topic);
    struct training_context context = {
        .checkpoint = t.checkpoint, .trial = "", .log = open_memstream(&log, &size)};
    assert_true(context.log && training_run(&t.experiment, &context, &t.result, &error));
    fclose(context.log);
    for (size_t i = 0; i < size; i++) lines += log[i] == '\n';
    assert_int_equal(lines, 4);
    assert_non_null(strstr(log, "epoch 4/4"));
    free(log);
    small_trial_free(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_trial_gives_the_same_bits),
        cmocka_unit_test(memory_is_told_by_purpose_beside_its_prediction),
        cmocka_unit_test(phases_sum_to_the_training_time),
        cmocka_unit_test(another_seed_changes_training_but_not_the_data),
        cmocka_unit_test(seed_draws_the_initial_weights),
        cmocka_unit_test(seed_draws_the_random_heads_of_a_test),
        cmocka_unit_test(best_late_epoch_is_chosen_and_reported),
        cmocka_unit_test(checkpoint_holds_the_reported_weights),
        cmocka_unit_test(only_budgeted_arms_have_controls),
        cmocka_unit_test(executed_flops_and_means_follow_from_the_inputs),
        cmocka_unit_test(training_reports_its_own_size),
        cmocka_unit_test(classes_are_counted_and_sources_handed_on),
        cmocka_unit_test(every_inference_mode_is_evaluated),
        cmocka_unit_test(one_or_all_heads_learn_a_topic),
        cmocka_unit_test(words_alone_tell_nothing_of_offsets),
        cmocka_unit_test(divergence_is_an_error_with_a_hint),
        cmocka_unit_test(checkpoint_that_cannot_be_written_is_an_error_naming_it),
        cmocka_unit_test(log_has_one_line_per_epoch),
    };
    return cmocka_run_group_tests(tests, run_both, free_both);
}
