/*
 * Where this program writes what is no result, and how much room is there: temporary files and
 * cached data sets. Both are made again, and a full disk is told by neither: a simulator starts with
 * no folder, and a data set is tokenised for every trial anew.
 */
#ifndef HEADROOM_HARNESS_MEASURE_SPACE_H
#define HEADROOM_HARNESS_MEASURE_SPACE_H

#include <stdint.h>

struct space {
    char folder[1024];  /* "": there is to be none */
    int64_t free_bytes; /* for this user; -1: not known */
    int n_files;        /* of ours; -1: not counted */
    int64_t bytes;      /* in these */
};

/* Bytes that this user may still write there; -1: not known. */
int64_t space_free(const char *folder);

/* TMPDIR, else /tmp. */
struct space space_temporary(void);

/* The cache of data sets, whose folder is made if need be. */
struct space space_cache(void);

#endif
