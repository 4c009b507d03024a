/*
 * From labels to classes: parts of a label, files and groups of classes, labels that are left out,
 * and a header that is taken for a label.
 */
#include "tests/workloads/data/data_sets.h"

static void labels_have_two_depths(void **state) {
    (void)state;
    write_labels("train", 20);
    write_labels("test", 5);
    struct data_config config = config_of(SOURCE_LABEL_TEXT, "train", "test");
    struct dataset *fine = load(&config);
    config.label_depth = 1;
    struct dataset *coarse = load(&config);
    assert_int_equal(fine->n_classes, 3);
    assert_string_equal(fine->class_names[0], "A:x");
    assert_string_equal(fine->class_names[2], "B:x");
    assert_int_equal(fine->test.labels[0], 2);
    assert_int_equal(coarse->n_classes, 2);
    assert_string_equal(coarse->class_names[1], "B");
    assert_int_equal(coarse->test.labels[0], 1);
    assert_int_equal(coarse->test.difficulty[0], -1);
    assert_string_not_equal(fine->sha256, coarse->sha256);
    assert_string_equal(coarse->words[0], "<unk>");
    assert_string_equal(coarse->words[1], "word");
    dataset_free(fine);
    dataset_free(coarse);
    config.label_depth = 3;
    expect_refusal(&config, "train:1: label 'B:x' has fewer parts than label_depth: 3");
}

static void csv_labels_are_names_or_numbers_of_the_class_file(void **state) {
    (void)state;
    files_write("classes", "World\nSci/Tech\r\n");
    files_write("train.csv", "1,a,b\n2,c,d\nWorld,e,f\n2,g,\"h\ni\"\n");
    files_write("test.csv", "2,\"A, b\",zzz\n1,b,c\n");
    struct data_config config = config_of(SOURCE_CSV, "train.csv", "test.csv");
    strcpy(config.classes_file, "classes");
    config.text = (struct name_list){2, {"2", "3"}};
    config.validation_share = 0.25;
    struct dataset *data = load(&config);
    assert_int_equal(data->n_classes, 2);
    assert_string_equal(data->class_names[1], "Sci/Tech");
    assert_int_equal(data->train.n, 3);
    assert_int_equal(data->validation.n, 1);
    assert_int_equal(data->test.labels[0], 1);
    assert_int_equal(data->test.offsets[1], 4); /* a , b zzz */
    assert_int_equal(data->test.tokens[3], 0);
    dataset_free(data);

    files_write("test.csv", "2,a,b\n3,c,d\n");
    expect_refusal(&config, "test.csv:2: label '3' is none of the 2 classes in classes");
    files_write("test.csv", "2,a,b\nworld,c,d\n");
    expect_refusal(&config, "test.csv:2: label 'world' is none of the 2 classes in classes");
    files_write("classes", "World\nWorld\n");
    expect_refusal(&config, "classes:2: class 'World' stands here a second time");
    files_write("classes", "World\n\nSport\n");
    expect_refusal(&config, "classes:2: empty class name");
}

static void rows_of_dropped_labels_are_left_out_and_counted(void **state) {
    (void)state;
    write_labels("train", 20);
    files_write("test", "A:x good\nunsure what ?\nB:x better\nunsure again\n");
    struct data_config config = config_of(SOURCE_LABEL_TEXT, "train", "test");
    config.drop_labels = (struct name_list){2, {"unsure", "A:y"}};
    struct dataset *data = load(&config);
    assert_int_equal(data->train.n + data->validation.n, 40);
    assert_int_equal(data->test.n, 2);
    assert_int_equal(data->n_dropped, 22);
    assert_int_equal(data->n_classes, 2);
    dataset_free(data);
    files_write("test", "unsure what ?\n");
    expect_refusal(&config, "test: all rows are dropped");
}

static void a_separator_divides_labels_into_parts(void **state) {
    (void)state;
    files_write("groups", "comp::os::x a\ncomp::sys b\nrec::auto:s c\nrec::auto:t d\n");
    struct data_config config = config_of(SOURCE_LABEL_TEXT, "groups", "groups");
    config.validation_share = 0.25;
    strcpy(config.label_separator, "::");
    config.label_depth = 2;
    struct dataset *data = load(&config);
    assert_int_equal(data->n_classes, 4);
    assert_string_equal(data->class_names[0], "comp::os");
    assert_string_equal(data->class_names[1], "comp::sys");
    dataset_free(data);
    config.label_depth = 1;
    data = load(&config);
    assert_int_equal(data->n_classes, 2);
    assert_string_equal(data->class_names[1], "rec");
    dataset_free(data);
    files_write("groups", "comp:::os::x a\nrec::auto b\n"); /* a part may begin with a colon */
    config.label_depth = 2;
    data = load(&config);
    assert_string_equal(data->class_names[0], "comp:::os");
    dataset_free(data);
    config.label_separator[0] = '\0';
    expect_refusal(&config, "data.label_separator is empty");
}

static void groups_of_labels_are_the_classes(void **state) {
    (void)state;
    files_write("stars", "1 awful\n2 bad\n4 good\n5 great\n1 never\n5 always\n");
    files_write("groups.json", "{\"low\": [\"1\", \"2\"],\n \"high\": [\"4\", \"5\"]}");
    struct data_config config = config_of(SOURCE_LABEL_TEXT, "stars", "stars");
    strcpy(config.label_groups, "{\"low\":[\"1\",\"2\"],\"high\":[\"4\",\"5\"]}");
    config.validation_share = 0.25;
    struct dataset *data = load(&config);
    assert_int_equal(data->n_classes, 2);
    assert_string_equal(data->class_names[0], "low"); /* in the order of the groups */
    assert_int_equal(data->test.labels[1], 0);
    assert_int_equal(data->test.labels[2], 1);
    struct data_config from_file = config_of(SOURCE_LABEL_TEXT, "stars", "stars");
    strcpy(from_file.label_groups_file, "groups.json");
    from_file.validation_share = 0.25;
    struct dataset *same = load(&from_file);
    assert_string_equal(data->sha256, same->sha256);
    dataset_free(data);
    dataset_free(same);

    strcpy(config.classes_file, "stars");
    expect_refusal(&config, "give one of data.classes_file, data.label_groups and");
    config.classes_file[0] = '\0';
    files_write("stars", "1 awful\n2 bad\n3 so so\n");
    expect_refusal(&config, "stars:3: label '3' is in none of the 2 label groups");
    files_write("groups.json", "{\"low\": [\"1\", \"2\"],\n \"high\": [\"4\", \"2\"]}");
    expect_refusal(&from_file, "groups.json:2:16: label '2' is in a group already");
    files_write("groups.json", "{\"low\": {\"1\": \"2\"}}");
    expect_refusal(&from_file, "groups.json:1:15: a group must be a list of labels");
    files_write("groups.json", "{\"low\": [\"1\", \"2\"], \"high\": []}");
    expect_refusal(&from_file, "groups.json:1:29: group 'high' has no labels");
    files_write("groups.json", "{}");
    expect_refusal(&from_file, "groups.json:1:1: groups must be a map");
    files_write("groups.json", "[\"low\"]");
    expect_refusal(&from_file, "groups.json:1:1: groups must be a map");
}

static void a_forgotten_header_is_refused_at_its_line(void **state) {
    (void)state;
    static const char rows[] = "x,a b\ny,c d\nx,e\ny,f\nx,g\ny,h\n";
    char text[200];
    struct data_config config = config_of(SOURCE_CSV, "head", "head");
    snprintf(text, sizeof text, "label,text\n%s", rows);
    files_write("head", text);
    expect_refusal(&config, "head:1: class 'label' occurs only in the first line; is it a header? "
                            "set header: true in data");
    config.header = true;
    dataset_free(load(&config));
    config.header = false;
    strcpy(config.test_file, "test"); /* a rare class, not a header */
    files_write("test", "x,a\nlabel,b\n");
    dataset_free(load(&config));
    strcpy(config.train_file, "plain");
    files_write("plain", rows);
    files_write("test", rows);
    dataset_free(load(&config));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_have_two_depths),
        cmocka_unit_test(csv_labels_are_names_or_numbers_of_the_class_file),
        cmocka_unit_test(rows_of_dropped_labels_are_left_out_and_counted),
        cmocka_unit_test(a_separator_divides_labels_into_parts),
        cmocka_unit_test(groups_of_labels_are_the_classes),
        cmocka_unit_test(a_forgotten_header_is_refused_at_its_line),
    };
    return cmocka_run_group_tests(tests, files_open, files_close);
}
