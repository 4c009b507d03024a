/*
 * JSON: texts that Headroom wrote itself (checkpoint headers, stored configurations) and data sets
 * as their authors left them, read into trees; and the one thing about writing it that is easy to
 * get wrong, a quoted string.
 */
#ifndef HEADROOM_MODELS_BASE_JSON_H
#define HEADROOM_MODELS_BASE_JSON_H

#include "models/base/text.h"
#include "models/base/tree.h"

/* Parses size bytes of JSON. `file` names the source in errors. Duplicate keys, nesting deeper than
 * 64, more values than tree_builder.h allows, trailing bytes, bad escapes and non-UTF-8 are errors.
 * Never trusts a length in the text. */
bool json_parse(const char *text, size_t size, const char *file, struct node **out,
                struct error *error);

/* The same with a bound of its own on the number of values. */
bool json_parse_most(const char *text, size_t size, const char *file, size_t values_max,
                     struct node **out, struct error *error);

/* The same for a text that starts a line of a longer file: places are given in that file. */
bool json_parse_line(const char *text, size_t size, const struct location *line, struct node **out,
                     struct error *error);

/* Appends a string, quoted and escaped; bytes that are not UTF-8 become U+FFFD, so that the output
 * always parses. */
void text_append_json_string(struct text *text, const char *value);

#endif
