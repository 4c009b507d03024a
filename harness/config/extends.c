/*
 * Merging workload files; see extends.h. All happens on trees, before anything is bound to a
 * setting: so each rule of the format holds for the merged file as for one written in one piece,
 * and a trial's key, made from the bound values, cannot tell the two apart.
 */
#include "harness/config/extends.h"
#include "harness/config/yaml.h"
#include "models/base/path.h"
#include "models/base/closest_name.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- merging two maps ---- */

/* An entry of the result: what the lower map had under its key, and what is there now. */
struct slot {
    struct node *old, *now;
};

/* An empty value is not one of them: it is more often forgotten than meant. */
static bool removes(const struct node *node) {
    return node->kind == NODE_SCALAR && !node->quoted &&
           (strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

static int compare_slots(const void *left, const void *right) {
    const struct slot *const *a = left, *const *b = right;
    return strcmp((*a)->old->key, (*b)->old->key);
}

static bool refuse_removal(const struct node *entry, const struct slot *slots, size_t n,
                           struct error *error) {
    const char **names = calloc(n + 1, sizeof *names), *guess = NULL;
    for (size_t i = 0; names && i < n; i++) names[i] = slots[i].old->key;
    if (names) guess = closest_name(entry->key, names, n);
    free(names);
    return error_set_at(error, &entry->key_at,
                        "%s removes an inherited key, and no '%.60s' is inherited%s%s%s",
                        entry->text, entry->key, guess ? "; did you mean '" : "",
                        guess ? guess : "", guess ? "'?" : "");
}

/* A section is a section in every file; most often what is no map is the mistake. Of a list and a map
 * nobody knows. */
static bool refuse_kinds(const struct node *old, const struct node *new, struct error *error) {
    if (old->kind == NODE_LIST)
        return error_set_at(
            error, &new->at,
            "%.60s is a map of keys here and a list in %s:%d:%d; both must be the same", new->key,
            old->at.file, old->at.line, old->at.column);
    const struct node *map = new->kind == NODE_MAP ? new : old, *other = map == new ? old : new;
    return error_set_at(error, &other->at,
                        "%.60s must be a map of keys, as in %s:%d:%d, or neither may be one",
                        new->key, map->at.file, map->at.line, map->at.column);
}

/* Puts `entry` (from now on ours) where the lower map has its key, or at the end. */
static bool place(struct node *entry, struct slot *slots, size_t n, struct slot **sorted,
                  struct slot *end, struct error *error) {
    struct slot wanted = {.old = entry}, *key = &wanted;
    struct slot **found = bsearch(&key, sorted, n, sizeof *sorted, compare_slots);
    struct node *old = found ? (*found)->old : NULL;
    bool ok = true, kept = false;
    if (removes(entry)) {
        ok = found || refuse_removal(entry, slots, n, error);
        if (found) (*found)->now = NULL;
    } else if (old && old->kind == NODE_MAP && entry->kind == NODE_MAP) {
        ok = tree_merge(old, entry, error);
        node_stand_at(old, entry); /* what is wrong with all of it is where it was last changed */
    } else if (old && (old->kind == NODE_MAP) != (entry->kind == NODE_MAP)) {
        ok = refuse_kinds(old, entry, error);
    } else {
        *(found ? &(*found)->now : &end->now) = entry;
        kept = true;
    }
    if (!kept) node_free(entry);
    return ok;
}

/* Hangs what the slots have now below `map`, in their order, and frees what it replaced. */
static void relink(struct node *map, const struct slot *slots, size_t n) {
    struct node **link = &map->first;
    map->n_children = 0;
    for (size_t i = 0; i < n; i++) {
        if (slots[i].old != slots[i].now) node_free(slots[i].old);
        if (!slots[i].now) continue;
        *link = slots[i].now;
        link = &slots[i].now->next;
        map->n_children++;
    }
    *link = NULL;
}

/* It calls itself for maps in maps, so no deeper than TREE_DEPTH_MAX. Keys are found in a sorted
 * list: a map of a hundred thousand keys must not buy quadratic time. The keys of one map differ,
 * so it is enough to look among those that were there before. */
bool tree_merge(struct node *below, struct node *above, struct error *error) {
    size_t n = (size_t)below->n_children, used = 0;
    struct slot *slots = calloc(n + (size_t)above->n_children + 1, sizeof *slots);
    struct slot **sorted = calloc(n + 1, sizeof *sorted);
    bool ok = slots && sorted;
    if (!ok) {
        error_set_at(error, &above->at, "out of memory");
        goto done;
    }
    for (struct node *entry = below->first, *next; entry; entry = next, used++) {
        next = entry->next;
        slots[used] = (struct slot){entry, entry};
        sorted[used] = &slots[used];
    }
    qsort(sorted, n, sizeof *sorted, compare_slots);
    while (ok && above->first) {
        struct node *entry = above->first;
        above->first = entry->next;
        above->n_children--;
        ok = place(entry, slots, n, sorted, &slots[used++], error);
    }
    relink(below, slots, used);
done:
    free(sorted);
    free(slots);
    return ok;
}

/* ---- following `extends` ---- */

struct link {
    char path[sizeof((struct error *)0)->at.file];
    struct node *root;
    const struct node *extends; /* of this file, in root; NULL: it stands alone */
    dev_t device;
    ino_t inode;
};

/* The path of the file that `link` extends: relative to its folder, so that a folder of workloads
 * can be moved as one. */
static bool parent_path(const struct link *link, struct link *parent, struct error *error) {
    return path_beside(link->path, link->extends->text, parent->path, sizeof parent->path) ||
           error_set_at(error, &link->extends->at, "the path of the extended file is too long");
}

/* `first` leads to `last`, which extends `first`: both are named, whichever is to be mended. */
static bool refuse_circle(const struct link *last, const struct link *first, struct error *error) {
    if (first == last)
        return error_set_at(error, &last->extends->at, "%s extends itself", last->path);
    return error_set_at(error, &last->extends->at, "a circle: %s extends %s, which extends %s%s",
                        last->path, first->path, first + 1 == last ? "" : "others and in the end ",
                        last->path);
}

/* Reads links[n]; its path is known, and the links before it lead there. */
static bool read_link(struct link *links, int n, struct error *error) {
    struct link *link = &links[n];
    const struct node *from = n > 0 ? links[n - 1].extends : NULL;
    struct stat info;
    if (stat(link->path, &info) == 0) {
        link->device = info.st_dev;
        link->inode = info.st_ino;
        for (int i = 0; i < n; i++)
            if (links[i].device == link->device && links[i].inode == link->inode)
                return refuse_circle(&links[n - 1], &links[i], error);
    } else if (from) {
        return error_set_at(error, &from->at, "cannot extend %s: %s", link->path, strerror(errno));
    }
    if (!yaml_read(link->path, &link->root, error)) return false;
    link->extends = node_find(link->root, "extends");
    if (!from || link->root->kind == NODE_MAP) return true;
    return error_set_at(error, &link->root->at, "a file to extend must be a map of keys");
}

static bool check_extends(const struct link *link, struct error *error) {
    const struct node *node = link->extends;
    if (node->kind == NODE_SCALAR && node->text[0] && !removes(node)) return true;
    return error_set_at(error, &node->at,
                        "extends takes the path of one workload file, relative to the folder of "
                        "this one");
}

bool extends_read(const char *path, struct node **out, struct error *error) {
    struct link links[EXTENDS_FILES_MAX] = {0};
    int n = 0;
    bool ok = false;
    *out = NULL;
    snprintf(links[0].path, sizeof links[0].path, "%s", path);
    while (n < EXTENDS_FILES_MAX) {
        if (!read_link(links, n++, error)) goto done;
        if (!links[n - 1].extends) break;
        if (!check_extends(&links[n - 1], error)) goto done;
        if (n == EXTENDS_FILES_MAX) {
            error_set_at(error, &links[n - 1].extends->at, "more than %d files extend one another",
                         EXTENDS_FILES_MAX);
            goto done;
        }
        if (!parent_path(&links[n - 1], &links[n], error)) goto done;
    }
    for (; n > 1; n--) {
        struct node *below = links[n - 1].root, *above = links[n - 2].root;
        if (!tree_merge(below, above, error)) goto done;
        node_stand_at(below, above);
        node_free(above);
        links[n - 2].root = below;
        links[n - 1].root = NULL;
    }
    *out = links[0].root;
    links[0].root = NULL;
    ok = true;
done:
    for (int i = 0; i < EXTENDS_FILES_MAX; i++) node_free(links[i].root);
    return ok;
}
