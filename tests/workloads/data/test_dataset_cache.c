/*
 * The cache of data sets: what comes out is what went in, whatever changes is noticed, and nothing
 * but a whole and sound file is believed.
 */
#include "tests/fuzz.h"
#include "tests/workloads/data/data_sets.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char train_rows[] = "a one two three\nb four five\na six\nb one seven\nc two two\nc x";
static const char test_rows[] = "a one nine\nb four six two\nc three";

/* An empty cache folder, and a small text data set. */
static int start(void **state) {
    (void)state;
    char command[400];
    snprintf(command, sizeof command, "rm -rf %s", files_path("cache"));
    files_write("train", train_rows);
    files_write("test", test_rows);
    return system(command) == 0 ? setenv("HEADROOM_CACHE", files_path("cache"), 1) : -1;
}

static struct data_config text_config(void) {
    struct data_config config = config_of(SOURCE_LABEL_TEXT, "train", "test");
    config.validation_share = 0.2;
    config.max_len = 2;
    config.store_texts = true;
    return config;
}

static const char *cache_file(const char *key) {
    char name[80];
    snprintf(name, sizeof name, "cache/%s", key);
    return files_path(name);
}

static int count_files(void) {
    int n = 0;
    DIR *folder = opendir(files_path("cache"));
    if (!folder) return 0;
    for (struct dirent *entry; (entry = readdir(folder));) n += entry->d_name[0] != '.';
    closedir(folder);
    return n;
}

static void assert_same_split(const struct split *a, const struct split *b) {
    size_t n = (size_t)a->n * sizeof(int32_t);
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->offsets, b->offsets, n + sizeof(int32_t));
    assert_memory_equal(a->tokens, b->tokens, (size_t)a->offsets[a->n] * sizeof(int32_t));
    assert_memory_equal(a->labels, b->labels, n);
    assert_memory_equal(a->difficulty, b->difficulty, n);
}

static void assert_same_sources(const struct dataset *a, const struct dataset *b) {
    for (int i = 0; i < a->test.n; i++) {
        const struct input_source *x = &a->sources.source[i], *y = &b->sources.source[i];
        assert_int_equal(x->file, y->file);
        assert_int_equal(x->row, y->row);
        assert_string_equal(x->sha256, y->sha256);
        const char *left = sources_text(&a->sources, i), *right = sources_text(&b->sources, i);
        assert_string_equal(left ? left : "none", right ? right : "none");
    }
}

static void assert_same(const struct dataset *a, const struct dataset *b) {
    assert_same_split(&a->train, &b->train);
    assert_same_split(&a->validation, &b->validation);
    assert_same_split(&a->test, &b->test);
    assert_same_sources(a, b);
    assert_int_equal(a->n_classes, b->n_classes);
    assert_int_equal(a->vocab, b->vocab);
    assert_int_equal(a->max_len, b->max_len);
    assert_int_equal(a->separator, b->separator);
    assert_int_equal(a->tokenizer, b->tokenizer);
    for (int i = 0; i < a->n_classes; i++)
        assert_string_equal(a->class_names[i], b->class_names[i]);
    for (int i = 0; i < a->vocab; i++) assert_string_equal(a->words[i], b->words[i]);
    assert_string_equal(a->sha256, b->sha256);
    assert_string_equal(a->vocab_sha256, b->vocab_sha256);
    assert_int_equal(a->n_truncated, b->n_truncated);
    assert_int_equal(a->n_dropped, b->n_dropped);
    assert_int_equal(a->n_overlap, b->n_overlap);
    assert_string_equal(a->unmatched.data, b->unmatched.data);
    assert_int_equal(a->n_overlap_texts, b->n_overlap_texts);
    assert_int_equal(a->n_overlap_dropped, b->n_overlap_dropped);
    assert_true(a->unknown_share == b->unknown_share);
    assert_true(a->mean_length == b->mean_length);
}

static void what_is_kept_is_what_the_source_gave(void **state) {
    (void)state;
    struct data_config configs[] = {text_config(), text_config(), text_config()};
    options_default(&data_options, &configs[1]);
    configs[1].source = SOURCE_MIXED;
    configs[1].n_train = 100;
    configs[1].n_test = 20;
    files_write("pairs", "a\tone\ttwo\nb\tthree\tfour\na\tsix\tone\nb\tfive\ttwo\n");
    configs[2].source = SOURCE_TSV;
    configs[2].second_text = (struct name_list){1, {"3"}};
    configs[2].tokenizer = TOKENIZER_CHARACTER;
    configs[2].max_len = 3;
    strcpy(configs[2].train_file, "pairs");
    strcpy(configs[2].test_file, "pairs");
    for (int i = 0; i < 3; i++) {
        char key[65];
        key_of(&configs[i], key);
        assert_null(dataset_cache_read(key));
        struct dataset *made = load(&configs[i]), *kept = dataset_cache_read(key);
        assert_non_null(kept);
        assert_same(made, kept);
        dataset_free(kept);
        made->n_truncated++; /* what is kept is used, not made again */
        dataset_cache_write(key, made);
        kept = load(&configs[i]);
        assert_same(made, kept);
        dataset_free(made);
        dataset_free(kept);
    }
    assert_int_equal(count_files(), 3);
}

/* Under a config's name lies another data set: that one must be loaded. */
static void what_is_kept_is_used(void **state) {
    (void)state;
    struct data_config config = text_config(), other = text_config();
    other.min_count = 2;
    char key[65];
    key_of(&config, key);
    struct dataset *different = load(&other);
    dataset_cache_write(key, different);
    struct dataset *data = load(&config);
    assert_same(data, different);
    dataset_free(data);
    dataset_free(different);
}

/* A whole file with a right sum, of which a section of its own cannot come. */
static void what_does_not_follow_from_the_section_is_made_again(void **state) {
    (void)state;
    enum { OTHERS = 7 };
    struct data_config config = text_config(), other[OTHERS];
    config.max_len = 3;
    config.train_limit = 5;
    config.test_limit = 1;
    config.vocab_limit = 9;
    for (int i = 0; i < OTHERS; i++) other[i] = config;
    other[0].max_len = 4096;
    other[1].train_limit = 6;
    other[2].vocab_limit = 4096;
    other[3].tokenizer = TOKENIZER_CHARACTER;
    options_default(&data_options, &other[4]);
    other[4].source = SOURCE_MIXED;
    other[4].n_train = 100;
    other[4].n_test = 20;
    other[5].test_limit = 2;
    files_write("pairs", "a\tone\ttwo\nb\tthree\tfour\na\tsix\tone\nb\tfive\ttwo\n");
    other[6].source = SOURCE_TSV;
    other[6].second_text = (struct name_list){1, {"3"}};
    strcpy(other[6].train_file, "pairs");
    strcpy(other[6].test_file, "pairs");
    char key[65];
    key_of(&config, key);
    struct dataset *made = load(&config);
    for (int i = 0; i < OTHERS; i++) {
        struct dataset *different = load(&other[i]), *data;
        dataset_cache_write(key, different);
        data = load(&config);
        assert_same(data, made);
        dataset_free(data);
        dataset_free(different);
    }
    dataset_free(made);
    config = other[4]; /* and of generated data */
    key_of(&config, key);
    made = load(&config);
    made->max_len = 1 << 20;
    dataset_cache_write(key, made);
    struct dataset *data = load(&config);
    assert_int_equal(data->max_len, config.length);
    dataset_free(data);
    dataset_free(made);
}

static void every_change_of_data_or_options_is_another_name(void **state) {
    (void)state;
    struct data_config config = text_config();
    char key[65], other[65];
    key_of(&config, key);
    config.vocab_limit = 5;
    key_of(&config, other);
    assert_string_not_equal(key, other);
    config = text_config();
    files_write("test", "a one nine\nb four six two\nc threE");
    key_of(&config, other);
    assert_string_not_equal(key, other);
    files_write("test", test_rows);
    key_of(&config, other);
    assert_string_equal(key, other); /* the bytes count, not the time */

    /* The first row of one file becomes the last of the other. */
    char rows[200];
    size_t moved = strlen("a one nine\n");
    snprintf(rows, sizeof rows, "%s%.*s", train_rows, (int)moved, test_rows);
    files_write("train", rows);
    files_write("test", test_rows + moved);
    key_of(&config, other);
    assert_string_not_equal(key, other);

    struct dataset *before = load(&config);
    files_write("train", "a one\nb two\na three\nb four\n");
    files_write("test", "a one\nb two\n");
    struct dataset *after = load(&config);
    assert_string_not_equal(before->sha256, after->sha256);
    dataset_free(before);
    dataset_free(after);
    assert_int_equal(remove(files_path("test")), 0);
    expect_refusal(&config, "test is looked for in");
}

/* Each read of that file of the kernel's gives another text. */
static void a_file_that_changes_while_it_is_read_is_an_error(void **state) {
    (void)state;
    static const char changing[] = "/proc/sys/kernel/random/uuid";
    if (access(changing, R_OK) != 0) skip();
    for (int i = 0; i < 4; i++) {
        char name[8];
        snprintf(name, sizeof name, "u.%d", i);
        assert_int_equal(symlink(changing, files_path(name)), 0);
    }
    struct data_config config = config_of(SOURCE_CLASS_FILES, "u.{class}", "u.{class}");
    config.validation_share = 0.5;
    expect_refusal(&config, "changed while it was read; try again");
    assert_int_equal(count_files(), 0);
}

static size_t read_file(const char *path, char *out, size_t size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(out, 1, size, file);
    fclose(file);
    assert_in_range(n, 1, size - 1);
    return n;
}

/* In place: emptying a file first costs a flush to disk on some file systems. */
static void write_file(const char *path, const char *bytes, size_t size) {
    int file = open(path, O_WRONLY | O_CREAT, 0666);
    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, size), size);
    assert_int_equal(ftruncate(file, (off_t)size), 0);
    assert_int_equal(close(file), 0);
}

static void a_damaged_file_is_ignored_and_written_again(void **state) {
    (void)state;
    struct data_config config = text_config();
    char key[65], path[400], good[4000] = {0}, bad[4000];
    key_of(&config, key);
    struct dataset *made = load(&config);
    snprintf(path, sizeof path, "%s", cache_file(key));
    size_t size = read_file(path, good, sizeof good);
    for (size_t cut = 0; cut < size; cut++) {
        write_file(path, good, cut);
        assert_null(dataset_cache_read(key));
    }
    memcpy(bad, good, size);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bad[bit / 8] = (char)(bad[bit / 8] ^ 1 << bit % 8);
        write_file(path, bad, size);
        assert_null(dataset_cache_read(key));
        bad[bit / 8] = good[bit / 8];
    }
    write_file(path, good, size + 1); /* a byte too many */
    assert_null(dataset_cache_read(key));
    struct dataset *again = load(&config);
    assert_same(made, again);
    assert_int_equal(read_file(path, bad, sizeof bad), size);
    assert_memory_equal(bad, good, size);

    char other[65]; /* a whole file under a name that is not its own */
    memset(other, '0', 64);
    other[64] = '\0';
    write_file(cache_file(other), good, size);
    assert_null(dataset_cache_read(other));
    dataset_free(made);
    dataset_free(again);
}

/* Whoever writes a file by hand gets the sum right as well: nothing may lead out of the arrays. */
static void a_wrong_file_with_a_right_sum_does_no_harm(void **state) {
    (void)state;
    static const char *const words[] = {"\xff\xff\xff\xff", "\xff\xff\xff\x7f", "\0\0\0\0"};
    struct data_config config = text_config();
    struct fuzz fuzz = {7};
    char key[65], path[400], good[4000], bad[4096];
    int believed = 0;
    key_of(&config, key);
    dataset_free(load(&config));
    snprintf(path, sizeof path, "%s", cache_file(key));
    size_t size = read_file(path, good, sizeof good), sum = sizeof(unsigned long);
    for (int i = 0; i < 4000; i++) {
        memcpy(bad, good, size);
        size_t at = sizeof key + fuzz_below(&fuzz, size - sum - sizeof key - 4);
        if (i % 2)
            memcpy(bad + at, words[fuzz_below(&fuzz, 3)], 4);
        else
            bad[at] = (char)fuzz_below(&fuzz, 256);
        unsigned long crc = crc32_z(0, (const unsigned char *)bad, size - sum);
        memcpy(bad + size - sum, &crc, sum);
        write_file(path, bad, size);
        struct dataset *data = dataset_cache_read(key);
        believed += data != NULL;
        for (int32_t t = 0; data && t < data->train.offsets[data->train.n]; t++)
            assert_non_null(data->words[data->train.tokens[t]]);
        dataset_free(data);
    }
    assert_in_range(believed, 1, 3999); /* a changed letter of a word is nobody's harm */
}

static void without_a_folder_everything_works(void **state) {
    (void)state;
    struct data_config config = text_config();
    struct dataset *kept = load(&config);
    const char *const folders[] = {"", "/proc/headroom", files_path("train/cache")};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(setenv("HEADROOM_CACHE", folders[i], 1), 0);
        for (int turn = 0; turn < 2; turn++) {
            struct dataset *made = load(&config);
            assert_same(made, kept);
            dataset_free(made);
        }
    }
    dataset_free(kept);
}

static void the_folder_follows_xdg(void **state) {
    (void)state;
    struct data_config config = text_config();
    struct stat info;
    char home[400], key[65];
    snprintf(home, sizeof home, "%s", getenv("HOME") ? getenv("HOME") : "");
    key_of(&config, key);
    unsetenv("HEADROOM_CACHE");
    unsetenv("XDG_CACHE_HOME");
    setenv("HOME", files_folder, 1);
    dataset_free(load(&config));
    char name[120];
    snprintf(name, sizeof name, ".cache/headroom/%s", key);
    assert_int_equal(stat(files_path(name), &info), 0);
    setenv("XDG_CACHE_HOME", files_path("xdg"), 1);
    dataset_free(load(&config));
    snprintf(name, sizeof name, "xdg/headroom/%s", key);
    assert_int_equal(stat(files_path(name), &info), 0);
    unsetenv("XDG_CACHE_HOME");
    setenv("HOME", home, 1);
}

static void writers_at_the_same_time_do_not_disturb_each_other(void **state) {
    (void)state;
    enum { WRITERS = 6, TURNS = 20 };
    struct data_config config = text_config();
    char key[65], path[400];
    key_of(&config, key);
    snprintf(path, sizeof path, "%s", cache_file(key));
    struct dataset *made = load(&config);
    pid_t pids[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        if (pids[i] != 0) continue;
        bool ok = true;
        for (int turn = 0; ok && turn < TURNS; turn++) {
            struct dataset *data = NULL;
            if (i == 0) unlink(path);
            ok = dataset_load(&config, &data, &error) && strcmp(data->sha256, made->sha256) == 0;
            dataset_cache_write(key, made);
            dataset_free(data);
        }
        _exit(ok ? 0 : 1);
    }
    for (int i = 0; i < WRITERS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(count_files(), 1); /* and no draft */
    struct dataset *kept = dataset_cache_read(key);
    assert_non_null(kept);
    assert_same(made, kept);
    dataset_free(made);
    dataset_free(kept);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_kept_is_what_the_source_gave, start),
        cmocka_unit_test_setup(what_is_kept_is_used, start),
        cmocka_unit_test_setup(what_does_not_follow_from_the_section_is_made_again, start),
        cmocka_unit_test_setup(a_file_that_changes_while_it_is_read_is_an_error, start),
        cmocka_unit_test_setup(every_change_of_data_or_options_is_another_name, start),
        cmocka_unit_test_setup(a_damaged_file_is_ignored_and_written_again, start),
        cmocka_unit_test_setup(a_wrong_file_with_a_right_sum_does_no_harm, start),
        cmocka_unit_test_setup(without_a_folder_everything_works, start),
        cmocka_unit_test_setup(the_folder_follows_xdg, start),
        cmocka_unit_test_setup(writers_at_the_same_time_do_not_disturb_each_other, start),
    };
    return cmocka_run_group_tests(tests, files_open, files_close);
}
