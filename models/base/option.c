/*
 * The option tables' machine; see option.h. A value is read one way only: set_field() takes a
 * scalar and a row, whether the scalar comes from a file or from the row's own default, so that a
 * default is held to the same grammar and range as a user's value.
 */
#include "models/base/option.h"
#include "models/base/closest_name.h"
#include "models/base/json.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_TEXT = 32, CHOICES_MAX = 64, NAMES_MAX = 96 };

/* The shortest of three precisions that reads back as the same double. */
static const char *number_text(double value, char out[NUMBER_TEXT]) {
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, NUMBER_TEXT, "%.*g", digits, value);
        if (strtod(out, NULL) == value) break;
    }
    return out;
}

/* Decimal digits with an optional sign. No leading zeros: YAML 1.1 would take 010 for eight. */
static bool parse_int(const char *text, long long *out) {
    const char *digits = text + (*text == '-' || *text == '+');
    size_t n = strspn(digits, "0123456789");
    if (n == 0 || digits[n] || (n > 1 && digits[0] == '0')) return false;
    errno = 0;
    *out = strtoll(text, NULL, 10); /* saturates: out of every range that an int can have */
    return true;
}

/* Decimal notation only: strtod alone would take hexadecimal, "nan", "inf" and leading blanks. */
static bool parse_float(const char *text, double *out) {
    char *end;
    if (!*text || text[strspn(text, "0123456789+-.eE")]) return false;
    *out = strtod(text, &end);
    return *end == '\0';
}

/* Copies the choices of "a|b|c" into `room` and points `names` at them; returns how many. */
static size_t split_choices(const char *choices, char room[OPTION_STRING_MAX],
                            const char *names[CHOICES_MAX]) {
    size_t n = 0;
    char *rest = room, *name;
    assert(choices && strlen(choices) < OPTION_STRING_MAX);
    snprintf(room, OPTION_STRING_MAX, "%s", choices);
    while (n < CHOICES_MAX && (name = strsep(&rest, "|"))) names[n++] = name;
    return n;
}

/* What a row accepts, to stand after "it must be": type and range. */
static void describe_expected(const struct option *row, char *out, size_t size) {
    const char *what = row->type == OPTION_FLOAT ? "" : "a whole number ";
    char min[NUMBER_TEXT], max[NUMBER_TEXT], room[OPTION_STRING_MAX];
    const char *names[CHOICES_MAX];
    size_t used = 0, n;
    switch (row->type) {
    case OPTION_INT:
    case OPTION_INT_LIST:
    case OPTION_FLOAT:
        number_text(row->min, min);
        if (row->max >= INT_MAX)
            used = (size_t)snprintf(out, size, "%sat least %s%s", what, min,
                                    row->type == OPTION_FLOAT ? " and finite" : "");
        else
            used = (size_t)snprintf(out, size, "%sbetween %s and %s", what, min,
                                    number_text(row->max, max));
        if (row->choices) snprintf(out + used, size - used, ", or %s", row->choices);
        break;
    case OPTION_BOOL:
    case OPTION_SWITCH:
        snprintf(out, size, "true or false");
        break;
    case OPTION_STRING:
        snprintf(out, size, "a text of less than %d bytes", OPTION_STRING_MAX);
        break;
    case OPTION_FILES:
        snprintf(out, size, "a path of 1 to %d bytes that the list has not had before, on one line",
                 OPTION_STRING_MAX - 1);
        break;
    case OPTION_NAME_LIST:
        snprintf(out, size, "a name of 1 to %d bytes that the list has not had before",
                 NAME_SIZE - 1);
        break;
    case OPTION_GROUPS:
        snprintf(out, size, "a map of lists, {name: [name, name]}, of less than %d bytes as JSON",
                 OPTION_GROUPS_MAX);
        break;
    case OPTION_CHOICE:
        n = split_choices(row->choices, room, names);
        used = (size_t)snprintf(out, size, "one of ");
        for (size_t i = 0; i < n && used < size; i++)
            used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", names[i]);
        break;
    }
}

/* What is being set and where, for messages. `entry` counts from 1 in a list, 0 outside. */
struct target {
    const struct option_table *table;
    const struct option *row;
    int entry;
};

/* "epochs in train is 0; it must be between 1 and 10000". The words "a whole number" are left out
 * where a whole number was given and only the range is wrong. */
static bool refuse(const struct target *target, const struct node *node, struct error *error) {
    const struct option *row = target->row;
    char expected[OPTION_STRING_MAX + 64], value[96], entry[32] = "", hint[128] = "";
    char room[OPTION_STRING_MAX];
    const char *names[CHOICES_MAX], *is = expected, *guess;
    long long number;
    double real;
    describe_expected(row, expected, sizeof expected);
    if (node->kind != NODE_SCALAR)
        snprintf(value, sizeof value, "a %s", node->kind == NODE_MAP ? "map" : "list");
    else if (!node->quoted && parse_float(node->text, &real))
        snprintf(value, sizeof value, "%.60s", node->text);
    else if (row->type == OPTION_STRING || row->type == OPTION_FILES)
        snprintf(value, sizeof value, "%zu bytes long", strlen(node->text));
    else
        snprintf(value, sizeof value, "'%.60s'%s", node->text, node->quoted ? " in quotes" : "");
    if (node->kind == NODE_SCALAR && !node->quoted && parse_int(node->text, &number) &&
        strncmp(expected, "a whole number ", 15) == 0)
        is = expected + 15;
    if (row->type == OPTION_CHOICE && node->kind == NODE_SCALAR) {
        guess = closest_name(node->text, names, split_choices(row->choices, room, names));
        if (guess) snprintf(hint, sizeof hint, "; did you mean '%.60s'?", guess);
    }
    if (target->entry) snprintf(entry, sizeof entry, "entry %d of ", target->entry);
    return error_set_at(error, &node->at, "%s%s in %s is %s; it must be %s%s", entry, row->name,
                        target->table->section, value, is, hint);
}

/* The word that a whole number's row has, and the number that it stands for. */
static bool is_word(const struct option *row, const struct node *node) {
    return row->choices && node->kind == NODE_SCALAR && strcmp(node->text, row->choices) == 0;
}

static int word_value(const struct option *row) {
    return (int)row->min - 1;
}

static bool read_int(const struct target *target, const struct node *node, int *out,
                     struct error *error) {
    long long number;
    if (is_word(target->row, node)) {
        *out = word_value(target->row);
        return true;
    }
    if (node->kind != NODE_SCALAR || node->quoted || !parse_int(node->text, &number) ||
        number < INT_MIN || number > INT_MAX || (double)number < target->row->min ||
        (double)number > target->row->max)
        return refuse(target, node, error);
    *out = (int)number;
    return true;
}

static bool is_null(const struct node *node) {
    return node->kind == NODE_SCALAR && !node->quoted &&
           (!node->text[0] || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

static bool set_list(struct target *target, const struct node *node, struct int_list *out,
                     struct error *error) {
    struct int_list list = {0};
    if (node->kind == NODE_SCALAR) {
        list.n = 1;
        if (!read_int(target, node, &list.value[0], error)) return false;
    } else if (node->kind == NODE_MAP) {
        return refuse(target, node, error);
    } else {
        for (const struct node *entry = node->first; entry; entry = entry->next) {
            if (list.n == OPTION_LIST_MAX)
                return error_set_at(error, &entry->at, "%s in %s has more than %d entries",
                                    target->row->name, target->table->section, OPTION_LIST_MAX);
            target->entry = list.n + 1;
            if (!read_int(target, entry, &list.value[list.n++], error)) return false;
        }
    }
    *out = list;
    return true;
}

static bool set_names(struct target *target, const struct node *node, struct name_list *out,
                      struct error *error) {
    struct name_list list = {0}; /* equal lists make equal bytes */
    if (node->kind == NODE_MAP) return refuse(target, node, error);
    bool single = node->kind == NODE_SCALAR;
    for (const struct node *entry = single ? node : node->first; entry;
         entry = single ? NULL : entry->next) {
        bool good = entry->kind == NODE_SCALAR && entry->text[0] && strlen(entry->text) < NAME_SIZE;
        target->entry = single ? 0 : list.n + 1;
        for (int i = 0; good && i < list.n; i++) good = strcmp(list.name[i], entry->text) != 0;
        if (!good) return refuse(target, entry, error);
        if (list.n == NAME_LIST_MAX)
            return error_set_at(error, &entry->at, "%s in %s has more than %d entries",
                                target->row->name, target->table->section, NAME_LIST_MAX);
        memcpy(list.name[list.n++], entry->text, strlen(entry->text));
    }
    *out = list;
    return true;
}

bool option_next_file(const char **rest, char out[OPTION_STRING_MAX]) {
    size_t size = strcspn(*rest, "\n");
    snprintf(out, OPTION_STRING_MAX, "%.*s", (int)size, *rest);
    *rest += size + ((*rest)[size] == '\n');
    return out[0] != '\0';
}

static bool has_file(const char *files, const char *file) {
    char one[OPTION_STRING_MAX];
    while (option_next_file(&files, one))
        if (strcmp(one, file) == 0) return true;
    return false;
}

/* Only a scalar may be empty: then there is no file. */
static bool set_files(struct target *target, const struct node *node, char *out,
                      struct error *error) {
    char files[OPTION_FILES_MAX] = ""; /* equal lists make equal bytes */
    size_t used = 0;
    if (node->kind == NODE_MAP) return refuse(target, node, error);
    bool single = node->kind == NODE_SCALAR;
    for (const struct node *entry = single ? node : node->first; entry;
         entry = single ? NULL : entry->next) {
        size_t size = entry->kind == NODE_SCALAR ? strlen(entry->text) : 0;
        if (!single) target->entry++;
        if (entry->kind != NODE_SCALAR || size >= OPTION_STRING_MAX || strchr(entry->text, '\n') ||
            (!single && (size == 0 || has_file(files, entry->text))))
            return refuse(target, entry, error);
        if (used + size + 2 > sizeof files)
            return error_set_at(error, &entry->at, "%s in %s names more than %d bytes of paths",
                                target->row->name, target->table->section, OPTION_FILES_MAX - 1);
        if (used > 0) files[used++] = '\n';
        memcpy(files + used, entry->text, size);
        used += size;
    }
    memcpy(out, files, sizeof files);
    return true;
}

/* The map's JSON with every entry a list of texts: one spelling for one meaning. */
static bool set_groups(const struct target *target, const struct node *node, char *out,
                       struct error *error) {
    struct text json = {0};
    if (node->kind != NODE_MAP) return refuse(target, node, error);
    for (const struct node *group = node->first; group; group = group->next) {
        const struct node *name = group->kind == NODE_SCALAR ? group : group->first;
        text_append(&json, "%s", group == node->first ? "{" : ",");
        text_append_json_string(&json, group->key);
        text_append(&json, ":[");
        for (; name; name = name == group ? NULL : name->next) {
            if (group->kind == NODE_MAP || name->kind != NODE_SCALAR) {
                text_free(&json);
                return refuse(target, name, error);
            }
            if (name != group && name != group->first) text_append(&json, ",");
            text_append_json_string(&json, name->text);
        }
        text_append(&json, "]%s", group->next ? "" : "}");
    }
    bool fits = !json.failed && json.size < OPTION_GROUPS_MAX;
    memset(out, 0, OPTION_GROUPS_MAX); /* equal maps make equal bytes */
    if (fits && json.data) memcpy(out, json.data, json.size);
    text_free(&json);
    return fits || refuse(target, node, error);
}

static bool set_choice(const struct target *target, const struct node *node, int *out,
                       struct error *error) {
    char room[OPTION_STRING_MAX];
    const char *names[CHOICES_MAX];
    size_t n = split_choices(target->row->choices, room, names);
    for (size_t i = 0; node->kind == NODE_SCALAR && i < n; i++) {
        if (strcmp(node->text, names[i]) != 0) continue;
        *out = (int)i;
        return true;
    }
    return refuse(target, node, error);
}

static bool set_field(const struct option_table *table, const struct option *row,
                      const struct node *node, void *out, struct error *error) {
    struct target target = {table, row, 0};
    void *field = (char *)out + row->offset;
    bool scalar = node->kind == NODE_SCALAR;
    double real;
    if (is_null(node))
        return error_set_at(error, &node->at, "%s in %s has no value", row->name, table->section);
    switch (row->type) {
    case OPTION_INT:
        return read_int(&target, node, field, error);
    case OPTION_INT_LIST:
        return set_list(&target, node, field, error);
    case OPTION_NAME_LIST:
        return set_names(&target, node, field, error);
    case OPTION_FILES:
        return set_files(&target, node, field, error);
    case OPTION_CHOICE:
        return set_choice(&target, node, field, error);
    case OPTION_GROUPS:
        return set_groups(&target, node, field, error);
    case OPTION_FLOAT:
        if (!scalar || node->quoted || !parse_float(node->text, &real) || !isfinite(real) ||
            real < row->min || real > row->max)
            return refuse(&target, node, error);
        *(double *)field = real;
        return true;
    case OPTION_BOOL:
    case OPTION_SWITCH:
        if (!scalar || node->quoted ||
            (strcmp(node->text, "true") != 0 && strcmp(node->text, "false") != 0))
            return refuse(&target, node, error);
        *(bool *)field = node->text[0] == 't';
        return true;
    case OPTION_STRING:
        if (!scalar || strlen(node->text) >= OPTION_STRING_MAX) return refuse(&target, node, error);
        memset(field, 0, OPTION_STRING_MAX); /* equal texts make equal bytes */
        memcpy(field, node->text, strlen(node->text));
        return true;
    }
    return error_set(error, "option %s has an unknown type", row->name);
}

/* Bytes of a field, for zeroing what is required. */
static size_t field_size(enum option_type type) {
    switch (type) {
    case OPTION_INT:
    case OPTION_CHOICE:
        return sizeof(int);
    case OPTION_FLOAT:
        return sizeof(double);
    case OPTION_BOOL:
    case OPTION_SWITCH:
        return sizeof(bool);
    case OPTION_STRING:
        return OPTION_STRING_MAX;
    case OPTION_FILES:
        return OPTION_FILES_MAX;
    case OPTION_INT_LIST:
        return sizeof(struct int_list);
    case OPTION_NAME_LIST:
        return sizeof(struct name_list);
    case OPTION_GROUPS:
        return OPTION_GROUPS_MAX;
    }
    return 0;
}

/* A default is a scalar in the table's own text; a list is written "[1, 32]", "1, 32" or "1". */
static bool set_default(const struct option_table *table, const struct option *row, void *out,
                        struct error *error) {
    char room[OPTION_STRING_MAX];
    struct node entry[OPTION_LIST_MAX] = {0}, list = {.kind = NODE_LIST};
    bool text = row->type == OPTION_STRING || row->type == OPTION_FILES;
    struct node scalar = {.kind = NODE_SCALAR, .quoted = text, .text = room};
    char *rest = room, *word;
    snprintf(room, sizeof room, "%s", row->default_text);
    if (row->type != OPTION_INT_LIST && row->type != OPTION_NAME_LIST)
        return set_field(table, row, &scalar, out, error);
    while ((word = strsep(&rest, "[], ")) && list.n_children < OPTION_LIST_MAX) {
        if (!*word) continue;
        int i = list.n_children++;
        entry[i] = (struct node){.kind = NODE_SCALAR, .text = word};
        if (i > 0) entry[i - 1].next = &entry[i];
    }
    list.first = list.n_children ? entry : NULL;
    return set_field(table, row, &list, out, error);
}

void options_default(const struct option_table *table, void *out) {
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct option *row = &table->rows[i];
        struct error error;
        memset((char *)out + row->offset, 0, field_size(row->type));
        if (!row->default_text || row->type == OPTION_GROUPS)
            continue; /* its default is no group */
        bool fits = set_default(table, row, out, &error);
        assert(fits); /* else the row contradicts itself, and the first run of a test shows it */
        (void)fits;
    }
}

const struct option *option_find(const struct option_table *table, const char *name) {
    for (size_t i = 0; i < table->n_rows; i++)
        if (strcmp(table->rows[i].name, name) == 0) return &table->rows[i];
    return NULL;
}

static bool contains(const char *const *names, const char *name) {
    for (; names && *names; names++)
        if (strcmp(*names, name) == 0) return true;
    return false;
}

static bool refuse_key(const struct option_table *table, const char *const *ignored,
                       const struct node *entry, struct error *error) {
    const char *names[NAMES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < table->n_rows && n < NAMES_MAX; i++) names[n++] = table->rows[i].name;
    for (; ignored && *ignored && n < NAMES_MAX; ignored++) names[n++] = *ignored;
    const char *guess = closest_name(entry->key, names, n);
    if (guess)
        return error_set_at(error, &entry->key_at, "unknown key '%.60s' in %s; did you mean '%s'?",
                            entry->key, table->section, guess);
    char known[512] = "";
    for (size_t i = 0, used = 0; i < n && used < sizeof known; i++)
        used +=
            (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", names[i]);
    return error_set_at(error, &entry->key_at, "unknown key '%.60s' in %s; %s%s", entry->key,
                        table->section, n ? "it knows: " : "it takes no keys", known);
}

bool options_bind(const struct option_table *table, const struct node *map,
                  const char *const *ignored, void *out, struct error *error) {
    if (map->kind != NODE_MAP)
        return error_set_at(error, &map->at, "%s must be a map: lines of 'key: value'",
                            table->section);
    for (const struct node *entry = map->first; entry; entry = entry->next) {
        const struct option *row = option_find(table, entry->key);
        if (row ? !set_field(table, row, entry, out, error)
                : !contains(ignored, entry->key) && !refuse_key(table, ignored, entry, error))
            return false;
    }
    return true;
}

bool options_require(const struct option_table *table, const struct node *base,
                     const struct node *overlay, const struct location *at, struct error *error) {
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct option *row = &table->rows[i];
        if (row->default_text || (base && node_find(base, row->name)) ||
            (overlay && node_find(overlay, row->name)))
            continue;
        return error_set_at(error, at, "%s needs the key '%s': %s", table->section, row->name,
                            row->help);
    }
    return true;
}

/* A text, or a list of them where there are several. */
static void write_files(const char *files, struct text *out) {
    char file[OPTION_STRING_MAX];
    bool several = strchr(files, '\n') != NULL;
    if (!several) text_append_json_string(out, files);
    for (const char *between = "["; several && option_next_file(&files, file); between = ",") {
        text_append(out, "%s", between);
        text_append_json_string(out, file);
    }
    if (several) text_append(out, "]");
}

void option_write_json(const struct option *row, const void *in, struct text *out) {
    const void *field = (const char *)in + row->offset;
    char number[NUMBER_TEXT], room[OPTION_STRING_MAX];
    const char *names[CHOICES_MAX];
    const struct int_list *list = field;
    const struct name_list *words = field;
    switch (row->type) {
    case OPTION_INT:
        if (row->choices && *(const int *)field == word_value(row))
            text_append_json_string(out, row->choices);
        else
            text_append(out, "%d", *(const int *)field);
        break;
    case OPTION_FLOAT:
        text_append(out, "%s", number_text(*(const double *)field, number));
        break;
    case OPTION_BOOL:
    case OPTION_SWITCH:
        text_append(out, "%s", *(const bool *)field ? "true" : "false");
        break;
    case OPTION_STRING:
        text_append_json_string(out, field);
        break;
    case OPTION_FILES:
        write_files(field, out);
        break;
    case OPTION_GROUPS:
        text_append(out, "%s", *(const char *)field ? (const char *)field : "{}");
        break;
    case OPTION_CHOICE:
        split_choices(row->choices, room, names);
        text_append_json_string(out, names[*(const int *)field]);
        break;
    case OPTION_INT_LIST:
        text_append(out, "[");
        for (int i = 0; i < list->n; i++) text_append(out, "%s%d", i ? "," : "", list->value[i]);
        text_append(out, "]");
        break;
    case OPTION_NAME_LIST:
        text_append(out, "[");
        for (int i = 0; i < words->n; i++) {
            text_append(out, "%s", i ? "," : "");
            text_append_json_string(out, words->name[i]);
        }
        text_append(out, "]");
        break;
    }
}

/* Whether the canonical text has this field. */
static bool is_written(const struct option *row, const void *in) {
    const void *field = (const char *)in + row->offset;
    char room[OPTION_STRING_MAX];
    const char *names[CHOICES_MAX];
    if (row->type == OPTION_SWITCH) return *(const bool *)field;
    if (row->min < OPTION_LATER) return true;
    switch (row->type) {
    case OPTION_STRING:
    case OPTION_FILES:
        return strcmp(field, row->default_text) != 0;
    case OPTION_CHOICE:
        split_choices(row->choices, room, names);
        return strcmp(names[*(const int *)field], row->default_text) != 0;
    case OPTION_NAME_LIST: /* whose default is no name */
        return ((const struct name_list *)field)->n > 0;
    default:
        return true;
    }
}

void options_write_json(const struct option_table *table, const void *in, struct text *out) {
    const char *between = "";
    text_append(out, "{");
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct option *row = &table->rows[i];
        if (!is_written(row, in)) continue;
        text_append(out, "%s\"%s\":", between, row->name);
        option_write_json(row, in, out);
        between = ",";
    }
    text_append(out, "}");
}
