/*
 * A parsed document: scalars, lists and maps, each with the place it came from. YAML files
 * (harness/config/yaml.c) and JSON texts (models/base/json.c: checkpoints, stored configurations) both become
 * this tree, so that one binder (models/base/option.c) turns either into typed structs with located
 * errors.
 */
#ifndef HEADROOM_MODELS_BASE_TREE_H
#define HEADROOM_MODELS_BASE_TREE_H

#include "models/base/error.h"

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    bool quoted;               /* scalar written in quotes: never a number, bool or null */
    char *key;                 /* in a map: this entry's key, else NULL */
    char *text;                /* scalar: its text, UTF-8, terminated, no inner NUL; else NULL */
    int n_children;            /* list or map */
    struct node *first, *next; /* children in file order; next sibling */
    struct location at, key_at;
};

/* Frees a node and everything below it; iterative, so that deep nesting cannot overflow the
 * stack. */
void node_free(struct node *node);

/* The entry of a map with this key, or NULL. */
const struct node *node_find(const struct node *map, const char *key);

/* Takes the entry with this key out of a map; it is the caller's then. NULL where there is none. */
struct node *node_take(struct node *map, const char *key);

/* The key among n candidates that a user probably meant (edit distance <= 2), or NULL. */
const char *closest_name(const char *word, const char *const *candidates, size_t n);

/* Parses size bytes of JSON. `file` names the source in errors. Duplicate keys, nesting deeper than
 * 64, trailing bytes, bad escapes and non-UTF-8 are errors. Never trusts a length in the text. */
bool json_parse(const char *text, size_t size, const char *file, struct node **out,
                struct error *error);

/* The same for a text that starts a line of a longer file: places are given in that file. */
bool json_parse_line(const char *text, size_t size, const struct location *line, struct node **out,
                     struct error *error);

/* A growing text, for writing JSON. `failed` is set if memory ran out; text is then NULL. */
struct text {
    char *data;
    size_t size, capacity;
    bool failed;
};
void text_append(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Quoted and escaped; bytes that are not UTF-8 become U+FFFD, so that the output always parses. */
void text_append_json_string(struct text *text, const char *value);
void text_free(struct text *text);

#endif
