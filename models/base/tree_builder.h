/*
 * Growing a tree from parse events. The YAML and the JSON reader say what they see - a map opens, a
 * key, a scalar, it closes - and what every document must obey is checked here once: bounded depth
 * and number of values, no duplicate keys, no NUL inside a text. The stack of open nodes is an
 * array, so nothing recurses.
 */
#ifndef HEADROOM_MODELS_BASE_TREE_BUILDER_H
#define HEADROOM_MODELS_BASE_TREE_BUILDER_H

#include "models/base/tree.h"

enum {
    TREE_DEPTH_MAX = 64,
    TREE_NODES_MAX = 1 << 22 /* some 700 MB of memory, where a few bytes of text make a node */
};

struct tree_builder {
    size_t nodes_max;  /* 0: TREE_NODES_MAX */
    struct node *root; /* complete when depth is back at 0; then it is the caller's */
    int depth;
    struct {
        struct node *node, *last; /* an open list or map and its newest child */
    } open[TREE_DEPTH_MAX];
    char *key; /* a map's key that waits for its value */
    struct location key_at;
};

/* True inside a map, where the next event must be a key (or the map's end). */
bool tree_wants_key(const struct tree_builder *tree);

/* The four events; every error stands at `at` or, for a duplicate key, at the second of the two.
 * The file's name is copied from the first of them. */
bool tree_open(struct tree_builder *tree, enum node_kind kind, const struct location *at,
               struct error *error);
bool tree_close(struct tree_builder *tree, struct error *error);
bool tree_key(struct tree_builder *tree, const char *text, size_t size, const struct location *at,
              struct error *error);
bool tree_scalar(struct tree_builder *tree, const char *text, size_t size, bool quoted,
                 const struct location *at, struct error *error);

/* Frees what an interrupted parse has built. */
void tree_abandon(struct tree_builder *tree);

#endif
