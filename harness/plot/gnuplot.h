/*
 * gnuplot as child processes, two at a time. No shell is between: a picture's paths are arguments
 * of the program. It starts without anybody's settings (-d, and an environment of its own), so a
 * picture depends on its data, its scripts, the version of gnuplot and the fonts of the machine
 * alone. No gnuplot outlives the process that started it.
 */
#ifndef HEADROOM_HARNESS_PLOT_GNUPLOT_H
#define HEADROOM_HARNESS_PLOT_GNUPLOT_H

#include "models/base/error.h"

struct gnuplot;

/* A picture is drawn at `drawn` and moved to `picture` when it is whole, on one file system. Paths
 * but the script's are absolute: gnuplot would take one that starts with < or | for a command. */
struct gnuplot_picture {
    const char *script, *data, *prologue, *drawn, *picture, *format;
};

/* What has become of the pictures of one figure; it lives until none of them is being drawn. */
struct gnuplot_figure {
    int n_drawing;
    bool failed;
    struct error error; /* the first, if one failed */
};

/* folder: of the scripts, where gnuplot works. A missing program is an error with the fix. */
bool gnuplot_open(const char *folder, struct gnuplot **out, struct error *error);

/* What the program calls itself, "gnuplot 5.4 patchlevel 4". */
const char *gnuplot_version(const struct gnuplot *gnuplot);

/* Starts drawing a picture, if need be after the end of another, whose own figure then knows. */
void gnuplot_draw(struct gnuplot *gnuplot, const struct gnuplot_picture *picture,
                  struct gnuplot_figure *figure);

/* Notes a failure, unless one is noted already. */
void gnuplot_fail(struct gnuplot_figure *figure, const struct error *error);

/* Waits for the end of one picture of any figure; false: none is being drawn. */
bool gnuplot_wait(struct gnuplot *gnuplot);

/* Stops what still draws, without a word to its figures; NULL is fine. */
void gnuplot_close(struct gnuplot *gnuplot);

#endif
