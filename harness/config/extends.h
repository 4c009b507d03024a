/*
 * One workload file on top of another: `extends: other.yaml`. What several files share is written
 * once, and every node of the result still knows the file and line it came from, so that an error
 * in a merged value points at the line to be edited.
 */
#ifndef HEADROOM_HARNESS_CONFIG_EXTENDS_H
#define HEADROOM_HARNESS_CONFIG_EXTENDS_H

#include "models/base/tree.h"

enum { EXTENDS_FILES_MAX = 16 };

/* Moves the entries of the map `above` into the map `below`: a key that both have as maps is merged
 * likewise, any other is replaced, and one whose value in `above` is a written out null (`~` or
 * `null`) is removed. A null that removes nothing is an error, because it is a misspelt key, and so
 * is a map where the other has none. Both stay the caller's to free, also after an error. */
bool tree_merge(struct node *below, struct node *above, struct error *error);

/* Reads a file and those it extends, the first ancestor lowest. A name is relative to the folder of
 * the file that gives it. Missing files, cycles and chains of more than EXTENDS_FILES_MAX files are
 * errors at their `extends`. */
bool extends_read(const char *path, struct node **out, struct error *error);

#endif
