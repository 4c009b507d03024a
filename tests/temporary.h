/*
 * Where tests put their files: TMPDIR, which tests/run.sh makes and removes, or else /tmp.
 */
#ifndef HEADROOM_TESTS_TEMPORARY_H
#define HEADROOM_TESTS_TEMPORARY_H

#include <stdio.h>
#include <stdlib.h>

/* A template for mkstemp and mkdtemp, which say no where TMPDIR is too long for it. */
static inline char *temporary_template(char *out, size_t size) {
    const char *folder = getenv("TMPDIR");
    snprintf(out, size, "%s/headroom-test-XXXXXX", folder && *folder ? folder : "/tmp");
    return out;
}

#endif
