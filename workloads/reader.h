/*
 * Readers turn a text file into rows of label and text, each with its line, and know nothing of
 * classes or tokens. Everything they do not understand is an error at its line: a skipped row would
 * silently change what a published accuracy is over.
 */
#ifndef HEADROOM_WORKLOADS_READER_H
#define HEADROOM_WORKLOADS_READER_H

#include "models/option.h"
#include "workloads/text_file.h"

struct row {
    size_t label, text; /* where each terminated string starts in rows.pool */
    int line;           /* the row's first line in the file, from 1 */
};

struct rows {
    int n;
    struct row *row; /* [n] */
    char *pool;      /* [pool_size] all strings end to end */
    size_t pool_size;
    int row_capacity;
    size_t pool_capacity;
};

/* One `label text` a line: the label ends at the first blank or tab. LF or CRLF. */
bool reader_label_text(const struct text_file *file, struct rows *out, struct error *error);

/* Columns count from 1; the texts of several columns are joined by a space. A header line, if there
 * is one, is skipped. */
struct csv_format {
    int label_column;
    struct int_list text_columns;
    bool header;
};

/* RFC 4180 with commas: quoted fields, "" for a quote, line breaks inside quotes, LF or CRLF. Every
 * record must have as many fields as the first. Fields are unquoted in place: the file's data is
 * used up. */
bool reader_csv(struct text_file *file, const struct csv_format *format, struct rows *out,
                struct error *error);

/* Part of a text, not terminated. */
struct piece {
    const char *data;
    size_t size;
};

/* Appends a row whose text is the n pieces joined by spaces; an empty label is an error. */
bool rows_add(struct rows *rows, const struct location *at, struct piece label,
              const struct piece *text, int n, struct error *error);
void rows_free(struct rows *rows);

#endif
