/*
 * A made-up machine for tests: a temporary folder that stands for "/" and gets the files of /proc
 * and /sys that a test needs. Include after cmocka.h.
 */
#ifndef HEADROOM_TESTS_HARNESS_MEASURE_MACHINE_H
#define HEADROOM_TESTS_HARNESS_MEASURE_MACHINE_H

#include "tests/temporary.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static inline void machine_open(char root[64]) {
    assert_non_null(mkdtemp(temporary_template(root, 64)));
}

/* Writes root + path, making its folders; text NULL makes a folder. */
static inline void machine_add(const char *root, const char *path, const char *text) {
    char full[512];
    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *slash = strchr(full + strlen(root) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(full, 0700);
        *slash = '/';
    }
    if (!text) {
        assert_int_equal(mkdir(full, 0700), 0);
        return;
    }
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static inline int machine_remove(const char *path, const struct stat *info, int kind,
                                 struct FTW *where) {
    (void)info, (void)kind, (void)where;
    return remove(path);
}

static inline void machine_close(const char *root) {
    nftw(root, machine_remove, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
