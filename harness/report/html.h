/*
 * Texts and values as HTML. Whatever comes from a database goes through here and is text and no
 * markup, in elements and in attributes in double quotes alike.
 */
#ifndef HEADROOM_HARNESS_REPORT_HTML_H
#define HEADROOM_HARNESS_REPORT_HTML_H

#include "harness/table/rows.h"
#include "models/base/text.h"

/* Appends a text with what is markup escaped. Control characters are spelt out (text_append_shown),
 * and bytes that are no UTF-8 are U+FFFD. NULL is nothing. */
void html_append(struct text *out, const char *value);
void html_append_bytes(struct text *out, const char *value, size_t size);

/* Appends a name as words: a column's, with blanks for its underscores. */
void html_append_words(struct text *out, const char *name);

/* Appends a number as people read it: five digits, all of those before the point, and no exponent
 * but for what is very large or small. An infinity is "inf". */
void html_append_number(struct text *out, double value);

/* Appends a value as what an element holds, never as an attribute: a NULL is nothing, a text as
 * above but for its quotes, which mean nothing there. */
void html_append_cell(struct text *out, const struct cell *cell);

/* Appends "sha256-..." of a text, by which a content security policy knows a script or a style. */
void html_append_hash(struct text *out, const char *value, size_t size);

#endif
