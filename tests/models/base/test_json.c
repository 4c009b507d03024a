/*
 * The JSON reader: what it accepts, what it refuses and where, and ten thousand damaged documents.
 */
#include "models/base/json.h"
#include "models/base/tree_builder.h"
#include "tests/fuzz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static struct node *parse(const char *text) {
    struct node *root;
    struct error error = {0};
    if (!json_parse(text, strlen(text), "t.json", &root, &error)) fail_msg("%s", error.text);
    return root;
}

/* The error of a text that must be refused, as "line:column: text". */
static void assert_refused(const char *text, size_t size, int line, int column,
                           const char *problem) {
    struct node *root;
    struct error error = {0};
    assert_false(json_parse(text, size, "t.json", &root, &error));
    assert_null(root);
    if (!strstr(error.text, problem)) fail_msg("%s: expected %s", error.text, problem);
    assert_string_equal(error.at.file, "t.json");
    assert_int_equal(error.at.line, line);
    assert_int_equal(error.at.column, column);
}

static void values_keep_their_text_place_and_quotes(void **state) {
    (void)state;
    struct node *root = parse("{\n  \"\xC3\xA9\": -1.5e+3, \"b\": [true, null, \"7\"],\n\"c\":{}}");
    const struct node *number = node_find(root, "\xC3\xA9"), *list = node_find(root, "b");
    assert_string_equal(number->text, "-1.5e+3");
    assert_false(number->quoted);
    assert_int_equal(number->at.line, 2);
    assert_int_equal(number->at.column, 8); /* characters, not bytes */
    assert_int_equal(number->key_at.column, 3);
    assert_int_equal(list->n_children, 3);
    assert_string_equal(list->first->text, "true");
    assert_true(list->first->next->next->quoted);
    assert_int_equal(node_find(root, "c")->kind, NODE_MAP);
    assert_int_equal(node_find(root, "c")->at.line, 3);
    node_free(root);
}

static void escapes_become_utf8(void **state) {
    (void)state;
    struct node *root = parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"");
    assert_string_equal(root->text, "\"\\/\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    node_free(root);
}

static void what_the_writer_quotes_the_reader_reads_back(void **state) {
    (void)state;
    char all[256];
    for (int i = 0; i < 127; i++) all[i] = (char)(i + 1);
    strcpy(all + 127, "\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80");
    struct text text = {0};
    text_append_json_string(&text, all);
    struct node *root = parse(text.data);
    assert_string_equal(root->text, all);
    node_free(root);
    text_free(&text);
}

static void what_is_written_is_quoted_and_escaped(void **state) {
    (void)state;
    struct text text = {0};
    text_append_json_string(&text, "a\"b\\c\n\x01 \xC3\xA9 \xFF.");
    assert_string_equal(text.data, "\"a\\\"b\\\\c\\u000a\\u0001 \xC3\xA9 \xEF\xBF\xBD.\"");
    text_free(&text);
}

static void malformed_texts_are_refused_at_their_place(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int column;
        const char *problem;
    } cases[] = {
        {"", 1, "expected a value"},
        {"  ", 3, "the text ends here"},
        {"{\"a\":1,}", 8, "double quotes"},
        {"{\"a\" 1}", 6, "expected ':'"},
        {"{a:1}", 2, "double quotes"},
        {"[1,]", 4, "expected a value"},
        {"[1 2]", 4, "',' or ']'"},
        {"[1}", 3, "',' or ']'"},
        {"{\"a\":1]", 7, "',' or '}'"},
        {"01", 2, "after the document"},
        {"1.", 3, "decimal point"},
        {"1e", 3, "exponent"},
        {"-", 2, "expected a value"},
        {"+1", 1, "expected a value"},
        {"NaN", 1, "expected a value"},
        {"truely", 5, "after the document"},
        {"{} {}", 4, "after the document"},
        {"\"abc", 5, "not closed"},
        {"\"a\nb\"", 3, "control characters"},
        {"\"\\x\"", 3, "unknown escape"},
        {"\"\\u12g4\"", 6, "hexadecimal"},
        {"\"\\ud83d\"", 8, "surrogate"},
        {"\"\\ude00\"", 8, "surrogate"},
        {"\"\\ud83d\\u0041\"", 14, "surrogate"},
        {"\"\\u0000\"", 1, "NUL"},
        {"\"\xC3\xA9\xC0\x80\"", 3, "UTF-8"},
        {"{\"a\":1,\"b\":2,\"a\":3}", 14, "first given at line 1, column 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(cases[i].text, strlen(cases[i].text), 1, cases[i].column, cases[i].problem);
    assert_refused("[1,\n\n  x]", 9, 3, 3, "expected a value");
    assert_refused("[1\0]", 4, 1, 3, "expected ','");
}

static void nesting_ends_at_64_levels(void **state) {
    (void)state;
    char text[20000];
    memset(text, '[', 10000);
    memset(text + 10000, ']', 10000);
    assert_refused(text, sizeof text, 1, 65, "deeper than 64");
    struct node *root;
    struct error error;
    assert_true(json_parse(text + 10000 - 64, 128, "", &root, &error));
    node_free(root);
}

static void the_number_of_values_is_bounded(void **state) {
    (void)state;
    struct node *root;
    struct error error = {0};
    assert_true(json_parse_most("[1,2,3]", 7, "f", 4, &root, &error)); /* the list is one */
    node_free(root);
    assert_false(json_parse_most("[1,2,3,4]", 9, "f", 4, &root, &error));
    assert_non_null(strstr(error.text, "more than 4 values"));
    assert_int_equal(error.at.column, 8);
    assert_null(root);
    size_t size = 2 * TREE_NODES_MAX + 1; /* "[0,0,...,0]" */
    char *text = malloc(size);
    assert_non_null(text);
    for (size_t i = 0; i < size; i++) text[i] = i % 2 ? '0' : ',';
    text[0] = '[';
    text[size - 1] = ']';
    assert_false(json_parse(text, size, "f", &root, &error));
    assert_non_null(strstr(error.text, "more than 4194304 values"));
    free(text);
}

static void a_duplicate_among_many_keys_is_found(void **state) {
    (void)state;
    struct text text = {0};
    struct node *root;
    struct error error;
    text_append(&text, "{");
    for (int i = 0; i < 20000; i++) text_append(&text, "\"k%d\":0,", i);
    text_append(&text, "\"k17\":0}");
    assert_false(json_parse(text.data, text.size, "", &root, &error));
    assert_non_null(strstr(error.text, "duplicate key 'k17'"));
    text_free(&text);
}

static void no_mutation_crashes_the_reader_or_fails_without_a_text(void **state) {
    (void)state;
    static const char good[] =
        "{\"a\":[1,-2.5e3,\"\\u00e9\\ud83d\\ude00\xC3\xA9\"],\"b\":{\"c\":true,"
        "\"d\":null},\"e\":\"\\\"\\\\\"}";
    static const char *const words[] = {"{",  "}",    "[",    "]",       ",",        ":",
                                        "\"", "\\",   "\\u",  "\\ud800", "[[[[[[[[", "1e999",
                                        "-",  "true", "\xC3", "\"a\":0,"};
    struct fuzz fuzz = {20260421};
    int accepted = 0;
    for (int i = 0; i < 20000; i++) {
        char text[256];
        size_t size = fuzz_mutate(&fuzz, good, sizeof good - 1, words, sizeof words / sizeof *words,
                                  text, sizeof text);
        char *exact = malloc(size ? size : 1); /* so that a sanitizer sees a read past the end */
        assert_non_null(exact);
        memcpy(exact, text, size);
        struct node *root = NULL;
        struct error error = {0};
        if (json_parse(exact, size, "f", &root, &error)) {
            accepted++;
            assert_non_null(root);
        } else {
            assert_null(root);
            assert_true(error.text[0] != '\0');
        }
        node_free(root);
        free(exact);
    }
    assert_in_range(accepted, 100, 15000); /* both ways are exercised */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_keep_their_text_place_and_quotes),
        cmocka_unit_test(escapes_become_utf8),
        cmocka_unit_test(what_the_writer_quotes_the_reader_reads_back),
        cmocka_unit_test(what_is_written_is_quoted_and_escaped),
        cmocka_unit_test(malformed_texts_are_refused_at_their_place),
        cmocka_unit_test(nesting_ends_at_64_levels),
        cmocka_unit_test(the_number_of_values_is_bounded),
        cmocka_unit_test(a_duplicate_among_many_keys_is_found),
        cmocka_unit_test(no_mutation_crashes_the_reader_or_fails_without_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
