/*
 * The whole line is made before it is looked through, so that no part of a format has to know what a
 * name may hold.
 */
#include "harness/table/shown.h"

#include <stdlib.h>

void shown_append(struct text *out, const char *format, va_list arguments) {
    char *line = NULL;
    if (vasprintf(&line, format, arguments) < 0) line = NULL;
    if (line) text_append_shown(out, line);
    free(line);
}

void shown_print(FILE *out, const char *format, ...) {
    struct text shown = {0};
    va_list arguments;
    va_start(arguments, format);
    shown_append(&shown, format, arguments);
    va_end(arguments);
    if (shown.data) fputs(shown.data, out);
    text_free(&shown);
}
