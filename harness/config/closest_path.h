/*
 * "did you mean ...?" for files: the path that a misspelt one is close enough to, folder by folder.
 */
#ifndef HEADROOM_HARNESS_CONFIG_CLOSEST_PATH_H
#define HEADROOM_HARNESS_CONFIG_CLOSEST_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* A file that is there, for a path that is not: each part of it is itself or, where there is none of that
 * name, the nearest one of its folder (closest_name.h). False where a part has no near one. */
bool closest_path(const char *path, char *out, size_t size);

#endif
