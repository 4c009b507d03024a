/*
 * Test texts that are in training too: what counts as the same text, how many there are, and what
 * `overlap` leaves out. A slow comparison of every pair says what is right.
 */
#include "tests/workloads/data/data_sets.h"
#include "workloads/data/overlap.h"
#include "workloads/data/split.h"

static struct data_config overlapping(int overlap) {
    struct data_config config = config_of(SOURCE_LABEL_TEXT, "train", "test");
    config.overlap = overlap;
    config.validation_share = 0.5;
    return config;
}

static void expect(const struct data_config *config, int n_train, int n_test, int n_overlap,
                   int n_texts, int n_dropped) {
    struct dataset *data = load(config);
    assert_int_equal(data->train.n + data->validation.n, n_train);
    assert_int_equal(data->test.n, n_test);
    assert_int_equal(data->n_overlap, n_overlap);
    assert_int_equal(data->n_overlap_texts, n_texts);
    assert_int_equal(data->n_overlap_dropped, n_dropped);
    dataset_free(data);
}

static void equal_texts_are_counted_and_left_out_on_request(void **state) {
    (void)state;
    /* Three test inputs with two texts, one under another label, of four training inputs. */
    files_write("train", "a one two\nb one two\na  Three, four\nb only here\na rest\nb rest 2\n"
                         "a three , FOUR\n");
    files_write("test", "a one two\nb three, four\na one  two\nb only there\n");
    struct data_config config = overlapping(OVERLAP_KEEP);
    expect(&config, 7, 4, 3, 2, 0);
    config.overlap = OVERLAP_DROP_TRAIN;
    expect(&config, 3, 4, 3, 2, 4);
    config.overlap = OVERLAP_DROP_TEST;
    expect(&config, 7, 1, 3, 2, 3);
}

static void whole_texts_are_compared_before_cutting_and_before_the_vocabulary(void **state) {
    (void)state;
    files_write("train", "a same start here\nb x\na y\nb z\n");
    files_write("test", "a same start there\nb unseen\na also unseen\n");
    struct data_config config = overlapping(OVERLAP_DROP_TEST);
    config.max_len = 2;     /* "same start" is left of both */
    config.vocab_limit = 2; /* and all but one word of them is <unk> */
    expect(&config, 4, 3, 0, 0, 0);
}

static void limits_come_first_so_that_the_count_is_of_what_is_used(void **state) {
    (void)state;
    FILE *train = fopen(files_path("train"), "w"), *test = fopen(files_path("test"), "w");
    assert_non_null(train);
    assert_non_null(test);
    for (int i = 0; i < 200; i++) {
        fprintf(train, "%c text %d\n", 'a' + i % 2, i);
        fprintf(test, "%c text %d\n", 'a' + i % 2, i);
    }
    fclose(train);
    fclose(test);
    struct data_config config = overlapping(OVERLAP_KEEP);
    config.train_limit = 50;
    expect(&config, 50, 200, 50, 50, 0);
    config.overlap = OVERLAP_DROP_TEST;
    expect(&config, 50, 150, 50, 50, 50);
    config.train_limit = 0;
    struct dataset *data;
    assert_false(dataset_load(&config, &data, &error));
    assert_non_null(strstr(error.text, "every text of the test split is in the other one too"));
    config.overlap = OVERLAP_DROP_TRAIN;
    assert_false(dataset_load(&config, &data, &error));
    assert_non_null(strstr(error.text, "every text of the training split"));
}

static void generated_inputs_are_counted_too(void **state) {
    (void)state;
    struct data_config config;
    options_default(&data_options, &config);
    config.source = SOURCE_TOPIC;
    config.n_train = 2000;
    config.n_test = 100;
    config.length = 1; /* one of 4 x 8 + 8 words: all of them occur */
    struct dataset *data = load(&config);
    assert_int_equal(data->n_overlap, 100);
    assert_in_range(data->n_overlap_texts, 2, 40);
    dataset_free(data);
}

/* As workloads/README.md says of pairs.yaml: its test inputs are all in training. */
static void a_task_of_few_different_inputs_can_be_known_by_heart(void **state) {
    (void)state;
    struct data_config config;
    options_default(&data_options, &config);
    config.source = SOURCE_PAIRS;
    config.length = 8;
    config.relations = 2;
    config.n_train = 40000;
    config.n_test = 4000;
    struct dataset *data = load(&config);
    assert_int_equal(data->n_overlap, 4000);
    dataset_free(data);
}

/* A split of texts of 1 to 3 tokens out of 4, many of which are equal. */
static void fill(struct split *split, int n, uint32_t *random) {
    assert_true(split_new(n, (size_t)n * 3, false, split, &error));
    for (int i = 0; i < n; i++) {
        int32_t tokens[3];
        for (int t = 0; t < 3; t++) {
            *random = *random * 1664525u + 1013904223u;
            tokens[t] = (int32_t)(*random >> 30);
        }
        *random = *random * 1664525u + 1013904223u;
        split_add(split, tokens, 1 + (int)(*random >> 16) % 3, 0, -1, NULL);
    }
}

static bool equal(const struct split *a, int i, const struct split *b, int k) {
    int n = a->offsets[i + 1] - a->offsets[i];
    return n == b->offsets[k + 1] - b->offsets[k] &&
           memcmp(a->tokens + a->offsets[i], b->tokens + b->offsets[k],
                  (size_t)n * sizeof(int32_t)) == 0;
}

static bool holds(const struct split *split, int n, const struct split *other, int i) {
    for (int k = 0; k < n; k++)
        if (equal(split, k, other, i)) return true;
    return false;
}

static void counts_are_those_of_comparing_every_pair(void **state) {
    (void)state;
    uint32_t random = 7;
    for (int round = 0; round < 200; round++) {
        struct dataset data = {0};
        struct data_config config = overlapping(round % 3);
        int n_overlap = 0, n_texts = 0, n_train_shared = 0, n_train = 1 + round % 40;
        fill(&data.train, n_train, &random);
        fill(&data.test, 1 + round % 17, &random);
        for (int i = 0; i < data.test.n; i++) {
            bool shared = holds(&data.train, data.train.n, &data.test, i);
            n_overlap += shared;
            n_texts += shared && !holds(&data.test, i, &data.test, i);
        }
        for (int i = 0; i < n_train; i++)
            n_train_shared += holds(&data.test, data.test.n, &data.train, i);
        int left = config.overlap == OVERLAP_DROP_TRAIN  ? n_train - n_train_shared
                   : config.overlap == OVERLAP_DROP_TEST ? data.test.n - n_overlap
                                                         : 1;
        bool ok = overlap_apply(&config, &data, &error);
        assert_true(ok == (left > 0));
        assert_int_equal(data.n_overlap, n_overlap);
        assert_int_equal(data.n_overlap_texts, n_texts);
        if (config.overlap != OVERLAP_KEEP && ok) {
            for (int i = 0; i < data.test.n; i++)
                assert_false(holds(&data.train, data.train.n, &data.test, i));
            assert_int_equal(config.overlap == OVERLAP_DROP_TRAIN ? data.train.n : data.test.n,
                             left);
        }
        split_free(&data.train);
        split_free(&data.test);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_texts_are_counted_and_left_out_on_request),
        cmocka_unit_test(whole_texts_are_compared_before_cutting_and_before_the_vocabulary),
        cmocka_unit_test(limits_come_first_so_that_the_count_is_of_what_is_used),
        cmocka_unit_test(generated_inputs_are_counted_too),
        cmocka_unit_test(a_task_of_few_different_inputs_can_be_known_by_heart),
        cmocka_unit_test(counts_are_those_of_comparing_every_pair),
    };
    return cmocka_run_group_tests(tests, files_open, files_close);
}
