/*
 * Test inputs that training has seen in other clothes: the same words, in whatever order. A model
 * need not understand them, and where their labels disagree none can be right about both.
 */
#ifndef HEADROOM_WORKLOADS_DATA_NEAR_DUPLICATES_H
#define HEADROOM_WORKLOADS_DATA_NEAR_DUPLICATES_H

#include "workloads/data/dataset.h"

struct near_duplicates {
    int inputs; /* test inputs with the tokens of a training input (validation included), in any
                         order; equal texts are some of them */
    int contradicted; /* of these, whose label none of those training inputs has */
};

bool near_duplicates_find(const struct dataset *data, struct near_duplicates *out,
                          struct error *error);

#endif
