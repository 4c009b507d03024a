/*
 * Overrides as small trees; see overrides.h. Each value is parsed as YAML, hung below maps that its
 * path names, and merged like a file on top of another. Only arms differ: they are a list, so one
 * of them is found by its name.
 */
#include "harness/config/overrides.h"
#include "harness/config/extends.h"
#include "harness/config/yaml.h"
#include "models/base/closest_name.h"
#include "models/base/text.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool overrides_add(struct overrides *overrides, const char *text, struct error *error) {
    size_t path = strcspn(text, "=");
    bool names = path > 0 && text[0] != '.' && text[path - 1] != '.';
    for (size_t i = 1; i < path; i++) names = names && !(text[i] == '.' && text[i - 1] == '.');
    if (!names || !text[path] || !text[path + 1])
        return error_set(
            error, "--set takes SECTION.KEY=VALUE, such as --set train.epochs=3, not '%s'", text);
    if (overrides->n_set == OVERRIDES_MAX)
        return error_set(error, "--set: more than %d settings", OVERRIDES_MAX);
    overrides->set[overrides->n_set++] = text;
    return true;
}

static bool read_number(const char **at, long *out) {
    char *end;
    if (**at < '0' || **at > '9') return false; /* strtol takes signs and blanks, too */
    *out = strtol(*at, &end, 10);
    *at = end;
    return *out <= 2147483647;
}

bool overrides_read_seeds(const char *text, struct int_list *out, struct error *error) {
    *out = (struct int_list){0};
    for (const char *at = text;; at++) {
        long first = 0, last;
        bool ok = read_number(&at, &first);
        last = first;
        if (ok && *at == '-') ok = (++at, read_number(&at, &last)) && last >= first;
        if (!ok || (*at && *at != ','))
            return error_set(error, "--seeds takes 1-5 or 1,3,7-9, not '%s'", text);
        if (last - first >= OPTION_LIST_MAX - out->n)
            return error_set(error, "--seeds: more than %d seeds in '%s'", OPTION_LIST_MAX, text);
        while (first <= last) out->value[out->n++] = (int)first++;
        if (!*at) return true;
    }
}

bool overrides_any(const struct overrides *overrides) {
    return overrides->n_set > 0 || overrides->seeds.n > 0 || overrides->device ||
           overrides->precision;
}

/* Says of all nodes that they stand at the option itself: in its one line there is no place to
 * point at. */
static void mark(struct node *node) {
    node->at = node->key_at = (struct location){.file = node->at.file};
    for (struct node *entry = node->first; entry; entry = entry->next) mark(entry);
}

/* Makes `node` the entry `key` of a new map, which takes it over; frees it on error. */
static struct node *wrap(struct node *node, const char *key, size_t length, struct error *error) {
    struct node *map = calloc(1, sizeof *map);
    node->key = strndup(key, length);
    if (!map || !node->key) {
        error_set(error, "out of memory");
        node_free(node);
        free(map);
        return NULL;
    }
    map->kind = NODE_MAP;
    map->n_children = 1;
    map->first = node;
    node_stand_at(map, node);
    return map;
}

/* The length of the first name of a path. */
static size_t name_length(const char *path) {
    return strcspn(path, ".=");
}

/* The node below `map` that the first name of *path leads to, which is then behind it; NULL where
 * the map has none. Names of arms may have dots in them, so the longest that fits is meant. */
static struct node *descend(struct node *map, const char **path) {
    bool arms = map->kind == NODE_LIST;
    struct node *found = NULL;
    size_t length = 0;
    for (struct node *entry = map->first; entry; entry = entry->next) {
        const struct node *name = arms ? node_find(entry, "arm") : NULL;
        const char *key = arms ? (name && name->text ? name->text : "") : entry->key;
        size_t n = strlen(key);
        if (n <= length || strncmp(*path, key, n) != 0 || (*path)[n] != '.') continue;
        found = entry;
        length = n;
    }
    if (found) *path += length + 1;
    return found;
}

static bool refuse_arm(const struct node *arms, const char *path, const struct location *at,
                       struct error *error) {
    char word[64];
    const char *guess = NULL;
    snprintf(word, sizeof word, "%.*s", (int)name_length(path), path);
    for (const struct node *arm = arms->first; arm && !guess; arm = arm->next) {
        const struct node *name = node_find(arm, "arm");
        if (name && name->text) guess = closest_name(word, (const char *const *)&name->text, 1);
    }
    if (guess && strcmp(guess, word) == 0)
        return error_set_at(error, at, "which setting of the arm? --set arms.%s.KEY=VALUE", word);
    return error_set_at(error, at, "no arm '%s'%s%s%s", word, guess ? "; did you mean '" : "",
                        guess ? guess : "", guess ? "'?" : "");
}

/* Neither can be set: both are gone when this is laid over the file. */
static bool refuse_settled(const char *path, const struct location *at, struct error *error) {
    static const char *const settled[] = {"extends", "full"};
    for (size_t i = 0; i < sizeof settled / sizeof *settled; i++)
        if (name_length(path) == strlen(settled[i]) &&
            strncmp(path, settled[i], name_length(path)) == 0)
            return error_set_at(error, at,
                                "'%s' is applied before this is; set the key that it leads to",
                                settled[i]);
    return true;
}

/* Hangs `value`, which it takes over, below maps that path[0..length-1] names; NULL on error. */
static struct node *hang(struct node *value, const char *path, size_t length, struct error *error) {
    while (value && length > 0) {
        size_t start = length;
        while (start > 0 && path[start - 1] != '.') start--;
        value = wrap(value, path + start, length - start, error);
        length = start > 0 ? start - 1 : 0;
    }
    return value;
}

/* Lays one PATH=VALUE over the tree; errors name `option` and PATH. */
static bool apply(struct node *root, const char *option, const char *text, struct error *error) {
    char place[sizeof error->at.file];
    const char *path = text;
    const struct location at = {.file = place};
    struct node *map = root, *below, *value;
    while (map->kind != NODE_SCALAR && (below = descend(map, &path))) map = below;
    size_t length = strcspn(path, "=");
    snprintf(place, sizeof place, "%s%.*s", option, (int)(path - text + (ptrdiff_t)length), text);
    if (!refuse_settled(text, &at, error)) return false;
    if (map->kind == NODE_LIST) return refuse_arm(map, path, &at, error);
    if (map->kind == NODE_SCALAR)
        return error_set_at(error, &at, "'%s' is a value and has no settings below it", map->key);
    if (!path[length] || !path[length + 1]) return error_set_at(error, &at, "has no =VALUE");
    const char *yaml = path + length + 1;
    if (!yaml_parse(yaml, strlen(yaml), place, &value, error)) return false;
    mark(value);
    if (!(value = hang(value, path, length, error))) return false;
    bool ok = tree_merge(map, value, error);
    node_free(value);
    return ok;
}

static bool apply_seeds(struct node *root, const struct int_list *seeds, struct error *error) {
    struct text text = {0};
    for (int i = 0; i < seeds->n; i++)
        text_append(&text, "%s%d", i ? ", " : "seeds=[", seeds->value[i]);
    text_append(&text, "]");
    bool ok = text.failed ? error_set(error, "out of memory") : apply(root, "--", text.data, error);
    text_free(&text);
    return ok;
}

/* Sets PATH to the value of an option of its own, which errors name; NULL changes nothing. */
static bool apply_value(struct node *root, const char *option, const char *path, const char *value,
                        struct error *error) {
    if (!value) return true;
    struct node *node = calloc(1, sizeof *node);
    if (!node || !(node->text = strdup(value))) {
        node_free(node);
        return error_set(error, "out of memory");
    }
    node->at = node->key_at = (struct location){.file = option};
    if (!(node = hang(node, path, strlen(path), error))) return false;
    bool ok = tree_merge(root, node, error);
    node_free(node);
    return ok;
}

bool overrides_apply(const struct overrides *overrides, struct node *root, struct error *error) {
    if (root->kind != NODE_MAP) return true; /* whoever binds it says what is wrong */
    for (int i = 0; i < overrides->n_set; i++)
        if (!apply(root, "--set ", overrides->set[i], error)) return false;
    const char *device = overrides->device, *precision = overrides->precision;
    if (!apply_value(root, "--device", "train.device", device, error) ||
        !apply_value(root, "--device", "profile.devices", device, error) ||
        !apply_value(root, "--precision", "train.precision", precision, error) ||
        !apply_value(root, "--precision", "profile.precision", precision, error))
        return false;
    return overrides->seeds.n == 0 || apply_seeds(root, &overrides->seeds, error);
}
