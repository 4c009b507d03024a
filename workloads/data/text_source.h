/*
 * From text files to token indices: reads the files row by row, settles the class list and numbers
 * the words.
 */
#ifndef HEADROOM_WORKLOADS_DATA_TEXT_SOURCE_H
#define HEADROOM_WORKLOADS_DATA_TEXT_SOURCE_H

#include "workloads/data/data_config.h"
#include "workloads/data/dataset.h"
#include "workloads/data/word_table.h"

/* Fills the splits, the names of the classes and n_dropped of `out`: all inputs, uncut, tokens
 * being indices into `words` (every word of all files; the vocabulary is chosen later, when the
 * training part is known). Without a file of their own the validation and the test split stay empty. An absent file, a label
 * outside the classes and an empty text are errors at their place. On failure the outputs hold what
 * there is and must still be freed. */
bool text_source_load(const struct data_config *config, struct dataset *out,
                      struct word_table *words, struct error *error);

#endif
