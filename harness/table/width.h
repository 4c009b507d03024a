/*
 * How wide text for people may be: what COLUMNS says, as for other programs, or else the terminal.
 * In a pipe and a file, where neither says anything, it depends on how the text is read. A table or a
 * page of prose is looked at: there it is as wide as on the usual terminal, as git makes `diff --stat`, so
 * that a log and a pager show what a reader would have seen. A line that says something by itself, as
 * what became of a figure does, is searched for: it stays whole, as in psql and ps, for grep.
 */
#ifndef HEADROOM_HARNESS_TABLE_WIDTH_H
#define HEADROOM_HARNESS_TABLE_WIDTH_H

#include <stdio.h>

/* Of tables and pages, in characters; 40 at least: what is narrower breaks lines itself. */
int width_of(FILE *out);

/* Of lines that are told one by one. */
int width_of_lines(FILE *out);

#endif
