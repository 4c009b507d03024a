/*
 * `full:`, the section of a workload file that --tier full lays over the rest of it: maps are
 * merged key by key and `~` removes a key, as when one file extends another; an arm is added or,
 * where its name exists already, replaced.
 */
#ifndef HEADROOM_HARNESS_CONFIG_OVERLAY_H
#define HEADROOM_HARNESS_CONFIG_OVERLAY_H

#include "models/base/tree.h"

/* Merges the entry `full` of a workload file, if it has one, into the rest, and removes it. */
bool overlay_full(struct node *root, struct error *error);

#endif
