/*
 * What figures are drawn from, made ready: comparisons that are missing, and the views that most figures
 * read. SQLite plans such a view anew for every figure that names it, which took longer than drawing: of a
 * database of two trials 2.6 s for 20 figures.
 */
#ifndef HEADROOM_HARNESS_STORE_FIGURE_DATA_H
#define HEADROOM_HARNESS_STORE_FIGURE_DATA_H

#include "harness/store/store.h"

/* Of these views, those that a report is made of as well: the first, and the last, before which it
 * keeps views of its own. */
bool shared_data_keep(struct store *store, struct error *error);
bool shared_data_keep_last(struct store *store, struct error *error);

/* After it this connection reads all of those views as they are now, until store_release. */
bool figure_data_keep(struct store *store, struct error *error);

#endif
