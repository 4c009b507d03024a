/*
 * A trained model comes back from its file with its words, classes and seed; a file from elsewhere
 * may leave those out; and data it was not made for is refused by the first difference.
 */
#include "harness/trial/saved_model.h"
#include "models/checkpoint.h"
#include "models/model_json.h"
#include "tests/harness/trial/small_trial.h"

struct fixture {
    struct small_trial trial;
    struct dataset *data;
    struct saved_model model;
};

static int set_up(void **state) {
    struct fixture *f = *state = calloc(1, sizeof *f);
    struct small_trial_text text = small_topic;
    struct error error;
    text.train = "epochs: 1, batch: 16";
    text.seed = 7;
    small_trial_run(&f->trial, &text);
    if (!dataset_load(&f->trial.experiment.data, &f->data, &error) ||
        !saved_model_read(f->trial.checkpoint, &f->model, &error))
        fail_msg("%s", error.text);
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    saved_model_free(&f->model);
    dataset_free(f->data);
    small_trial_free(&f->trial);
    free(f);
    return 0;
}

static void everything_comes_back(void **state) {
    struct fixture *f = *state;
    struct error error;
    assert_string_equal(f->model.trial, "key of the trial");
    assert_int_equal(f->model.parameters->seed, 7);
    assert_int_equal(f->model.words.words.n, f->data->vocab);
    assert_int_equal(f->model.words.max_len, f->data->max_len);
    assert_int_equal(f->model.classes.n, f->data->n_classes);
    assert_string_equal(f->model.classes.words[3], f->data->class_names[3]);
    if (!saved_model_check_data(&f->model, f->data, &error)) fail_msg("%s", error.text);
}

static void assert_refused(const struct fixture *f, const char *what) {
    struct error error;
    if (saved_model_check_data(&f->model, f->data, &error)) fail_msg("accepted, not: %s", what);
    if (!strstr(error.text, what)) fail_msg("'%s' does not say '%s'", error.text, what);
}

static void other_data_is_refused_by_its_first_difference(void **state) {
    struct fixture *f = *state;
    struct dataset *d = f->data;
    char **words = f->model.words.words.words, **classes = f->model.classes.words;
    int *sizes[] = {&d->n_classes, &d->vocab, &d->max_len};
    static const char *const said[] = {"tells 4 classes apart, the data have 5", "words, the data",
                                       "reads 12 tokens, an input of the data can have 13"};
    for (int i = 0; i < 3; i++) {
        ++*sizes[i];
        assert_refused(f, said[i]);
        --*sizes[i];
    }
    words[2][0] = 'x';
    assert_refused(f, "word 2 is 'x2' in the checkpoint and 't2' in the data");
    words[2][0] = 't';
    classes[1][0] = 'C';
    assert_refused(f, "class 1 is 'Class1' in the checkpoint and 'class1' in the data");
    classes[1][0] = 'c';
    f->model.vocab_sha256[0] ^= 1;
    assert_refused(f, "SHA-256");
    f->model.words.kind = TOKENIZER_CHARACTER;
    assert_refused(f, "tokenizer is 'character', that of the data 'word'");
}

static void data_without_the_model_s_pairs_are_refused(void **state) {
    struct fixture *f = *state;
    struct error error;
    f->model.parameters->config.separator = 2;
    assert_refused(f, "reads pairs of texts, the data have single ones");
    f->data->separator = 1;
    assert_refused(f, "separator is token 2, that of the data 1");
    f->data->separator = 2;
    assert_true(saved_model_check_data(&f->model, f->data, &error));
    f->model.parameters->config.separator = 0; /* as of a bag of words */
    assert_true(saved_model_check_data(&f->model, f->data, &error));
    f->data->separator = 0;
}

/* The file's tensors under other metadata. */
static void rewrite(const struct fixture *f, const char *path, const char *config,
                    const struct metadata *more) {
    struct error error;
    struct text own = {0};
    size_t n = parameters_views(f->model.parameters, NULL);
    struct tensor_view *views = calloc(n, sizeof *views);
    assert_non_null(views);
    parameters_views(f->model.parameters, views);
    model_write_json(&f->model.parameters->config, &own);
    struct metadata meta[] = {
        {"format", "headroom-1"}, {"config", config ? config : own.data}, *more};
    assert_true(checkpoint_write(path, meta, more->key ? 3 : 2, views, n, &error));
    text_free(&own);
    free(views);
}

static void separator_must_be_one_to_the_tokenizer(void **state) {
    struct fixture *f = *state;
    struct saved_model model;
    struct text json = {0}, tokenizer = {0};
    struct error error;
    char path[160];
    scratch_path(&f->trial.scratch, "separator.safetensors", path, sizeof path);
    model_write_json(&f->model.parameters->config, &json);
    dataset_write_tokenizer(f->data, &tokenizer);
    char *at = strstr(json.data, "\"separator\":0");
    assert_non_null(at);
    at[strlen("\"separator\":")] = '3';
    rewrite(f, path, json.data, &(struct metadata){"tokenizer", tokenizer.data});
    assert_false(saved_model_read(path, &model, &error));
    if (!strstr(error.text, "separator 3, which the tokenizer calls 't3'"))
        fail_msg("%s", error.text);
    text_free(&json);
    text_free(&tokenizer);
}

static void what_a_file_does_not_say_is_not_checked(void **state) {
    struct fixture *f = *state;
    struct saved_model model;
    struct error error;
    char path[160];
    scratch_path(&f->trial.scratch, "elsewhere.safetensors", path, sizeof path);
    rewrite(f, path, NULL, &(struct metadata){0});
    if (!saved_model_read(path, &model, &error)) fail_msg("%s", error.text);
    assert_int_equal(model.words.words.n + model.classes.n, 0);
    assert_string_equal(model.trial, "");
    assert_int_equal(model.parameters->seed, 0);
    if (!saved_model_check_data(&model, f->data, &error)) fail_msg("%s", error.text);
    saved_model_free(&model);
}

static void metadata_that_contradict_are_errors(void **state) {
    struct fixture *f = *state;
    static const struct metadata cases[] = {
        {"classes", "[\"a\",\"b\"]"},
        {"classes", "[\"a\",\"a\",\"b\",\"c\"]"},
        {"tokenizer", "{\"kind\":\"word\",\"words\":[\"a\"],\"max_len\":3}"},
        {"tokenizer", "{\"kind\":\"bpe\",\"words\":[\"a\"],\"max_len\":3}"},
        {"tokenizer", "{\"kind\":\"word\""}};
    static const char *const said[] = {"the metadata name 2", "are both 'a'", "the tokenizer 1",
                                       "word|character, not 'bpe'", "ends here"};
    struct saved_model model;
    struct error error;
    char path[160];
    scratch_path(&f->trial.scratch, "contradiction.safetensors", path, sizeof path);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rewrite(f, path, NULL, &cases[i]);
        if (saved_model_read(path, &model, &error)) fail_msg("accepted: %s", cases[i].value);
        if (!strstr(error.text, said[i])) fail_msg("'%s' does not say '%s'", error.text, said[i]);
    }
    rewrite(f, path, "{}", &(struct metadata){0});
    assert_false(saved_model_read(path, &model, &error));
    assert_non_null(strstr(error.text, path));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_back),
        cmocka_unit_test(what_a_file_does_not_say_is_not_checked),
        cmocka_unit_test(metadata_that_contradict_are_errors),
        cmocka_unit_test(data_without_the_model_s_pairs_are_refused),
        cmocka_unit_test(separator_must_be_one_to_the_tokenizer),
        cmocka_unit_test(other_data_is_refused_by_its_first_difference),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
