/*
 * Data sets of one file or folder per class: what {class} finds, in what order, under which name in
 * the cache, and what is said of files that are not there.
 */
#include "tests/workloads/data/data_sets.h"

#include <sys/stat.h>

/* Of few rows, a quarter is for validation. */
static struct data_config few_rows(int source, const char *train, const char *test) {
    struct data_config config = config_of(source, train, test);
    config.validation_share = 0.25;
    return config;
}

static void make_folder(const char *name) {
    assert_int_equal(mkdir(files_path(name), 0777), 0);
}

/* The training files as "label=name " end to end, below the folder. */
static const char *listed(const struct data_config *config) {
    static char out[600];
    struct data_files files;
    memset(&error, 0, sizeof error);
    if (!data_files_list(config, PART_TRAIN, &files, &error)) fail_msg("%s", error.text);
    out[0] = '\0';
    for (int i = 0; i < files.n; i++) {
        size_t used = strlen(out);
        snprintf(out + used, sizeof out - used, "%s=%s ", files.file[i].label,
                 files.file[i].path + strlen(files_folder) + 1);
    }
    data_files_free(&files);
    return out;
}

static void a_class_is_what_stands_in_a_files_name(void **state) {
    (void)state;
    make_folder("mr[1]"); /* a name is no pattern */
    files_write("mr[1]/polarity.pos.txt", "good\nvery good\nbetter\nbest\n");
    files_write_gzip("mr[1]/polarity.neg.txt.gz", "bad\nworse\nworst\nawful\n", 22);
    files_write("mr[1]/polarity.pos.md", "notes");
    files_write("mr[1]/polarity..txt", "no class");
    struct data_config config =
        few_rows(SOURCE_CLASS_FILES, "mr[1]/polarity.{class}.txt", "mr[1]/polarity.{class}.txt");
    assert_string_equal(listed(&config),
                        "neg=mr[1]/polarity.neg.txt.gz pos=mr[1]/polarity.pos.txt ");
    struct dataset *data;
    assert_true(dataset_load(&config, &data, &error));
    assert_int_equal(data->n_classes, 2);
    assert_string_equal(data->class_names[0], "neg");
    assert_int_equal(data->test.n, 8);
    assert_int_equal(data->test.labels[3], 0);
    assert_int_equal(data->test.labels[4], 1);
    assert_int_equal(data->test.offsets[6] - data->test.offsets[5], 2); /* very good */
    dataset_free(data);
    strcpy(config.train_file, "mr[1]/polarity.pos.{class}");
    assert_string_equal(listed(&config), "md=mr[1]/polarity.pos.md txt=mr[1]/polarity.pos.txt ");
    files_write("mr[1]/polarity.pos.txt", "good\n\nbetter\n");
    strcpy(config.train_file, config.test_file);
    expect_refusal(&config, "mr[1]/polarity.pos.txt:2: empty text after tokenising");
}

static void named_classes_are_the_only_ones_read(void **state) {
    (void)state;
    files_write("c.a", "one\ntwo\n");
    files_write("c.b", "one\ntwo\n");
    files_write("c.readme", "no class\n");
    struct data_config config = few_rows(SOURCE_CLASS_FILES, "c.{class}", "");
    config.test_share = 0.25;
    config.class_names = (struct name_list){2, {"b", "a"}};
    assert_string_equal(listed(&config), "a=c.a b=c.b ");
    config.class_names = (struct name_list){2, {"a", "absent"}};
    char missing[512];
    assert_false(data_files_present(&config, missing, sizeof missing));
    assert_string_equal(missing, files_path("c.absent"));
    expect_refusal(&config, "c.absent is looked for in $HEADROOM_DATA");
    strcpy(config.train_file, "c.a");
    expect_refusal(&config, "the files of class-files need {class}");
}

static void a_folder_holds_one_text_per_file(void **state) {
    (void)state;
    make_folder("posts");
    make_folder("posts/rec.autos");
    make_folder("posts/sci.space");
    files_write("posts/index", "a file beside the folders");
    files_write("posts/rec.autos/2", "From: x\n\ncar\nand wheel\n");
    files_write("posts/rec.autos/10", "From: y\n\nroad\n");
    files_write("posts/rec.autos/.hidden", "From: z\n\nnot me\n");
    files_write_gzip("posts/sci.space/1.gz", "From: z\r\n\r\nmoon\r\n", 17);
    files_write("posts/sci.space/3", "From: z\n\n  \n");
    struct data_config config = few_rows(SOURCE_CLASS_FOLDERS, "posts", "posts/{class}");
    config.strip_headers = true;
    assert_string_equal(listed(&config),
                        "rec.autos=posts/rec.autos/10 rec.autos=posts/rec.autos/2 "
                        "sci.space=posts/sci.space/1.gz sci.space=posts/sci.space/3 ");
    struct dataset *data;
    config.validation_share = 0.34;
    assert_true(dataset_load(&config, &data, &error));
    assert_int_equal(data->n_classes, 2);
    assert_int_equal(data->n_dropped, 2); /* a post without a body, in train and in test */
    assert_int_equal(data->test.n, 3);
    assert_int_equal(data->test.offsets[2] - data->test.offsets[1], 3); /* car and wheel */
    assert_int_equal(data->test.offsets[3] - data->test.offsets[2], 1);
    dataset_free(data);

    files_write("posts/rec.autos/2", "From: x\n\n\x81\n");
    expect_refusal(&config, "posts/rec.autos/2:3: byte 0x81 is not valid UTF-8");
    make_folder("posts/talk");
    expect_refusal(&config, "no files in the folder");
    strcpy(config.train_file, "nowhere");
    char missing[512];
    assert_false(data_files_present(&config, missing, sizeof missing));
    assert_string_equal(missing, files_path("nowhere/{class}"));
    expect_refusal(&config, "no folders like");
}

static void the_root_may_be_a_relative_path(void **state) {
    (void)state;
    char here[512], above[64];
    const char *name = strrchr(files_folder, '/') + 1;
    snprintf(above, sizeof above, "%.*s", (int)(name - files_folder), files_folder);
    files_write("r.a", "one\n");
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(above), 0);
    assert_int_equal(setenv("HEADROOM_DATA", name, 1), 0);
    struct data_config config = few_rows(SOURCE_CLASS_FILES, "r.{class}", "");
    struct data_files files;
    bool ok = data_files_list(&config, PART_TRAIN, &files, &error);
    assert_int_equal(chdir(here), 0);
    assert_int_equal(setenv("HEADROOM_DATA", files_folder, 1), 0);
    if (!ok) fail_msg("%s", error.text);
    assert_int_equal(files.n, 1);
    assert_string_equal(files.file[0].path, files_path("r.a") + (name - files_folder));
    data_files_free(&files);
}

static void a_path_that_is_too_long_is_refused(void **state) {
    (void)state;
    static const int sources[] = {SOURCE_CLASS_FILES, SOURCE_CLASS_FOLDERS};
    static char root[5000];
    /* around the room for a path, and far beyond it */
    static const int lengths[] = {490, 497, 498, 499, 500, 501, 504, 511, 512, 4999};
    for (size_t i = 0; i < 2 * sizeof lengths / sizeof *lengths; i++) {
        struct data_config config = config_of(sources[i % 2], i % 2 ? "k" : "k{class}", "");
        struct data_files files;
        memset(root, 'r', sizeof root);
        root[lengths[i / 2]] = '\0';
        assert_int_equal(setenv("HEADROOM_DATA", root, 1), 0);
        memset(&error, 0, sizeof error);
        bool ok = data_files_list(&config, PART_TRAIN, &files, &error);
        data_files_free(&files);
        assert_int_equal(setenv("HEADROOM_DATA", files_folder, 1), 0);
        assert_false(ok);
        if (lengths[i / 2] > 511) assert_non_null(strstr(error.text, "the path of"));
    }
}

static void another_class_name_is_another_name_in_the_cache(void **state) {
    (void)state;
    files_write("k.a", "one\ntwo\n");
    files_write("k.b", "one\ntwo\n");
    files_write("groups", "{\"x\": [\"a\"], \"y\": [\"b\", \"c\"]}");
    struct data_config config = few_rows(SOURCE_CLASS_FILES, "k.{class}", "k.{class}");
    strcpy(config.label_groups_file, "groups");
    char before[65], after[65];
    key_of(&config, before);
    assert_int_equal(rename(files_path("k.b"), files_path("k.c")), 0);
    key_of(&config, after);
    assert_string_not_equal(before, after);
    files_write("groups", "{\"x\": [\"a\"], \"y\": [\"c\", \"b\"]}");
    key_of(&config, before);
    assert_string_not_equal(before, after);
    assert_int_equal(remove(files_path("groups")), 0);
    assert_false(data_files_sha256(&config, after, &error));
    char missing[512];
    assert_false(data_files_present(&config, missing, sizeof missing));
    assert_string_equal(missing, files_path("groups"));
}

static void the_size_of_training_files_is_known_before_they_are_read(void **state) {
    (void)state;
    files_write("s.a", "12345");
    files_write("s.b", "123");
    struct data_config config = few_rows(SOURCE_CLASS_FILES, "s.{class}", "s.{class}");
    assert_true(data_files_training_bytes(&config) == 8);
    strcpy(config.train_file, "absent.{class}");
    assert_true(data_files_training_bytes(&config) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_class_is_what_stands_in_a_files_name),
        cmocka_unit_test(named_classes_are_the_only_ones_read),
        cmocka_unit_test(a_folder_holds_one_text_per_file),
        cmocka_unit_test(the_root_may_be_a_relative_path),
        cmocka_unit_test(a_path_that_is_too_long_is_refused),
        cmocka_unit_test(another_class_name_is_another_name_in_the_cache),
        cmocka_unit_test(the_size_of_training_files_is_known_before_they_are_read),
    };
    return cmocka_run_group_tests(tests, files_open, files_close);
}
