/*
 * Workload files by name or by folder; see workload_files.h. Folders inside the folder are left
 * alone: there is room in them for files that are only extended.
 */
#include "harness/config/workload_files.h"

#include <stdio.h>

bool workload_files_find(char **named, int n_named, const char *folder, struct workload_files *out,
                         struct error *error) {
    char pattern[512];
    *out = (struct workload_files){.paths = named, .n = (size_t)n_named};
    if (n_named > 0) return true;
    snprintf(pattern, sizeof pattern, "%s/*.yaml", folder);
    if (glob(pattern, 0, NULL, &out->found) != 0)
        return error_set(error,
                         "no %s here: start headroom in the folder of its repository, or name the "
                         "workload files",
                         pattern);
    out->paths = out->found.gl_pathv;
    out->n = out->found.gl_pathc;
    return true;
}

void workload_files_free(struct workload_files *files) {
    globfree(&files->found);
    *files = (struct workload_files){0};
}
