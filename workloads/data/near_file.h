/*
 * "did you mean train.csv?": for paths, whose every part may be the misspelt one.
 */
#ifndef HEADROOM_WORKLOADS_DATA_NEAR_FILE_H
#define HEADROOM_WORKLOADS_DATA_NEAR_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Writes the path that was probably meant by one that is not there: it differs in one part, and is
 * there, packed or not; false if there is none. */
bool near_file_find(const char *path, char *out, size_t size);

#endif
