/*
 * Growing by doubling; see text.h. A format is written where there is room, and again where there was not,
 * so that no length has to be guessed and few are measured: a plan writes each of its trials this way.
 */
#include "models/base/text.h"
#include "models/base/utf8.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void text_append_bytes(struct text *text, const char *bytes, size_t n) {
    if (!reserve(text, n)) return;
    memcpy(text->data + text->size, bytes, n);
    text->size += n;
    text->data[text->size] = '\0';
}

void text_append(struct text *text, const char *format, ...) {
    va_list first, again;
    va_start(first, format);
    va_copy(again, first);
    size_t room = text->capacity - text->size;
    int n = vsnprintf(room ? text->data + text->size : NULL, room, format, first);
    va_end(first);
    if (n < 0) {
        text_free(text);
        text->failed = true;
    } else if (reserve(text, (size_t)n)) {
        if ((size_t)n >= room) vsnprintf(text->data + text->size, (size_t)n + 1, format, again);
        text->size += (size_t)n;
    }
    va_end(again);
}

void text_append_shown(struct text *text, const char *value) {
    char shown[UTF8_SHOWN_SIZE];
    for (int n = 0; *value; value += n ? n : 1)
        if ((n = utf8_show_control(value, shown)) > 0)
            text_append_bytes(text, shown, strlen(shown));
        else
            text_append_bytes(text, value, 1);
}

void text_free(struct text *text) {
    free(text->data);
    *text = (struct text){0};
}
