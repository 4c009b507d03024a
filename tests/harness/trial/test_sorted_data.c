/*
 * Files that are sorted by class, as many data sets are: splits, limits and batches must hold the
 * classes in the same proportions as if the file had been shuffled.
 */
#include "harness/trial/training_private.h"
#include "tests/workloads/data/files.h"
#include "workloads/data/dataset_load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

enum { ROWS = 3000, BATCH = 30, CLASSES = 3 };

/* Half of the rows are "a", a third "b", a sixth "c". */
static char label_of(int row) {
    return "abc"[(row >= ROWS / 2) + (row >= ROWS * 5 / 6)];
}

/* The same rows sorted by class and in an order that mixes the classes. */
static void write_both(void) {
    FILE *sorted = fopen(files_path("sorted"), "w"), *mixed = fopen(files_path("mixed"), "w");
    assert_true(sorted && mixed);
    for (int i = 0; i < ROWS; i++) {
        int row = (int)((int64_t)i * 1009 % ROWS); /* 1009 has no factor in common with 3000 */
        fprintf(sorted, "%c text %d\n", label_of(i), i);
        fprintf(mixed, "%c text %d\n", label_of(row), row);
    }
    assert_int_equal(fclose(sorted) | fclose(mixed), 0);
}

static struct dataset *load(const char *name, int limit) {
    struct data_config config;
    struct dataset *data;
    struct error error;
    options_default(&data_options, &config);
    config.source = SOURCE_LABEL_TEXT;
    config.train_limit = limit;
    config.test_share = 0.1;
    snprintf(config.train_file, sizeof config.train_file, "%s", name);
    if (!dataset_load(&config, &data, &error)) fail_msg("%s", files_message(&error));
    return data;
}

static void count(const struct split *split, int counts[CLASSES]) {
    memset(counts, 0, CLASSES * sizeof *counts);
    for (int i = 0; i < split->n; i++) counts[split->labels[i]]++;
}

static void splits_of_a_sorted_file_have_the_classes_of_a_mixed_one(void **state) {
    (void)state;
    for (int limit = 0; limit <= 600; limit += 600) {
        struct dataset *sorted = load("sorted", limit), *mixed = load("mixed", limit);
        const struct split *a[] = {&sorted->train, &sorted->validation, &sorted->test};
        const struct split *b[] = {&mixed->train, &mixed->validation, &mixed->test};
        for (int s = 0; s < 3; s++) {
            int left[CLASSES], right[CLASSES];
            count(a[s], left);
            count(b[s], right);
            assert_memory_equal(left, right, sizeof left);
            assert_in_range(left[0] * 2, a[s]->n - 2, a[s]->n + 2);
            assert_in_range(left[2] * 6, a[s]->n - 6, a[s]->n + 6);
        }
        dataset_free(sorted);
        dataset_free(mixed);
    }
}

/* How far the batches of one epoch are from the split's proportions: chi-square over batches and
 * classes. If every batch is a random draw it is near its (batches - 1) x (classes - 1) degrees of
 * freedom; batches of one class each would give BATCH x batches x (classes - 1). */
static double unevenness(struct dataset *data, int epoch) {
    struct run run = {.data = data, .order_rng = rng_stream(1, RNG_DATA_ORDER)};
    int total[CLASSES], n = data->train.n;
    double sum = 0;
    run.order = calloc((size_t)n, sizeof *run.order);
    assert_non_null(run.order);
    stage_shuffle(&run, epoch);
    count(&data->train, total);
    for (int first = 0; first + BATCH <= n; first += BATCH) {
        int counts[CLASSES] = {0};
        for (int i = first; i < first + BATCH; i++) counts[data->train.labels[run.order[i]]]++;
        for (int c = 0; c < CLASSES; c++) {
            double expected = (double)BATCH * total[c] / n;
            sum += (counts[c] - expected) * (counts[c] - expected) / expected;
        }
    }
    free(run.order);
    return sum;
}

static void batches_of_a_sorted_file_are_as_even_as_those_of_a_mixed_one(void **state) {
    (void)state;
    struct dataset *sorted = load("sorted", 0), *mixed = load("mixed", 0);
    enum { BATCHES = ROWS * 81 / 100 / BATCH, DF = (BATCHES - 1) * (CLASSES - 1) }; /* 81, 160 */
    assert_int_equal(sorted->train.n, ROWS * 81 / 100);
    for (int epoch = 0; epoch < 5; epoch++) {
        /* Four standard deviations of chi-square, sqrt(2 df) = 18; the order has a fixed seed. */
        assert_in_range((int)unevenness(sorted, epoch), DF - 72, DF + 72);
        assert_in_range((int)unevenness(mixed, epoch), DF - 72, DF + 72);
    }
    dataset_free(sorted);
    dataset_free(mixed);
}

static int set_up(void **state) {
    if (files_open(state) != 0) return -1;
    write_both();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_of_a_sorted_file_have_the_classes_of_a_mixed_one),
        cmocka_unit_test(batches_of_a_sorted_file_are_as_even_as_those_of_a_mixed_one),
    };
    return cmocka_run_group_tests(tests, set_up, files_close);
}
