/*
 * What the fuzz targets share: the input as a file, for what takes a path, and a condition that
 * ends the process where it does not hold, which is all that a fuzzer can see. The file is in
 * memory and is gone when it is closed, so that nothing is left behind by a target that dies.
 */
#ifndef HEADROOM_TESTS_FUZZ_INPUT_H
#define HEADROOM_TESTS_FUZZ_INPUT_H

#include "models/base/error.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* What libFuzzer, or replay.c in its place, calls with each input. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise of the code under test. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct input_file {
    int fd;
    char path[32];
};

/* A file of these bytes; the caller closes it. */
static inline struct input_file input_open(const void *data, size_t size) {
    struct input_file file = {.fd = memfd_create("input", MFD_CLOEXEC)};
    MUST(file.fd >= 0 && write(file.fd, data, size) == (ssize_t)size);
    snprintf(file.path, sizeof file.path, "/proc/self/fd/%d", file.fd);
    return file;
}

static inline void input_close(const struct input_file *file) {
    close(file->fd);
}

/* Whoever refuses says why. */
static inline void must_explain(bool ok, const struct error *error) {
    MUST(ok || error->text[0]);
}

#endif
