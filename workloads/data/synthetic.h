/*
 * Generated tasks: the controlled end of the granularity axis. Each one is a file that says how to
 * make one input (synthetic_generator.h).
 */
#ifndef HEADROOM_WORKLOADS_DATA_SYNTHETIC_H
#define HEADROOM_WORKLOADS_DATA_SYNTHETIC_H

#include "workloads/data/split.h"
#include "workloads/data/synthetic_generator.h"

/* The generator of a source; NULL if it reads files. */
const struct generator *generator_find(int source);

/* Generates both splits (their random numbers are disjoint). */
bool synthetic_generate(const struct data_config *config, struct split *train, struct split *test,
                        struct error *error);

#endif
