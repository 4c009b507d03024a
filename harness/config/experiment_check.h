/*
 * What no option alone can say of a workload file: whether its names are its own, whether its arms
 * are models at all, differ, and are tuned equally often. Everything is read by then; the tree is
 * there to tell the places.
 */
#ifndef HEADROOM_HARNESS_CONFIG_EXPERIMENT_CHECK_H
#define HEADROOM_HARNESS_CONFIG_EXPERIMENT_CHECK_H

#include "harness/config/experiment.h"
#include "models/base/tree.h"

/* The names and tags at the top of a file. `workload` must not be inherited. */
bool experiment_check_names(const struct node *root, const struct experiment *e,
                            struct error *error);

/* Refuses keys of the section `data` that the chosen source does not use. In a file that extends
 * another the two may have come together from different places. */
bool experiment_check_data_keys(const struct experiment *e, const struct node *data,
                                struct error *error);

/* Would this arm make a model, whichever of its candidates it is? The data's sizes do not matter
 * for that question. */
bool experiment_check_shape(const struct experiment *e, const struct arm *arm,
                            const struct location *at, struct error *error);

/* Holds the arms against each other; `arms` is the list that they were read from. */
bool experiment_check_arms(const struct experiment *e, const struct node *arms,
                           struct error *error);

#endif
