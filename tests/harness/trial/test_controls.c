/*
 * The controls of a budgeted trial: everybody gets the mean decision, or somebody else's. Each must
 * change what it says it changes and keep all else, or the comparison with the method's own
 * decisions asks another question.
 */
#include "tests/harness/trial/small_trial.h"

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

static void static_control_gives_every_input_the_same_heads(void **state) {
    const struct small_trial *t = *state;
    const struct evaluation_result *e = find_evaluation(&t->result, "best", "test", "static");
    for (int l = 0; l < e->layers; l++) {
        for (int i = 1; i < e->n; i++) {
            assert_int_equal(e->heads_run[i * e->layers + l], e->heads_run[l]);
            assert_true(e->budget[i * e->layers + l] == e->budget[l]);
        }
        for (int h = 0; h < e->heads; h++) /* the same heads, not only as many */
            assert_true(e->usage[l * e->heads + h] == 0 ||
                        e->usage[l * e->heads + h] == (uint64_t)e->n);
    }
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
        cmocka_unit_test(static_control_gives_every_input_the_same_heads),
        cmocka_unit_test(shuffled_control_keeps_the_heads_and_swaps_the_inputs),
        cmocka_unit_test(decisions_are_shuffled_within_equal_difficulty),
        cmocka_unit_test(decisions_are_shuffled_within_equal_length),
    };
    return cmocka_run_group_tests(tests, run_gated, free_gated);
}
