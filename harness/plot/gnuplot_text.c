/*
 * Escapes for gnuplot's two ways to read text; see gnuplot_text.h.
 */
#include "harness/plot/gnuplot_text.h"
#include "models/base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What cannot stand in a line or in an SVG: U+0000-001F, 007F-009F, the line breaks 2028 and 2029,
 * and FFFE and FFFF. */
static bool is_control(const char *text, size_t length) {
    const unsigned char *byte = (const unsigned char *)text;
    if (length == 1) return byte[0] < 0x20 || byte[0] == 0x7F;
    if (length == 2) return byte[0] == 0xC2 && byte[1] < 0xA0;
    if (length != 3) return false;
    return memcmp(text, "\xE2\x80\xA8", 3) == 0 || memcmp(text, "\xE2\x80\xA9", 3) == 0 ||
           memcmp(text, "\xEF\xBF\xBE", 3) == 0 || memcmp(text, "\xEF\xBF\xBF", 3) == 0;
}

/* Writes value with every `special` character replaced by its twin in `escapes`. */
static void write_text(struct text *out, const char *value, const char *special,
                       const char *const *escapes) {
    size_t size = strlen(value);
    for (int n = 0; size > 0; n++) {
        if (n == GNUPLOT_TEXT_MAX) {
            text_append(out, "...");
            return;
        }
        size_t length = utf8_length(value, size);
        const char *at = length == 1 ? strchr(special, *value) : NULL;
        if (length == 0)
            text_append(out, "\xEF\xBF\xBD");
        else if (is_control(value, length))
            text_append(out, " ");
        else if (at)
            text_append(out, "%s", escapes[at - special]);
        else
            text_append(out, "%.*s", (int)length, value);
        length = length ? length : 1;
        value += length;
        size -= length;
    }
}

void gnuplot_literal(struct text *out, const char *value) {
    /* Doubled quotes are misread where they follow another quote (gnuplot 5.4): joined instead. */
    text_append(out, "'");
    write_text(out, value ? value : "", "'", (const char *const[]){"'.\"'\".'"});
    text_append(out, "'");
}

void gnuplot_field(struct text *out, const char *value) {
    /* Four digits: gnuplot reads as many after a zero, so a digit that follows stays one. */
    write_text(out, value ? value : "NaN", "\\\"", (const char *const[]){"\\0134", "\\0042"});
}

void gnuplot_real(struct text *out, double value) {
    char digits[32];
    snprintf(digits, sizeof digits, "%.15g", value);
    if (!isfinite(value)) strcpy(digits, "NaN");
    text_append(out, "%s%s", digits, strpbrk(digits, ".eN") ? "" : ".0");
}
