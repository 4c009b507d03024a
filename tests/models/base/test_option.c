/*
 * Option tables: what a value may look like, what the refusals say, and that canonical JSON brings
 * every struct back bit by bit.
 */
#include "models/base/option.h"
#include "tests/fuzz.h"
#include "models/base/json.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

struct sample {
    int epochs;
    double rate;
    bool shuffle;
    int mode;
    char file[OPTION_STRING_MAX];
    struct int_list heads;
    struct name_list tags;
    char groups[OPTION_GROUPS_MAX];
    int any, limit;
    bool verbose;
};

static const struct option rows[] = {
    {"epochs", OPTION_INT, offsetof(struct sample, epochs), NULL, 1, 100000, NULL, "passes"},
    {"rate", OPTION_FLOAT, offsetof(struct sample, rate), "3e-4", 0, 1, NULL, "step"},
    {"shuffle", OPTION_BOOL, offsetof(struct sample, shuffle), "true", 0, 0, NULL, "mix"},
    {"mode", OPTION_CHOICE, offsetof(struct sample, mode), "fast", 0, 0, "slow|fast|exact", "how"},
    {"file", OPTION_STRING, offsetof(struct sample, file), "", 0, 0, NULL, "path"},
    {"heads", OPTION_INT_LIST, offsetof(struct sample, heads), "[1, 32]", 0, 64, NULL, "heads"},
    {"tags", OPTION_NAME_LIST, offsetof(struct sample, tags), "[a, b]", 0, 0, NULL, "names"},
    {"groups", OPTION_GROUPS, offsetof(struct sample, groups), "", 0, 0, NULL, "names of names"},
    {"verbose", OPTION_SWITCH, offsetof(struct sample, verbose), "false", 0, 0, NULL, "tell all"},
    {"any", OPTION_INT, offsetof(struct sample, any), "-7", INT_MIN, INT_MAX, NULL, "any int"},
    {"limit", OPTION_INT, offsetof(struct sample, limit), "5", 1, 9, "none", "most of it"},
};
static const struct option_table table = {"train", rows, sizeof rows / sizeof *rows};

/* Options of an arm stand beside its name. */
static const char *const ignored[] = {"name", NULL};

static bool bind(const char *json, size_t size, struct sample *out, struct error *error) {
    struct node *root;
    if (!json_parse(json, size, "x.yaml", &root, error)) return false;
    bool ok = options_bind(&table, root, ignored, out, error);
    node_free(root);
    return ok;
}

static void assert_bound(const char *json, struct sample *out) {
    struct error error = {0};
    options_default(&table, out);
    if (!bind(json, strlen(json), out, &error)) fail_msg("%s: %s", json, error.text);
}

static void assert_refused(const char *json, int column, const char *message) {
    struct sample sample;
    struct error error = {0};
    options_default(&table, &sample);
    assert_false(bind(json, strlen(json), &sample, &error));
    assert_string_equal(error.text, message);
    assert_int_equal(error.at.line, 1);
    assert_int_equal(error.at.column, column);
}

static void defaults_are_read_like_a_users_text(void **state) {
    (void)state;
    struct sample sample;
    memset(&sample, 0xAA, sizeof sample);
    options_default(&table, &sample);
    assert_int_equal(sample.epochs, 0); /* required: zero until it is given */
    assert_true(sample.rate == 3e-4);
    assert_true(sample.shuffle);
    assert_int_equal(sample.mode, 1);
    assert_string_equal(sample.file, "");
    assert_int_equal(sample.heads.n, 2);
    assert_int_equal(sample.heads.value[1], 32);
    assert_int_equal(sample.any, -7);
}

static void a_map_overwrites_only_the_keys_it_has(void **state) {
    (void)state;
    struct sample sample;
    struct error error;
    assert_bound("{\"epochs\":3,\"name\":\"x\",\"mode\":\"exact\",\"heads\":4}", &sample);
    assert_int_equal(sample.epochs, 3);
    assert_int_equal(sample.mode, 2);
    assert_int_equal(sample.heads.n, 1);
    assert_int_equal(sample.heads.value[0], 4);
    assert_true(sample.shuffle);
    static const char overlay[] = "{\"epochs\":9,\"shuffle\":false}";
    assert_true(bind(overlay, sizeof overlay - 1, &sample, &error));
    assert_int_equal(sample.epochs, 9);
    assert_false(sample.shuffle);
    assert_int_equal(sample.mode, 2);
}

static void unknown_keys_suggest_the_nearest_name(void **state) {
    (void)state;
    assert_refused("{\"epoch\":1}", 2, "unknown key 'epoch' in train; did you mean 'epochs'?");
    assert_refused("{\"nmae\":1}", 2, "unknown key 'nmae' in train; did you mean 'name'?");
    assert_refused("{\"momentum\":1}", 2,
                   "unknown key 'momentum' in train; it knows: epochs, rate, shuffle, mode, file, "
                   "heads, tags, groups, verbose, any, limit, name");
    assert_refused("[1]", 1, "train must be a map: lines of 'key: value'");
}

static void refusals_name_the_value_and_what_is_allowed(void **state) {
    (void)state;
    assert_refused("{\"epochs\":0}", 11, "epochs in train is 0; it must be between 1 and 100000");
    assert_refused("{\"epochs\":2.5}", 11,
                   "epochs in train is 2.5; it must be a whole number between 1 and 100000");
    assert_refused("{\"epochs\":\"3\"}", 11,
                   "epochs in train is '3' in quotes; it must be a whole number between 1 and "
                   "100000");
    assert_refused("{\"epochs\":true}", 11,
                   "epochs in train is 'true'; it must be a whole number between 1 and 100000");
    assert_refused("{\"epochs\":[1]}", 11,
                   "epochs in train is a list; it must be a whole number between 1 and 100000");
    assert_refused("{\"epochs\":null}", 11, "epochs in train has no value");
    assert_refused("{\"rate\":2}", 9, "rate in train is 2; it must be between 0 and 1");
    assert_refused("{\"rate\":1e999}", 9, "rate in train is 1e999; it must be between 0 and 1");
    assert_refused("{\"shuffle\":1}", 12, "shuffle in train is 1; it must be true or false");
    assert_refused("{\"shuffle\":\"true\"}", 12,
                   "shuffle in train is 'true' in quotes; it must be true or false");
    assert_refused(
        "{\"mode\":\"fsat\"}", 9,
        "mode in train is 'fsat' in quotes; it must be one of slow, fast, exact; did you "
        "mean 'fast'?");
    assert_refused("{\"heads\":[1,99]}", 13,
                   "entry 2 of heads in train is 99; it must be between 0 and 64");
    assert_refused("{\"heads\":{\"a\":1}}", 10,
                   "heads in train is a map; it must be a whole number between 0 and 64");
    assert_refused("{\"tags\":[\"x\",\"y\",\"x\"]}", 18,
                   "entry 3 of tags in train is 'x' in quotes; it must be a name of 1 to 95 bytes "
                   "that the list has not had before");
    assert_refused("{\"tags\":[[]]}", 10,
                   "entry 1 of tags in train is a list; it must be a name of 1 to 95 bytes that "
                   "the list has not had before");
}

/* Plain YAML scalars, which JSON's own grammar would already stop. */
static void a_word_may_stand_for_the_number_below_the_range(void **state) {
    (void)state;
    struct sample sample;
    struct text json = {0};
    assert_bound("{\"limit\":\"none\"}", &sample);
    assert_int_equal(sample.limit, 0);
    option_write_json(option_find(&table, "limit"), &sample, &json);
    assert_string_equal(json.data, "\"none\"");
    text_free(&json);
    assert_bound("{\"limit\":1}", &sample);
    option_write_json(option_find(&table, "limit"), &sample, &json);
    assert_string_equal(json.data, "1");
    text_free(&json);
    assert_refused("{\"limit\":0}", 10, "limit in train is 0; it must be between 1 and 9, or none");
    assert_refused("{\"limit\":\"nine\"}", 10,
                   "limit in train is 'nine' in quotes; it must be a whole number between 1 and 9, "
                   "or none");
}

static void numbers_are_decimal_and_whole_texts(void **state) {
    (void)state;
    static const char *const not_ints[] = {"1e3", "0x10", "010", "1_000", "1 ", " 1",
                                           "1.0", "--1",  "+",   "nan",   "yes"};
    static const char *const not_floats[] = {"0x1p-3", "nan", "inf", "0.5 ", ".",
                                             "e",      "1e",  "-",   "0,5"};
    struct sample sample;
    struct error error;
    options_default(&table, &sample);
    char text[32] = "";
    struct node value = {.kind = NODE_SCALAR, .text = text};
    struct node map = {.kind = NODE_MAP, .n_children = 1, .first = &value};
    value.key = (char[]){"epochs"};
    for (size_t i = 0; i < sizeof not_ints / sizeof *not_ints; i++) {
        snprintf(text, sizeof text, "%s", not_ints[i]);
        assert_false(options_bind(&table, &map, NULL, &sample, &error));
    }
    value.key = (char[]){"rate"};
    for (size_t i = 0; i < sizeof not_floats / sizeof *not_floats; i++) {
        snprintf(text, sizeof text, "%s", not_floats[i]);
        assert_false(options_bind(&table, &map, NULL, &sample, &error));
    }
    snprintf(text, sizeof text, ".5");
    assert_true(options_bind(&table, &map, NULL, &sample, &error));
    assert_true(sample.rate == 0.5);
    value.key = (char[]){"any"};
    snprintf(text, sizeof text, "-2147483648");
    assert_true(options_bind(&table, &map, NULL, &sample, &error));
    assert_int_equal(sample.any, INT_MIN);
    snprintf(text, sizeof text, "99999999999999999999999");
    assert_false(options_bind(&table, &map, NULL, &sample, &error));
}

static void an_open_range_still_needs_a_finite_number(void **state) {
    (void)state;
    static const struct option open[] = {
        {"rate", OPTION_FLOAT, offsetof(struct sample, rate), "1", 0, INFINITY, NULL, "step"}};
    static const struct option_table open_table = {"train", open, 1};
    char key[] = "rate", infinite[] = "1e999", large[] = "1e308";
    struct node value = {.kind = NODE_SCALAR, .key = key, .text = infinite};
    struct node map = {.kind = NODE_MAP, .n_children = 1, .first = &value};
    struct sample sample = {0};
    struct error error;
    assert_false(options_bind(&open_table, &map, NULL, &sample, &error));
    assert_string_equal(error.text, "rate in train is 1e999; it must be at least 0 and finite");
    value.text = large;
    assert_true(options_bind(&open_table, &map, NULL, &sample, &error));
}

static void long_strings_and_lists_are_refused_whole(void **state) {
    (void)state;
    struct sample sample;
    struct error error;
    struct text text = {0};
    options_default(&table, &sample);
    text_append(&text, "{\"file\":\"%0255d\"}", 0);
    assert_true(bind(text.data, text.size, &sample, &error));
    assert_int_equal(strlen(sample.file), 255);
    text_free(&text);
    text_append(&text, "{\"file\":\"%0256d\"}", 0);
    assert_false(bind(text.data, text.size, &sample, &error));
    assert_string_equal(
        error.text, "file in train is 256 bytes long; it must be a text of less than 256 bytes");
    text_free(&text);
    text_append(&text, "{\"heads\":[");
    for (int i = 0; i < OPTION_LIST_MAX; i++) text_append(&text, "1,");
    text_append(&text, "1]}");
    assert_false(bind(text.data, text.size, &sample, &error));
    assert_string_equal(error.text, "heads in train has more than 64 entries");
    assert_int_equal(sample.heads.n, 2); /* as it was */
    text_free(&text);
    text_append(&text, "{\"tags\":[");
    for (int i = 0; i < NAME_LIST_MAX; i++) text_append(&text, "\"%d\",", i);
    text_append(&text, "\"one more\"]}");
    assert_false(bind(text.data, text.size, &sample, &error));
    assert_string_equal(error.text, "tags in train has more than 16 entries");
    assert_string_equal(sample.tags.name[1], "b");
    text_free(&text);
    text_append(&text, "{\"tags\":\"%096d\"}", 0);
    assert_false(bind(text.data, text.size, &sample, &error));
    assert_int_equal(sample.tags.n, 2);
    text_free(&text);
}

static void paths_are_one_or_a_list_in_its_order(void **state) {
    (void)state;
    static const struct option row[] = {
        {"files", OPTION_FILES, 0, "", OPTION_LATER, 0, NULL, "paths"}};
    static const struct option_table paths = {"data", row, 1};
    static const struct {
        const char *json, *kept, *written;
    } good[] = {
        {"{}", "", "{}"},
        {"{\"files\":\"a b\"}", "a b", "{\"files\":\"a b\"}"},
        {"{\"files\":[\"b\"]}", "b", "{\"files\":\"b\"}"},
        {"{\"files\":[\"b\",\"a\",\"ab\"]}", "b\na\nab", "{\"files\":[\"b\",\"a\",\"ab\"]}"},
        {"{\"files\":[]}", "", "{}"}};
    static const char *const bad[] = {"[\"a\",\"b\",\"a\"]", "[\"\"]", "\"a\\nb\"", "[[\"a\"]]",
                                      "{\"a\":\"b\"}"};
    char files[OPTION_FILES_MAX];
    struct node *root;
    struct error error;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct text written = {0};
        assert_true(json_parse(good[i].json, strlen(good[i].json), "x", &root, &error));
        options_default(&paths, files);
        if (!options_bind(&paths, root, NULL, files, &error)) fail_msg("%s", error.text);
        assert_string_equal(files, good[i].kept);
        options_write_json(&paths, files, &written);
        assert_string_equal(written.data, good[i].written);
        text_free(&written);
        node_free(root);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char json[64];
        snprintf(json, sizeof json, "{\"files\":%s}", bad[i]);
        assert_true(json_parse(json, strlen(json), "x", &root, &error));
        assert_false(options_bind(&paths, root, NULL, files, &error));
        assert_non_null(strstr(error.text, "files in data is "));
        assert_string_equal(files, ""); /* as it was */
        node_free(root);
    }
}

static void a_required_key_may_stand_in_either_section(void **state) {
    (void)state;
    struct error error = {0};
    struct location at = {.file = "x.yaml", .line = 4, .column = 1};
    char key[] = "epochs", text[] = "1";
    struct node value = {.kind = NODE_SCALAR, .key = key, .text = text};
    struct node with = {.kind = NODE_MAP, .n_children = 1, .first = &value};
    struct node without = {.kind = NODE_MAP};
    assert_true(options_require(&table, &with, NULL, &at, &error));
    assert_true(options_require(&table, &without, &with, &at, &error));
    assert_false(options_require(&table, &without, NULL, &at, &error));
    assert_string_equal(error.text, "train needs the key 'epochs': passes");
    assert_int_equal(error.at.line, 4);
}

static void floats_are_written_as_short_as_they_read_back(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"},
                 {3e-4, "0.0003"},
                 {1.0 / 3, "0.3333333333333333"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {DBL_MIN, "2.2250738585072014e-308"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sample sample;
        struct text text = {0};
        options_default(&table, &sample);
        sample.rate = cases[i].value;
        options_write_json(&table, &sample, &text);
        char expected[64];
        snprintf(expected, sizeof expected, "\"rate\":%s,", cases[i].text);
        if (!strstr(text.data, expected)) fail_msg("%s not in %s", expected, text.data);
        text_free(&text);
    }
}

static void assert_round_trip(const struct sample *sample) {
    struct text first = {0}, second = {0};
    struct sample again;
    struct error error = {0};
    options_write_json(&table, sample, &first);
    options_default(&table, &again);
    if (!bind(first.data, first.size, &again, &error)) fail_msg("%s: %s", first.data, error.text);
    assert_int_equal(again.epochs, sample->epochs);
    assert_memory_equal(&again.rate, &sample->rate, sizeof again.rate);
    assert_int_equal(again.shuffle, sample->shuffle);
    assert_int_equal(again.mode, sample->mode);
    assert_memory_equal(again.file, sample->file, sizeof again.file);
    assert_memory_equal(&again.heads, &sample->heads, sizeof again.heads);
    assert_memory_equal(&again.tags, &sample->tags, sizeof again.tags);
    assert_memory_equal(again.groups, sample->groups, sizeof again.groups);
    assert_int_equal(again.verbose, sample->verbose);
    assert_int_equal(again.any, sample->any);
    assert_int_equal(again.limit, sample->limit);
    options_write_json(&table, &again, &second);
    assert_string_equal(first.data, second.data);
    text_free(&first);
    text_free(&second);
}

static void a_switch_is_written_only_while_it_is_on(void **state) {
    (void)state;
    struct sample sample;
    struct text off = {0}, on = {0};
    assert_bound("{\"epochs\":3}", &sample);
    options_write_json(&table, &sample, &off);
    assert_null(strstr(off.data, "verbose"));
    assert_bound("{\"epochs\":3,\"verbose\":true}", &sample);
    options_write_json(&table, &sample, &on);
    assert_non_null(strstr(on.data, ",\"verbose\":true,"));
    text_free(&off);
    text_free(&on);
    assert_round_trip(&sample);
}

static void canonical_json_brings_the_struct_back(void **state) {
    (void)state;
    struct sample sample;
    assert_bound("{\"epochs\":3,\"file\":\"a \\\"b\\\"\\n\xC3\xA9\",\"heads\":[],"
                 "\"tags\":[\"PAPI_TOT_CYC\",\"a:b=1\"],"
                 "\"groups\":{\"low\":[1,\"2\"],\"no\\\"ne\":[],\"high\":3}}",
                 &sample);
    struct text text = {0};
    options_write_json(&table, &sample, &text);
    assert_string_equal(text.data,
                        "{\"epochs\":3,\"rate\":0.0003,\"shuffle\":true,\"mode\":\"fast\",\"file\":"
                        "\"a \\\"b\\\"\\u000a\xC3\xA9\",\"heads\":[],"
                        "\"tags\":[\"PAPI_TOT_CYC\",\"a:b=1\"],\"groups\":{\"low\":[\"1\","
                        "\"2\"],\"no\\\"ne\":[],\"high\":[\"3\"]},\"any\":-7,\"limit\":5}");
    text_free(&text);
    assert_round_trip(&sample);
    struct fuzz fuzz = {7};
    for (int i = 0; i < 3000; i++) {
        sample.epochs = 1 + (int)fuzz_below(&fuzz, 100000);
        sample.rate = (double)(fuzz_below(&fuzz, 1U << 30) + 1) / ((double)(1U << 30) + i);
        sample.shuffle = fuzz_below(&fuzz, 2);
        sample.mode = (int)fuzz_below(&fuzz, 3);
        sample.limit = (int)fuzz_below(&fuzz, 10); /* 0: the word */
        sample.heads = (struct int_list){.n = (int)fuzz_below(&fuzz, OPTION_LIST_MAX + 1)};
        for (int j = 0; j < sample.heads.n; j++) sample.heads.value[j] = (int)fuzz_below(&fuzz, 65);
        assert_round_trip(&sample);
    }
}

/* Whatever the binder accepts is inside its ranges and survives being written and read again. */
static void no_mutation_gets_past_the_ranges(void **state) {
    (void)state;
    static const char good[] = "{\"epochs\":12,\"rate\":0.25,\"shuffle\":false,\"mode\":\"slow\","
                               "\"file\":\"a/b.txt\",\"heads\":[1,2,64],\"tags\":\"c\",\"any\":-1,"
                               "\"groups\":{\"a\":[1,\"b\"],\"c\":2}}";
    static const char *const words[] = {
        "0", "-1",          "1e400",    "99999999999", "null",   "true", "\"\"",       "[",
        "]", "\"epochs\":", "\"fast\"", "{}",          "0.5e-3", ",",    "\"name\":1,"};
    struct fuzz fuzz = {99};
    int accepted = 0;
    for (int i = 0; i < 15000; i++) {
        char text[256];
        size_t size = fuzz_mutate(&fuzz, good, sizeof good - 1, words, sizeof words / sizeof *words,
                                  text, sizeof text);
        struct sample sample;
        struct error error = {0};
        options_default(&table, &sample);
        sample.epochs = 1;
        if (!bind(text, size, &sample, &error)) {
            assert_true(error.text[0] != '\0');
            continue;
        }
        accepted++;
        assert_in_range(sample.epochs, 1, 100000);
        assert_true(sample.rate >= 0 && sample.rate <= 1);
        assert_in_range(sample.mode, 0, 2);
        for (int j = 0; j < sample.heads.n; j++) assert_in_range(sample.heads.value[j], 0, 64);
        assert_round_trip(&sample);
    }
    assert_in_range(accepted, 100, 12000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_read_like_a_users_text),
        cmocka_unit_test(a_map_overwrites_only_the_keys_it_has),
        cmocka_unit_test(unknown_keys_suggest_the_nearest_name),
        cmocka_unit_test(refusals_name_the_value_and_what_is_allowed),
        cmocka_unit_test(a_word_may_stand_for_the_number_below_the_range),
        cmocka_unit_test(numbers_are_decimal_and_whole_texts),
        cmocka_unit_test(an_open_range_still_needs_a_finite_number),
        cmocka_unit_test(long_strings_and_lists_are_refused_whole),
        cmocka_unit_test(paths_are_one_or_a_list_in_its_order),
        cmocka_unit_test(a_required_key_may_stand_in_either_section),
        cmocka_unit_test(floats_are_written_as_short_as_they_read_back),
        cmocka_unit_test(a_switch_is_written_only_while_it_is_on),
        cmocka_unit_test(canonical_json_brings_the_struct_back),
        cmocka_unit_test(no_mutation_gets_past_the_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
