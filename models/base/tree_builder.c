/*
 * Growing a tree from parse events; see tree_builder.h. Each node hangs from the root as soon as it
 * exists, so that freeing the root is all the cleanup that any failure needs.
 */
#include "models/base/tree_builder.h"

#include <stdlib.h>
#include <string.h>

bool tree_wants_key(const struct tree_builder *tree) {
    return tree->depth > 0 && tree->open[tree->depth - 1].node->kind == NODE_MAP && !tree->key;
}

static struct file_name *new_file_name(const char *text) {
    size_t size = strlen(text) + 1;
    struct file_name *file = malloc(sizeof *file + size);
    if (!file) return NULL;
    file->n_nodes = 0;
    memcpy(file->text, text, size);
    return file;
}

/* Adds a node under the innermost open one (or as the root) and hands it the waiting key. All nodes
 * share the name that the first one brings. */
static struct node *attach(struct tree_builder *tree, enum node_kind kind,
                           const struct location *at, struct error *error) {
    size_t most = tree->nodes_max ? tree->nodes_max : TREE_NODES_MAX;
    if (tree->root && tree->root->file->n_nodes >= most) {
        error_set_at(error, at, "a document of more than %zu values is not read", most);
        return NULL;
    }
    struct node *node = calloc(1, sizeof *node);
    struct file_name *file =
        tree->root ? tree->root->file : new_file_name(at->file ? at->file : "");
    if (!node || !file) {
        free(node);
        if (!tree->root) free(file);
        error_set_at(error, at, "out of memory");
        return NULL;
    }
    node->kind = kind;
    node->file = file;
    file->n_nodes++;
    node->at = (struct location){file->text, at->line, at->column};
    if (tree->key) {
        node->key = tree->key;
        node->key_at = (struct location){file->text, tree->key_at.line, tree->key_at.column};
        tree->key = NULL;
    }
    if (tree->depth == 0) {
        tree->root = node;
        return node;
    }
    struct node *parent = tree->open[tree->depth - 1].node;
    struct node **last = &tree->open[tree->depth - 1].last;
    if (*last)
        (*last)->next = node;
    else
        parent->first = node;
    *last = node;
    parent->n_children++;
    return node;
}

static char *copy_text(const char *text, size_t size, const struct location *at,
                       struct error *error) {
    char *copy = NULL;
    if (size > 0 && memchr(text, '\0', size)) {
        error_set_at(error, at, "a text must not contain a NUL character");
    } else if (!(copy = malloc(size + 1))) {
        error_set_at(error, at, "out of memory");
    } else {
        if (size > 0) memcpy(copy, text, size);
        copy[size] = '\0';
    }
    return copy;
}

bool tree_open(struct tree_builder *tree, enum node_kind kind, const struct location *at,
               struct error *error) {
    if (tree->depth == TREE_DEPTH_MAX)
        return error_set_at(error, at, "nested deeper than %d levels", TREE_DEPTH_MAX);
    struct node *node = attach(tree, kind, at, error);
    if (!node) return false;
    tree->open[tree->depth].node = node;
    tree->open[tree->depth].last = NULL;
    tree->depth++;
    return true;
}

bool tree_key(struct tree_builder *tree, const char *text, size_t size, const struct location *at,
              struct error *error) {
    tree->key = copy_text(text, size, at, error);
    tree->key_at = *at;
    return tree->key != NULL;
}

bool tree_scalar(struct tree_builder *tree, const char *text, size_t size, bool quoted,
                 const struct location *at, struct error *error) {
    struct node *node = attach(tree, NODE_SCALAR, at, error);
    if (!node || !(node->text = copy_text(text, size, at, error))) return false;
    node->quoted = quoted;
    return true;
}

/* By key, and where keys are equal by their order in the file. */
static int compare_keys(const void *left, const void *right) {
    const struct node *a = *(const struct node *const *)left;
    const struct node *b = *(const struct node *const *)right;
    int order = strcmp(a->key, b->key);
    if (order == 0) order = (a->key_at.line > b->key_at.line) - (a->key_at.line < b->key_at.line);
    return order ? order : a->key_at.column - b->key_at.column;
}

/* Sorting finds duplicates in n log n: a hostile file must not buy quadratic time. */
static bool refuse_duplicates(const struct node *map, struct error *error) {
    size_t n = (size_t)map->n_children, i = 0;
    if (n < 2) return true;
    const struct node **entries = malloc(n * sizeof *entries);
    if (!entries) return error_set_at(error, &map->at, "out of memory");
    for (const struct node *entry = map->first; entry; entry = entry->next) entries[i++] = entry;
    qsort(entries, n, sizeof *entries, compare_keys);
    bool unique = true;
    for (i = 1; i < n && unique; i++) {
        const struct location *first = &entries[i - 1]->key_at;
        unique = strcmp(entries[i - 1]->key, entries[i]->key) != 0;
        if (!unique)
            error_set_at(error, &entries[i]->key_at,
                         "duplicate key '%.60s'; it was first given at line %d, column %d",
                         entries[i]->key, first->line, first->column);
    }
    free(entries);
    return unique;
}

bool tree_close(struct tree_builder *tree, struct error *error) {
    const struct node *node = tree->open[--tree->depth].node;
    return node->kind != NODE_MAP || refuse_duplicates(node, error);
}

void tree_abandon(struct tree_builder *tree) {
    node_free(tree->root);
    free(tree->key);
    *tree = (struct tree_builder){0};
}
