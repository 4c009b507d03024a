/*
 * "did you mean train.csv?": for paths, whose every part may be the misspelt one.
 */
#ifndef HEADROOM_WORKLOADS_DATA_NEAR_FILE_H
#define HEADROOM_WORKLOADS_DATA_NEAR_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Writes the path that was probably meant by one that is not there: each part is itself or, where there is
 * none of that name, the nearest one of its folder (closest_name.h). It is there, packed or not; false if
 * there is none, or nothing to mend. */
bool near_file_find(const char *path, char *out, size_t size);

#endif
