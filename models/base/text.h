/*
 * A text that grows while it is written: JSON, YAML, SQL. Whoever writes asks once, at the end,
 * whether memory ran out on the way: `failed` stays set and the text NULL from then on, so that no
 * half of a text is ever taken for a whole one.
 */
#ifndef HEADROOM_MODELS_BASE_TEXT_H
#define HEADROOM_MODELS_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Starts zeroed. */
struct text {
    char *data; /* [size], terminated; NULL before the first byte and after a failure */
    size_t size, capacity;
    bool failed; /* memory ran out */
};

void text_append(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_append_bytes(struct text *text, const char *bytes, size_t n);

/* Appends a text for a terminal: control characters but line breaks and tabs are spelt out, so that
 * a name from a file or a database moves no cursor and rings no bell. */
void text_append_shown(struct text *text, const char *value);

/* Leaves an empty text that may be written to again. */
void text_free(struct text *text);

#endif
