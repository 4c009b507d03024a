/*
 * Columns that data files do not have, told at the place of the workload file that names them:
 * whoever misspelt one looks for it there.
 */
#ifndef HEADROOM_HARNESS_CONFIG_COLUMN_PLACES_H
#define HEADROOM_HARNESS_CONFIG_COLUMN_PLACES_H

#include "harness/config/experiment.h"

/* Error at the key, or at the entry of its list, whose column is in none of the first rows. `root`
 * is the tree that the experiment was read from. Files that are not there are passed over. */
bool experiment_check_columns(const struct experiment *experiment, const struct node *root,
                              struct error *error);

#endif
