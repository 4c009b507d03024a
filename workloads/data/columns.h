/*
 * Whether label and texts stand where a `data:` section says, asked before anything is trained: the
 * first row of each file answers it, so that a misspelt column costs a moment and not a sweep.
 */
#ifndef HEADROOM_WORKLOADS_DATA_COLUMNS_H
#define HEADROOM_WORKLOADS_DATA_COLUMNS_H

#include "workloads/data/data_config.h"

/* False, with the reader's error, if a file that is there has no column (or key) of a name of
 * `label`, `text` or `second_text`. *absent is then that name as it stands in the section, or a
 * default that the section does not name. What else may be wrong with a file is for those to say
 * who read all of it. */
bool columns_check(const struct data_config *config, const char **absent, struct error *error);

#endif
