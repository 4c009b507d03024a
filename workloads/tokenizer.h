/*
 * The word tokeniser: lower case, punctuation split off, one token per word. Simple on purpose, so
 * that another language's implementation needs the word list and these ten lines of rules:
 *  - white space and control characters separate tokens and are dropped;
 *  - ASCII letters and digits, and every character from U+00C0 on except U+00D7, U+00F7 and General
 *    Punctuation (U+2000..U+206F), are part of a word; U+00AA, U+00B5 and U+00BA are letters too;
 *  - every other character is a token of its own;
 *  - A..Z and the Latin-1 capitals U+00C0..U+00DE are lower-cased; everything else stays as it is.
 */
#ifndef HEADROOM_WORKLOADS_TOKENIZER_H
#define HEADROOM_WORKLOADS_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>

/* Finds the next token of *text (valid UTF-8, terminated), lower-cases it in place and advances
 * *text past it. Returns false at the end of the text. Lower-casing never changes the size. */
bool tokenizer_next(char **text, char **token, size_t *size);

#endif
