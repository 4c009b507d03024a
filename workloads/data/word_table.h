/*
 * Strings to small integers, numbered in the order of their first appearance. The vocabulary and
 * the class list are both such a table.
 */
#ifndef HEADROOM_WORKLOADS_DATA_WORD_TABLE_H
#define HEADROOM_WORKLOADS_DATA_WORD_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct word_table {
    int n;
    char **words;   /* [n] */
    int32_t *slots; /* [n_slots] index + 1 of the word that hashes there, 0 = free */
    size_t n_slots; /* power of two, at most two thirds in use */
};

/* The index of a word, added if it is new; -1 if memory ran out. A zeroed table is an empty one. */
int word_table_add(struct word_table *table, const char *word, size_t size);

/* The index of a word, or -1. */
int word_table_find(const struct word_table *table, const char *word, size_t size);

void word_table_free(struct word_table *table);

/* Frees n words and their array, which may be NULL or partly filled. */
void words_free(char **words, int n);

/* For qsort: words by their bytes. */
int words_compare(const void *left, const void *right);

#endif
