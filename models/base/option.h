/*
 * Options as tables. Every setting of the program (data, model, policy, training, profiling) is one
 * row: name, type, default, range, help. From the same row come the strict parser, the located
 * error, the canonical JSON that is hashed and stored, and the documentation that `headroom list`
 * prints.
 */
#ifndef HEADROOM_MODELS_BASE_OPTION_H
#define HEADROOM_MODELS_BASE_OPTION_H

#include "models/base/text.h"
#include "models/base/tree.h"

enum {
    OPTION_LIST_MAX = 64,
    OPTION_STRING_MAX = 256,
    OPTION_FILES_MAX = 2048,
    OPTION_GROUPS_MAX = 8192
};

/* Stands for `min` in a row of STRING, FILES, CHOICE or NAME_LIST that came later than results: as JSON it
 * is written only where it is not its default, so that it does not rename what was hashed without
 * it. */
enum { OPTION_LATER = 1 };

struct int_list {
    int n;
    int value[OPTION_LIST_MAX];
};

enum { NAME_LIST_MAX = 16, NAME_SIZE = 96 };

/* Different names, none empty. */
struct name_list {
    int n;
    char name[NAME_LIST_MAX][NAME_SIZE];
};

/* type -> C type of the field: INT int, FLOAT double, BOOL bool, SWITCH bool, written as JSON only
 * while it is on, so that an option of later does not rename what was hashed without it; CHOICE int (index into choices),
 * STRING char[OPTION_STRING_MAX], INT_LIST struct int_list (a bare number is a list of one),
 * NAME_LIST struct name_list (likewise), FILES char[OPTION_FILES_MAX]: a path or a list of them, kept
 * one a line, so that a single one is a plain text here and as JSON; GROUPS char[OPTION_GROUPS_MAX]: a map of names to lists of
 * names, kept as its JSON text, "" if it is empty. */
enum option_type {
    OPTION_INT,
    OPTION_FLOAT,
    OPTION_BOOL,
    OPTION_CHOICE,
    OPTION_STRING,
    OPTION_FILES,
    OPTION_INT_LIST,
    OPTION_NAME_LIST,
    OPTION_GROUPS,
    OPTION_SWITCH
};

struct option {
    const char *name;
    enum option_type type;
    size_t offset;            /* offsetof(the struct, field) */
    const char *default_text; /* as a user would write it; NULL: the key is required */
    double min, max;          /* inclusive range of INT, FLOAT and each entry of INT_LIST */
    const char *choices;      /* CHOICE: "a|b|c"; INT: a word that may stand for min - 1 */
    const char *help;         /* one line, with the unit */
};

struct option_table {
    const char *section; /* name in messages: "unknown key 'epoch' in train" */
    const struct option *rows;
    size_t n_rows;
};

/* Fills every field with its default (a required one with zero). */
void options_default(const struct option_table *table, void *out);

/* Overwrites the fields whose keys the map has; the other fields keep their values, so that an
 * overlay is a second call. Unknown keys (with a suggestion), wrong types and values out of range
 * are errors at their place; `ignored` (NULL-terminated, may be NULL) lists keys that belong to
 * others. */
bool options_bind(const struct option_table *table, const struct node *map,
                  const char *const *ignored, void *out, struct error *error);

/* Error at `at` if a required key is in neither `base` nor `overlay` (either may be NULL). */
bool options_require(const struct option_table *table, const struct node *base,
                     const struct node *overlay, const struct location *at, struct error *error);

/* The row of this name, or NULL. */
const struct option *option_find(const struct option_table *table, const char *name);

/* The next path of a FILES field, from *rest on, which then stands behind it; false after the last. */
bool option_next_file(const char **rest, char out[OPTION_STRING_MAX]);

/* Writes one field of the struct `in` as a canonical JSON value. */
void option_write_json(const struct option *row, const void *in, struct text *out);

/* Writes the fields as one canonical JSON object, keys in table order, numbers shortest round-
 * trip, switches that are off and later options at their defaults left out. */
void options_write_json(const struct option_table *table, const void *in, struct text *out);

#endif
