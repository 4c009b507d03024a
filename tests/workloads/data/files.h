/*
 * Files for the tests: each executable works in a temporary folder of its own, which is also its
 * data root, and removes it at the end. Data sets are not cached, except where the cache is tested.
 */
#ifndef HEADROOM_TESTS_WORKLOADS_DATA_FILES_H
#define HEADROOM_TESTS_WORKLOADS_DATA_FILES_H

#include "models/base/error.h"
#include "tests/temporary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static char files_folder[64];
static char files_real_root[512]; /* HEADROOM_DATA of the caller, "" if not set */

static inline int files_open(void **state) {
    (void)state;
    const char *root = getenv("HEADROOM_DATA");
    snprintf(files_real_root, sizeof files_real_root, "%s", root ? root : "");
    return mkdtemp(temporary_template(files_folder, sizeof files_folder)) &&
                   setenv("HEADROOM_DATA", files_folder, 1) == 0 &&
                   setenv("HEADROOM_CACHE", "", 1) == 0
               ? 0
               : -1;
}

static inline int files_close(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", files_folder);
    return system(command);
}

static inline const char *files_path(const char *name) {
    static char path[4][320];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", files_folder, name);
    return path[turn];
}

static inline void files_write_bytes(const char *name, const void *data, size_t size) {
    FILE *file = fopen(files_path(name), "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0) abort();
}

static inline void files_write(const char *name, const char *text) {
    files_write_bytes(name, text, strlen(text));
}

static inline void files_write_gzip(const char *name, const void *data, size_t size) {
    gzFile file = gzopen(files_path(name), "wb9");
    if (!file || gzwrite(file, data, (unsigned)size) != (int)size || gzclose(file) != Z_OK) abort();
}

/* "file:line: text" as a user sees it, without the folder. */
static inline const char *files_message(const struct error *error) {
    static char out[1400];
    error_format(error, out, sizeof out);
    size_t length = strlen(files_folder);
    return strncmp(out, files_folder, length) == 0 ? out + length + 1 : out;
}

#endif
