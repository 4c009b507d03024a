/*
 * What a file of a generated task provides; one line in synthetic.c makes it known. It fills one
 * input at a time.
 */
#ifndef HEADROOM_WORKLOADS_DATA_SYNTHETIC_GENERATOR_H
#define HEADROOM_WORKLOADS_DATA_SYNTHETIC_GENERATOR_H

#include "workloads/data/data_config.h"
#include "workloads/data/synthetic_draw.h"

struct generator {
    bool (*check)(const struct data_config *config, struct error *error);
    int (*n_classes)(const struct data_config *config);
    int (*vocab)(const struct data_config *config);
    /* Fills tokens[config->length] and *label; returns the difficulty. Labels follow from the
     * index, so that classes are balanced exactly. */
    int (*make)(const struct data_config *config, struct draw *draw, int index, int32_t *tokens,
                int *label);
};

#endif
