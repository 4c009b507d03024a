/*
 * From a `data:` section to a data set. It comes from a generator (synthetic_*.c) or from text
 * files (readers + tokeniser); what follows cannot tell which. The validation slice is taken from
 * the training split, stratified by label, or has a file of its own, and depends on the data seed only, so that every arm
 * sees the same three splits, and so does every trial seed unless the data seed is per-trial.
 */
#ifndef HEADROOM_WORKLOADS_DATA_DATASET_LOAD_H
#define HEADROOM_WORKLOADS_DATA_DATASET_LOAD_H

#include "workloads/data/data_config.h"
#include "workloads/data/dataset.h"

/* Checks the section, then reads the data set from the cache or makes it. Its seed must be a number
 * (data_config_set_seed). A file that changes while
 * it is read is an error: what was read would be of no version of it. */
bool dataset_load(const struct data_config *config, struct dataset **out, struct error *error);

#endif
