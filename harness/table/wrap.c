/*
 * Breaking lines; see wrap.h. A character is a column, as in all tables here.
 */
#include "harness/table/wrap.h"
#include "harness/table/shown.h"
#include "models/base/utf8.h"

#include <string.h>

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Bytes of the character at `text`, whatever they are. */
static size_t character(const char *text) {
    size_t length = 1;
    while (((unsigned char)text[length] & 0xC0) == 0x80) length++;
    return length;
}

size_t wrap_line(const char *text, int width, const char **rest) {
    size_t at = 0, blank = 0, joint = 0;
    int n = 0;
    if (width < 1) width = 1;
    for (; text[at] && n < width; at += character(text + at), n++) {
        if (is_blank(text[at]) && at > 0 && !is_blank(text[at - 1])) blank = at;
        if (at > 0 && strchr("/-_,;:=", text[at])) joint = at + 1;
    }
    size_t end = at;
    if (text[at] && !is_blank(text[at])) end = blank ? blank : joint ? joint : at;
    *rest = text + end;
    while (is_blank(**rest)) ++*rest;
    while (end > 0 && is_blank(text[end - 1])) end--;
    return end;
}

int wrap_longest_word(const char *text) {
    int longest = 0, n = 0;
    for (; *text; text += character(text)) {
        n = is_blank(*text) ? 0 : n + 1;
        if (n > longest) longest = n;
    }
    return longest;
}

/* One line of the text, which may take several of the page. */
static void print_line(FILE *out, int width, int hang, char *line) {
    const char *rest = line;
    int indent = 0;
    do {
        const char *begin = rest;
        size_t length = wrap_line(begin, width - indent, &rest);
        fprintf(out, "%*s%.*s\n", indent, "", (int)length, begin);
        indent = hang;
    } while (*rest);
}

void wrap_print(FILE *out, int width, int hang, const char *format, ...) {
    struct text shown = {0};
    va_list arguments;
    text_append_bytes(&shown, "", 0); /* an empty line is one, too */
    va_start(arguments, format);
    shown_append(&shown, format, arguments);
    va_end(arguments);
    for (char *rest = shown.data, *line; rest && (line = strsep(&rest, "\n"));)
        print_line(out, width, hang, line);
    text_free(&shown);
}
