/*
 * Errors as values; see error.h. Every message is composed in a buffer of its own before it is
 * stored, so that an argument may point into the very error being overwritten.
 */
#include "models/base/error.h"
#include "models/base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef error_set /* what error.h tells an analyzer */
#undef error_set_at
#undef error_prefix
#undef error_append

/* Spells control characters out, at the cost of the end where there is no room: what an error quotes
 * may come from anywhere, and it is read on a terminal. */
static void show_controls(char *text, size_t size) {
    char shown[UTF8_SHOWN_SIZE];
    for (char *at = text; *at; at++) {
        int n = utf8_show_control(at, shown);
        if (n == 0) continue;
        size_t length = strlen(shown), rest = strlen(at + n) + 1;
        size_t room = size - (size_t)(at - text);
        if (room <= length) {
            *at = '\0';
            return;
        }
        if (rest > room - length) rest = room - length; /* the end is lost */
        memmove(at + length, at + n, rest);
        text[size - 1] = '\0';
        memcpy(at, shown, length);
        at += length - 1;
    }
}

static void store(struct error *error, const struct location *at, const char *format,
                  va_list arguments) {
    struct error composed = {0};
    if (at) {
        snprintf(composed.at.file, sizeof composed.at.file, "%s", at->file ? at->file : "");
        composed.at.line = at->line;
        composed.at.column = at->column;
    }
    vsnprintf(composed.text, sizeof composed.text, format, arguments);
    show_controls(composed.at.file, sizeof composed.at.file);
    show_controls(composed.text, sizeof composed.text);
    *error = composed;
}

bool error_set(struct error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    store(error, NULL, format, arguments);
    va_end(arguments);
    return false;
}

bool error_set_at(struct error *error, const struct location *at, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    store(error, at, format, arguments);
    va_end(arguments);
    return false;
}

bool error_prefix(struct error *error, const char *format, ...) {
    struct error composed = {0};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(composed.text, sizeof composed.text - sizeof ": ", format, arguments);
    va_end(arguments);
    size_t used = strlen(composed.text);
    memcpy(composed.text + used, ": ", sizeof ": ");
    used += 2;
    error_format(error, composed.text + used, sizeof composed.text - used);
    show_controls(composed.text, sizeof composed.text);
    *error = composed;
    return false;
}

bool error_append(struct error *error, const char *format, ...) {
    size_t used = strlen(error->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text + used, sizeof error->text - used, format, arguments);
    va_end(arguments);
    show_controls(error->text, sizeof error->text);
    return false;
}

void error_format(const struct error *error, char *out, size_t size) {
    const char *file = error->at.file[0] ? error->at.file : "input";
    int line = error->at.line, column = error->at.column;
    if (line > 0 && column > 0)
        snprintf(out, size, "%s:%d:%d: %s", file, line, column, error->text);
    else if (line > 0)
        snprintf(out, size, "%s:%d: %s", file, line, error->text);
    else if (error->at.file[0])
        snprintf(out, size, "%s: %s", file, error->text);
    else
        snprintf(out, size, "%s", error->text);
}
