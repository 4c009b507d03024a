/*
 * Readers take a text file apart into rows of label and text and hand them on one at a time, so
 * that a data set is never held as text and as tokens at once. They know nothing of classes or
 * tokens. Everything they do not understand is an error at its line: a skipped row would silently
 * change what a published accuracy is over.
 */
#ifndef HEADROOM_WORKLOADS_DATA_READER_H
#define HEADROOM_WORKLOADS_DATA_READER_H

#include "workloads/data/dataset.h"
#include "models/base/text_file.h"

/* Part of a text, not terminated. */
struct piece {
    const char *data;
    size_t size;
};

/* One input as a file has it. The pieces are the reader's and may be gone after `take`. */
struct row {
    struct location at;                   /* its first line */
    struct piece label;                   /* empty where the file's path is the label */
    int n_text, n_second;                 /* n_second: 0 where inputs are single texts */
    struct piece text[2 * NAME_LIST_MAX]; /* [n_text + n_second], each to be joined by spaces */
};

enum part { PART_TRAIN, PART_TEST };

/* Where rows go; false (with the error set) stops the reader. */
struct row_sink {
    enum part part;
    bool (*take)(void *owner, const struct row *row, struct error *error);
    void *owner;
};

/* Reads the whole file as the data section says. The file's bytes may be changed on the way. */
typedef bool (*reader)(struct text_file *file, const struct data_config *config,
                       const struct row_sink *sink, struct error *error);

/* The reader of a source; NULL for a generator. */
reader reader_find(int source);

/* One `label text` a line: the label ends at the first blank or tab. LF or CRLF. */
bool reader_label_text(struct text_file *file, const struct data_config *config,
                       const struct row_sink *sink, struct error *error);

/* Records of fields. csv: RFC 4180 with commas: quoted fields, "" for a quote, line breaks inside
 * quotes. tsv: tabs, every byte else is text. LF or CRLF. Every record must have as many fields as
 * the first. `label`, `text` and `second_text` are column numbers from 1, by default 1 and 2, or
 * names of the header. */
bool reader_csv(struct text_file *file, const struct data_config *config,
                const struct row_sink *sink, struct error *error);

/* A JSON value a line. `label`, `text` and `second_text` are paths in it: keys joined by dots, list
 * entries counted from 1. */
bool reader_jsonl(struct text_file *file, const struct data_config *config,
                  const struct row_sink *sink, struct error *error);

/* A JSON document whose rows are the list at the path train_rows or test_rows. */
bool reader_json(struct text_file *file, const struct data_config *config,
                 const struct row_sink *sink, struct error *error);

/* Every line is a text; the whole file is one. Both leave the label to the file's path. */
bool reader_class_files(struct text_file *file, const struct data_config *config,
                        const struct row_sink *sink, struct error *error);
bool reader_class_folders(struct text_file *file, const struct data_config *config,
                          const struct row_sink *sink, struct error *error);

/* The number that a column or a list's entry is named by, or 0 if it is a name. */
int reader_column(const char *name);

#endif
