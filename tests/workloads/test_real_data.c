/*
 * The published data sets have the published sizes. Looks in HEADROOM_DATA (or data/) and skips
 * what is not there.
 */
#include "workloads/dataset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct dataset *load_or_skip(const struct data_config *config) {
    char missing[1024];
    if (!dataset_is_present(config, missing, sizeof missing)) {
        print_message("no %s; set HEADROOM_DATA\n", missing);
        skip();
    }
    struct dataset *data;
    struct error error;
    if (!dataset_load(config, &data, &error))
        fail_msg("%s:%d %s", error.at.file, error.at.line, error.text);
    return data;
}

static void trec_has_6_and_50_classes(void **state) {
    (void)state;
    for (int depth = 0; depth < 2; depth++) {
        struct data_config config;
        options_default(&data_options, &config);
        config.source = SOURCE_LABEL_TEXT;
        config.encoding = 1;
        config.label_depth = depth;
        strcpy(config.train_file, "trec/train_5500.label");
        strcpy(config.test_file, "trec/TREC_10.label");
        struct dataset *data = load_or_skip(&config);
        assert_int_equal(data->train.n + data->validation.n, 5452);
        assert_int_equal(data->validation.n, 545);
        assert_int_equal(data->test.n, 500);
        assert_int_equal(data->n_classes, depth == 1 ? 6 : 50);
        assert_int_equal(data->n_truncated, 0);
        dataset_free(data);
    }
}

static void trec_has_a_line_that_is_not_utf_8(void **state) {
    (void)state;
    struct data_config config;
    options_default(&data_options, &config);
    config.source = SOURCE_LABEL_TEXT;
    strcpy(config.train_file, "trec/train_5500.label");
    strcpy(config.test_file, "trec/TREC_10.label");
    config.encoding = 1;
    dataset_free(load_or_skip(&config));
    config.encoding = 0;
    struct dataset *data;
    struct error error;
    assert_false(dataset_load(&config, &data, &error));
    assert_int_equal(error.at.line, 66);
}

static void ag_news_has_four_balanced_classes(void **state) {
    (void)state;
    struct data_config config;
    options_default(&data_options, &config);
    config.source = SOURCE_CSV;
    config.text = (struct name_list){2, {"2", "3"}};
    strcpy(config.train_file, "agnews/train_subset.csv");
    strcpy(config.test_file, "agnews/test.csv");
    strcpy(config.classes_file, "agnews/classes.txt");
    struct dataset *data = load_or_skip(&config);
    int count[4] = {0};
    for (int i = 0; i < data->test.n; i++) count[data->test.labels[i]]++;
    assert_int_equal(data->train.n + data->validation.n, 28759);
    assert_int_equal(data->test.n, 7600);
    assert_int_equal(data->n_classes, 4);
    assert_string_equal(data->class_names[3], "Sci/Tech");
    for (int c = 0; c < 4; c++) assert_int_equal(count[c], 1900);
    assert_true(data->unknown_share > 0 && data->unknown_share < 0.05);
    dataset_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trec_has_6_and_50_classes),
        cmocka_unit_test(trec_has_a_line_that_is_not_utf_8),
        cmocka_unit_test(ag_news_has_four_balanced_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
