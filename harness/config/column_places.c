/*
 * The check hands back the very name that the section holds, so its address says which key it is
 * of; a name that is of none is a default.
 */
#include "harness/config/column_places.h"
#include "workloads/data/columns.h"

#include <stdio.h>

/* The place of the i-th name of a key, which may be a list or a single value. */
static const struct location *place_of(const struct node *data, const char *key, int i) {
    const struct node *value = node_find(data, key);
    const struct node *entry = value && value->kind == NODE_LIST ? value->first : value;
    while (entry && i-- > 0) entry = entry->next;
    return entry ? &entry->at : &data->at;
}

static int index_in(const struct name_list *list, const char *name) {
    for (int i = 0; i < list->n; i++)
        if (list->name[i] == name) return i;
    return -1;
}

bool experiment_check_columns(const struct experiment *e, const struct node *root,
                              struct error *error) {
    const struct node *data = node_find(root, "data");
    const char *absent, *key = NULL;
    struct error cause = {0};
    char text[sizeof cause.text + sizeof cause.at.file + 32];
    if (columns_check(&e->data, &absent, &cause)) return true;
    int first = index_in(&e->data.text, absent), second = index_in(&e->data.second_text, absent);
    if (absent == e->data.label) key = "label";
    if (first >= 0) key = "text";
    if (second >= 0) key = "second_text";
    error_format(&cause, text, sizeof text);
    if (key)
        return error_set_at(error, place_of(data, key, first > 0 ? first : second),
                            "%s in data: %s", key, text);
    return error_set_at(error, &data->at, "data does not name label and text: %s", text);
}
