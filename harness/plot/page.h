/*
 * What gnuplot reads of one figure, as texts: a data file with a block for every series of every
 * panel, and for each page a prologue, a script of numbers and quoted strings that says which
 * blocks are in which panel and how far the numbers reach. plots/README.md lists what a prologue
 * defines.
 */
#ifndef HEADROOM_HARNESS_PLOT_PAGE_H
#define HEADROOM_HARNESS_PLOT_PAGE_H

#include "harness/plot/sheet.h"
#include "models/base/text.h"

/* The data file: comments (what `query` says in its leading comments, then the names of the
 * columns), and the blocks, two empty lines between them. */
void page_write_data(const struct sheet *sheet, const char *name, const char *query,
                     struct text *out);

/* What the prologues of all pages begin with, worked out once. facts: a sheet of one row, whose columns
 * become variables that hold texts. left_out: a sentence on workloads that are not drawn (choice.h), or
 * NULL. */
void page_write_shared(const struct sheet *sheet, const char *name, const struct sheet *facts,
                       const char *left_out, struct text *out);

/* The prologue of a page (from 0), which begins with that. */
void page_write_prologue(const struct sheet *sheet, size_t page, const struct text *shared,
                         struct text *out);

#endif
