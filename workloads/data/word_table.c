/*
 * Open addressing with linear probing over FNV-1a hashes: the whole of what a vocabulary needs, as
 * words are added and looked up but never removed.
 */
#include "workloads/data/word_table.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static size_t hash_word(const char *word, size_t size) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) hash = (hash ^ (unsigned char)word[i]) * 0x100000001b3u;
    return (size_t)(hash ^ hash >> 32);
}

/* The slot that holds a word, or the free one where it belongs. n_slots must not be 0. */
static size_t find_slot(const struct word_table *table, const char *word, size_t size) {
    size_t mask = table->n_slots - 1, slot = hash_word(word, size) & mask;
    for (; table->slots[slot]; slot = (slot + 1) & mask) {
        const char *held = table->words[table->slots[slot] - 1];
        if (strncmp(held, word, size) == 0 && held[size] == '\0') break;
    }
    return slot;
}

/* Doubles both arrays; words [n_slots] has more room than the load limit lets n grow. */
static bool grow(struct word_table *table) {
    size_t n_slots = table->n_slots ? table->n_slots * 2 : 256;
    char **words = realloc(table->words, n_slots * sizeof *words);
    if (!words) return false;
    table->words = words;
    int32_t *slots = calloc(n_slots, sizeof *slots);
    if (!slots) return false;
    free(table->slots);
    table->slots = slots;
    table->n_slots = n_slots;
    for (int i = 0; i < table->n; i++) slots[find_slot(table, words[i], strlen(words[i]))] = i + 1;
    return true;
}

int word_table_add(struct word_table *table, const char *word, size_t size) {
    if ((size_t)table->n * 3 >= table->n_slots * 2) {
        if (table->n_slots > INT32_MAX / 2 || !grow(table)) return -1;
    }
    size_t slot = find_slot(table, word, size);
    if (table->slots[slot]) return table->slots[slot] - 1;
    char *copy = strndup(word, size);
    if (!copy) return -1;
    table->words[table->n] = copy;
    table->slots[slot] = ++table->n;
    return table->n - 1;
}

int word_table_find(const struct word_table *table, const char *word, size_t size) {
    return table->n_slots ? table->slots[find_slot(table, word, size)] - 1 : -1;
}

void word_table_free(struct word_table *table) {
    words_free(table->words, table->n);
    free(table->slots);
    *table = (struct word_table){0};
}

void words_free(char **words, int n) {
    for (int i = 0; words && i < n; i++) free(words[i]);
    free(words);
}

int words_compare(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}
