/*
 * Documents as trees, and text that grows; see tree.h. Nothing here recurses: a tree comes from a
 * file that somebody else wrote, and its depth must not become the depth of our stack.
 */
#include "models/base/tree.h"
#include "models/base/utf8.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The nodes still to be freed form one list; a node's children are put in front of its rest, so
 * each node is walked over once. */
void node_free(struct node *node) {
    if (node) node->next = NULL; /* siblings belong to the caller */
    while (node) {
        struct node *rest = node->next;
        if (node->first) {
            struct node *last = node->first;
            while (last->next) last = last->next;
            last->next = rest;
            rest = node->first;
        }
        free(node->key);
        free(node->text);
        free(node);
        node = rest;
    }
}

const struct node *node_find(const struct node *map, const char *key) {
    if (map->kind != NODE_MAP) return NULL;
    for (const struct node *entry = map->first; entry; entry = entry->next)
        if (strcmp(entry->key, key) == 0) return entry;
    return NULL;
}

struct node *node_take(struct node *map, const char *key) {
    if (map->kind != NODE_MAP) return NULL;
    for (struct node **link = &map->first; *link; link = &(*link)->next) {
        struct node *entry = *link;
        if (strcmp(entry->key, key) != 0) continue;
        *link = entry->next;
        entry->next = NULL;
        map->n_children--;
        return entry;
    }
    return NULL;
}

enum { NAME_MAX_LENGTH = 63 };

/* Levenshtein distance by its recurrence, one row at a time; row[j] belongs to b's first j
 * letters. */
static size_t edit_distance(const char *a, const char *b) {
    size_t length_a = strlen(a), length_b = strlen(b), row[NAME_MAX_LENGTH + 1];
    if (length_a > NAME_MAX_LENGTH || length_b > NAME_MAX_LENGTH) return SIZE_MAX;
    for (size_t j = 0; j <= length_b; j++) row[j] = j;
    for (size_t i = 1; i <= length_a; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length_b; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[length_b];
}

const char *closest_name(const char *word, const char *const *candidates, size_t n) {
    const char *closest = NULL;
    /* A change of every letter is no likeness, so short words get fewer than two edits. */
    size_t length = strlen(word), limit = length < 3 ? length : 3;
    for (size_t i = 0; i < n; i++) {
        size_t distance = edit_distance(word, candidates[i]);
        if (distance < limit) {
            limit = distance;
            closest = candidates[i];
        }
    }
    return closest;
}

/* Makes room for `more` bytes and the terminator; after a failure the text stays empty for good. */
static bool reserve(struct text *text, size_t more) {
    if (text->failed) return false;
    if (more < text->capacity - text->size) return true;
    size_t capacity = text->capacity ? text->capacity : 256;
    while (capacity - text->size <= more && capacity <= SIZE_MAX / 2) capacity *= 2;
    char *grown = capacity - text->size > more ? realloc(text->data, capacity) : NULL;
    if (!grown) {
        text_free(text);
        text->failed = true;
        return false;
    }
    text->data = grown;
    text->capacity = capacity;
    return true;
}

static void append_bytes(struct text *text, const char *bytes, size_t n) {
    if (!reserve(text, n)) return;
    memcpy(text->data + text->size, bytes, n);
    text->size += n;
    text->data[text->size] = '\0';
}

void text_append(struct text *text, const char *format, ...) {
    va_list measured, written;
    va_start(measured, format);
    va_copy(written, measured);
    int n = vsnprintf(NULL, 0, format, measured);
    va_end(measured);
    if (n < 0) {
        text_free(text);
        text->failed = true;
    } else if (reserve(text, (size_t)n)) {
        vsnprintf(text->data + text->size, (size_t)n + 1, format, written);
        text->size += (size_t)n;
    }
    va_end(written);
}

void text_append_json_string(struct text *text, const char *value) {
    append_bytes(text, "\"", 1);
    for (size_t left = strlen(value), length; left > 0; value += length, left -= length) {
        length = utf8_length(value, left);
        if (length == 0) {
            append_bytes(text, "\xEF\xBF\xBD", 3);
            length = 1;
        } else if (*value == '"' || *value == '\\') {
            append_bytes(text, (const char[]){'\\', *value}, 2);
        } else if (length == 1 && *value < 0x20) {
            text_append(text, "\\u%04x", (unsigned)*value);
        } else {
            append_bytes(text, value, length);
        }
    }
    append_bytes(text, "\"", 1);
}

void text_free(struct text *text) {
    free(text->data);
    *text = (struct text){0};
}
