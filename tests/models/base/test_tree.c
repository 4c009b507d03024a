/*
 * Trees: how they are built from events, and what each node keeps of its file.
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

/* Reads {"a": [1], "b": 2}; the name that it is read under is gone afterwards. */
static struct node *make_tree(const char *name) {
    char borrowed[16];
    struct location at = {.file = borrowed, .line = 1, .column = 1};
    struct tree_builder tree = {0};
    struct error error;
    snprintf(borrowed, sizeof borrowed, "%s", name);
    bool ok = tree_open(&tree, NODE_MAP, &at, &error) && tree_key(&tree, "a", 1, &at, &error) &&
              tree_open(&tree, NODE_LIST, &at, &error) &&
              tree_scalar(&tree, "1", 1, false, &at, &error) && tree_close(&tree, &error) &&
              tree_key(&tree, "b", 1, &at, &error) &&
              tree_scalar(&tree, "2", 1, false, &at, &error) && tree_close(&tree, &error);
    assert_true(ok);
    memset(borrowed, 'x', sizeof borrowed);
    return tree.root;
}

static void the_nodes_of_a_document_are_small_and_share_its_name(void **state) {
    (void)state;
    struct node *root = make_tree("one");
    const struct node *a = node_find(root, "a");
    assert_true(sizeof(struct node) <= 96);
    assert_string_equal(root->at.file, "one");
    for (const struct node *node = a; node; node = node->next) {
        assert_ptr_equal(node->at.file, root->at.file);
        assert_ptr_equal(node->key_at.file, root->at.file);
    }
    assert_true(a && a->first && a->first->at.file == root->at.file);
    node_free(root);
}

static void a_place_outlives_the_tree_it_came_from(void **state) {
    (void)state;
    struct node *one = make_tree("one"), *two = make_tree("two");
    struct node *taken = node_take(one, "a"), *moved = node_take(one, "b");
    node_stand_at(moved, two);
    node_stand_at(moved, moved);
    node_stand_at(two, one);
    node_free(one);
    assert_string_equal(taken->at.file, "one");
    assert_string_equal(taken->key_at.file, "one");
    assert_string_equal(taken->first->at.file, "one");
    node_free(taken);
    assert_string_equal(two->at.file, "one");
    assert_string_equal(two->first->at.file, "two");
    node_free(two);
    assert_string_equal(moved->at.file, "two");
    node_free(moved);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deep_and_wide_trees_are_freed_without_recursion),
        cmocka_unit_test(a_builder_links_entries_in_file_order),
        cmocka_unit_test(the_nodes_of_a_document_are_small_and_share_its_name),
        cmocka_unit_test(a_place_outlives_the_tree_it_came_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
