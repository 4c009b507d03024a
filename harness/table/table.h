/*
 * A table of texts for people, as aligned columns or in Markdown. It is complete before it is
 * written, because widths are those of the longest cells.
 */
#ifndef HEADROOM_HARNESS_TABLE_TABLE_H
#define HEADROOM_HARNESS_TABLE_TABLE_H

#include "harness/table/format.h"

#include <stddef.h>
#include <stdio.h>

/* Starts zeroed. */
struct table {
    char **cells; /* [n_rows][n_columns], row by row, names first */
    size_t n_columns, n_rows;
    bool middle_right; /* all columns but the first and the last align to the right; else those but
                          the first whose cells all look like numbers */
    bool failed;       /* memory ran out */
};

/* Appends a row of n cells, as many as every row has; NULL is "-", not known. */
void table_append(struct table *table, size_t n, const char *const *texts);

/* TABLE_ALIGNED: no line ends in blanks. TABLE_MARKDOWN: what would be markup in a cell is escaped.
 * Nothing at all where there is no row, not even names. False with `error` set if memory ran
 * out. */
bool table_write(const struct table *table, enum table_format format, FILE *out,
                 struct error *error);

/* One text as it stands in Markdown. */
void table_write_markdown_text(const char *text, FILE *out);

void table_free(struct table *table);

#endif
