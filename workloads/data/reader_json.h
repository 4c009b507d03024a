/*
 * The readers of jsonl and json files.
 */
#ifndef HEADROOM_WORKLOADS_DATA_READER_JSON_H
#define HEADROOM_WORKLOADS_DATA_READER_JSON_H

#include "models/base/text_file.h"
#include "workloads/data/row.h"

/* A JSON value a line. `label`, `text` and `second_text` are paths in it: keys joined by dots, list
 * entries counted from 1. */
bool reader_jsonl(struct text_file *file, const struct data_config *config,
                  const struct row_sink *sink, struct error *error);

/* A JSON document whose rows are the list at the path train_rows or test_rows. */
bool reader_json(struct text_file *file, const struct data_config *config,
                 const struct row_sink *sink, struct error *error);

#endif
