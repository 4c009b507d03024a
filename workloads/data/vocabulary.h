/*
 * Which words a model knows: chosen from the training part alone, without its validation slice, so
 * that validation and test meet unknown words as new text would.
 */
#ifndef HEADROOM_WORKLOADS_DATA_VOCABULARY_H
#define HEADROOM_WORKLOADS_DATA_VOCABULARY_H

#include "workloads/data/split.h"
#include "workloads/data/word_table.h"

/* Ranks the words of `train` (tokens index `table`) by count, then alphabetically; keeps those with
 * min_count occurrences, at most limit - 1. Token 0 is <unk>; token 1 is the separator of pairs,
 * where the table has it. Writes map[table->n] from table index to token and the words of the
 * tokens. */
bool vocabulary_choose(const struct word_table *table, const struct split *train, int min_count,
                       int limit, int32_t *map, char ***words, int *n_words, struct error *error);

#endif
