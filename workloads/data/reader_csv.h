/*
 * The reader of csv and tsv files.
 */
#ifndef HEADROOM_WORKLOADS_DATA_READER_CSV_H
#define HEADROOM_WORKLOADS_DATA_READER_CSV_H

#include "models/base/text_file.h"
#include "workloads/data/row.h"

/* Records of fields. csv: RFC 4180 with commas: quoted fields, "" for a quote, line breaks inside
 * quotes. tsv: tabs, every byte else is text. LF or CRLF. Every record must have as many fields as
 * the first. `label`, `text` and `second_text` are column numbers from 1, by default 1 and 2, or
 * names of the header. */
bool reader_csv(struct text_file *file, const struct data_config *config,
                const struct row_sink *sink, struct error *error);

/* Whoever does not know yet which columns to ask for gets whole records, the header included; an
 * empty line has no field. false (with the error set) stops the reading. */
struct record_sink {
    bool (*take)(void *owner, const struct piece *field, int n_fields, struct error *error);
    void *owner;
};
bool reader_csv_records(struct text_file *file, char separator, const struct record_sink *sink,
                        struct error *error);

/* The fields of the first record, which name the columns; `separator` is ',' (with quotes) or a tab
 * (without). Error where there are more than NAME_LIST_MAX, or one is longer than a name may be.
 * The text of the file is used up. */
bool reader_csv_names(struct text_file *file, char separator, struct name_list *out,
                      struct error *error);

#endif
