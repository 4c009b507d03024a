/*
 * The published data sets have the published sizes, in forms that no workload file asks for: those
 * of the workload files, IMDB's among them, are held against theirs by
 * harness/config/test_real_workloads.c. Looks in HEADROOM_DATA (or data/) and skips what is not
 * there.
 */
#include "workloads/data/data_files.h"
#include "workloads/data/dataset_load.h"
#include "workloads/data/dataset.h"
#include "models/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct dataset *load_or_skip(const struct data_config *config) {
    char missing[1024];
    if (!data_files_present(config, missing, sizeof missing)) {
        print_message("no %s; set HEADROOM_DATA\n", missing);
        skip();
    }
    struct dataset *data;
    struct error error;
    if (!dataset_load(config, &data, &error))
        fail_msg("%s:%d %s", error.at.file, error.at.line, error.text);
    return data;
}

/* A data section and what must come of it. */
struct expected {
    const char *section; /* JSON, as in a workload file */
    int n_train, n_test, n_classes, n_dropped;
};

/* A copy of the data set is skipped, with the reason, if one of its files is not there. */
static void expect(const struct expected *cases, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const struct expected *e = &cases[i];
        struct data_config config;
        struct node *section;
        struct error error;
        options_default(&data_options, &config);
        if (!json_parse(e->section, strlen(e->section), "section", &section, &error) ||
            !options_bind(&data_options, section, NULL, &config, &error) ||
            !data_config_check_keys(&config, section, &error))
            fail_msg("%s: %s", e->section, error.text);
        node_free(section);
        struct dataset *data = load_or_skip(&config);
        if (data->train.n + data->validation.n != e->n_train || data->test.n != e->n_test ||
            data->n_classes != e->n_classes || data->n_dropped != e->n_dropped)
            fail_msg("%s has %d + %d inputs in %d classes, %d dropped", e->section,
                     data->train.n + data->validation.n, data->test.n, data->n_classes,
                     data->n_dropped);
        dataset_free(data);
    }
}
#define EXPECT(...)                                                                                \
    (void)state;                                                                                   \
    static const struct expected cases[] = {__VA_ARGS__};                                          \
    expect(cases, sizeof cases / sizeof *cases)

static void trec_has_6_and_50_classes(void **state) {
#define TREC                                                                                       \
    "{\"source\":\"label-text\",\"train_file\":\"trec/train_5500.label\","                         \
    "\"test_file\":\"trec/TREC_10.label\",\"encoding\":\"iso-8859-1\""
    EXPECT({TREC ",\"label_depth\":1}", 5452, 500, 6, 0}, {TREC "}", 5452, 500, 50, 0});
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

static void ag_news_has_four_classes(void **state) {
    EXPECT({"{\"source\":\"csv\",\"train_file\":\"agnews/train_subset.csv\","
            "\"test_file\":\"agnews/test.csv\",\"classes_file\":\"agnews/classes.txt\","
            "\"text\":[2,3]}",
            28759, 7600, 4, 0});
}

static void snli_has_three_classes(void **state) {
    EXPECT({"{\"source\":\"jsonl\",\"train_file\":\"snli/snli_train_subset.jsonl\",\"test_file\":"
            "\"snli/snli_1.0_test.jsonl\",\"label\":\"gold_label\",\"drop_labels\":\"-\","
            "\"text\":[\"sentence1\",\"sentence2\"]}",
            19999, 9824, 3, 0},
           {"{\"source\":\"jsonl\",\"train_file\":\"snli/snli_train_subset.jsonl\",\"test_file\":"
            "\"snli/snli_1.0_dev.jsonl\",\"label\":\"gold_label\",\"text\":\"sentence1\"}",
            19999, 9842, 3, 0});
}

/* As pairs: every input holds the separator once, with a text on either side. */
static void snli_is_pairs_of_sentences(void **state) {
    (void)state;
    struct data_config config;
    options_default(&data_options, &config);
    config.source = SOURCE_JSONL;
    config.max_len = 24;
    strcpy(config.train_file, "snli/snli_train_subset.jsonl");
    strcpy(config.test_file, "snli/snli_1.0_test.jsonl");
    strcpy(config.label, "gold_label");
    config.text = (struct name_list){1, {"sentence1"}};
    config.second_text = (struct name_list){1, {"sentence2"}};
    struct dataset *data = load_or_skip(&config);
    assert_string_equal(data->class_names[0], "contradiction");
    assert_true(data->n_classes == 3 && data->separator == 1);
    assert_true(data->n_truncated > 0 && data->unknown_share > 0 && data->unknown_share < 0.05);
    for (int i = 0; i < data->test.n; i++) {
        int first = data->test.offsets[i], end = data->test.offsets[i + 1], n = 0;
        for (int t = first; t < end; t++) n += data->test.tokens[t] == 1;
        assert_int_equal(n, 1);
        assert_true(end - first <= 24 && data->test.tokens[first] != 1 &&
                    data->test.tokens[end - 1] != 1);
    }
    dataset_free(data);
}

static void dbpedia_classes_has_9_and_70_classes(void **state) {
#define DBPEDIA                                                                                    \
    "{\"source\":\"csv\",\"train_file\":\"dbpedia_classes/train.csv\","                            \
    "\"test_file\":\"dbpedia_classes/test.csv\",\"text\":\"text\",\"label\":"
    EXPECT({DBPEDIA "\"l1\"}", 20307, 5000, 9, 0}, {DBPEDIA "\"l2\"}", 20307, 5000, 70, 0});
}

static void yelp_has_five_classes(void **state) {
    EXPECT({"{\"source\":\"csv\",\"train_file\":\"yelp5/dev.csv\",\"test_file\":"
            "\"yelp5/test.csv\",\"label\":\"stars\",\"text\":\"text\"}",
            5000, 5000, 5, 0});
}

static void sst_has_5_and_2_classes(void **state) {
    EXPECT({"{\"source\":\"label-text\",\"train_file\":\"sst/stsa.fine.train\",\"test_file\":"
            "\"sst/stsa.fine.test\"}",
            8544, 2210, 5, 0},
           {"{\"source\":\"label-text\",\"train_file\":\"sst/stsa.binary.train\",\"test_file\":"
            "\"sst/stsa.binary.test\"}",
            6920, 1821, 2, 0},
           /* the two are the same sentences */
           {"{\"source\":\"label-text\",\"train_file\":\"sst/stsa.fine.train\",\"test_file\":"
            "\"sst/stsa.fine.test\",\"drop_labels\":2,"
            "\"label_groups\":{\"negative\":[0,1],\"positive\":[3,4]}}",
            6920, 1821, 2, 8544 - 6920 + 2210 - 1821},
           {"{\"source\":\"tsv\",\"train_file\":\"sst/glue_sst2_train.tsv\",\"test_file\":"
            "\"sst/glue_sst2_dev.tsv\",\"text\":1,\"label\":2}",
            67349, 872, 2, 0});
}

static void newsgroups_with_their_headers_are_all_there(void **state) {
    EXPECT({"{\"source\":\"jsonl\",\"train_file\":\"newsgroups20/20news-bydate-train.jsonl\","
            "\"test_file\":\"newsgroups20/20news-bydate-test.jsonl\",\"label\":\"coarse\"}",
            11314, 7532, 7, 0});
}

static void clinc150_has_150_and_10_classes(void **state) {
#define CLINC                                                                                      \
    "{\"source\":\"json\",\"train_file\":\"clinc150/data_full.json\",\"test_file\":"               \
    "\"clinc150/data_full.json\",\"train_rows\":\"train\",\"test_rows\":\"test\","                 \
    "\"text\":1,\"label\":2"
    EXPECT({CLINC "}", 15000, 4500, 150, 0},
           {CLINC ",\"label_groups_file\":\"clinc150/domains.json\"}", 15000, 4500, 10, 0});
}

static void mr_has_two_classes(void **state) {
    EXPECT({"{\"source\":\"class-files\",\"train_file\":\"mr/rt-polarity.{class}\","
            "\"test_share\":0.1,\"encoding\":\"iso-8859-1\"}",
            9596, 1066, 2, 0});
}

/* Nothing is left in the cache, nor taken from it. */
static int no_cache(void **state) {
    (void)state;
    return setenv("HEADROOM_CACHE", "", 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trec_has_6_and_50_classes),
        cmocka_unit_test(trec_has_a_line_that_is_not_utf_8),
        cmocka_unit_test(ag_news_has_four_classes),
        cmocka_unit_test(snli_has_three_classes),
        cmocka_unit_test(snli_is_pairs_of_sentences),
        cmocka_unit_test(dbpedia_classes_has_9_and_70_classes),
        cmocka_unit_test(yelp_has_five_classes),
        cmocka_unit_test(sst_has_5_and_2_classes),
        cmocka_unit_test(newsgroups_with_their_headers_are_all_there),
        cmocka_unit_test(clinc150_has_150_and_10_classes),
        cmocka_unit_test(mr_has_two_classes),
    };
    return cmocka_run_group_tests(tests, no_cache, NULL);
}
