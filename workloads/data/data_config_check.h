/*
 * What the options of a `data:` section must satisfy together. It stands above the sources, because
 * each generator knows its own demands.
 */
#ifndef HEADROOM_WORKLOADS_DATA_DATA_CONFIG_CHECK_H
#define HEADROOM_WORKLOADS_DATA_DATA_CONFIG_CHECK_H

#include "workloads/data/data_config.h"

/* Checks what no single option can: files named for a file source, a length that holds the
 * relations. dataset_load does so too; `headroom validate` needs it without the data. */
bool data_config_check(const struct data_config *config, struct error *error);

#endif
