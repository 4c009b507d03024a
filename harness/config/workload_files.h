/*
 * Which workload files a command is about: those that the user names, those with a tag, else all of
 * a folder.
 */
#ifndef HEADROOM_HARNESS_CONFIG_WORKLOAD_FILES_H
#define HEADROOM_HARNESS_CONFIG_WORKLOAD_FILES_H

#include "models/base/error.h"

#include <stddef.h>

struct workload_files {
    char **paths;
    size_t n;
};

/* The path of the file that `word` means: itself, if it has a slash, ends in .yaml or is a file;
 * else WORD.yaml here or, where there is none, in `folder`. An error that suggests names if it is in
 * neither. */
bool workload_files_path(const char *word, const char *folder, char *out, size_t size,
                         struct error *error);

/* The named files; without any, folder/ *.yaml, sorted by name. With a tag, those that may have it:
 * all that stand beside the named ones or, without any, in `folder` and here; whoever reads them
 * sees which do. A file that nobody named, neither in `folder` nor with a line `workload:`, is
 * something else and left out. None at all is an error. */
bool workload_files_find(char *const *named, int n_named, const char *folder, const char *tag,
                         struct workload_files *out, struct error *error);
void workload_files_free(struct workload_files *files);

#endif
