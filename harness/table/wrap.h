/*
 * Text in lines of a width. Lines break at blanks; a word that is too long by itself, such as a
 * path, breaks behind a character that joins words, and only without one anywhere. Nothing is lost
 * but the blanks at a break.
 */
#ifndef HEADROOM_HARNESS_TABLE_WRAP_H
#define HEADROOM_HARNESS_TABLE_WRAP_H

#include <stddef.h>
#include <stdio.h>

/* The first line of `text`: how many bytes it has; *rest is where the next one begins, or the end.
 */
size_t wrap_line(const char *text, int width, const char **rest);

/* How wide the longest word is. */
int wrap_longest_word(const char *text);

/* As shown_print (shown.h), in lines of `width` characters, those after the first `hang` blanks to
 * the right. A line break begins a new line without blanks, and the end is one. */
void wrap_print(FILE *out, int width, int hang, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
