/*
 * A private folder for one test, with files written from strings; removed with all it holds.
 */
#ifndef HEADROOM_TESTS_HARNESS_SCRATCH_H
#define HEADROOM_TESTS_HARNESS_SCRATCH_H

#include "tests/temporary.h"

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct scratch {
    char folder[64];
};

static inline bool scratch_make(struct scratch *scratch) {
    return mkdtemp(temporary_template(scratch->folder, sizeof scratch->folder)) != NULL;
}

static inline int scratch_remove_entry(const char *path, const struct stat *info, int kind,
                                       struct FTW *where) {
    (void)info, (void)kind, (void)where;
    return remove(path);
}

static inline void scratch_remove(struct scratch *scratch) {
    nftw(scratch->folder, scratch_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* folder/name into out, for files and for the database. */
static inline const char *scratch_path(const struct scratch *scratch, const char *name, char *out,
                                       size_t size) {
    snprintf(out, size, "%.*s/%s", (int)sizeof scratch->folder - 1, scratch->folder, name);
    return out;
}

static inline bool scratch_write(const struct scratch *scratch, const char *name,
                                 const char *text) {
    char path[160];
    FILE *file = fopen(scratch_path(scratch, name, path, sizeof path), "wb");
    if (!file) return false;
    bool ok = fputs(text, file) >= 0;
    return fclose(file) == 0 && ok;
}

#endif
