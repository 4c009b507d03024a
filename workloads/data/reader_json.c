/*
 * JSON lines (one value a line) and JSON documents that hold a list of rows. A row may be an object
 * or a list: label and texts stand at paths in it, names joined by dots (a dot in a name is `\.`),
 * a list's entries counted from 1. Each line, or the whole document, becomes a tree of
 * models/base/json.c, which is strict, fuzzed and fast enough: of the time that a .jsonl.gz takes,
 * parsing is a sixth and unpacking a third. The tree of a document takes some 150 bytes a value,
 * which only matters to large documents.
 */
#include "workloads/data/reader_json.h"
#include "models/base/closest_name.h"
#include "models/base/json.h"
#include "models/base/tree_builder.h"

#include <stdio.h>
#include <string.h>

enum { KEYS_COMPARED = 64 };

/* "a, b, c", cut to the room: what a map has. True if a key has a dot. */
static bool list_keys(const struct node *map, char *out, size_t size) {
    size_t used = 0;
    bool dotted = false;
    out[0] = '\0';
    for (const struct node *entry = map->first; entry && used < size; entry = entry->next) {
        used += (size_t)snprintf(out + used, size - used, "%s%.40s", used ? ", " : "", entry->key);
        dotted = dotted || strchr(entry->key, '.');
    }
    return dotted;
}

static const char *closest_key(const struct node *map, const char *part) {
    const char *keys[KEYS_COMPARED];
    size_t n = 0;
    for (const struct node *entry = map->first; entry && n < KEYS_COMPARED; entry = entry->next)
        keys[n++] = entry->key;
    return closest_name(part, keys, n);
}

/* The first name of a path, cut to the room, and the path behind it. */
static const char *next_part(const char *path, char out[NAME_SIZE + 1]) {
    size_t n = 0;
    for (; *path && *path != '.'; path++) {
        path += path[0] == '\\' && path[1] == '.';
        if (n < NAME_SIZE) out[n++] = *path;
    }
    out[n] = '\0';
    return path + (*path == '.');
}

/* One step of a path: the entry of a map or a list. */
static const struct node *step(const struct node *node, const char *part, struct error *error) {
    char keys[400];
    int number = data_config_column(part);
    if (node->kind == NODE_SCALAR) {
        error_set_at(error, &node->at, "no '%s' in a single value", part);
        return NULL;
    }
    const struct node *found = node->kind == NODE_MAP ? node_find(node, part) : NULL;
    if (node->kind == NODE_LIST && number > 0)
        for (found = node->first; found && --number > 0;) found = found->next;
    if (found) return found;
    if (node->kind == NODE_LIST) {
        error_set_at(error, &node->at, "no entry '%s' in a list of %d; entries count from 1", part,
                     node->n_children);
        return NULL;
    }
    bool dotted = list_keys(node, keys, sizeof keys);
    error_set_at(error, &node->at, "no key '%s'; there is: %s%s", part, keys,
                 dotted ? "; a dot in a key is written \\." : "");
    const char *guess = closest_key(node, part);
    if (guess) error_append(error, "; did you mean '%s'?", guess);
    return NULL;
}

/* What stands at a path; an empty one is the node itself. */
static const struct node *follow(const struct node *node, const char *path, struct error *error) {
    char part[NAME_SIZE + 1];
    while (node && *path) {
        path = next_part(path, part);
        node = step(node, part, error);
    }
    return node;
}

/* The single value at a path, of which `null` is one. */
static const struct node *find_value(const struct node *row, const char *path,
                                     struct error *error) {
    const struct node *node = follow(row, path, error);
    if (!node || node->kind == NODE_SCALAR) return node;
    error_set_at(error, &node->at, "'%s' is a %s, not one text or number; name its parts", path,
                 node->kind == NODE_MAP ? "map" : "list");
    return NULL;
}

/* How the rows of a file are read. */
struct reading {
    const struct data_config *config;
    const struct row_sink *sink;
};

static bool read_piece(const struct reading *reading, const struct node *row, const char *path,
                       struct piece *out, struct error *error) {
    const struct node *node = find_value(row, path, error);
    if (!node && reading->sink->absent) *reading->sink->absent = path;
    if (!node) return false;
    bool null = !node->quoted && strcmp(node->text, "null") == 0;
    *out = (struct piece){node->text, null ? 0 : strlen(node->text)};
    return !null || reading->config->drop_empty ||
           error_set_at(error, &node->at, "'%s' is null; drop_empty: true leaves such rows out",
                        path);
}

static bool read_row(const struct reading *reading, const struct node *node, struct row *row,
                     struct error *error) {
    const struct data_config *config = reading->config;
    const struct name_list *text = &config->text, *second = &config->second_text;
    bool ok =
        read_piece(reading, node, config->label[0] ? config->label : "label", &row->label, error);
    row->n_text = text->n ? text->n : 1;
    for (int i = 0; ok && i < row->n_text; i++)
        ok = read_piece(reading, node, text->n ? text->name[i] : "text", &row->text[i], error);
    row->n_second = second->n;
    for (int i = 0; ok && i < second->n; i++)
        ok = read_piece(reading, node, second->name[i], &row->text[row->n_text + i], error);
    return ok;
}

/* Whether the whole file is one document, of more than a line or of one line that has all rows. */
static bool is_document(const struct text_file *file, const struct text_line *line) {
    struct node *root = NULL;
    struct error ignored;
    bool single = line->size + 1 >= file->size;
    bool ok = json_parse(file->data, file->size, file->path, &root, &ignored);
    ok = ok && (!single || (root->first && root->first->kind != NODE_SCALAR));
    node_free(root);
    return ok;
}

/* Whether the first line alone is a value. */
static bool has_value_a_line(const struct text_file *file) {
    struct node *root = NULL;
    struct text_line line = {0};
    struct error ignored;
    bool ok = text_file_next_line(file, &line) &&
              json_parse_line(line.data, line.size, &line.at, &root, &ignored);
    node_free(root);
    return ok;
}

bool reader_jsonl(struct text_file *file, const struct data_config *config,
                  const struct row_sink *sink, struct error *error) {
    const struct reading reading = {config, sink};
    struct row row = {0};
    struct text_line line = {0};
    bool ok = true;
    while (ok && text_file_next_line(file, &line)) {
        struct node *node = NULL;
        row.at = line.at;
        if (line.data[strspn(line.data, " \t\r")] == '\n') {
            if (!config->drop_empty)
                return error_set_at(error, &line.at, "empty line; expected a JSON value");
            row.n_text = row.n_second = 0;
            row.label.size = 0;
            ok = sink->take(sink->owner, &row, error);
            continue;
        }
        ok = json_parse_line(line.data, line.size, &line.at, &node, error) &&
             read_row(&reading, node, &row, error);
        if (!ok && line.at.line == 1 && is_document(file, &line))
            error_append(error, "; a file that is one document is source: json");
        ok = ok && sink->take(sink->owner, &row, error);
        node_free(node);
    }
    return ok;
}

bool reader_json(struct text_file *file, const struct data_config *config,
                 const struct row_sink *sink, struct error *error) {
    const char *path = sink->part == PART_TRAIN        ? config->train_rows
                       : sink->part == PART_VALIDATION ? config->validation_rows
                                                       : config->test_rows;
    const struct reading reading = {config, sink};
    struct node *root = NULL;
    bool ok = json_parse(file->data, file->size, file->path, &root, error);
    if (!ok && file->size / 2 > TREE_NODES_MAX)
        error_append(error, "; a value a line (source: jsonl) may be of any number");
    else if (!ok && has_value_a_line(file))
        error_append(error, "; a file with a value a line is source: jsonl");
    const struct node *list = ok ? follow(root, path, error) : NULL;
    ok = list != NULL;
    if (ok && list->kind != NODE_LIST)
        ok = error_set_at(error, &list->at, "%s must be a list of rows; %s says where it is",
                          path[0] ? path : "the document",
                          sink->part == PART_TRAIN        ? "train_rows"
                          : sink->part == PART_VALIDATION ? "validation_rows"
                                                          : "test_rows");
    for (const struct node *node = ok ? list->first : NULL; ok && node; node = node->next) {
        struct row row = {.at = node->at};
        ok = read_row(&reading, node, &row, error) && sink->take(sink->owner, &row, error);
    }
    node_free(root);
    return ok;
}
