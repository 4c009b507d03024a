/*
 * Escaping, and numbers with as many digits as people look at; see html.h.
 */
#include "harness/report/html.h"
#include "models/base/sha256.h"
#include "models/base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* What stands for a character that means something to a browser; NULL: itself. */
static const char *escape_of(char c) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static void append_escaped(struct text *out, const char *value, size_t size, bool quotes) {
    char shown[UTF8_SHOWN_SIZE];
    for (size_t at = 0, length; at < size; at += length) {
        length = value[at] ? utf8_length(value + at, size - at) : 0;
        if (length == 0) {
            text_append_bytes(out, "\xEF\xBF\xBD", 3);
            length = 1;
            continue;
        }
        char character[5] = {0}; /* ends where it does, for who looks for controls */
        memcpy(character, value + at, length);
        const char *escape = escape_of(*character);
        if (escape && (quotes || (*character != '"' && *character != '\'')))
            text_append_bytes(out, escape, strlen(escape));
        else if (utf8_show_control(character, shown) > 0)
            text_append_bytes(out, shown, strlen(shown));
        else
            text_append_bytes(out, character, length);
    }
}

void html_append_bytes(struct text *out, const char *value, size_t size) {
    append_escaped(out, value, size, true);
}

void html_append(struct text *out, const char *value) {
    if (value) html_append_bytes(out, value, strlen(value));
}

void html_append_words(struct text *out, const char *name) {
    for (size_t length; *name; name += length + (name[length] == '_')) {
        length = strcspn(name, "_");
        html_append_bytes(out, name, length);
        if (name[length] == '_') text_append(out, " ");
    }
}

void html_append_number(struct text *out, double value) {
    enum { DIGITS = 5 };
    double size = fabs(value);
    if (isinf(value) || (size > 0 && (size < 1e-4 || size >= 1e15))) {
        text_append(out, "%.*g", DIGITS, value);
        return;
    }
    int before = size >= 1 ? (int)log10(size) + 1 : size > 0 ? (int)floor(log10(size)) + 1 : 1;
    int after = DIGITS - before;
    char number[64];
    snprintf(number, sizeof number, "%.*f", after > 0 ? after : 0, value);
    if (strchr(number, '.')) { /* zeros at the end say nothing */
        char *end = number + strlen(number);
        while (end[-1] == '0') *--end = '\0';
        if (end[-1] == '.') *--end = '\0';
    }
    text_append(out, "%s", strcmp(number, "-0") == 0 ? "0" : number);
}

void html_append_cell(struct text *out, const struct cell *cell) {
    switch (cell->kind) {
    case CELL_NULL:
        break;
    case CELL_INTEGER:
        text_append(out, "%" PRId64, cell->integer);
        break;
    case CELL_REAL:
        html_append_number(out, cell->real);
        break;
    case CELL_TEXT:
        append_escaped(out, cell->bytes, cell->size, false); /* JSON is half quotes */
        break;
    case CELL_BLOB:
        for (size_t i = 0; i < cell->size; i++)
            text_append(out, "%02x", (unsigned)(unsigned char)cell->bytes[i]);
        break;
    }
}

static unsigned hex_digit(char c) {
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Base64 of the 32 bytes: three bytes, six hex digits, are four letters. */
void html_append_hash(struct text *out, const char *value, size_t size) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char hex[65];
    sha256_hex(value, size, hex);
    text_append(out, "sha256-");
    for (int i = 0; i < 63; i += 3) { /* 21 times 12 bits are 252; 4 are left */
        unsigned bits = hex_digit(hex[i]) << 8 | hex_digit(hex[i + 1]) << 4 | hex_digit(hex[i + 2]);
        text_append(out, "%c%c", letters[bits >> 6], letters[bits & 63]);
    }
    text_append(out, "%c=", letters[hex_digit(hex[63]) << 2]);
}
