/*
 * Counting, sorting, cutting. Ties are broken by the word itself, so that the order of rows in a
 * file does not change a vocabulary.
 */
#include "workloads/data/vocabulary.h"
#include "workloads/data/text_pair.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    const char *word;
    int count, index;
};

static int compare_entries(const void *a, const void *b) {
    const struct entry *left = a, *right = b;
    if (left->count != right->count) return left->count < right->count ? 1 : -1;
    return strcmp(left->word, right->word);
}

bool vocabulary_choose(const struct word_table *table, const struct split *train, int min_count,
                       int limit, int32_t *map, char ***words, int *n_words, struct error *error) {
    size_t n = (size_t)table->n;
    struct entry *entry = calloc(n + 1, sizeof *entry);
    char **kept = calloc(n + 1, sizeof *kept);
    bool ok = false;
    if (!entry || !kept) goto done;
    for (int i = 0; i < table->n; i++)
        entry[i] = (struct entry){.word = table->words[i], .index = i};
    for (int32_t t = 0; t < train->offsets[train->n]; t++) entry[train->tokens[t]].count++;
    int separator = word_table_find(table, TEXT_PAIR_SEPARATOR, strlen(TEXT_PAIR_SEPARATOR));
    if (separator >= 0) entry[separator].count = INT_MAX;
    qsort(entry, n, sizeof *entry, compare_entries);

    int next = 0;
    ok = (kept[next++] = strdup("<unk>")) != NULL; /* no token of a text can read so */
    memset(map, 0, n * sizeof *map);
    for (size_t i = 0; ok && i < n && entry[i].count >= min_count && next < limit; i++) {
        map[entry[i].index] = next;
        ok = (kept[next++] = strdup(entry[i].word)) != NULL;
    }
    *n_words = next;

done:
    free(entry);
    if (!ok) {
        words_free(kept, table->n + 1);
        return error_set(error, "out of memory while choosing a vocabulary of %d words", table->n);
    }
    *words = kept;
    return true;
}
