/*
 * Inputs of `headroom forward`: lines of numbers, so that the program under a simulator reads no
 * data set, whose loading would take longer than what is to be counted.
 */
#ifndef HEADROOM_HARNESS_MEASURE_FORWARD_INPUTS_H
#define HEADROOM_HARNESS_MEASURE_FORWARD_INPUTS_H

#include "models/model.h"

#include <stdint.h>
#include <stdio.h>

/* All inputs, end to end. Starts as zeros. */
struct forward_inputs {
    int n, longest;
    int32_t n_tokens;
    int32_t *offsets; /* [n + 1] */
    int32_t *ids, *labels;
    int32_t *tokens;
};

/* One input a line: a number that keys random choices, then 1 to max_len tokens below vocab. Errors
 * name the line. Free `out` also after an error. */
bool forward_inputs_read(FILE *from, const struct model_config *c, struct forward_inputs *out,
                         struct error *error);
void forward_inputs_free(struct forward_inputs *inputs);

#endif
