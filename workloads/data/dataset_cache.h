/*
 * Data sets that were made once. Tokenising a large text takes seconds and every trial needs the
 * result, so it is kept in a file named by all that it follows from: the data section, the bytes of
 * the source files and the code that turned one into the other. Nothing ever has to be invalidated:
 * whatever changes, the name changes. The cache is a convenience and never an error: where it
 * cannot be read or written, or holds anything but what was written, the data set is made again.
 *
 * The folder is $HEADROOM_CACHE, else headroom/ in $XDG_CACHE_HOME or ~/.cache; an empty
 * $HEADROOM_CACHE turns the cache off. It can be removed at any time.
 */
#ifndef HEADROOM_WORKLOADS_DATA_DATASET_CACHE_H
#define HEADROOM_WORKLOADS_DATA_DATASET_CACHE_H

#include "workloads/data/data_config.h"
#include "workloads/data/dataset.h"

/* The folder, created if needed; false where there is to be none. */
bool dataset_cache_folder(char *out, size_t size);

/* The name of the data set that is made of these files (data_files_sha256), 64 hex digits; false
 * where none is kept. */
bool dataset_cache_key(const struct data_config *config, const char *files_sha256, char key[65]);

/* The data set of that name; NULL if there is none, or none that can be trusted. */
struct dataset *dataset_cache_read(const char *key);

/* Removes all that is kept here, also what other versions of the program kept, or with dry_run only
 * counts it. Files with names that are given to no data set stay. */
void dataset_cache_clear(bool dry_run, int *n_files, int64_t *bytes);

/* Keeps a data set, if that is possible. Any number of processes may do so at the same time. */
void dataset_cache_write(const char *key, const struct dataset *data);

#endif
