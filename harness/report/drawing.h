/*
 * The figures of a database as SVG files in a folder that is nobody else's: what lies in figures/ beside
 * a database may have come with it, and a picture can hold a script.
 */
#ifndef HEADROOM_HARNESS_REPORT_DRAWING_H
#define HEADROOM_HARNESS_REPORT_DRAWING_H

#include "harness/measure/temporary.h"
#include "harness/plot/scripts.h"
#include "models/base/error.h"

struct drawing {
    struct temporary folder;
    struct scripts scripts; /* whose figures there may be, in the order of the report */
    char *said;             /* what was said while drawing */
};

/* Draws all figures of the database `db`. `problem` says why gnuplot drew less than it should have, ""
 * otherwise. False, with `error`, only where nothing can go on. */
bool drawing_make(const char *db, struct drawing *out, struct error *problem, struct error *error);
void drawing_free(struct drawing *drawing);

/* A page, from 0, of a figure: its path and its name without the ending ("gate", "gate-2"), which the
 * caller frees; both NULL where there is no such page. */
bool drawing_page(const struct drawing *drawing, const char *figure, int page, char **path,
                  char **name, struct error *error);

/* The next figure that is not there and why, from *at on, which begins as NULL; bytes of both. False: no
 * other one. */
bool drawing_next_reason(const struct drawing *drawing, const char **at, const char **figure,
                         size_t *figure_size, const char **why, size_t *why_size);

#endif
