/*
 * Documents as trees; see tree.h. Nothing here recurses: a tree comes from a file that somebody
 * else wrote, and its depth must not become the depth of our stack.
 */
#include "models/base/tree.h"

#include <stdlib.h>
#include <string.h>

static void release(struct file_name *file) {
    if (file && --file->n_nodes == 0) free(file);
}

/* The nodes still to be freed form one list; a node's children are put in front of its rest, so
 * each node is walked over once. */
void node_free(struct node *node) {
    if (node) node->next = NULL; /* siblings belong to the caller */
    while (node) {
        struct node *rest = node->next;
        if (node->first) {
            struct node *last = node->first;
            while (last->next) last = last->next;
            last->next = rest;
            rest = node->first;
        }
        free(node->key);
        free(node->text);
        release(node->file);
        free(node);
        node = rest;
    }
}

const struct node *node_find(const struct node *map, const char *key) {
    if (map->kind != NODE_MAP) return NULL;
    for (const struct node *entry = map->first; entry; entry = entry->next)
        if (strcmp(entry->key, key) == 0) return entry;
    return NULL;
}

struct node *node_take(struct node *map, const char *key) {
    if (map->kind != NODE_MAP) return NULL;
    for (struct node **link = &map->first; *link; link = &(*link)->next) {
        struct node *entry = *link;
        if (strcmp(entry->key, key) != 0) continue;
        *link = entry->next;
        entry->next = NULL;
        map->n_children--;
        return entry;
    }
    return NULL;
}

void node_stand_at(struct node *node, const struct node *other) {
    if (other->file) other->file->n_nodes++; /* first: it may be the same one */
    release(node->file);
    node->file = other->file;
    node->at = other->at;
    node->key_at = other->key_at;
}
