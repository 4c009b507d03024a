/*
 * The main views of the database as tables of the page.
 */
#ifndef HEADROOM_HARNESS_REPORT_VIEWS_H
#define HEADROOM_HARNESS_REPORT_VIEWS_H

#include "harness/report/trial_index.h"
#include "harness/store/store.h"
#include "models/base/text.h"

/* Appends every view of the list in views.c that has rows, and names those that have none. */
bool views_append(struct text *out, struct store *store, const struct trial_index *trials,
                  struct error *error);

#endif
