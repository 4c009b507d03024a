/*
 * `headroom report --md`: a database as one Markdown file for a repository, where a forge shows it: what
 * was found and what is doubtful in sentences, the figures, the main tables, data and machines. It is
 * the page of report_page.h without what needs a browser, and the same database gives the same bytes.
 */
#ifndef HEADROOM_HARNESS_REPORT_REPORT_MARKDOWN_H
#define HEADROOM_HARNESS_REPORT_REPORT_MARKDOWN_H

#include "models/base/error.h"

/* Writes the report of the database `db` to `path`, whole or not at all, and its figures into a folder
 * beside it, NAME-figures/ for NAME.md, which it links to. As of the page, a figure that cannot be drawn
 * is no hindrance. */
bool report_markdown_write(const char *db, const char *path, struct error *error);

#endif
