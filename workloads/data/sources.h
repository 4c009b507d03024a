/*
 * Where the test inputs of a data set come from, so that a prediction can be traced to the row of
 * the file it is about. Nothing is known of training inputs, of which nobody asks.
 */
#ifndef HEADROOM_WORKLOADS_DATA_SOURCES_H
#define HEADROOM_WORKLOADS_DATA_SOURCES_H

#include "models/base/text.h"

#include <stdint.h>

/* Of one input. */
struct input_source {
    int32_t file;    /* of `files`; -1: generated */
    int32_t row;     /* record of the file, from 1, a header included; generated: index, from 0 */
    int64_t text;    /* where its text begins in `texts`; 0: it is not kept */
    char sha256[65]; /* of the text, or of the tokens of a generated input */
};

struct sources {
    int n;                       /* test inputs */
    struct input_source *source; /* [n] */
    int n_files;                 /* 0: generated */
    char **files;                /* [n_files] names as below the data folder, or absolute */
    struct text texts; /* each terminated; begins with a terminator, so that none is at 0 */
    char sha256[65];   /* of files, rows and hashes, and of which texts are kept */
};

/* The file of a test input, "" if it was generated, and its text, NULL if that is not kept. */
const char *sources_file(const struct sources *sources, int input);
const char *sources_text(const struct sources *sources, int input);

/* Fills sha256 from the rest. */
void sources_hash(struct sources *sources);

/* Leaves none. */
void sources_free(struct sources *sources);

#endif
