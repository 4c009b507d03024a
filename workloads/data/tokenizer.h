/*
 * The two tokenisers. Simple on purpose, so that another language's implementation needs the list
 * of tokens and these rules:
 *  - white space and control characters separate words;
 *  - ASCII letters and digits, and every character from U+00C0 on except U+00D7, U+00F7 and General
 *    Punctuation (U+2000..U+206F), are part of a word; U+00AA, U+00B5 and U+00BA are letters too;
 *  - every other character is a mark;
 *  - A..Z and the Latin-1 capitals U+00C0..U+00DE are lower-cased; everything else stays as it is.
 * `word`: a token is a word or a mark, and white space is dropped. `character`: a token is one
 * character (code point), and white space between two of them is one token, a space; at both ends
 * it is dropped. Case is lowered there too, so that what the two see differs in nothing but the
 * cut.
 */
#ifndef HEADROOM_WORKLOADS_DATA_TOKENIZER_H
#define HEADROOM_WORKLOADS_DATA_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>

enum tokenizer_kind { TOKENIZER_WORD, TOKENIZER_CHARACTER };
#define TOKENIZER_KINDS "word|character" /* their names, in this order */

const char *tokenizer_name(enum tokenizer_kind kind);
bool tokenizer_find(const char *name, enum tokenizer_kind *out);

/* A text on its way: set `kind` and `rest`, the others are zero. */
struct tokenizer {
    enum tokenizer_kind kind;
    char *rest; /* valid UTF-8, terminated, changed in place: lower-cased, white space made blank */
    char *token; /* [size] the token found last, not terminated */
    size_t size;
};

/* Finds the next token; false at the end of the text. */
bool tokenizer_next(struct tokenizer *tokenizer);

#endif
