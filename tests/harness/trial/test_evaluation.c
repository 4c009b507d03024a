/*
 * What an evaluation may not depend on (how the split is cut into batches), that it replays the
 * decisions it recorded, and the two ways in which the controls replace decisions.
 */
#include "harness/trial/evaluation.h"
#include "tests/harness/trial/small_trial.h"

#include <math.h>

/* An untrained model of a small trial over its test split. */
struct fixture {
    struct small_trial trial;
    struct dataset *data;
    struct model_config dense;
    struct parameters *p;
};

static void set_up(struct fixture *f, const char *arm) {
    struct small_trial_text text = small_topic;
    struct model_config model;
    struct error error;
    text.arm = arm;
    small_trial_read(&f->trial, &text);
    assert_true(dataset_load(&f->trial.experiment.data, &f->data, &error));
    assert_true(trial_models(&f->trial.experiment, f->data, &model, &f->dense, &error));
    assert_true(parameters_new(&model, "p", &f->p, &error));
    parameters_initialise(f->p, 1);
}

static void tear_down(struct fixture *f) {
    parameters_free(f->p);
    dataset_free(f->data);
    small_trial_free(&f->trial);
}

static struct evaluation_result evaluate(const struct fixture *f, int batch,
                                         const struct decisions *given, struct decisions *record) {
    struct evaluator *evaluator = NULL;
    struct evaluation_result result;
    struct error error;
    assert_true(evaluator_new(f->p, &f->dense, batch, f->data->max_len, &evaluator, &error));
    if (!evaluator_run(evaluator, &f->data->test, given, record, &result, &error))
        fail_msg("%s", error.text);
    evaluator_free(evaluator);
    return result;
}

static void assert_same_heads_and_loss(const struct evaluation_result *a,
                                       const struct evaluation_result *b) {
    assert_memory_equal(a->heads_run, b->heads_run,
                        (size_t)(a->n * a->layers) * sizeof *a->heads_run);
    assert_memory_equal(a->usage, b->usage, (size_t)(a->layers * a->heads) * sizeof *a->usage);
    assert_true(fabs(a->loss - b->loss) < 1e-5);
}

/* 150 inputs in batches of 1, of 7 (the last of 3) and all at once. */
static void results_do_not_depend_on_the_batch_size(void **state) {
    (void)state;
    static const char *const arms[] = {"policy: fixed, heads: [4, 1]", "policy: random, heads: 2",
                                       "policy: moh, shared: 1, routed: 1",
                                       "policy: moh-pool, shared: 1, routed: 1",
                                       "policy: budgetformer, initial_budget: 0.6"};
    static const int batches[] = {1, 7, 150};
    for (size_t i = 0; i < sizeof arms / sizeof *arms; i++) {
        struct fixture f;
        set_up(&f, arms[i]);
        struct evaluation_result first = evaluate(&f, batches[0], NULL, NULL);
        for (int k = 1; k < 3; k++) {
            struct evaluation_result other = evaluate(&f, batches[k], NULL, NULL);
            assert_same_heads_and_loss(&first, &other);
            assert_memory_equal(&first.executed, &other.executed, sizeof first.executed);
            evaluation_result_free(&other);
        }
        evaluation_result_free(&first);
        tear_down(&f);
    }
}

/* Every token runs 2 of 4 heads, so mean_heads is 2; an input's tokens together choose more, and
 * pay for the K and V of those: executed lies between active and dense. */
static void heads_of_tokens_and_heads_of_inputs_are_told_apart(void **state) {
    (void)state;
    struct fixture f;
    struct decisions record;
    set_up(&f, "policy: moh, shared: 1, routed: 1");
    struct evaluation_result r = evaluate(&f, 40, NULL, &record);
    const struct model_config *c = &f.p->config;
    double computed = 0, used = 0;
    struct flops active = {{0}};
    for (int i = 0; i < 2 * r.n; i++) {
        assert_true(r.heads_run[i] >= 2 && r.heads_run[i] <= 4);
        computed += r.heads_run[i];
    }
    for (int i = 0; i < 2 * 4; i++) used += (double)r.usage[i];
    for (int l = 0; l < 2; l++) {
        assert_int_equal(r.usage[l * 4], r.n); /* the shared head */
        assert_null(record.layer[l]);          /* no decisions of whole inputs */
    }
    for (int i = 0; i < r.n; i++) {
        for (int l = 0; l < 2; l++)
            flops_add_layer_active(c, l, r.length[i], 2 * r.length[i], &active);
        flops_add_ends(c, r.length[i], &active);
    }
    uint64_t executed = flops_total(&r.executed) - r.executed.count[FLOP_GATE];
    assert_true(r.mean_heads == 2);
    assert_true(computed / (2 * r.n) > 2.5); /* 12 tokens rarely agree */
    assert_true(used == computed);
    assert_int_equal(r.active_flops, flops_total(&active));
    assert_true(r.active_flops < executed && executed < r.dense_flops);
    evaluation_result_free(&r);
    decisions_free(&record);
    tear_down(&f);
}

/* The loss is the mean of -log p_true, and no class is likelier than the predicted one. */
/* Labels decide about no head: the inputs that are given label 1 run what they run alone. */
static void usage_of_a_class_is_that_of_its_inputs_alone(void **state) {
    (void)state;
    static const char *const arms[] = {"policy: moh, shared: 1, routed: 1",
                                       "policy: budgetformer, initial_budget: 0.6"};
    enum { N_ONE = 60, HEADS = 2 * 4 };
    for (size_t a = 0; a < sizeof arms / sizeof *arms; a++) {
        struct fixture f;
        set_up(&f, arms[a]);
        struct split *test = &f.data->test;
        for (int i = 0; i < test->n; i++) test->labels[i] = i < N_ONE;
        struct evaluation_result all = evaluate(&f, 7, NULL, NULL);
        int n = test->n;
        test->n = N_ONE;
        struct evaluation_result alone = evaluate(&f, 7, NULL, NULL);
        test->n = n;
        assert_int_equal(all.classes, f.data->n_classes);
        assert_memory_equal(all.class_usage + HEADS, alone.usage, HEADS * sizeof *alone.usage);
        uint64_t others = 0;
        for (int h = 0; h < HEADS; h++) {
            assert_int_equal(all.class_usage[h] + alone.usage[h], all.usage[h]);
            others += all.class_usage[h];
        }
        assert_true(others > 0);
        evaluation_result_free(&alone);
        evaluation_result_free(&all);
        tear_down(&f);
    }
}

static void probabilities_are_those_of_the_loss(void **state) {
    (void)state;
    struct fixture f;
    set_up(&f, "policy: fixed, heads: 4");
    struct evaluation_result r = evaluate(&f, 40, NULL, NULL);
    double loss = 0;
    for (int i = 0; i < r.n; i++) {
        loss -= log(r.p_true[i]) / r.n;
        if (r.predicted[i] == r.label[i])
            assert_true(r.p_true[i] == r.p_predicted[i]);
        else
            assert_true(r.p_true[i] < r.p_predicted[i] && r.p_true[i] + r.p_predicted[i] < 1.0001);
        assert_true(r.p_predicted[i] > 0.25); /* of four classes */
    }
    assert_true(fabs(loss - r.loss) < 1e-9);
    evaluation_result_free(&r);
    tear_down(&f);
}

static void recorded_decisions_replay_the_evaluation(void **state) {
    (void)state;
    struct fixture f;
    struct decisions record;
    set_up(&f, "policy: budgetformer, initial_budget: 0.6");
    struct evaluation_result own = evaluate(&f, 40, NULL, &record);
    struct evaluation_result again = evaluate(&f, 40, &record, NULL);
    assert_int_equal(record.n, 150);
    assert_int_equal(record.width[0], 1 + 4); /* s and four scores */
    assert_same_heads_and_loss(&own, &again);
    assert_memory_equal(own.budget, again.budget, 2 * 150 * sizeof *own.budget);
    assert_true(own.executed.count[FLOP_GATE] > 0);
    assert_int_equal(again.executed.count[FLOP_GATE], 0); /* nobody asked the gate */
    evaluation_result_free(&own);
    evaluation_result_free(&again);
    decisions_free(&record);
    tear_down(&f);
}

static void shuffled_decisions_move_all_layers_together(void **state) {
    (void)state;
    enum { N = 30 };
    float first[2 * N], third[N];
    struct decisions from = {N, 3, {2, 0, 1}, {first, NULL, third}}, out[3];
    struct error error;
    for (int i = 0; i < N; i++) {
        first[2 * i] = third[i] = (float)i;
        first[2 * i + 1] = (float)(100 + i);
    }
    assert_true(decisions_shuffle(&from, NULL, 1, &out[0], &error));
    assert_true(decisions_shuffle(&from, NULL, 1, &out[1], &error));
    assert_true(decisions_shuffle(&from, NULL, 2, &out[2], &error));
    bool seen[N] = {false};
    for (int i = 0; i < N; i++) {
        int source = (int)out[0].layer[2][i];
        assert_true(source >= 0 && source < N && !seen[source]);
        seen[source] = true;
        assert_true(out[0].layer[0][2 * i] == first[2 * source]);
        assert_true(out[0].layer[0][2 * i + 1] == first[2 * source + 1]);
    }
    assert_null(out[0].layer[1]);
    assert_memory_equal(out[0].layer[2], out[1].layer[2], sizeof third);
    assert_memory_not_equal(out[0].layer[2], out[2].layer[2], sizeof third);
    for (int i = 0; i < 3; i++) decisions_free(&out[i]);
}

static void shuffles_within_groups_leave_no_group(void **state) {
    (void)state;
    enum { N = 60 };
    float row[N], alone[N];
    int32_t group[N], same[N];
    struct decisions from = {N, 1, {1}, {row}}, out[2];
    struct error error;
    for (int i = 0; i < N; i++) {
        row[i] = (float)i;
        group[i] = i == 17 ? 5 : i % 3 - 1; /* input 17 is a group of its own; -1 is one too */
        same[i] = 7;
    }
    assert_true(decisions_shuffle(&from, group, 1, &out[0], &error));
    bool seen[N] = {false};
    int moved = 0;
    for (int i = 0; i < N; i++) {
        int source = (int)out[0].layer[0][i];
        assert_true(source >= 0 && source < N && !seen[source]);
        seen[source] = true;
        assert_int_equal(group[source], group[i]);
        moved += source != i;
    }
    assert_true(out[0].layer[0][17] == 17.0f);
    assert_true(moved > N / 2);
    decisions_free(&out[0]);
    assert_true(decisions_shuffle(&from, same, 1, &out[0], &error)); /* one group is no group */
    assert_true(decisions_shuffle(&from, NULL, 1, &out[1], &error));
    memcpy(alone, out[0].layer[0], sizeof alone);
    assert_memory_equal(alone, out[1].layer[0], sizeof alone);
    for (int i = 0; i < 2; i++) decisions_free(&out[i]);
}

static void mean_decision_is_the_mean_for_everyone(void **state) {
    (void)state;
    float rows[6] = {1, 10, 2, 20, 6, 0};
    struct decisions from = {3, 2, {0, 2}, {NULL, rows}}, out;
    struct error error;
    assert_true(decisions_mean(&from, 5, &out, &error)); /* from 3 inputs, for 5 others */
    assert_int_equal(out.n, 5);
    for (int i = 0; i < 5; i++) {
        assert_true(out.layer[1][2 * i] == 3.0f);
        assert_true(out.layer[1][2 * i + 1] == 10.0f);
    }
    decisions_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_do_not_depend_on_the_batch_size),
        cmocka_unit_test(heads_of_tokens_and_heads_of_inputs_are_told_apart),
        cmocka_unit_test(usage_of_a_class_is_that_of_its_inputs_alone),
        cmocka_unit_test(probabilities_are_those_of_the_loss),
        cmocka_unit_test(recorded_decisions_replay_the_evaluation),
        cmocka_unit_test(shuffled_decisions_move_all_layers_together),
        cmocka_unit_test(shuffles_within_groups_leave_no_group),
        cmocka_unit_test(mean_decision_is_the_mean_for_everyone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
