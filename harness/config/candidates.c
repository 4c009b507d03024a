/*
 * Lists of settings, zipped. A value goes through the option tables like any other setting, so its
 * type, range and canonical text are those of the option it replaces.
 */
#include "harness/config/candidates.h"
#include "harness/config/sections.h"
#include "models/base/json.h"

#include <stdio.h>
#include <string.h>

/* Where a value belongs: the policy, as for any other key of an arm, if it has an option of this
 * name, else the training section. Some methods have `epochs` of their own. */
static const struct option_table *table_of(const struct policy_ops *policy, const char *key) {
    bool in_train = !option_find(&policy->options, key) && option_find(&train_options, key);
    return in_train ? &train_options : &policy->options;
}

/* Sets one option to one value, as if a file said `key: value`. */
static bool set(const struct policy_ops *policy, const struct node *list, const struct node *value,
                struct train_config *train, void *policy_options, struct error *error) {
    const char *train_names[OPTION_LIST_MAX] = {NULL}; /* to be suggested for a misspelt key */
    const struct option_table *table = table_of(policy, list->key);
    struct node entry = *value, map = {.kind = NODE_MAP, .n_children = 1, .first = &entry};
    entry.key = list->key;
    entry.key_at = list->key_at;
    entry.next = NULL;
    if (table == &train_options) return options_bind(table, &map, NULL, train, error);
    for (size_t i = 0; i < train_options.n_rows; i++) train_names[i] = train_options.rows[i].name;
    return options_bind(table, &map, train_names, policy_options, error);
}

/* Checks one list and appends it to the canonical text. */
static bool read_list(const struct node *list, const struct policy_ops *policy,
                      struct candidates *out, struct text *values, struct error *error) {
    struct train_config train;
    _Alignas(16) unsigned char options[MODEL_POLICY_OPTIONS_MAX];
    if (list->kind != NODE_LIST || list->n_children == 0)
        return error_set_at(error, &list->at, "%s in tune must be a list of the values to try",
                            list->key);
    if (table_of(policy, list->key) == &train_options &&
        (strcmp(list->key, "device") == 0 || strcmp(list->key, "precision") == 0))
        return error_set_at(error, &list->key_at,
                            "%s in tune: all candidates of a workload compute alike; give it in "
                            "train",
                            list->key);
    if (list->n_children > CANDIDATES_MAX)
        return error_set_at(error, &list->at, "%s in tune has more than %d values", list->key,
                            CANDIDATES_MAX);
    if (out->n > 0 && list->n_children != out->n)
        return error_set_at(error, &list->at,
                            "%s in tune has %d values and the option before it %d: candidate i "
                            "takes the i-th of each list, so all must be equally long",
                            list->key, list->n_children, out->n);
    out->n = list->n_children;
    text_append(values, "%s\"%s\":[", values->size > 1 ? "," : "", list->key);
    for (const struct node *value = list->first; value; value = value->next) {
        const struct option_table *table = table_of(policy, list->key);
        if (!set(policy, list, value, &train, options, error)) return false;
        if (value != list->first) text_append(values, ",");
        option_write_json(option_find(table, list->key),
                          table == &train_options ? (void *)&train : options, values);
    }
    text_append(values, "]");
    return true;
}

bool candidates_read(const struct node *tune, const struct policy_ops *policy,
                     struct candidates *out, struct error *error) {
    struct text values = {0};
    bool ok = true;
    out->n = 0;
    if (tune->kind != NODE_MAP || !tune->first)
        return error_set_at(error, &tune->at,
                            "tune must be a map of options to lists of values, such as "
                            "{learning_rate: [3e-4, 1e-3]}");
    text_append(&values, "{");
    for (const struct node *list = tune->first; ok && list; list = list->next)
        ok = read_list(list, policy, out, &values, error);
    text_append(&values, "}");
    if (ok && values.failed) ok = error_set(error, "out of memory");
    if (ok && values.size >= sizeof out->values)
        ok = error_set_at(error, &tune->at, "tune is longer than %zu characters",
                          sizeof out->values - 1);
    if (ok) memcpy(out->values, values.data, values.size + 1);
    text_free(&values);
    return ok;
}

bool candidates_have(const struct candidates *candidates, const char *option) {
    char quoted[OPTION_STRING_MAX]; /* no value is followed by a colon */
    snprintf(quoted, sizeof quoted, "\"%s\":", option);
    return strstr(candidates->values, quoted) != NULL;
}

bool candidates_apply(const struct candidates *candidates, int i, const struct policy_ops *policy,
                      struct train_config *train, void *policy_options, struct text *settings,
                      struct error *error) {
    struct node *tune = NULL;
    if (!candidates->values[0]) return true;
    if (!json_parse(candidates->values, strlen(candidates->values), "tune", &tune, error))
        return false;
    bool ok = true;
    if (settings) text_append(settings, "{");
    for (const struct node *list = tune->first; ok && list; list = list->next) {
        const struct option_table *table = table_of(policy, list->key);
        const struct node *value = list->first;
        for (int j = 0; j < i; j++) value = value->next;
        ok = set(policy, list, value, train, policy_options, error);
        if (!ok || !settings) continue;
        text_append(settings, "%s\"%s\":", list == tune->first ? "" : ",", list->key);
        option_write_json(option_find(table, list->key),
                          table == &train_options ? (void *)train : policy_options, settings);
    }
    if (settings) text_append(settings, "}");
    if (ok && settings && settings->failed) ok = error_set(error, "out of memory");
    node_free(tune);
    return ok;
}
