/*
 * Labels become classes row by row, so that a bad one is reported at its line. What makes a class
 * of a label: label_depth cuts it; then it is in a group, or a name, or a number of the class file.
 */
#include "workloads/data/classes.h"
#include "models/base/text_file.h"
#include "models/base/tree.h"
#include "workloads/data/data_files.h"
#include "models/base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 60 }; /* bytes of a label in a message */

static int shown(struct piece label) {
    return label.size > SHOWN ? SHOWN : (int)label.size;
}

static bool read_class_file(const struct data_config *config, struct word_table *names,
                            struct error *error) {
    char path[2 * OPTION_STRING_MAX];
    struct text_file file;
    if (!data_file_find(config->classes_file, path, sizeof path, error) ||
        !text_file_read(path, (enum text_encoding)config->encoding, &file, error))
        return false;
    struct text_line line = {0};
    bool ok = text_file_check_lines(&file, error);
    while (ok && text_file_next_line(&file, &line)) {
        struct piece name = {line.data, line.size};
        if (name.size > 0 && name.data[name.size - 1] == '\r') name.size--;
        int known = names->n;
        if (name.size == 0)
            ok = error_set_at(error, &line.at, "empty class name");
        else if (word_table_add(names, name.data, name.size) != known)
            ok = error_set_at(error, &line.at, "class '%.*s' stands here a second time",
                              shown(name), name.data);
    }
    text_file_free(&file);
    return ok;
}

/* Adds one group: its name is a class, its labels belong to it. */
static bool add_group(struct classes *classes, const struct node *group, struct error *error) {
    bool single = group->kind == NODE_SCALAR;
    if (!single && !group->first)
        return error_set_at(error, &group->at, "group '%.60s' has no labels", group->key);
    int class = word_table_add(&classes->names, group->key, strlen(group->key));
    if (class < 0) return error_set(error, "out of memory for groups of labels");
    for (const struct node *label = single ? group : group->first; label;
         label = single ? NULL : label->next) {
        int known = classes->grouped.n;
        if (group->kind == NODE_MAP || label->kind != NODE_SCALAR)
            return error_set_at(error, &label->at, "a group must be a list of labels");
        int *grown = realloc(classes->group, ((size_t)known + 1) * sizeof *grown);
        if (!grown) return error_set(error, "out of memory for groups of labels");
        classes->group = grown;
        bool *met = realloc(classes->met, ((size_t)known + 1) * sizeof *met);
        if (!met) return error_set(error, "out of memory for groups of labels");
        classes->met = met;
        met[known] = false;
        if (word_table_add(&classes->grouped, label->text, strlen(label->text)) != known)
            return error_set_at(error, &label->at, "label '%.60s' is in a group already",
                                label->text);
        classes->group[known] = class;
    }
    return true;
}

static bool read_groups(struct classes *classes, const char *json, size_t size, const char *name,
                        struct error *error) {
    struct node *root = NULL;
    bool ok = json_parse(json, size, name, &root, error);
    if (ok && (root->kind != NODE_MAP || !root->first))
        ok = error_set_at(error, &root->at, "groups must be a map, {\"class\": [\"label\"]}");
    for (const struct node *group = ok ? root->first : NULL; ok && group; group = group->next)
        ok = add_group(classes, group, error);
    node_free(root);
    return ok;
}

static bool read_group_file(struct classes *classes, struct error *error) {
    const struct data_config *config = classes->config;
    char path[2 * OPTION_STRING_MAX];
    struct text_file file;
    if (!data_file_find(config->label_groups_file, path, sizeof path, error) ||
        !text_file_read(path, ENCODING_UTF_8, &file, error))
        return false;
    bool ok = read_groups(classes, file.data, file.size, file.path, error);
    text_file_free(&file);
    return ok;
}

bool classes_start(const struct data_config *config, struct classes *out, struct error *error) {
    *out = (struct classes){.config = config};
    if (config->classes_file[0]) return read_class_file(config, &out->names, error);
    if (config->label_groups_file[0]) return read_group_file(out, error);
    if (config->label_groups[0])
        return read_groups(out, config->label_groups, strlen(config->label_groups),
                           "label_groups in data", error);
    out->open = true;
    return true;
}

/* The first `depth` parts of a label "A:b:c", all of it at depth 0; empty if it has fewer. */
static struct piece cut_label(struct piece label, const char *separator, int depth) {
    size_t size = strlen(separator), end = 0;
    if (depth == 0) return label;
    for (int part = 1;; part++) {
        const char *found = memmem(label.data + end, label.size - end, separator, size);
        size_t stop = found ? (size_t)(found - label.data) : label.size;
        if (part == depth) return (struct piece){label.data, stop};
        if (!found) return (struct piece){label.data, 0};
        end = stop + size;
    }
}

/* The label as a number of the class file, from 1; -1 if it is none. */
static int class_number(struct piece label, int n_classes) {
    char digits[12], *end;
    snprintf(digits, sizeof digits, "%.*s", (int)label.size, label.data);
    if (label.size >= sizeof digits || digits[0] < '0' || digits[0] > '9') return -1;
    long number = strtol(digits, &end, 10);
    return !*end && number >= 1 && number <= n_classes ? (int)number - 1 : -1;
}

static int refuse(const struct classes *classes, struct piece label, const struct location *at,
                  struct error *error) {
    const char *file = classes->config->classes_file;
    if (classes->open)
        error_set_at(error, at, "out of memory for %d classes", classes->names.n);
    else if (classes->group)
        error_set_at(error, at, "label '%.*s' is in none of the %d label groups", shown(label),
                     label.data, classes->names.n);
    else if (file[0])
        error_set_at(error, at, "label '%.*s' is none of the %d classes in %s, nor a number 1..%d",
                     shown(label), label.data, classes->names.n, file, classes->names.n);
    else
        error_set_at(error, at,
                     "label '%.*s' does not occur in the training file; correct the row or list "
                     "it in a classes_file",
                     shown(label), label.data);
    return -1;
}

int classes_find(struct classes *classes, struct piece label, const struct location *at,
                 struct error *error) {
    const struct data_config *config = classes->config;
    struct word_table *names = &classes->names;
    struct piece cut = cut_label(label, config->label_separator, config->label_depth);
    if (cut.size == 0) {
        error_set_at(error, at, "label '%.*s' has fewer parts than label_depth: %d", shown(label),
                     label.data, config->label_depth);
        return -1;
    }
    int class;
    if (classes->group) {
        int member = word_table_find(&classes->grouped, cut.data, cut.size);
        class = member < 0 ? -1 : classes->group[member];
        if (member >= 0) classes->met[member] = true;
    } else if (classes->open) {
        class = word_table_add(names, cut.data, cut.size);
    } else {
        class = word_table_find(names, cut.data, cut.size);
        if (class < 0 && config->classes_file[0]) class = class_number(cut, names->n);
    }
    return class >= 0 ? class : refuse(classes, cut, at, error);
}

bool classes_close(struct classes *classes, struct split *train, struct error *error) {
    struct word_table *names = &classes->names, sorted = {0};
    size_t n = (size_t)names->n;
    if (!classes->open) return true;
    classes->open = false;
    char **order = malloc((n + 1) * sizeof *order);
    int32_t *number = malloc((n + 1) * sizeof *number);
    bool ok = order && number;
    if (ok && n > 0) {
        memcpy(order, names->words, n * sizeof *order);
        qsort(order, n, sizeof *order, words_compare);
    }
    for (size_t i = 0; ok && i < n; i++)
        ok = word_table_add(&sorted, order[i], strlen(order[i])) >= 0;
    for (size_t i = 0; ok && i < n; i++)
        number[i] = word_table_find(&sorted, names->words[i], strlen(names->words[i]));
    for (int i = 0; ok && i < train->n; i++) train->labels[i] = number[train->labels[i]];
    free(order);
    free(number);
    word_table_free(ok ? names : &sorted);
    if (ok) *names = sorted;
    return ok || error_set(error, "out of memory while sorting %zu classes", n);
}

void classes_free(struct classes *classes) {
    word_table_free(&classes->names);
    word_table_free(&classes->grouped);
    free(classes->group);
    free(classes->met);
}
