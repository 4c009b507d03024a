/*
 * What the columns of a file hold, before anybody has said which of them is the label: how many
 * different values, how many words, how many rows without any. Whoever guesses starts from here.
 */
#ifndef HEADROOM_HARNESS_CONFIG_SURVEY_H
#define HEADROOM_HARNESS_CONFIG_SURVEY_H

#include "workloads/data/data_config.h"
#include "workloads/data/word_table.h"

enum { SURVEY_COLUMNS_MAX = 256, SURVEY_VALUES_MAX = 1000, SURVEY_WORDS_MAX = 1024 };

/* A column of a table, or a key of JSON lines. */
struct surveyed_column {
    char name[NAME_SIZE];     /* as `label` and `text` name it: in the header, or its number */
    int n_rows, n_empty;      /* rows that have it; of these without a value */
    struct word_table values; /* different ones, the first SURVEY_VALUES_MAX */
    bool more_values;         /* there are others */
    bool is_number;           /* every value is one */
    int64_t n_words;          /* tokens, marks included, as the tokeniser counts them */
    int n_of_words[SURVEY_WORDS_MAX + 1]; /* rows of that many words; the last: or more */
};

struct survey {
    int source, encoding;   /* as in struct data_config */
    bool ascii;             /* the bytes mean the same in either encoding */
    bool header, by_number; /* the first record names columns; some must be named by number */
    int n_rows, n_empty_lines, n_columns;
    struct surveyed_column *column; /* [n_columns] */
};

/* Reads all of a file: csv, tsv, or JSON lines, packed or not, which its name and its first line tell
 * apart. An error that names the fix where it is none of these. Free it after failure as well. */
bool survey_read(const char *path, struct survey *out, struct error *error);
void survey_free(struct survey *survey);

/* Whether YAML takes the character as a part of a line, and a text of any bytes so: then it can be
 * repeated there. */
bool survey_is_plain(unsigned code);
bool survey_can_repeat(const char *text);

/* The column of that name, -1 if there is none. */
int survey_find(const struct survey *survey, const char *name);

/* Words that a share of the rows has at most, such as 0.95; of empty rows, none. */
int survey_words(const struct survey *survey, int column, double share);

#endif
