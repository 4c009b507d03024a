/*
 * Checking, decoding and encoding; see utf8.h. Everything that is refused is refused by the lead
 * byte and the range that it leaves to the second one, so no code point is ever put together and
 * then found to be wrong.
 */
#include "models/base/utf8.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Well-formed byte sequences of the Unicode standard, table 3-7: the lead byte fixes the length and
 * narrows the range of the second byte. */
size_t utf8_length(const char *text, size_t size) {
    const unsigned char *byte = (const unsigned char *)text;
    unsigned char lead = byte[0], low = 0x80, high = 0xBF;
    size_t length;
    if (lead < 0x80) return 1;
    if (lead < 0xC2 || lead > 0xF4) return 0;
    if (lead < 0xE0) {
        length = 2;
    } else if (lead < 0xF0) {
        length = 3;
        if (lead == 0xE0) low = 0xA0;
        if (lead == 0xED) high = 0x9F;
    } else {
        length = 4;
        if (lead == 0xF0) low = 0x90;
        if (lead == 0xF4) high = 0x8F;
    }
    if (size < length || byte[1] < low || byte[1] > high) return 0;
    for (size_t i = 2; i < length; i++)
        if (byte[i] < 0x80 || byte[i] > 0xBF) return 0;
    return length;
}

size_t utf8_valid_prefix(const char *text, size_t size) {
    size_t at = 0;
    while (at < size) {
        size_t length = utf8_length(text + at, size - at);
        if (length == 0) break;
        at += length;
    }
    return at;
}

size_t utf8_mark_size(const char *text, size_t size) {
    return size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

const char *utf8_is_utf_16(const char *text, size_t size) {
    if (size < 2) return NULL;
    if (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0) return "UTF-16";
    if (size < 4 || !text[0] == !text[1] || !text[0] != !text[2] || !text[1] != !text[3])
        return NULL;
    return text[0] ? "UTF-16LE" : "UTF-16BE";
}

int utf8_count_bytes(const char *text, size_t size) {
    int n = 0;
    for (size_t i = 0; i < size; i++) n += ((unsigned char)text[i] & 0xC0) != 0x80;
    return n;
}

int utf8_count(const char *text) {
    return utf8_count_bytes(text, strlen(text));
}

int utf8_show_control(const char *text, char out[UTF8_SHOWN_SIZE]) {
    unsigned first = (unsigned char)text[0], second = first ? (unsigned char)text[1] : 0;
    if (first == '\r' && second == '\n') return 0;
    bool high = first == 0xC2 && second >= 0x80 && second < 0xA0;
    if (!high && (first == 0 || first == '\n' || first == '\t' || (first >= ' ' && first != 0x7F)))
        return 0;
    snprintf(out, UTF8_SHOWN_SIZE, "\\x%02x", (high ? second : first) & 0xFFU);
    return high ? 2 : 1;
}

unsigned utf8_next(const char **text) {
    const unsigned char *byte = (const unsigned char *)*text;
    if (byte[0] < 0x80) {
        *text += 1;
        return byte[0];
    }
    int length = byte[0] < 0xE0 ? 2 : byte[0] < 0xF0 ? 3 : 4;
    unsigned code = byte[0] & (0xFFU >> (length + 1));
    for (int i = 1; i < length; i++) code = code << 6 | (byte[i] & 0x3F);
    *text += length;
    return code;
}

int utf8_write(unsigned code, char *out) {
    if (code < 0x80) {
        *out = (char)code;
        return 1;
    }
    int tail = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3; /* bytes after the lead */
    *out++ = (char)((0xFF00U >> (tail + 1) & 0xFFU) | code >> 6 * tail);
    for (int i = tail; i-- > 0;) *out++ = (char)(0x80U | (code >> 6 * i & 0x3FU));
    return tail + 1;
}
