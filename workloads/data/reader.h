/*
 * Readers take a text file apart into rows of label and text and hand them on one at a time, so
 * that a data set is never held as text and as tokens at once. They know nothing of classes or
 * tokens. Everything they do not understand is an error at its line: a skipped row would silently
 * change what a published accuracy is over.
 */
#ifndef HEADROOM_WORKLOADS_DATA_READER_H
#define HEADROOM_WORKLOADS_DATA_READER_H

#include "models/base/text_file.h"
#include "workloads/data/row.h"

/* Reads the whole file as the data section says. The file's bytes may be changed on the way. */
typedef bool (*reader)(struct text_file *file, const struct data_config *config,
                       const struct row_sink *sink, struct error *error);

/* The reader of a source; NULL for a generator. */
reader reader_find(int source);

#endif
