/*
 * Defaults as nodes of a tree; see resolve.h. They come from the option tables that the parser
 * uses. A key that would be refused is not added: one that the source of the data does not use, one
 * that an arm tunes.
 */
#include "harness/config/resolve.h"
#include "harness/config/yaml.h"
#include "models/policy.h"

#include <stdlib.h>
#include <string.h>

static const struct location by_default = {.file = "default"};

static void mark(struct node *node) {
    node->at = node->key_at = by_default;
    for (struct node *entry = node->first; entry; entry = entry->next) mark(entry);
}

/* A row's default as a node. Texts stand in the table as they are, all else as YAML; nothing is
 * written for a map that is empty. */
static struct node *default_node(const struct option *row, struct error *error) {
    const char *yaml = *row->default_text ? row->default_text : "{}";
    struct node *node = NULL;
    bool text = row->type == OPTION_STRING || row->type == OPTION_FILES;
    if (text) {
        node = calloc(1, sizeof *node);
        if (node) node->quoted = true;
        if (node) node->text = strdup(row->default_text);
    } else if (!yaml_parse(yaml, strlen(yaml), "default", &node, error)) {
        return NULL;
    }
    if (node) node->key = strdup(row->name);
    if (!node || !node->key || (text && !node->text)) {
        error_set(error, "out of memory");
        node_free(node);
        return NULL;
    }
    mark(node);
    return node;
}

static void append(struct node *map, struct node *entry) {
    struct node **link = &map->first;
    while (*link) link = &(*link)->next;
    *link = entry;
    map->n_children++;
}

/* Adds the rows of a table that `map` lacks; `skip` (may be NULL) says which not. */
static bool add_defaults(struct node *map, const struct option_table *table,
                         bool (*skip)(const struct option *row, const void *context),
                         const void *context, struct error *error) {
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct option *row = &table->rows[i];
        if (node_find(map, row->name) || !row->default_text || (skip && skip(row, context)))
            continue;
        struct node *node = default_node(row, error);
        if (!node) return false;
        append(map, node);
    }
    return true;
}

static bool is_extends(const struct option *row, const void *context) {
    (void)context;
    return strcmp(row->name, "extends") == 0;
}

/* Asks what would be said of a section that has this key alone. */
static bool is_of_another_source(const struct option *row, const void *context) {
    const struct experiment *e = context;
    struct error ignored;
    struct node entry = {.key = (char *)row->name},
                map = {.kind = NODE_MAP, .n_children = 1, .first = &entry};
    return !data_config_check_keys(&e->data, &map, &ignored);
}

static bool is_tuned(const struct option *row, const void *context) {
    return candidates_have(context, row->name);
}

/* The map of a section, added if the file has none. */
static struct node *section(struct node *root, const char *key, struct error *error) {
    struct node *map = root->first;
    while (map && strcmp(map->key, key) != 0) map = map->next;
    if (map) return map;
    if (!(map = calloc(1, sizeof *map)) || !(map->key = strdup(key))) {
        free(map);
        error_set(error, "out of memory");
        return NULL;
    }
    map->kind = NODE_MAP;
    mark(map);
    append(root, map);
    return map;
}

/* The list of arms is in the order of the experiment's: both were read from it. */
static bool resolve_arms(struct node *arms, const struct experiment *e, struct error *error) {
    struct node *node = arms->first;
    for (int i = 0; i < e->n_arms; i++, node = node->next) {
        const struct candidates *tuned = &e->arms[i].candidates;
        if (!add_defaults(node, &e->arms[i].policy->options, is_tuned, tuned, error) ||
            (tuned->values[0] && !add_defaults(node, &arm_options, NULL, NULL, error)))
            return false;
    }
    return true;
}

bool resolve(struct node *root, const struct experiment *e, struct error *error) {
    static const char *const settled[] = {"extends", "full"};
    const struct {
        const char *key;
        const struct option_table *table;
    } sections[] = {
        {"model", &model_options}, {"train", &train_options}, {"profile", &profile_options}};
    struct node *map;
    for (size_t i = 0; i < 2; i++) node_free(node_take(root, settled[i]));
    if (!add_defaults(root, &experiment_options, is_extends, NULL, error)) return false;
    if (!(map = section(root, "data", error)) ||
        !add_defaults(map, &data_options, is_of_another_source, e, error))
        return false;
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        if (!(map = section(root, sections[i].key, error)) ||
            !add_defaults(map, sections[i].table, NULL, NULL, error))
            return false;
    return resolve_arms(section(root, "arms", error), e, error);
}
