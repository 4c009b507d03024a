/*
 * A results database, opened to be drawn: for reading only, and trusted with nothing but its rows.
 * What a view of the file says counts for nothing: the views are those that are built into this
 * program, as temporary ones in front of the file's own, so a file from elsewhere can neither run
 * anything nor lie about what a view computes, and an older file is read by the newest views.
 */
#ifndef HEADROOM_HARNESS_PLOT_READER_H
#define HEADROOM_HARNESS_PLOT_READER_H

#include "models/base/error.h"

struct reader;

/* An error names the file and the fix: it is not there, or is not a results database that this
 * program knows. */
bool reader_open(const char *path, struct reader **out, struct error *error);
void reader_close(struct reader *reader); /* NULL is fine */

/* Runs one SELECT and calls row for each result; text NULL where the value is NULL. The callback
 * returns false to stop. */
bool reader_query(struct reader *reader, const char *sql,
                  bool (*row)(void *context, int n, const char *const *names,
                              const char *const *texts),
                  void *context, struct error *error);

#endif
