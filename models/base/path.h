/*
 * Paths of files that stand beside each other: logs and checkpoints beside their database, a
 * workload beside the one that extends it.
 */
#ifndef HEADROOM_MODELS_BASE_PATH_H
#define HEADROOM_MODELS_BASE_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* Writes the path that `name` has in the folder of the file `path`; an absolute name is left as it
 * is. With "" as the name it is that folder, with its slash, or "" where the path names none. False
 * if it does not fit. */
bool path_beside(const char *path, const char *name, char *out, size_t size);

#endif
