/*
 * Where test inputs come from: file and row lead back to what was read, whatever was dropped,
 * limited or split off on the way, and hash and text are those of the row.
 */
#include "models/base/sha256.h"
#include "tests/workloads/data/data_sets.h"

static void assert_hash_of(const struct dataset *data, int input, const char *text) {
    char hash[65];
    sha256_hex(text, strlen(text), hash);
    assert_string_equal(data->sources.source[input].sha256, hash);
}

static void assert_source(const struct dataset *data, int input, const char *file, int row,
                          const char *text) {
    assert_string_equal(sources_file(&data->sources, input), file);
    assert_int_equal(data->sources.source[input].row, row);
    assert_hash_of(data, input, text);
    assert_string_equal(sources_text(&data->sources, input), text);
}

/* Row r of the file is "LABEL Word r": every third one is dropped, and the test split is what a
 * share and a limit leave of a file that is the training file as well. */
static void rows_are_found_after_dropping_sharing_limiting(void **state) {
    (void)state;
    FILE *file = fopen(files_path("all"), "w");
    assert_non_null(file);
    for (int r = 1; r <= 300; r++) fprintf(file, "%c Word %d\n", "abc"[r % 3], r);
    assert_int_equal(fclose(file), 0);
    struct data_config config = config_of(SOURCE_LABEL_TEXT, "all", "");
    config.test_share = 0.4;
    config.test_limit = 31;
    config.store_texts = true;
    config.drop_labels = (struct name_list){1, {"a"}};
    struct dataset *data = load(&config);
    assert_int_equal(data->test.n, 31);
    assert_null(data->train.source);
    assert_null(data->validation.source);
    bool seen[301] = {false};
    for (int i = 0; i < 31; i++) {
        int row = data->sources.source[i].row;
        char text[32];
        assert_in_range(row, 1, 300);
        assert_false(seen[row]);
        seen[row] = true;
        snprintf(text, sizeof text, "Word %d", row);
        assert_source(data, i, "all", row, text);
        assert_int_equal("abc"[row % 3], data -> class_names[data->test.labels[i]][0]);
    }
    dataset_free(data);
}

/* The header is record 1. A record of two lines moves the lines that follow, not the records. */
static void records_of_a_csv_are_counted_with_its_header(void **state) {
    (void)state;
    files_write("train.csv", "label,text\na,one\nb,two\na,three\nb,four\n");
    files_write("test.csv", "label,text,more\na,One,x\nb,\"two\nlines\",y\na,Three,z\n");
    struct data_config config = config_of(SOURCE_CSV, "train.csv", "test.csv");
    config.text = (struct name_list){1, {"text"}};
    snprintf(config.label, sizeof config.label, "label");
    config.validation_share = 0.25;
    config.store_texts = true;
    struct dataset *data = load(&config);
    assert_source(data, 0, "test.csv", 2, "One"); /* as it was before it was lower-cased */
    assert_source(data, 1, "test.csv", 3, "two\nlines");
    assert_source(data, 2, "test.csv", 4, "Three");
    dataset_free(data);
    /* Without a header the first record is a row. */
    files_write("train.csv", "a,one\nb,two\na,three\nb,four\n");
    files_write("test.csv", "a,One\nb,Two\n");
    config.text = (struct name_list){0};
    config.label[0] = '\0';
    data = load(&config);
    assert_source(data, 0, "test.csv", 1, "One");
    dataset_free(data);
}

static void pairs_are_joined_as_the_model_sees_them(void **state) {
    (void)state;
    files_write("train.tsv", "a\tone\ttwo\nb\tone\tthree\na\tfour\tfive\nb\tx\ty\n");
    files_write("test.tsv", "a\tNo\tYes sir\n");
    struct data_config config = config_of(SOURCE_TSV, "train.tsv", "test.tsv");
    config.second_text = (struct name_list){1, {"3"}};
    config.validation_share = 0.25;
    config.store_texts = true;
    struct dataset *data = load(&config);
    assert_source(data, 0, "test.tsv", 1, "No <sep> Yes sir");
    dataset_free(data);
}

static void entries_of_a_document_are_counted_in_their_list(void **state) {
    (void)state;
    files_write("all.json", "{\"train\": [[\"one\", \"a\"], [\"two\", \"b\"], [\"three\", \"a\"], "
                            "[\"four\", \"b\"]], \"test\": [[\"x\", \"a\"], [\"y z\", \"b\"]]}");
    struct data_config config = config_of(SOURCE_JSON, "all.json", "all.json");
    snprintf(config.train_rows, sizeof config.train_rows, "train");
    snprintf(config.test_rows, sizeof config.test_rows, "test");
    snprintf(config.label, sizeof config.label, "2");
    config.text = (struct name_list){1, {"1"}};
    config.validation_share = 0.25;
    config.store_texts = true;
    struct dataset *data = load(&config);
    assert_source(data, 0, "all.json", 1, "x"); /* a name in label is no header here */
    assert_source(data, 1, "all.json", 2, "y z");
    dataset_free(data);
}

static void every_file_of_a_folder_has_its_name(void **state) {
    (void)state;
    char command[500];
    snprintf(command, sizeof command,
             "cd %s && mkdir -p tr/a tr/b te/a te/b && for f in 1 2 3; do echo w $f >tr/a/$f; "
             "echo v $f >tr/b/$f; done && echo one >te/a/x && echo two >te/b/y && echo 3 >te/b/z",
             files_folder);
    assert_int_equal(system(command), 0);
    struct data_config config = config_of(SOURCE_CLASS_FOLDERS, "tr", "te");
    config.validation_share = 0.3;
    config.store_texts = true;
    struct dataset *data = load(&config);
    assert_source(data, 0, "te/a/x", 1, "one\n");
    assert_source(data, 1, "te/b/y", 1, "two\n");
    assert_source(data, 2, "te/b/z", 1, "3\n");
    dataset_free(data);
}

static void generated_inputs_have_their_index_and_the_hash_of_their_tokens(void **state) {
    (void)state;
    struct data_config config = config_of(SOURCE_TOPIC, "", "");
    config.n_train = 40;
    config.n_test = 10;
    config.length = 3;
    config.test_limit = 5;
    struct dataset *data = load(&config);
    for (int i = 0; i < 5; i++) {
        const int32_t *tokens = data->test.tokens + 3 * i;
        unsigned char bytes[12];
        char hash[65];
        for (int b = 0; b < 12; b++) bytes[b] = (unsigned char)(tokens[b / 4] >> 8 * (b % 4));
        sha256_hex(bytes, sizeof bytes, hash);
        assert_string_equal(data->sources.source[i].sha256, hash);
        assert_string_equal(sources_file(&data->sources, i), "");
        assert_in_range(data->sources.source[i].row, i, 9);
        assert_null(sources_text(&data->sources, i));
    }
    dataset_free(data);
}

/* One data set from elsewhere, or of other letters, is another set of sources. */
static void sources_have_a_hash_of_their_own(void **state) {
    (void)state;
    files_write("train", "a one\nb two\na three\nb four\n");
    files_write("test", "a one\nb two\n");
    files_write("same", "a one\nb two\n");
    files_write("other", "a ONE\nb two\n");
    struct data_config config = config_of(SOURCE_LABEL_TEXT, "train", "test");
    config.validation_share = 0.25;
    const char *const names[] = {"test", "same", "other", "test", "test"};
    struct dataset *data[5];
    for (int i = 0; i < 5; i++) {
        snprintf(config.test_file, sizeof config.test_file, "%s", names[i]);
        config.store_texts = i == 3;
        data[i] = load(&config);
        assert_string_equal(data[i]->sha256, data[0]->sha256);
        assert_true((sources_text(&data[i]->sources, 0) != NULL) == (i == 3));
        for (int k = 0; k < i; k++)
            assert_true((strcmp(data[i]->sources.sha256, data[k]->sources.sha256) == 0) ==
                        (i == 4 && k == 0));
    }
    for (int i = 0; i < 5; i++) dataset_free(data[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_found_after_dropping_sharing_limiting),
        cmocka_unit_test(records_of_a_csv_are_counted_with_its_header),
        cmocka_unit_test(pairs_are_joined_as_the_model_sees_them),
        cmocka_unit_test(entries_of_a_document_are_counted_in_their_list),
        cmocka_unit_test(every_file_of_a_folder_has_its_name),
        cmocka_unit_test(generated_inputs_have_their_index_and_the_hash_of_their_tokens),
        cmocka_unit_test(sources_have_a_hash_of_their_own),
    };
    return cmocka_run_group_tests(tests, files_open, files_close);
}
