/*
 * `headroom report --html`: a database as one page that needs nothing else: no network, no files
 * beside it. It says first what was found, then shows figures, then holds the numbers, what every
 * trial did, and what is doubtful. Nothing in it depends on the time, so that the same database
 * gives the same bytes.
 */
#ifndef HEADROOM_HARNESS_REPORT_REPORT_PAGE_H
#define HEADROOM_HARNESS_REPORT_REPORT_PAGE_H

#include "models/base/error.h"

/* Writes the page of the database `db` to `path`, whole or not at all. A figure that cannot be
 * drawn is no hindrance: the page is there, says so, and `error` does as well with false returned.
 */
bool report_page_write(const char *db, const char *path, struct error *error);

#endif
