/*
 * The controls of a budgeted trial: everybody gets the mean decision, or somebody else's. Each must
 * change what it says it changes and keep all else, or the comparison with the method's own
 * decisions asks another question.
 */
#include "harness/trial/evaluation.h"
#include "models/policies/registry.h"
#include "models/policy.h"
#include "tests/harness/trial/small_trial.h"

#include <math.h>
#include <stdlib.h>

/* One finished trial for the tests that only look at its results. */
static int run_gated(void **state) {
    struct small_trial *t = *state = malloc(sizeof *t);
    if (!t) return -1;
    small_trial_run(t, &small_gated_topic);
    return 0;
}

static int free_gated(void **state) {
    small_trial_free(*state);
    free(*state);
    return 0;
}

/* Heads that one decision row runs. */
static int heads_of_row(const struct model_config *config, int layer, const float *row) {
    struct gate_call call = {
        .config = config, .layer = layer, .heads = config->heads.value[layer], .rows = 1};
    float gate[OPTION_LIST_MAX];
    int k = 0;
    config->policy->select(&call, row, gate);
    for (int h = 0; h < call.heads; h++) k += gate[h] != 0.0f;
    return k;
}

enum { INPUTS = 100, LAYERS = 6, WIDTH = 9 };

/* Every input's s = .31 and z = 0 .. H - 1, in layers of 8 heads, one of 6 and one of none. */
static void fill_decisions(struct model_config *config, float rows[LAYERS][INPUTS * WIDTH],
                           struct decisions *out) {
    static const int heads[LAYERS] = {8, 8, 8, 0, 6, 8};
    *config = (struct model_config){.layers = LAYERS, .policy = policy_find("budgetformer")};
    *out = (struct decisions){.n = INPUTS, .layers = LAYERS};
    for (int l = 0; l < LAYERS; l++) {
        config->heads.value[l] = heads[l];
        if (heads[l] == 0) continue;
        out->width[l] = 1 + heads[l];
        out->layer[l] = rows[l];
        for (int i = 0; i < INPUTS * out->width[l]; i++) {
            int j = i % out->width[l];
            rows[l][i] = j == 0 ? 0.31f : (float)(j - 1);
        }
    }
}

static void heads_are_dealt_out_to_meet_the_mean(void **state) {
    (void)state;
    static const double mean[LAYERS] = {2.98, 1, 8, 0, 5.5, 5.504};
    static const int n_less[LAYERS] = {2, 0, 0, 0, 50, 50}; /* inputs with the smaller number */
    static const int more[LAYERS] = {3, 1, 8, 0, 6, 6};
    static float rows[2][LAYERS][INPUTS * WIDTH];
    struct model_config config;
    struct decisions d[2];
    struct error error;
    int same_seed = 0, same_layer = 0;
    for (int s = 0; s < 2; s++) {
        fill_decisions(&config, rows[s], &d[s]);
        assert_true(decisions_set_heads(&d[s], &config, mean, (uint64_t)s + 1, &error));
        for (int l = 0; l < LAYERS; l++) {
            int less = 0;
            if (d[s].width[l] == 0) continue;
            for (int i = 0; i < INPUTS; i++) {
                const float *row = d[s].layer[l] + i * d[s].width[l];
                int k = heads_of_row(&config, l, row);
                less += k < more[l];
                assert_true(k == more[l] || k == more[l] - 1);
                for (int j = 1; j < d[s].width[l]; j++) assert_true(row[j] == (float)(j - 1));
            }
            assert_int_equal(less, n_less[l]);
        }
    }
    for (int i = 0; i < INPUTS; i++) {
        const float *six = rows[0][4] + i * 7, *eight = rows[0][5] + i * 9;
        same_seed += rows[0][4][i * 7] == rows[1][4][i * 7];
        same_layer += heads_of_row(&config, 4, six) == heads_of_row(&config, 5, eight);
        assert_true(rows[0][0][i * 9] == 0.31f || rows[0][0][i * 9] == 0.25f); /* 3 heads, or 2 */
    }
    assert_true(same_seed > 30 && same_seed < 70);   /* other inputs for another seed, */
    assert_true(same_layer > 30 && same_layer < 70); /* and in another layer */
}

/* What the finished model executes on its training set. */
static struct evaluation_result evaluate_training_set(const struct small_trial *t) {
    struct evaluator *evaluator = NULL;
    struct evaluation_result result;
    struct saved_model saved;
    struct model_config model, dense;
    struct dataset *data;
    struct error error;
    assert_true(dataset_load(&t->experiment.data, &data, &error));
    assert_true(trial_models(&t->experiment, data, &model, &dense, &error));
    assert_true(saved_model_read(t->checkpoint, &saved, &error));
    assert_true(evaluator_new(saved.parameters, &dense, 50, data->max_len, &evaluator, &error));
    assert_true(evaluator_run(evaluator, &data->train, NULL, NULL, &result, &error));
    evaluator_free(evaluator);
    saved_model_free(&saved);
    dataset_free(data);
    return result;
}

static double heads_of_layer(const struct evaluation_result *e, int layer) {
    double sum = 0;
    for (int i = 0; i < e->n; i++) sum += e->heads_run[i * e->layers + layer];
    return sum / e->n;
}

static void static_control_executes_the_mean_heads_of_training(void **state) {
    (void)state;
    struct small_trial t;
    struct small_trial_text text = small_gated_topic;
    text.model = "layers: 3, dim: 16, heads: 4, ffn: 32, dropout: 0.1";
    small_trial_run(&t, &text);
    const struct evaluation_result *e = find_evaluation(&t.result, "best", "test", "static");
    struct evaluation_result training = evaluate_training_set(&t);
    int between = 0;
    for (int l = 0; l < e->layers; l++) {
        double mean = heads_of_layer(&training, l);
        int least = (int)mean;
        between += mean > least;
        assert_true(fabs(heads_of_layer(e, l) - mean) <= 0.5 / e->n + 1e-12);
        for (int i = 0; i < e->n; i++) {
            int k = e->heads_run[i * e->layers + l];
            assert_true(k == least || (k == least + 1 && mean > least));
        }
        int always = 0, never = 0;
        for (int h = 0; h < e->heads; h++) { /* the same heads for all, but for one */
            always += e->usage[l * e->heads + h] == (uint64_t)e->n;
            never += e->usage[l * e->heads + h] == 0;
        }
        assert_true(always >= least && always + never >= e->heads - 1);
    }
    assert_true(between > 0); /* else the mean decision alone would do */
    assert_memory_equal(&e->executed, &e->formula, sizeof e->executed);
    evaluation_result_free(&training);
    small_trial_free(&t);
}

/* Two trials of which neither learns: every budget is near a half, and many inputs run 3 heads of 4
 * instead of 2. With one permutation for all seeds those of one trial that get one head more would
 * be among those of the other, where more do. */
static void static_control_gives_the_larger_number_to_other_inputs_for_another_seed(void **state) {
    (void)state;
    struct small_trial t[2];
    const struct evaluation_result *e[2];
    int compared = 0;
    for (int s = 0; s < 2; s++) {
        struct small_trial_text text = small_gated_topic;
        text.train = "epochs: 1, batch: 16, learning_rate: 1e-9, eval_batch: 40";
        text.arm = "policy: budgetformer, initial_budget: 0.5";
        text.seed = 1 + s;
        small_trial_run(&t[s], &text);
        e[s] = find_evaluation(&t[s].result, "best", "test", "static");
    }
    for (int l = 0; l < 2; l++) {
        int more[2] = {0}, alone[2] = {0}; /* inputs of 3 heads; in this trial only */
        for (int i = 0; i < e[0]->n; i++) {
            bool three[2] = {e[0]->heads_run[2 * i + l] > 2, e[1]->heads_run[2 * i + l] > 2};
            for (int s = 0; s < 2; s++) {
                more[s] += three[s];
                alone[s] += three[s] && !three[1 - s];
            }
        }
        if (more[0] < 20 || more[0] > 130 || more[1] < 20 || more[1] > 130) continue;
        assert_true(alone[0] > 0 && alone[1] > 0);
        compared++;
    }
    assert_true(compared > 0);
    for (int s = 0; s < 2; s++) small_trial_free(&t[s]);
}

static int compare_floats(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The budgets of all inputs in one layer, sorted; the caller frees them. */
static float *sorted_budgets(const struct evaluation_result *e, int layer) {
    float *s = malloc((size_t)e->n * sizeof *s);
    assert_non_null(s);
    for (int i = 0; i < e->n; i++) s[i] = e->budget[i * e->layers + layer];
    qsort(s, (size_t)e->n, sizeof *s, compare_floats);
    return s;
}

static void shuffled_control_keeps_the_heads_and_swaps_the_inputs(void **state) {
    const struct small_trial *t = *state;
    const struct evaluation_result *own = find_evaluation(&t->result, "best", "test", "none");
    const struct evaluation_result *other = find_evaluation(&t->result, "best", "test", "shuffled");
    assert_true(own->mean_heads == other->mean_heads);
    for (int l = 0; l < own->layers; l++) {
        int moved = 0, count[2][5] = {{0}};
        float *a = sorted_budgets(own, l), *b = sorted_budgets(other, l);
        assert_memory_equal(a, b, (size_t)own->n * sizeof *a);
        for (int i = 0; i < own->n; i++) {
            int at = i * own->layers + l;
            count[0][own->heads_run[at]]++;
            count[1][other->heads_run[at]]++;
            moved += own->budget[at] != other->budget[at];
        }
        assert_memory_equal(count[0], count[1], sizeof count[0]);
        assert_true(moved > own->n * 9 / 10);
        for (int h = 0; h < own->heads; h++)
            assert_int_equal(own->usage[l * 4 + h], other->usage[l * 4 + h]);
        free(a), free(b);
    }
}

/* Within each group the shuffled inputs have the budgets of the group, most of them another's. */
static void assert_shuffled_within(const struct training_result *r, const char *control,
                                   const int32_t *group) {
    const struct evaluation_result *own = find_evaluation(r, "best", "test", "none");
    const struct evaluation_result *other = find_evaluation(r, "best", "test", control);
    float *a = malloc((size_t)own->n * sizeof *a), *b = malloc((size_t)own->n * sizeof *b);
    int moved = 0, n_groups = 0;
    assert_true(a && b);
    for (int first = 0; first < own->n; first++) {
        bool seen = false;
        size_t n = 0;
        for (int i = 0; i < first; i++) seen |= group[i] == group[first];
        if (seen) continue;
        for (int i = first; i < own->n; i++) {
            if (group[i] != group[first]) continue;
            a[n] = own->budget[i * own->layers];
            b[n] = other->budget[i * own->layers];
            moved += a[n] != b[n];
            n++;
        }
        qsort(a, n, sizeof *a, compare_floats);
        qsort(b, n, sizeof *b, compare_floats);
        assert_memory_equal(a, b, n * sizeof *a);
        n_groups++;
    }
    assert_true(n_groups > 1 && moved > own->n / 2);
    free(a), free(b);
}

static void assert_no_control(const struct training_result *r, const char *control) {
    for (int i = 0; i < r->n_evaluations; i++)
        assert_string_not_equal(r->evaluations[i].control, control);
}

static void decisions_are_shuffled_within_equal_difficulty(void **state) {
    (void)state;
    struct small_trial t;
    struct small_trial_text text = small_gated_topic;
    text.data = "source: mixed, relations: 3, length: 10, n_train: 300, n_test: 100";
    small_trial_run(&t, &text);
    assert_shuffled_within(&t.result, "shuffled-by-difficulty",
                           find_evaluation(&t.result, "best", "test", "none")->difficulty);
    assert_no_control(&t.result, "shuffled-by-length"); /* all inputs are equally long */
    small_trial_free(&t);
}

static void decisions_are_shuffled_within_equal_length(void **state) {
    (void)state;
    struct small_trial t;
    struct small_trial_text text = small_gated_topic;
    struct scratch files;
    char lines[8000] = "", path[160], data[512];
    size_t used = 0;
    for (int i = 0; i < 200; i++) /* 2 to 4 of 26 words */
        used += (size_t)snprintf(lines + used, sizeof lines - used, "%d,%c %c%s%s\n", i % 2,
                                 'a' + i % 26, 'a' + i * 7 % 26, i % 3 ? " x" : "",
                                 i % 3 == 1 ? " y" : "");
    assert_true(scratch_make(&files) && scratch_write(&files, "text.csv", lines));
    scratch_path(&files, "text.csv", path, sizeof path);
    snprintf(data, sizeof data, "source: csv, train_file: %s, test_file: %s", path, path);
    text.data = data;
    small_trial_run(&t, &text);
    assert_shuffled_within(&t.result, "shuffled-by-length",
                           find_evaluation(&t.result, "best", "test", "none")->length);
    assert_no_control(&t.result, "shuffled-by-difficulty"); /* nobody knows it */
    small_trial_free(&t);
    scratch_remove(&files);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_dealt_out_to_meet_the_mean),
        cmocka_unit_test(static_control_executes_the_mean_heads_of_training),
        cmocka_unit_test(static_control_gives_the_larger_number_to_other_inputs_for_another_seed),
        cmocka_unit_test(shuffled_control_keeps_the_heads_and_swaps_the_inputs),
        cmocka_unit_test(decisions_are_shuffled_within_equal_difficulty),
        cmocka_unit_test(decisions_are_shuffled_within_equal_length),
    };
    return cmocka_run_group_tests(tests, run_gated, free_gated);
}
