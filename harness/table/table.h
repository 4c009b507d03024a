/*
 * A table of texts for people, as aligned columns or in Markdown. It is complete before it is
 * written, because widths are those of the longest cells. Columns stand in the order of their
 * importance, but for a last one of sentences, which is said of the row.
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
    size_t
        n_needed; /* columns from here on are left out, and named, where they do not fit; 0: none */
    size_t n_keys;     /* columns that say what a row is of, repeated where others follow; 0: one */
    bool middle_right; /* all columns but the first and the last align to the right; else those but
                          the first whose cells all look like numbers */
    bool failed;       /* memory ran out */
};

/* Appends a row of n cells, as many as every row has; NULL is "-", not known. */
void table_append(struct table *table, size_t n, const char *const *texts);

/* TABLE_ALIGNED: as wide as the page (width.h), as aligned.h says, and of one column, which is a list of
 * lines, as wide as those; TABLE_WIDE: as wide as its cells. No
 * line ends in blanks. TABLE_MARKDOWN: what would be markup in a cell is escaped, nothing is left out.
 * Nothing at all where there is no row, not even names. False with `error` set if memory ran
 * out. */
bool table_write(const struct table *table, enum table_format format, FILE *out,
                 struct error *error);

/* One text as it stands in Markdown. */
void table_write_markdown_text(const char *text, FILE *out);

const char *table_cell(const struct table *table, size_t row, size_t column);

/* Whether a column aligns to the right, which numbers do. */
bool table_is_right(const struct table *table, size_t column);

void table_free(struct table *table);

#endif
