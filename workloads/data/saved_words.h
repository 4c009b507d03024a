/*
 * What a checkpoint says of words, read back: names of classes and the tokeniser, so that a
 * checkpoint alone can read a text. Cut and lower-cased by the same rules as the training data
 * (tokenizer.h); a word that is not in the list is token 0, <unk>.
 */
#ifndef HEADROOM_WORKLOADS_DATA_SAVED_WORDS_H
#define HEADROOM_WORKLOADS_DATA_SAVED_WORDS_H

#include "models/base/error.h"
#include "workloads/data/tokenizer.h"
#include "workloads/data/word_table.h"

/* Reads a JSON list of different texts; `what` names it in errors. */
bool saved_names_read(const char *json, const char *what, struct word_table *out,
                      struct error *error);

/* The tokeniser as dataset_write_tokenizer writes it: {"kind":"word","words":[...],"max_len":N}. */
struct saved_words {
    enum tokenizer_kind kind;
    struct word_table words; /* in the order of tokens */
    int separator;           /* the token "<sep>", where inputs are pairs of texts; else 0 */
    int max_len;             /* tokens that an input is cut to */
};
bool saved_words_read(const char *json, struct saved_words *out, struct error *error);
void saved_words_free(struct saved_words *words);

/* One input as tokens. */
struct saved_text {
    int n;         /* tokens written, at most the room */
    int n_unknown; /* of these */
    int n_cut;     /* tokens left out because there was no more room */
};

/* Tokenises valid UTF-8, changing it in place, into at most `room` tokens; `tokens` has room for
 * twice as many. `second` is the second text of a pair, NULL where the words have no separator.
 * Words that were generated (t0, t1, ...) cannot read a text: that is an error, and so are a text
 * without a token and a second text that is missing or not wanted. */
bool saved_words_tokenise(const struct saved_words *words, char *text, char *second,
                          int32_t *tokens, int room, struct saved_text *out, struct error *error);

#endif
