/*
 * A table in columns that fit a page: the one rule for all tables on a terminal.
 *
 *  1. What fits stands as it is. Else names of columns break at blanks, and texts, which align to the
 *     left, are wrapped, the widest first.
 *  2. A last column of sentences that would be narrow then stands below its row, over the whole width.
 *  3. Columns that still do not fit follow in a further block, with what rows are of again; those that
 *     the table says it can do without are left out instead, and named.
 *
 * A number is never broken or cut.
 */
#ifndef HEADROOM_HARNESS_TABLE_ALIGNED_H
#define HEADROOM_HARNESS_TABLE_ALIGNED_H

#include "harness/table/table.h"

bool aligned_write(const struct table *table, int width, FILE *out, struct error *error);

#endif
