/*
 * Which workload files a command is about: those that the user names, else all of a folder.
 */
#ifndef HEADROOM_HARNESS_CONFIG_WORKLOAD_FILES_H
#define HEADROOM_HARNESS_CONFIG_WORKLOAD_FILES_H

#include "models/base/error.h"

#include <glob.h>

struct workload_files {
    char **paths;
    size_t n;
    glob_t found; /* owns the paths of a folder */
};

/* `named` is borrowed. n_named = 0: folder/ *.yaml, sorted by name; none there is an error. */
bool workload_files_find(char **named, int n_named, const char *folder, struct workload_files *out,
                         struct error *error);
void workload_files_free(struct workload_files *files);

#endif
