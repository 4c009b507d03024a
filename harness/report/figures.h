/*
 * The figures of plots/ as a part of the page, each with its numbers as a table.
 */
#ifndef HEADROOM_HARNESS_REPORT_FIGURES_H
#define HEADROOM_HARNESS_REPORT_FIGURES_H

#include "harness/report/trial_index.h"
#include "harness/store/store.h"
#include "models/base/text.h"

/* Draws all figures of the database `db`, which `store` reads (drawing.h) and appends them. Of those that are not drawn the reasons are appended. `problem` says why gnuplot drew less
 * than it should have, as the text does; "" otherwise. False only where the page cannot go on. */
bool figures_append(struct text *out, struct store *store, const char *db,
                    const struct trial_index *trials, struct error *problem, struct error *error);

#endif
