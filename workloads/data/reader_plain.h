/*
 * Readers of files that hold nothing but texts, with or without a label before each.
 */
#ifndef HEADROOM_WORKLOADS_DATA_READER_PLAIN_H
#define HEADROOM_WORKLOADS_DATA_READER_PLAIN_H

#include "models/base/text_file.h"
#include "workloads/data/row.h"

/* One `label text` a line: the label ends at the first blank or tab. LF or CRLF. */
bool reader_label_text(struct text_file *file, const struct data_config *config,
                       const struct row_sink *sink, struct error *error);

/* Every line is a text; the whole file is one. Both leave the label to the file's path. */
bool reader_class_files(struct text_file *file, const struct data_config *config,
                        const struct row_sink *sink, struct error *error);
bool reader_class_folders(struct text_file *file, const struct data_config *config,
                          const struct row_sink *sink, struct error *error);

#endif
