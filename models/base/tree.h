/*
 * A parsed document: scalars, lists and maps, each with the place it came from. YAML files
 * (harness/config/yaml.c) and JSON texts (models/base/json.c: checkpoints, stored configurations)
 * both become this tree, so that one binder (models/base/option.c) turns either into typed structs
 * with located errors.
 */
#ifndef HEADROOM_MODELS_BASE_TREE_H
#define HEADROOM_MODELS_BASE_TREE_H

#include "models/base/error.h"

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

/* The name of a file, one copy for all nodes that came from it. Nodes move from tree to tree and
 * may outlive the tree they were read into, so each of them counts, and the last one frees it. */
struct file_name {
    size_t n_nodes;
    char text[];
};

/* A file of 16 MiB can have eight million of them: what all share is not repeated in each. */
struct node {
    enum node_kind kind;
    int n_children;             /* list or map */
    char *key;                  /* in a map: this entry's key, else NULL */
    char *text;                 /* scalar: its text, UTF-8, terminated, no inner NUL; else NULL */
    struct node *first, *next;  /* children in file order; next sibling */
    struct file_name *file;     /* keeps the name that at and key_at have; NULL: they have none */
    struct location at, key_at; /* of the value, of the key */
    bool quoted;                /* scalar written in quotes: never a number, bool or null */
};

/* Frees a node and everything below it; iterative, so that deep nesting cannot overflow the
 * stack. */
void node_free(struct node *node);

/* The entry of a map with this key, or NULL. */
const struct node *node_find(const struct node *map, const char *key);

/* Takes the entry with this key out of a map; it is the caller's then. NULL where there is none. */
struct node *node_take(struct node *map, const char *key);

/* Says that a node stands where another one does, which need not live longer. */
void node_stand_at(struct node *node, const struct node *other);

#endif
