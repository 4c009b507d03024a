/*
 * Rows without a text or a label: errors at their line, or left out and counted.
 */
#include "tests/workloads/data/data_sets.h"

static const char rows[] = "x,one\ny,two\n,no label\nx,\ny,  \n\nx,three\ny,four\n";

static struct data_config few_rows(int source, const char *train) {
    struct data_config config = config_of(source, train, "test");
    config.validation_share = 0.25; /* one of four */
    config.drop_empty = true;
    return config;
}

static void empty_rows_are_dropped_and_counted(void **state) {
    (void)state;
    files_write("a.csv", rows);
    files_write("test", "x,a\ny,\ny,b\n");
    struct data_config config = few_rows(SOURCE_CSV, "a.csv");
    config.store_texts = true;
    struct dataset *data = load(&config);
    assert_int_equal(data->train.n, 3);
    assert_int_equal(data->validation.n, 1);
    assert_int_equal(data->test.n, 2);
    assert_int_equal(data->n_dropped, 5); /* a label, two texts, a line; a text of the test file */
    assert_int_equal(data->sources.source[1].row, 3);
    assert_string_equal(sources_text(&data->sources, 0), "a");
    assert_string_equal(sources_text(&data->sources, 1), "b");
    dataset_free(data);
}

static void without_it_each_of_them_is_an_error_that_names_it(void **state) {
    (void)state;
    static const struct {
        const char *row, *message;
    } bad[] = {
        {"x,", "a.csv:2: empty text after tokenising; give the row a text or set drop_empty"},
        {",a", "a.csv:2: the label is empty; give the row one or set drop_empty"},
        {" ", "a.csv:2: 1 field where the first record has 2"},
        {" ,a", "a.csv:2: the label is empty; give the row one or set drop_empty"},
        {"", "a.csv:2: empty line; expected 2 fields"}};
    files_write("test", "x,a\n");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[64];
        snprintf(text, sizeof text, "x,one\n%s\ny,two\n", bad[i].row);
        files_write("a.csv", text);
        struct data_config config = few_rows(SOURCE_CSV, "a.csv");
        config.drop_empty = false;
        expect_refusal(&config, bad[i].message);
    }
}

static void blank_labels_and_first_lines_are_dropped_and_make_no_class(void **state) {
    (void)state;
    files_write("a.csv", "\nlabel,text\nx,one\ny,two\n \t,no label\nz,\nx,three\ny,four\n");
    files_write("test", "label,text\nx,a\n");
    struct data_config config = few_rows(SOURCE_CSV, "a.csv");
    strcpy(config.label, "label");
    config.text = (struct name_list){1, {"text"}};
    struct dataset *data = load(&config);
    assert_int_equal(data->n_classes, 2); /* z has no text */
    assert_int_equal(data->train.n + data->validation.n, 4);
    assert_int_equal(data->n_dropped, 3);
    dataset_free(data);
    config.drop_empty = false;
    expect_refusal(&config, "a.csv:1: empty line; expected the first record");
}

static void either_text_of_a_pair_may_be_the_empty_one(void **state) {
    (void)state;
    files_write("a.csv", "x,one,two\nx,,two\ny,one,\ny,two,one\nx,a,b\ny,b,a\n");
    files_write("test", "x,a,b\nx,a,\n");
    struct data_config config = few_rows(SOURCE_CSV, "a.csv");
    config.second_text = (struct name_list){1, {"3"}};
    config.store_texts = true;
    struct dataset *data = load(&config);
    assert_int_equal(data->train.n + data->validation.n, 4);
    assert_int_equal(data->n_dropped, 3);
    assert_string_equal(sources_text(&data->sources, 0), "a <sep> b");
    assert_int_equal(data->sources.texts.size, 1 + sizeof "a <sep> b"); /* and no half of a pair */
    dataset_free(data);
}

/* The words of a pair's first text have numbers before its second one is found to be empty: equally
 * frequent ones must not stand in the order of these. */
static void words_of_a_dropped_row_change_no_vocabulary(void **state) {
    (void)state;
    static const char kept[] = "x,one,two\ny,two,one\nx,a,b\ny,b,a\n";
    static const char *const dropped[] = {"", "y,b a,\n", "y,,b a\n", ",b,a\n"};
    char first[65] = "";
    files_write("test", "x,a,b\n");
    for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++) {
        char text[100];
        snprintf(text, sizeof text, "%s%s", dropped[i], kept);
        files_write("a.csv", text);
        struct data_config config = few_rows(SOURCE_CSV, "a.csv");
        config.second_text = (struct name_list){1, {"3"}};
        struct dataset *data = load(&config);
        assert_int_equal(data->n_dropped, i > 0);
        if (i == 0) strcpy(first, data->vocab_sha256);
        assert_string_equal(data->vocab_sha256, first);
        dataset_free(data);
    }
}

static void null_is_empty_in_json(void **state) {
    (void)state;
    files_write("a.jsonl", "{\"label\":1,\"text\":\"a b\"}\n{\"label\":null,\"text\":\"a\"}\n\n"
                           "{\"label\":2,\"text\":null}\n{\"label\":2,\"text\":\"c\"}\n"
                           "{\"label\":2,\"text\":\"null\"}\n{\"label\":1,\"text\":\"d\"}\n");
    files_write("test", "{\"label\":1,\"text\":\"a b\"}\n");
    struct data_config config = few_rows(SOURCE_JSONL, "a.jsonl");
    struct dataset *data = load(&config);
    assert_int_equal(data->train.n + data->validation.n, 4); /* "null" is a text */
    assert_int_equal(data->n_dropped, 3);
    dataset_free(data);
}

static void a_file_of_nothing_else_is_an_error(void **state) {
    (void)state;
    files_write("a.csv", "x,\ny,\n");
    files_write("test", "x,a\n");
    struct data_config config = few_rows(SOURCE_CSV, "a.csv");
    expect_refusal(&config, "a.csv: all rows are dropped: see drop_labels, drop_empty");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_rows_are_dropped_and_counted),
        cmocka_unit_test(without_it_each_of_them_is_an_error_that_names_it),
        cmocka_unit_test(blank_labels_and_first_lines_are_dropped_and_make_no_class),
        cmocka_unit_test(either_text_of_a_pair_may_be_the_empty_one),
        cmocka_unit_test(words_of_a_dropped_row_change_no_vocabulary),
        cmocka_unit_test(null_is_empty_in_json),
        cmocka_unit_test(a_file_of_nothing_else_is_an_error),
    };
    return cmocka_run_group_tests(tests, files_open, files_close);
}
