/*
 * What a database holds, written for other programs: a view or a table whole, or the answers to a
 * file of questions. Reading is all that is allowed, whatever the question says.
 */
#ifndef HEADROOM_HARNESS_STORE_EXPORT_H
#define HEADROOM_HARNESS_STORE_EXPORT_H

#include "harness/store/store.h"
#include "harness/table/format.h"
#include "models/base/text.h"

#include <stdio.h>

/* All rows of a view or table of this database. A name that it does not hold is an error. Arms that
 * are not compared yet are compared first (comparison.h), here and for questions. */
bool export_view(struct store *store, const char *name, enum table_format format, FILE *out,
                 struct error *error);

/* A text of SQL, as of results/queries; `file` names it in errors. Each SELECT is a table: of
 * several, `number` says which one, from 1, and 0 is all of them, which Markdown alone can tell
 * apart. Lines of the sqlite3 shell that only say how a table looks, such as `.mode column`, are
 * passed over; of its other commands, and of statements that do not read, each is an error with its
 * line. All statements are read before anything is written. */
bool export_query(struct store *store, const char *sql, const char *file, int number,
                  enum table_format format, FILE *out, struct error *error);

/* Appends the comment of a built-in view, which says what its columns mean, as one paragraph; nothing where
 * there is no view of that name. */
void export_comment(const char *wanted, struct text *out);

/* Every built-in view with the first sentence of its comment, then the names of all else. */
bool export_list(struct store *store, FILE *out, struct error *error);

#endif
