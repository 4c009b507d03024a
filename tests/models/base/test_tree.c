/*
 * Trees and how they are built from events.
 */
#include "models/base/tree_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deep_and_wide_trees_are_freed_without_recursion),
        cmocka_unit_test(a_builder_links_entries_in_file_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
