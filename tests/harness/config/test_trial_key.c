/*
 * The key of a trial: which stored results it finds, and what a trial says whose data are no longer
 * those of its key.
 */
#include "harness/config/experiment.h"
#include "harness/config/trial_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char config[] = "{\"seed\":1}", files[] = "0123";

/* sha256sum of '{"seed":1}0123', and with 'again' behind it: what is stored stands under these. */
static void a_key_is_the_hash_of_configuration_and_files(void **state) {
    (void)state;
    char key[TRIAL_KEY_SIZE];
    trial_key_make("train", config, files, key);
    assert_string_equal(key, "0e9195789151632aa78e4fcf120b3e43e99d66a652f499419a5dcb6dfc2119af");
    trial_key_make("profile", config, files, key);
    assert_string_equal(key, "0e9195789151632aa78e4fcf120b3e43e99d66a652f499419a5dcb6dfc2119af");
    trial_key_make("again", config, files, key);
    assert_string_equal(key, "003993905d23f0505ac7ede04706406fcf28e901b23ef7e13170452f7063c2f4");
}

static void nothing_but_64_digits_is_a_key(void **state) {
    (void)state;
    struct error error = {0};
    char key[TRIAL_KEY_SIZE + 8];
    trial_key_make("train", config, files, key);
    assert_true(trial_key_require(key, &error));
    strcat(key, ".1");
    assert_false(trial_key_require(key, &error));
    key[63] = '\0';
    assert_false(trial_key_require(key, &error));
    memcpy(key + 63, "G", 2);
    assert_false(trial_key_require(key, &error));
    memcpy(key + 63, "A", 2);
    assert_false(trial_key_require(key, &error));
    assert_false(trial_key_require("", &error));
    assert_false(trial_key_require("../../x", &error));
    assert_non_null(strstr(error.text, "'../../x' is not the key of a trial"));
}

static void other_files_or_another_configuration_are_refused(void **state) {
    (void)state;
    struct data_config data;
    struct error error = {0};
    char key[TRIAL_KEY_SIZE];
    struct trial_identity trial = {"train", config, key};
    assert_int_equal(setenv("HEADROOM_DATA", "sets", 1), 0);
    options_default(&data_options, &data);
    data.source = SOURCE_LABEL_TEXT;
    strcpy(data.train_file, "q/a");
    strcpy(data.test_file, "/q/b");
    trial_key_make("train", config, files, key);
    assert_true(trial_key_check(&trial, &data, files, &error));
    assert_false(trial_key_check(&trial, &data, "0124", &error));
    assert_string_equal(error.text, "data changed since the plan: sets/q/a or /q/b; sweep again");
    trial.kind = "again";
    assert_false(trial_key_check(&trial, &data, files, &error));

    options_default(&data_options, &data);
    data.source = SOURCE_TOPIC;
    trial = (struct trial_identity){"train", "{\"seed\":2}", key};
    assert_false(trial_key_check(&trial, &data, "", &error));
    assert_non_null(strstr(error.text, "the row was changed by hand"));
}

/* The key of a training of a workload file, after `seed` was put into its data section. */
static void key_of(const char *path, int arm, int data_seed, int seed, char key[TRIAL_KEY_SIZE]) {
    struct experiment *e = malloc(sizeof *e);
    struct text json = {0};
    struct error error;
    assert_non_null(e);
    if (!experiment_read(path, false, e, &error)) fail_msg("%s: %s", path, error.text);
    e->data.seed = data_seed;
    experiment_write_trial_json(e, &e->arms[arm], seed, false, &json);
    trial_key_make("train", json.data, "", key);
    text_free(&json);
    free(e);
}

/* Keys that stored results have. Where this fails, the next sweep makes all results of these files
 * again: either that is meant, and results/CHANGELOG.md says so, or it is an accident. */
static void keys_of_stored_trials_stay(void **state) {
    (void)state;
    char key[TRIAL_KEY_SIZE];
    key_of("workloads/topic.yaml", 3, 1, 1, key); /* fixed-8 */
    assert_string_equal(key, "c811b3aa8ee6ced1dd58cb88c1731d5c0320b1bd3a6d575d0fab520eae0a5ef8");
    key_of("workloads/offsets.yaml", 4, 1, 2, key); /* random-2 */
    assert_string_equal(key, "636821e838f43c04b09fa3607f7041b6b855e75d3063269ce3a224fb87e461bc");
}

/* Of a profile, with what only some know: on which device it is. */
static void key_of_profile(struct experiment *e, int device, char key[TRIAL_KEY_SIZE]) {
    struct text json = {0};
    experiment_write_profile_json(e, &e->arms[3], 1, device, &json);
    trial_key_make("profile", json.data, "", key);
    text_free(&json);
}

/* Devices and precisions came when there were results: those of the CPU keep their keys, a card's
 * have others, and which of the cards it is makes none. */
static void a_device_is_in_the_key_unless_it_is_the_cpu(void **state) {
    (void)state;
    static const char stored[] = "a11cf4101bdd97302abd6499948531d446c644b73056188538e802d2ad96bd92";
    struct experiment *e = malloc(sizeof *e);
    struct error error;
    char key[TRIAL_KEY_SIZE], cuda[TRIAL_KEY_SIZE], other[TRIAL_KEY_SIZE];
    assert_non_null(e);
    assert_true(experiment_read("workloads/topic.yaml", false, e, &error));
    e->train.epochs = 1;
    key_of_profile(e, 0, key);
    assert_string_equal(key, stored);
    e->profile.devices = (struct name_list){.n = 2, .name = {"cpu", "cuda"}};
    key_of_profile(e, 0, key);
    key_of_profile(e, 1, cuda);
    assert_string_equal(key, stored);
    assert_string_not_equal(cuda, stored);
    e->profile.devices = (struct name_list){.n = 2, .name = {"cuda:1", "cpu"}};
    key_of_profile(e, 0, other);
    key_of_profile(e, 1, key);
    assert_string_equal(other, cuda);
    assert_string_equal(key, stored);
    e->profile.precision = 3; /* bf16, of the card alone */
    key_of_profile(e, 0, other);
    key_of_profile(e, 1, key);
    assert_string_not_equal(other, cuda);
    assert_string_equal(key, stored);
    free(e);
}

static void data_drawn_per_trial_are_those_of_its_seed(void **state) {
    (void)state;
    char drawn[TRIAL_KEY_SIZE], given[TRIAL_KEY_SIZE];
    for (int seed = 0; seed < 3; seed++) {
        key_of("workloads/topic.yaml", 0, DATA_SEED_PER_TRIAL, seed, drawn);
        key_of("workloads/topic.yaml", 0, seed, seed, given);
        assert_string_equal(drawn, given);
        key_of("workloads/topic.yaml", 0, seed + 1, seed, given);
        assert_string_not_equal(drawn, given);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_the_hash_of_configuration_and_files),
        cmocka_unit_test(nothing_but_64_digits_is_a_key),
        cmocka_unit_test(other_files_or_another_configuration_are_refused),
        cmocka_unit_test(keys_of_stored_trials_stay),
        cmocka_unit_test(a_device_is_in_the_key_unless_it_is_the_cpu),
        cmocka_unit_test(data_drawn_per_trial_are_those_of_its_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
