/*
 * Errors, trees and growing texts: the small parts that every reader stands on.
 */
#include "models/base/tree_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void an_error_prints_as_much_of_its_place_as_is_known(void **state) {
    (void)state;
    struct error error;
    char out[64];
    struct location at = {.file = "a.yaml", .line = 3, .column = 7};
    assert_false(error_set_at(&error, &at, "bad %s", "key"));
    error_format(&error, out, sizeof out);
    assert_string_equal(out, "a.yaml:3:7: bad key");
    at.column = 0;
    error_set_at(&error, &at, "bad");
    error_format(&error, out, sizeof out);
    assert_string_equal(out, "a.yaml:3: bad");
    assert_false(error_set(&error, "bad"));
    error_format(&error, out, sizeof out);
    assert_string_equal(out, "bad");
    error_format(&error, out, 3);
    assert_string_equal(out, "ba");
}

static void a_prefix_keeps_the_place_and_may_quote_the_error_itself(void **state) {
    (void)state;
    struct error error;
    struct location at = {.line = 2, .column = 1};
    error_set_at(&error, &at, "inner");
    assert_false(error_prefix(&error, "outer of %s", error.text));
    assert_string_equal(error.text, "outer of inner: inner");
    assert_int_equal(error.at.line, 2);
    for (int i = 0; i < 200; i++) error_prefix(&error, "long prefix");
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

static void the_nearest_name_is_suggested_and_a_strange_one_is_not(void **state) {
    (void)state;
    static const char *const names[] = {"epochs", "batch", "learning_rate", "k"};
    assert_string_equal(closest_name("epoch", names, 4), "epochs");
    assert_string_equal(closest_name("eopchs", names, 4), "epochs");
    assert_string_equal(closest_name("bacth", names, 4), "batch");
    assert_string_equal(closest_name("leraning_rate", names, 4), "learning_rate");
    assert_null(closest_name("momentum", names, 4));
    assert_null(closest_name("lr", names, 4)); /* two edits make any two letters */
    assert_null(closest_name("", names, 4));
    char long_word[500];
    memset(long_word, 'e', sizeof long_word);
    long_word[sizeof long_word - 1] = '\0';
    assert_null(closest_name(long_word, names, 4));
}

static void deep_and_wide_trees_are_freed_without_recursion(void **state) {
    (void)state;
    struct node *root = NULL;
    for (int i = 0; i < 200000; i++) {
        struct node *node = calloc(1, sizeof *node);
        assert_non_null(node);
        node->kind = NODE_LIST;
        node->first = root;
        root = node;
    }
    node_free(root);
    node_free(NULL);
}

static void a_builder_links_entries_in_file_order(void **state) {
    (void)state;
    struct tree_builder tree = {0};
    struct error error;
    struct location at = {.line = 1, .column = 1};
    assert_true(tree_open(&tree, NODE_MAP, &at, &error));
    assert_true(tree_wants_key(&tree));
    assert_true(tree_key(&tree, "a", 1, &at, &error));
    assert_false(tree_wants_key(&tree));
    assert_true(tree_scalar(&tree, "1", 1, false, &at, &error));
    assert_true(tree_key(&tree, "b", 1, &at, &error));
    assert_true(tree_open(&tree, NODE_LIST, &at, &error));
    assert_true(tree_scalar(&tree, NULL, 0, true, &at, &error));
    assert_true(tree_close(&tree, &error));
    assert_true(tree_close(&tree, &error));
    assert_int_equal(tree.depth, 0);
    assert_int_equal(tree.root->n_children, 2);
    assert_string_equal(node_find(tree.root, "a")->text, "1");
    const struct node *b = node_find(tree.root, "b");
    assert_ptr_equal(tree.root->first->next, b);
    assert_string_equal(b->first->text, "");
    assert_null(node_find(tree.root, "c"));
    assert_null(node_find(b, "a")); /* a list has no keys */
    node_free(tree.root);
}

static void a_text_grows_and_escapes(void **state) {
    (void)state;
    struct text text = {0};
    for (int i = 0; i < 5000; i++) text_append(&text, "%d,", i % 10);
    assert_false(text.failed);
    assert_int_equal(text.size, 10000);
    assert_int_equal(strlen(text.data), 10000);
    text_free(&text);
    text_append_json_string(&text, "a\"b\\c\n\x01 \xC3\xA9 \xFF.");
    assert_string_equal(text.data, "\"a\\\"b\\\\c\\u000a\\u0001 \xC3\xA9 \xEF\xBF\xBD.\"");
    text_free(&text);
    assert_null(text.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_prints_as_much_of_its_place_as_is_known),
        cmocka_unit_test(a_prefix_keeps_the_place_and_may_quote_the_error_itself),
        cmocka_unit_test(the_nearest_name_is_suggested_and_a_strange_one_is_not),
        cmocka_unit_test(deep_and_wide_trees_are_freed_without_recursion),
        cmocka_unit_test(a_builder_links_entries_in_file_order),
        cmocka_unit_test(a_text_grows_and_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
