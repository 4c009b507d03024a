/*
 * Figures from a results database: each figure's SELECT is read once and written as plain data
 * (DIR/data/NAME.dat), from which gnuplot draws DIR/NAME.svg, NAME.png and NAME.pdf, and NAME-2,
 * NAME-3, ... where it needs more pages. Nothing from the database reaches gnuplot but as numbers
 * and as quoted text.
 */
#ifndef HEADROOM_HARNESS_PLOT_PLOT_H
#define HEADROOM_HARNESS_PLOT_PLOT_H

#include "models/base/error.h"

#include <stdio.h>

struct plot_request {
    const char *db;
    const char *scripts;        /* folder; NULL: plots/ beside the program */
    const char *out;            /* folder; NULL: figures/ beside the database */
    const char *filter;         /* regular expression of workload/arm; NULL: every arm */
    const char *workload;       /* a name; NULL: every workload */
    const char *const *figures; /* names */
    int n_figures;              /* 0: all there are */
    const char *format;         /* svg, png or pdf alone; NULL: all three */
    int width;                  /* of what is said (width.h); 0: a line for each figure */
    FILE *notes;                /* hears which workloads are left out (choice.h); NULL: nobody */
};

enum plot_end {
    PLOT_DONE,
    PLOT_FAILED,
    PLOT_NOT_UNDERSTOOD, /* no such figure, workload or format, or a filter that is no regular expression */
};

/* Draws what is new: a figure whose data, scripts and gnuplot are those of its pictures is left
 * alone. Pictures of what cannot be drawn any more, pages that are too many, and pictures in formats
 * that were not asked for and would be out of date, are removed.
 * Writes a line for each figure to `talk` as soon as it and those before it are done: drawn,
 * unchanged, or why not. A figure that fails stops no other; the error is that of the first. A
 * second process that draws into the same folder waits. */
enum plot_end plot_draw(const struct plot_request *request, FILE *talk, struct error *error);

#endif
