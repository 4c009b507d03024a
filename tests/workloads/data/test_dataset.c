/*
 * From files to splits: tokens, vocabulary, limits, the validation slice, every refusal with its
 * place, and the ragged batches that come out. What makes a class of a label is in test_labels.c.
 */
#include "tests/workloads/data/data_sets.h"
#include "models/base/tree.h"
#include "workloads/data/batch_buffer.h"
#include "workloads/data/data_files.h"
#include "models/base/json.h"
#include "workloads/data/saved_words.h"

/* n rows of label, text of 3 words and second text of 1 to 6, with a header. */
static void write_pairs(const char *name, int n) {
    FILE *file = fopen(files_path(name), "w");
    assert_non_null(file);
    fprintf(file, "first,second,gold\n");
    for (int i = 0; i < n; i++)
        fprintf(file, "One two w%d,%.*s,%s\n", i, 2 * (1 + i % 6) - 1, "a b c d e f",
                i % 2 ? "yes" : "no");
    assert_int_equal(fclose(file), 0);
}

static struct data_config pairs_config(void) {
    struct data_config config = config_of(SOURCE_CSV, "pairs", "pairs");
    strcpy(config.label, "gold");
    config.text = (struct name_list){1, {"first"}};
    config.second_text = (struct name_list){1, {"second"}};
    return config;
}

static const int32_t *input_of(const struct split *split, int i, int *n) {
    *n = split->offsets[i + 1] - split->offsets[i];
    return split->tokens + split->offsets[i];
}

static void pairs_are_two_texts_with_the_separator_between(void **state) {
    (void)state;
    write_pairs("pairs", 60);
    struct data_config config = pairs_config();
    struct dataset *data = load(&config);
    assert_int_equal(data->separator, 1);
    assert_string_equal(data->words[0], "<unk>");
    assert_string_equal(data->words[1], "<sep>");
    for (int i = 0; i < data->test.n; i++) {
        int n;
        const int32_t *tokens = input_of(&data->test, i, &n);
        assert_int_equal(n, 3 + 1 + 1 + i % 6);
        assert_string_equal(data->words[tokens[0]], "one");
        for (int t = 0; t < n; t++) assert_int_equal(tokens[t] == 1, t == 3);
        assert_string_equal(data->words[tokens[4]], "a");
    }
    assert_int_equal(data->n_truncated, 0);
    dataset_free(data);
    config.vocab_limit = 2; /* whatever is too rare or too many, the separator stays */
    config.min_count = 1000;
    data = load(&config);
    assert_true(data->vocab == 2 && data->separator == 1);
    dataset_free(data);
    config.second_text.n = 0;
    data = load(&config);
    assert_true(data->separator == 0 && data->vocab == 1);
    dataset_free(data);
}

/* Against the tokeniser that a checkpoint brings back: training and `predict` cut alike, whichever
 * of the texts is the longer one. */
static void check_long_pairs(const struct data_config *config, bool swapped) {
    struct dataset *data = load(config);
    struct saved_words words;
    struct text json = {0};
    dataset_write_tokenizer(data, &json);
    if (!saved_words_read(json.data, &words, &error)) fail_msg("%s", error.text);
    assert_int_equal(words.separator, 1);
    int n_cut = 0, n;
    for (int i = 0; i < data->test.n; i++) {
        struct saved_text read;
        char three[32], letters[] = "a b c d e f";
        int32_t expected[12];
        letters[2 * (1 + i % 6) - 1] = '\0';
        snprintf(three, sizeof three, "One two w%d", i);
        assert_true(saved_words_tokenise(&words, swapped ? letters : three,
                                         swapped ? three : letters, expected, 6, &read, &error));
        const int32_t *tokens = input_of(&data->test, i, &n);
        assert_int_equal(n, read.n);
        assert_memory_equal(tokens, expected, (size_t)n * sizeof *tokens);
        assert_true(tokens[0] != 1 && tokens[n - 1] != 1);
        n_cut += i % 6 > 1;
    }
    assert_int_equal(n_cut, 40);
    assert_int_equal(data->n_truncated, 2 * n_cut); /* the same rows are training and validation */
    saved_words_free(&words);
    text_free(&json);
    dataset_free(data);
}

static void long_pairs_keep_both_texts_and_are_counted(void **state) {
    (void)state;
    write_pairs("pairs", 60);
    struct data_config config = pairs_config();
    config.max_len = 6;
    check_long_pairs(&config, false); /* 3 + 1 + 2 */
    struct name_list text = config.text;
    config.text = config.second_text;
    config.second_text = text;
    check_long_pairs(&config, true); /* 3 + 1 + 2, of a first text of up to 6 */
}

static void bad_pairs_are_refused(void **state) {
    (void)state;
    write_pairs("pairs", 20);
    struct data_config config = pairs_config();
    config.max_len = 2;
    expect_refusal(&config, "data.max_len is 2; a pair of texts needs at least 3 tokens");
    config = pairs_config();
    strcpy(config.second_text.name[0], "first");
    expect_refusal(&config, "data: 'first' is named twice; label, text and second_text are");
    config = pairs_config();
    strcpy(config.text.name[0], "gold");
    expect_refusal(&config, "data: 'gold' is named twice");
    config = pairs_config();
    strcpy(config.second_text.name[0], "sceond");
    expect_refusal(&config, "pairs:1: no column 'sceond'; the header has: first, second, gold");
    files_write("pairs", "first,second,gold\na,b,no\na, ,yes\n");
    config = pairs_config();
    expect_refusal(&config, "pairs:3: empty second text after tokenising");
}

static void characters_are_tokens_if_asked_for(void **state) {
    (void)state;
    write_labels("train", 20);
    struct data_config config = config_of(SOURCE_LABEL_TEXT, "train", "train");
    config.tokenizer = TOKENIZER_CHARACTER;
    config.max_len = 6; /* "word!" has 5 characters, "word b1" and "word a1 ?" have more */
    struct dataset *data = load(&config);
    int n;
    const int32_t *tokens = input_of(&data->test, 0, &n);
    static const char expected[] = "word b";
    assert_int_equal(n, 6);
    for (int t = 0; t < 6; t++) {
        assert_int_equal(data->words[tokens[t]][0], expected[t]);
        assert_int_equal(data->words[tokens[t]][1], 0);
    }
    assert_int_equal(data->n_truncated, 80);
    assert_int_equal(data->vocab, 1 + 4 + 1 + 2 + 1); /* <unk>, word, space, a b, ! */
    assert_true(data->unknown_share == 0);
    struct text json = {0};
    dataset_write_tokenizer(data, &json);
    assert_non_null(strstr(json.data, "{\"kind\":\"character\",\"words\":[\"<unk>\","));
    text_free(&json);
    dataset_free(data);
    files_write("test", "A:x word \xc3\xa9!\nB:x word\n");
    strcpy(config.test_file, "test");
    config.max_len = 64;
    data = load(&config);
    assert_true(data->unknown_share == 1.0 / 11);
    dataset_free(data);
}

static void count_labels(const struct split *split, int count[4]) {
    memset(count, 0, 4 * sizeof *count);
    for (int i = 0; i < split->n; i++) count[split->labels[i]]++;
}

/* The seed of the section gives the same data again, and another one gives others. Frees data. */
static void expect_seed_to_decide(struct data_config config, struct dataset *data) {
    struct dataset *same = load(&config);
    config.seed++;
    struct dataset *other = load(&config);
    assert_string_equal(data->sha256, same->sha256);
    assert_string_not_equal(data->sha256, other->sha256);
    dataset_free(data);
    dataset_free(same);
    dataset_free(other);
}

static void gzip_and_plain_give_the_same_data_set(void **state) {
    (void)state;
    write_labels("plain", 20);
    char text[2000];
    FILE *file = fopen(files_path("plain"), "r");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    files_write_gzip("packed.gz", text, size);
    struct data_config config = config_of(SOURCE_LABEL_TEXT, "plain", "plain");
    struct dataset *plain = load(&config);
    config = config_of(SOURCE_LABEL_TEXT, "packed", "packed");
    struct dataset *packed = load(&config);
    assert_string_equal(plain->sha256, packed->sha256);
    assert_string_equal(plain->vocab_sha256, packed->vocab_sha256);
    dataset_free(plain);
    dataset_free(packed);
}

static void a_share_of_the_training_file_can_be_the_test_split(void **state) {
    (void)state;
    write_labels("train", 20);
    struct data_config config = config_of(SOURCE_LABEL_TEXT, "train", "");
    config.test_share = 0.25;
    struct dataset *data = load(&config);
    int count[4];
    assert_int_equal(data->test.n, 15);
    assert_int_equal(data->train.n + data->validation.n, 45);
    count_labels(&data->test, count);
    for (int c = 0; c < 3; c++) assert_int_equal(count[c], 5);
    expect_seed_to_decide(config, data);
    config.test_share = 0.001;
    expect_refusal(&config, "data.test_share takes 0 of 60 training inputs");
    config.test_share = 0;
    expect_refusal(&config, "data.test_file is missing; or take a test_share of train_file");
    config.test_share = 0.1;
    strcpy(config.test_file, "train");
    expect_refusal(&config, "data.test_file and data.test_share are both given");
}

static void headers_end_at_the_first_blank_line(void **state) {
    (void)state;
    files_write("posts.jsonl",
                "{\"label\":\"a\",\"text\":\"From: me\\nTo: you\\n\\nhi\\n\\nbye\"}\n"
                "{\"label\":\"b\",\"text\":\"From: me\\r\\n\\r\\nhi\"}\n"
                "{\"label\":\"b\",\"text\":\"no header here\\n\"}\n"
                "{\"label\":\"a\",\"text\":\"From: me\\n\\n \\n\"}\n");
    struct data_config config = config_of(SOURCE_JSONL, "posts.jsonl", "posts.jsonl");
    config.strip_headers = true;
    config.validation_share = 0.34;
    struct dataset *data = load(&config);
    assert_int_equal(data->test.n, 3);
    assert_int_equal(data->n_dropped, 2); /* once in train, once in test */
    assert_int_equal(data->test.offsets[1], 2);
    assert_int_equal(data->test.offsets[2], 3);
    assert_int_equal(data->test.offsets[3], 6);
    dataset_free(data);
}

static void bad_rows_are_refused_at_their_line(void **state) {
    (void)state;
    write_labels("train", 20);
    struct data_config config = config_of(SOURCE_LABEL_TEXT, "train", "bad");
    files_write("bad", "A:x good\nC:z no such class\n");
    expect_refusal(&config, "bad:2: label 'C:z' does not occur in the training file");
    files_write("bad", "A:x good\nA:x  \t\n");
    expect_refusal(&config, "bad:2: empty text after tokenising");
    files_write("bad", "A:x good\nA:x\n");
    expect_refusal(&config, "bad:2: empty text after tokenising");
    files_write("bad", "A:x good\nA:x caf\xe9\n");
    expect_refusal(&config, "bad:2: byte 0xe9 is not valid UTF-8; set encoding: iso-8859-1");
    config.encoding = 1;
    dataset_free(load(&config));
    files_write("bad", "A:x good\nA:x also\n");
    config = config_of(SOURCE_LABEL_TEXT, "bad", "bad");
    expect_refusal(&config, "bad has one class only");
    config = config_of(SOURCE_LABEL_TEXT, "train", "bad");
    files_write("bad", "A:x good\n unlabelled\n");
    expect_refusal(&config, "bad:2: the label is empty");
    config.train_file[0] = '\0';
    expect_refusal(&config, "data.train_file must be given");
}

static void an_absent_file_is_named_with_the_fix(void **state) {
    (void)state;
    write_labels("train", 20);
    struct data_config config = config_of(SOURCE_LABEL_TEXT, "train", "trec/absent");
    char missing[512];
    assert_false(data_files_present(&config, missing, sizeof missing));
    assert_string_equal(missing, files_path("trec/absent"));
    expect_refusal(&config, "trec/absent is looked for in $HEADROOM_DATA=/tmp");
    assert_non_null(strstr(error.text, "; `make data SETS=trec` fetches it"));
    strcpy(config.test_file, "mine/absent");
    expect_refusal(&config, "mine/absent is looked for in $HEADROOM_DATA=/tmp");
    assert_null(strstr(error.text, "make data"));
    strcpy(config.test_file, "/absent/file");
    assert_false(data_files_present(&config, missing, sizeof missing));
    assert_string_equal(missing, "/absent/file");
    expect_refusal(&config, "no file /absent/file (or /absent/file.gz): an absolute path");
    strcpy(config.test_file, "train");
    assert_true(data_files_present(&config, missing, sizeof missing));
    config.source = SOURCE_TOPIC;
    strcpy(config.test_file, "absent");
    assert_true(data_files_present(&config, missing, sizeof missing));
}

/* Only these: what is placed by hand has no sum in the list. */
static void what_make_data_fetches_is_said_with_its_set(void **state) {
    (void)state;
    FILE *sources = fopen("workloads/data_sources.txt", "r");
    assert_non_null(sources);
    char line[1024], place[256], path[512], hint[DATA_FILES_HINT_SIZE], set[320];
    int fetched = 0, by_hand = 0;
    while (fgets(line, sizeof line, sources)) {
        if (line[0] == '#' || sscanf(line, "%*s %*s %255s", place) != 1) continue;
        snprintf(path, sizeof path, "%s/%s", data_root(), place);
        snprintf(set, sizeof set, "SETS=%.*s`", (int)strcspn(place, "/"), place);
        data_files_hint(path, hint);
        if (line[0] == '-')
            by_hand++, assert_null(strstr(hint, "make data"));
        else
            fetched++, assert_non_null(strstr(hint, set));
    }
    fclose(sources);
    assert_true(fetched > 10 && by_hand > 0);
}

static void the_vocabulary_comes_from_the_training_part_alone(void **state) {
    (void)state;
    write_labels("train", 20);
    files_write("test", "A:x word unseen\nB:x word word\n");
    struct data_config config = config_of(SOURCE_LABEL_TEXT, "train", "test");
    config.validation_share = 0.2;
    struct dataset *data = load(&config);
    /* Words b0.. and a0.. occur in one row each: those of the slice's rows must be unknown. */
    int unknown = 0;
    for (int32_t t = 0; t < data->validation.offsets[data->validation.n]; t++)
        unknown += data->validation.tokens[t] == 0;
    assert_int_equal(data->validation.n, 12);
    assert_int_equal(unknown, 8);
    for (int32_t t = 0; t < data->train.offsets[data->train.n]; t++)
        assert_in_range(data->train.tokens[t], 1, data->vocab - 1);
    assert_int_equal(data->test.tokens[1], 0);
    assert_true(data->unknown_share == 0.25);
    assert_int_equal(data->vocab, 4 + 32); /* <unk> word ? ! and the rows' own words */
    dataset_free(data);
    config.vocab_limit = 2;
    data = load(&config);
    assert_int_equal(data->vocab, 2);
    assert_string_equal(data->words[1], "word"); /* the most frequent one */
    dataset_free(data);
}

static void long_texts_are_cut_and_counted(void **state) {
    (void)state;
    write_labels("train", 20); /* 2, 3 and 2 tokens */
    struct data_config config = config_of(SOURCE_LABEL_TEXT, "train", "train");
    config.max_len = 2;
    struct dataset *data = load(&config);
    assert_int_equal(data->n_truncated, 40);
    assert_int_equal(data->max_len, 2);
    assert_true(data->mean_length == 2);
    assert_int_equal(data->test.offsets[data->test.n], 2 * data->test.n);
    dataset_free(data);
}

static void limits_and_slice_keep_the_classes_in_proportion(void **state) {
    (void)state;
    FILE *file = fopen(files_path("skewed"), "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        fprintf(file, "%s t%d\n", i % 10 == 0 ? "c" : i % 10 < 4 ? "b" : "a", i);
    assert_int_equal(fclose(file), 0);
    struct data_config config = config_of(SOURCE_LABEL_TEXT, "skewed", "skewed");
    config.train_limit = 500;
    config.test_limit = 15;
    struct dataset *data = load(&config);
    int count[4];
    assert_int_equal(data->train.n, 450);
    assert_int_equal(data->validation.n, 50);
    assert_int_equal(data->test.n, 15);
    count_labels(&data->validation, count);
    assert_int_equal(count[0], 30);
    assert_int_equal(count[1], 15);
    assert_int_equal(count[2], 5);
    count_labels(&data->test, count); /* 9, 4.5, 1.5: the remainders tie, one of them is served */
    assert_int_equal(count[0], 9);
    assert_int_equal(count[1] + count[2], 6);
    assert_in_range(count[1], 4, 5);
    expect_seed_to_decide(config, data);
    config.train_limit = 4;
    config.validation_share = 0.1;
    expect_refusal(&config, "data.validation_share takes 0 of 4 training inputs");
}

static void training_and_validation_share_no_input(void **state) {
    (void)state;
    struct data_config config = config_of(SOURCE_OFFSETS, "", "");
    config.n_train = 600;
    config.n_test = 10;
    struct dataset *data = load(&config);
    size_t size = (size_t)config.length * sizeof(int32_t);
    assert_int_equal(data->train.n + data->validation.n, 600);
    for (int i = 0; i < data->validation.n; i++)
        for (int k = 0; k < data->train.n; k++)
            assert_memory_not_equal(data->validation.tokens + i * config.length,
                                    data->train.tokens + k * config.length, size);
    dataset_free(data);
}

static void a_batch_is_ragged_and_keeps_identities(void **state) {
    (void)state;
    int32_t tokens[] = {10, 11, 12, 20, 30, 31}, offsets[] = {0, 3, 4, 6}, labels[] = {1, 0, 2};
    const struct split split = {3, tokens, offsets, labels, labels, false, NULL};
    struct batch_buffer *buffer;
    assert_true(batch_buffer_new(3, 3, &buffer, &error));
    const int32_t index[] = {2, 0, 2}, expected[] = {30, 31, 10, 11, 12, 30, 31};
    struct batch batch = batch_gather(buffer, &split, index, 3);
    assert_int_equal(batch.n_samples, 3);
    assert_int_equal(batch.n_tokens, 7);
    assert_memory_equal(batch.tokens, expected, sizeof expected);
    assert_memory_equal(batch.offsets, ((int32_t[]){0, 2, 5, 7}), 4 * sizeof(int32_t));
    assert_memory_equal(batch.labels, ((int32_t[]){2, 1, 2}), 3 * sizeof(int32_t));
    assert_memory_equal(batch.ids, index, sizeof index);
    batch = batch_gather(buffer, &split, index + 1, 1); /* a smaller one reuses the buffer */
    assert_int_equal(batch.n_tokens, 3);
    assert_memory_equal(batch.tokens, tokens, 3 * sizeof(int32_t));
    batch_buffer_free(buffer);
}

static void a_draw_per_trial_is_that_of_the_trials_seed(void **state) {
    (void)state;
    struct data_config config = config_of(SOURCE_TOPIC, "", "");
    struct dataset *data[3];
    config.n_train = 40;
    config.n_test = 8;
    for (int i = 0; i < 3; i++) { /* a number that was given stays */
        config.seed = i < 2 ? DATA_SEED_PER_TRIAL : 1;
        if (i == 0) expect_refusal(&config, "data of one trial");
        data_config_set_seed(&config, 1 + i);
        data[i] = load(&config);
    }
    assert_string_equal(data[0]->sha256, data[2]->sha256);
    assert_string_not_equal(data[0]->sha256, data[1]->sha256);
    for (int i = 0; i < 3; i++) dataset_free(data[i]);
}

static void the_tokenizer_is_written_as_json(void **state) {
    (void)state;
    files_write("quoted", "a say \"hi\"\nb \\ x\na y\nb z\n");
    struct data_config config = config_of(SOURCE_LABEL_TEXT, "quoted", "quoted");
    config.validation_share = 0.25;
    struct dataset *data = load(&config);
    struct text json = {0};
    dataset_write_tokenizer(data, &json);
    struct node *root;
    assert_true(json_parse(json.data, json.size, "tokenizer", &root, &error));
    assert_string_equal(node_find(root, "kind")->text, "word");
    assert_string_equal(node_find(root, "max_len")->text, "64");
    const struct node *words = node_find(root, "words");
    assert_int_equal(words->n_children, data->vocab);
    int i = 0;
    for (const struct node *word = words->first; word; word = word->next)
        assert_string_equal(word->text, data->words[i++]);
    node_free(root);
    text_free(&json);
    dataset_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_and_plain_give_the_same_data_set),
        cmocka_unit_test(a_share_of_the_training_file_can_be_the_test_split),
        cmocka_unit_test(headers_end_at_the_first_blank_line),
        cmocka_unit_test(bad_rows_are_refused_at_their_line),
        cmocka_unit_test(an_absent_file_is_named_with_the_fix),
        cmocka_unit_test(what_make_data_fetches_is_said_with_its_set),
        cmocka_unit_test(the_vocabulary_comes_from_the_training_part_alone),
        cmocka_unit_test(long_texts_are_cut_and_counted),
        cmocka_unit_test(pairs_are_two_texts_with_the_separator_between),
        cmocka_unit_test(long_pairs_keep_both_texts_and_are_counted),
        cmocka_unit_test(bad_pairs_are_refused),
        cmocka_unit_test(characters_are_tokens_if_asked_for),
        cmocka_unit_test(limits_and_slice_keep_the_classes_in_proportion),
        cmocka_unit_test(training_and_validation_share_no_input),
        cmocka_unit_test(a_batch_is_ragged_and_keeps_identities),
        cmocka_unit_test(a_draw_per_trial_is_that_of_the_trials_seed),
        cmocka_unit_test(the_tokenizer_is_written_as_json),
    };
    return cmocka_run_group_tests(tests, files_open, files_close);
}
