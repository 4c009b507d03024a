/*
 * A row of a data file, on its way from a reader to the data set.
 */
#ifndef HEADROOM_WORKLOADS_DATA_ROW_H
#define HEADROOM_WORKLOADS_DATA_ROW_H

#include "workloads/data/data_config.h"

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

/* Where rows go; false (with the error set) stops the reader. */
struct row_sink {
    enum part part;
    bool (*take)(void *owner, const struct row *row, struct error *error);
    void *owner;
    const char **absent; /* NULL, or where a reader writes the name of a column that is not there */
};

#endif
