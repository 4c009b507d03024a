/*
 * The rows behind one figure, cut as gnuplot needs them: a panel is the rows with one text in the
 * column `panel`, and a block the rows of a panel with one text in the column `series`, so a line
 * or a kind of mark. Rows come in the order of the SELECT, which has to keep panels and series
 * together.
 *
 * Five columns have a meaning, all others belong to the figure:
 *   panel            NULL: the row is no part of a panel, and is there for its reason only
 *   series           NULL: the panel has no points
 *   reason           why a panel has no points, or why there is nothing to draw at all
 *   workload, arm    what --workload and --filter look at
 *   panels_per_page  at most so many on a page, else PANELS_PER_PAGE
 */
#ifndef HEADROOM_HARNESS_PLOT_SHEET_H
#define HEADROOM_HARNESS_PLOT_SHEET_H

#include "harness/store/store.h"

#include <regex.h>

enum { PANELS_PER_PAGE = 6 };

/* Rows first..first + n - 1 of the sheet. */
struct sheet_rows {
    size_t first, n;
};

struct sheet_panel {
    struct sheet_rows rows;
    size_t first_block, n_blocks;
};

struct sheet {
    int n_columns;
    char **names;
    size_t n_rows, n_dropped; /* rows that are kept, and rows that the choice below left out */
    char **cells;             /* [n_rows][n_columns]; NULL: not measured */
    size_t n_panels, n_blocks, panels_per_page;
    struct sheet_panel *panels;
    struct sheet_rows *blocks;
};

/* What of a database is drawn; NULL: all of it. */
struct sheet_choice {
    const char *workload;  /* a name */
    const regex_t *filter; /* of workload/arm */
};

/* For store_query: adds a row to the sheet of a sheet_reading. */
struct sheet_reading {
    struct sheet *sheet;
    const struct sheet_choice *choice;
    bool failed; /* memory ran out */
};
bool sheet_read_row(void *reading, int n, const char *const *names, const char *const *texts);

/* Reads all rows of a SELECT that meet the choice. */
bool sheet_read(struct store *store, const char *sql, const struct sheet_choice *choice,
                struct sheet *sheet, struct error *error);

/* After the last row: finds panels and blocks. Columns that are no gnuplot names, or two of one
 * name, are an error. */
bool sheet_cut(struct sheet *sheet, struct error *error);

/* The column of this name, or -1. */
int sheet_column(const struct sheet *sheet, const char *name);

/* A cell; NULL too where the column is -1. */
const char *sheet_cell(const struct sheet *sheet, size_t row, int column);

/* The least and the greatest finite number of a column in some rows; both NaN if there is none. */
void sheet_range(const struct sheet *sheet, struct sheet_rows rows, int column, double *low,
                 double *high);

/* How many pages; 0 where no panel has points. */
size_t sheet_pages(const struct sheet *sheet);

/* Why there are no points: the first reason that a row gives, or NULL. */
const char *sheet_reason(const struct sheet *sheet);

void sheet_free(struct sheet *sheet);

#endif
