/*
 * Private folders for the files that another program is given to read and write, in TMPDIR or else
 * in /tmp. Whoever made one holds a lock on it, so that what a killed process left can be told from
 * what is in use, and removed.
 */
#ifndef HEADROOM_HARNESS_MEASURE_TEMPORARY_H
#define HEADROOM_HARNESS_MEASURE_TEMPORARY_H

#include "models/base/error.h"

#include <stdbool.h>

struct temporary {
    char path[512]; /* "": there is none */
    int lock;
};

/* Where they are. */
const char *temporary_parent(void);

bool temporary_make(struct temporary *out, struct error *error);

/* Removes the folder and the files in it. */
void temporary_remove(struct temporary *temporary);

/* Removes the folders of processes that are gone; returns how many there were. */
int temporary_remove_left_over(void);

#endif
