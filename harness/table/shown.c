/*
 * The whole line is made before it is looked through, so that no part of a format has to know what a
 * name may hold.
 */
#include "harness/table/shown.h"
#include "models/base/text.h"

#include <stdarg.h>
#include <stdlib.h>

void shown_print(FILE *out, const char *format, ...) {
    struct text shown = {0};
    char *line = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&line, format, arguments) < 0) line = NULL;
    va_end(arguments);
    if (line) text_append_shown(&shown, line);
    if (shown.data) fputs(shown.data, out);
    text_free(&shown);
    free(line);
}
