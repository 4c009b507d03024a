/*
 * UTF-8, character by character: the one place that knows how a code point is laid out in bytes.
 * Files, JSON texts and words from outside are checked once where they come in; what has passed is
 * decoded without looking back.
 */
#ifndef HEADROOM_MODELS_BASE_UTF8_H
#define HEADROOM_MODELS_BASE_UTF8_H

#include <stddef.h>

/* Bytes of the character that `text` starts with (1-4), or 0 where the first of the size > 0 bytes
 * do not form one: overlong forms, surrogates and what lies above U+10FFFF are refused. */
size_t utf8_length(const char *text, size_t size);

/* How many of the first `size` bytes are valid UTF-8 (size itself if all are). */
size_t utf8_valid_prefix(const char *text, size_t size);

/* Bytes of the byte-order mark that the text begins with, which is no part of what it says: 3, or
 * 0. */
size_t utf8_mark_size(const char *text, size_t size);

/* What `iconv -f` calls the encoding, where the text is UTF-16 by its byte-order mark or because one
 * byte of each of its first two pairs is NUL, as with Latin letters; else NULL. */
const char *utf8_is_utf_16(const char *text, size_t size);

/* How many characters a text has, which is what columns are made of: the bytes that do not continue
 * a character, so a text that is not valid UTF-8 has a count as well. */
int utf8_count(const char *text);
int utf8_count_bytes(const char *text, size_t size); /* of those that begin in them */

/* Bytes of the control character that the text begins with (1, or 2 of U+0080 to U+009F, which some
 * terminals obey), and what is shown in its place: "\x1b". 0 for all else, for a line break (LF,
 * CR LF) and a tab. */
enum { UTF8_SHOWN_SIZE = 8 };
int utf8_show_control(const char *text, char out[UTF8_SHOWN_SIZE]);

/* Decodes the code point at text (valid UTF-8, not its end) and advances past it. */
unsigned utf8_next(const char **text);

/* Writes one code point, at most U+10FFFF, and returns how many bytes it took (1 to 4). */
int utf8_write(unsigned code, char *out);

#endif
