/*
 * A workload file in one piece: with every key that it could have given and did not, at its
 * default. It plans the same trials, also after a default of the program has changed, so it is what
 * to keep beside results or to send to somebody.
 */
#ifndef HEADROOM_HARNESS_CONFIG_RESOLVE_H
#define HEADROOM_HARNESS_CONFIG_RESOLVE_H

#include "harness/config/experiment.h"

/* Completes the tree that experiment_read_tree gave together with `experiment`, and drops what is
 * settled: `extends`, and `full`, which is in it already or for the other tier. Added nodes have
 * the file "default" and line 0. */
bool resolve(struct node *root, const struct experiment *experiment, struct error *error);

#endif
