/*
 * What a data set is doubted for, and that one without a slip raises no doubt.
 */
#include "tests/workloads/data/data_sets.h"
#include "workloads/data/doubts.h"

/* Rows of n texts for each of the names, as `label text` cannot hold them: tsv. */
static void write_classes(const char *file, const char *const *names, int n_names, int n) {
    FILE *out = fopen(files_path(file), "w");
    assert_non_null(out);
    for (int i = 0; i < n; i++)
        for (int c = 0; c < n_names; c++) fprintf(out, "%s\tword w%d\n", names[c], i);
    assert_int_equal(fclose(out), 0);
}

/* The doubts as one text; the caller frees it. */
static char *doubts_of(const struct data_config *config) {
    struct text out = {0};
    struct dataset *data = load(config);
    if (!doubts_write(config, data, &out, &error)) fail_msg("%s", error.text);
    dataset_free(data);
    return out.data;
}

static void expect_doubts(const struct data_config *config, const char *expected) {
    char *found = doubts_of(config);
    assert_string_equal(found ? found : "", expected);
    free(found);
}

static struct data_config two_files(void) {
    struct data_config config = config_of(SOURCE_TSV, "train", "test");
    config.validation_share = 0.25;
    return config;
}

static void sound_data_raise_none(void **state) {
    (void)state;
    static const char *const names[] = {"spam", "ham", "1",  "10", "-1",
                                        "1.5",  "a b", "ab", ".",  "e"};
    write_classes("train", names, 10, 8);
    write_classes("test", names, 10, 1);
    struct data_config config = two_files();
    expect_doubts(&config, "");
    struct data_config drawn;
    options_default(&data_options, &drawn);
    drawn.source = SOURCE_TOPIC;
    drawn.n_train = 200;
    drawn.n_test = 40;
    expect_doubts(&drawn, "");
}

static void names_that_look_alike_are_told_with_their_inputs(void **state) {
    (void)state;
    static const char *const names[] = {"Yes ", "yes",  " YES", "01", "1",
                                        "1.0",  "a  b", "A b",  "no"};
    write_classes("train", names, 9, 8);
    write_classes("test", names, 9, 1);
    struct data_config config = two_files();
    expect_doubts(
        &config,
        "classes '01' (9 inputs), '1' (9 inputs) and '1.0' (9 inputs) differ in blanks, "
        "case or the spelling of a number alone; if they are one, correct the rows or join "
        "them by label_groups\n"
        "classes 'A b' (9 inputs) and 'a  b' (9 inputs) differ in blanks, case or the "
        "spelling of a number alone; if they are one, correct the rows or join them by "
        "label_groups\n"
        "classes ' YES' (9 inputs), 'Yes ' (9 inputs) and 'yes' (9 inputs) differ in "
        "blanks, case or the spelling of a number alone; if they are one, correct the rows "
        "or join them by label_groups\n");
}

static void more_groups_than_three_are_counted(void **state) {
    (void)state;
    static const char *const names[] = {"a", "A", "b", "B", "c", "C", "d", "D", "e", "E"};
    write_classes("train", names, 10, 8);
    write_classes("test", names, 10, 1);
    struct data_config config = two_files();
    char *found = doubts_of(&config);
    assert_non_null(strstr(found, "classes 'C' (9 inputs) and 'c' (9 inputs)"));
    assert_null(strstr(found, "classes 'D'"));
    assert_non_null(strstr(found, "\n2 more groups of classes are as alike\n"));
    free(found);
}

static void labels_that_no_row_has_are_told_also_from_the_cache(void **state) {
    (void)state;
    static const char *const names[] = {"x", "y", "z"};
    write_classes("train", names, 3, 12);
    write_classes("test", names, 3, 1);
    struct data_config config = two_files();
    config.drop_labels = (struct name_list){2, {"z", "zz"}};
    strcpy(config.label_groups, "{\"p\":[\"x\",\"X\"],\"q\":[\"y\"]}");
    assert_int_equal(setenv("HEADROOM_CACHE", files_path("cache"), 1), 0);
    for (int i = 0; i < 2; i++)
        expect_doubts(&config, "drop_labels: no row has 'zz' (1 of 2 labels)\n"
                               "label_groups: no row has 'X' (1 of 3 labels)\n");
    assert_int_equal(setenv("HEADROOM_CACHE", "", 1), 0);
}

static void few_rows_for_many_classes_are_told_by_their_cause(void **state) {
    (void)state;
    char name[40][8];
    const char *names[40];
    for (int c = 0; c < 40; c++) {
        snprintf(name[c], sizeof name[c], "c%02d", c);
        names[c] = name[c];
    }
    write_classes("train", names, 40, 4);
    write_classes("test", names, 20, 1);
    struct data_config config = two_files();
    expect_doubts(&config,
                  "40 classes have 4.0 inputs to train on average, too few to learn from; "
                  "does the label stand elsewhere, or is it a number to be grouped by "
                  "label_groups?\n"
                  "20 of 40 classes have no test input, so no result is about them: 'c20', "
                  "'c21', 'c22', 'c23', 'c24', ...\n");
    config.train_limit = 39;
    char *found = doubts_of(&config);
    assert_non_null(strstr(found, "train_limit: 39 is below the number of classes, 40\n"));
    assert_non_null(strstr(found, " of 40 classes have no input to train, so none is learned: 'c"));
    assert_null(strstr(found, "on average"));
    free(found);
}

static void clauses_that_are_taken_for_words_are_told(void **state) {
    (void)state;
    static const char *const names[] = {"\xe5\xa5\xbd\ta", "\xe5\x9d\x8f\tb"};
    write_classes("train", names, 2, 12);
    write_classes("test", names, 2, 1);
    struct data_config config = two_files();
    strcpy(config.label, "2");
    config.text = (struct name_list){1, {"1"}};
    char *found = doubts_of(&config);
    assert_non_null(strstr(found, "; tokenizer: character cuts it\n"));
    free(found);
    config.tokenizer = TOKENIZER_CHARACTER;
    expect_doubts(&config, "");
    static const char *const few[] = {"good\xe5\xa5\xbd\ta", "bad\xe5\x9d\x8f\tb"};
    write_classes("train", few, 2, 12);
    write_classes("test", few, 2, 1);
    config.tokenizer = TOKENIZER_WORD;
    expect_doubts(&config, ""); /* a few such letters are no such script */
}

static void long_names_are_cut_between_characters(void **state) {
    (void)state;
    struct few_names names = {0};
    few_names_add(&names, "0123456789012345678901234567890\xc3\xa9 and more");
    assert_string_equal(names.shown, "'0123456789012345678901234567890'");
    few_names_add(&names, "two\nlines");
    assert_string_equal(names.shown + 35, "'two lines'");
    for (int i = 0; i < 20; i++) few_names_add(&names, "\xf0\x9f\x98\x80\xf0\x9f\x98\x80");
    assert_int_equal(names.n, 22);
    assert_non_null(strstr(names.shown, ", ..."));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_data_raise_none),
        cmocka_unit_test(names_that_look_alike_are_told_with_their_inputs),
        cmocka_unit_test(more_groups_than_three_are_counted),
        cmocka_unit_test(labels_that_no_row_has_are_told_also_from_the_cache),
        cmocka_unit_test(few_rows_for_many_classes_are_told_by_their_cause),
        cmocka_unit_test(clauses_that_are_taken_for_words_are_told),
        cmocka_unit_test(long_names_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, files_open, files_close);
}
