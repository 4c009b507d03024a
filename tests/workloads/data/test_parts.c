/*
 * Parts that have files of their own: lists of training files in the order in which they are named,
 * and a validation split that is a file. The numbers are counted by hand from the few rows here.
 */
#include "tests/workloads/data/data_sets.h"

/* The words of an input, joined by blanks. */
static const char *text_of(const struct dataset *data, const struct split *split, int input) {
    static char out[200];
    out[0] = '\0';
    for (int t = split->offsets[input]; t < split->offsets[input + 1]; t++) {
        strcat(out, out[0] ? " " : "");
        strcat(out, data->words[split->tokens[t]]);
    }
    return out;
}

static int open_files(void **state) {
    if (files_open(state) != 0) return -1;
    files_write("one.csv", "x,first a\ny,second b\n");
    files_write_gzip("two.csv.gz", "y,third c\nx,fourth d\n", 21);
    files_write("three.csv", "x,fifth a\n");
    files_write("dev.csv", "y,second b\nx,new c\ny,sixth d\n");
    files_write("test.csv", "x,new c\ny,third c\nx,never seen\n");
    return 0;
}

static struct data_config parts_of(const char *train, const char *validation) {
    struct data_config config = config_of(SOURCE_CSV, train, "test.csv");
    strcpy(config.validation_file, validation);
    return config;
}

static void training_files_are_read_in_the_order_of_their_list(void **state) {
    (void)state;
    static const char *const order[] = {"first a", "second b", "fifth a", "third c", "fourth d"};
    struct data_config config = parts_of("one.csv\nthree.csv\ntwo.csv", "dev.csv");
    struct dataset *data = load(&config);
    assert_int_equal(data->train.n, 5);
    for (int i = 0; i < 5; i++) assert_string_equal(text_of(data, &data->train, i), order[i]);
    assert_int_equal(data->sources.n_files, 5);
    assert_string_equal(data->sources.files[1], "three.csv");
    assert_string_equal(sources_file(&data->sources, 0), "test.csv");
    dataset_free(data);
}

static void a_validation_file_is_the_validation_split(void **state) {
    (void)state;
    struct data_config config = parts_of("one.csv\ntwo.csv", "dev.csv");
    struct dataset *data = load(&config);
    assert_int_equal(data->train.n, 4);
    assert_int_equal(data->validation.n, 3);
    assert_string_equal(text_of(data, &data->validation, 0), "second b");
    assert_string_equal(text_of(data, &data->validation, 1), "<unk> c"); /* no word of training */
    assert_int_equal(data->validation.labels[2], 1);
    assert_string_equal(sources_file(&data->sources, 2), "test.csv");
    assert_int_equal(data->n_overlap, 2); /* `new c` of validation, `third c` of training */
    assert_int_equal(data->n_overlap_texts, 2);
    assert_int_equal(data->n_overlap_validation, 1); /* `second b` */
    dataset_free(data);
}

/* A text of several splits stays in the last, or in the first. */
static void overlap_is_dropped_between_all_parts(void **state) {
    (void)state;
    struct data_config config = parts_of("one.csv\ntwo.csv", "dev.csv");
    config.overlap = OVERLAP_DROP_TRAIN;
    struct dataset *data = load(&config);
    assert_int_equal(data->train.n, 2); /* without `second b`, `third c` */
    assert_int_equal(data->validation.n, 2);
    assert_int_equal(data->test.n, 3);
    assert_int_equal(data->n_overlap_dropped, 3);
    dataset_free(data);
    config.overlap = OVERLAP_DROP_TEST;
    data = load(&config);
    assert_int_equal(data->train.n, 4);
    assert_int_equal(data->validation.n, 2); /* without `second b` */
    assert_int_equal(data->test.n, 1);       /* `never seen` */
    assert_int_equal(data->n_overlap_dropped, 3);
    dataset_free(data);
}

static void every_file_of_every_part_is_in_the_hash_of_the_files(void **state) {
    (void)state;
    char slice[65], file[65], other[65];
    struct data_config config = parts_of("one.csv\ntwo.csv", "");
    assert_true(data_files_sha256(&config, slice, &error));
    strcpy(config.validation_file, "dev.csv");
    assert_true(data_files_sha256(&config, file, &error));
    assert_string_not_equal(slice, file);
    strcpy(config.train_file, "two.csv\none.csv");
    assert_true(data_files_sha256(&config, other, &error));
    assert_string_not_equal(file, other);
}

/* What was stored before there were lists is found again; what is not used is not written. */
static void one_file_is_written_as_it_always_was(void **state) {
    (void)state;
    struct data_config config = parts_of("one.csv", "");
    struct text json = {0};
    options_write_json(&data_options, &config, &json);
    assert_non_null(
        strstr(json.data, "\"train_file\":\"one.csv\",\"test_file\":\"test.csv\",\"cl"));
    assert_null(strstr(json.data, "validation_file"));
    assert_null(strstr(json.data, "drop_empty"));
    text_free(&json);
    config = parts_of("one.csv\ntwo.csv", "dev.csv");
    config.drop_empty = true;
    options_write_json(&data_options, &config, &json);
    assert_non_null(strstr(json.data, "\"train_file\":[\"one.csv\",\"two.csv\"],"));
    assert_non_null(strstr(json.data, "\"validation_file\":\"dev.csv\","));
    assert_non_null(strstr(json.data, "\"drop_empty\":true,"));
    text_free(&json);
}

static void what_is_wrong_with_one_of_several_files_names_it(void **state) {
    (void)state;
    struct data_config config = parts_of("one.csv\nthere.csv", "dev.csv");
    expect_refusal(&config, "there.csv is looked for in $HEADROOM_DATA");
    files_write("bad.csv", "x,a\nz,b\n");
    config = parts_of("one.csv\ntwo.csv", "bad.csv");
    expect_refusal(&config, "bad.csv:2: label 'z' does not occur in the training file");
    char missing[512];
    config = parts_of("one.csv", "absent.csv");
    assert_false(data_files_present(&config, missing, sizeof missing));
    assert_string_equal(missing, files_path("absent.csv"));
}

static void a_cached_data_set_of_parts_is_the_one_that_was_made(void **state) {
    (void)state;
    struct data_config config = parts_of("one.csv\ntwo.csv", "dev.csv");
    config.train_limit = 2; /* fewer than both splits together have */
    assert_int_equal(setenv("HEADROOM_CACHE", files_folder, 1), 0);
    struct dataset *made = load(&config), *kept = load(&config);
    assert_int_equal(setenv("HEADROOM_CACHE", "", 1), 0);
    char key[65];
    key_of(&config, key);
    assert_int_equal(access(files_path(key), F_OK), 0);
    assert_string_equal(made->sha256, kept->sha256);
    assert_int_equal(kept->validation.n, 3);
    assert_int_equal(kept->n_overlap_validation, made->n_overlap_validation);
    dataset_free(made);
    dataset_free(kept);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_files_are_read_in_the_order_of_their_list),
        cmocka_unit_test(a_validation_file_is_the_validation_split),
        cmocka_unit_test(overlap_is_dropped_between_all_parts),
        cmocka_unit_test(every_file_of_every_part_is_in_the_hash_of_the_files),
        cmocka_unit_test(one_file_is_written_as_it_always_was),
        cmocka_unit_test(what_is_wrong_with_one_of_several_files_names_it),
        cmocka_unit_test(a_cached_data_set_of_parts_is_the_one_that_was_made),
    };
    return cmocka_run_group_tests(tests, open_files, files_close);
}
