/*
 * gnuplot as child processes, two at a time. No shell is between: a picture's paths are arguments of the
 * program. It starts without anybody's settings (-d, and an environment of its own), so a picture
 * depends on its data, its scripts, the version of gnuplot and the fonts of the machine alone.
 */
#ifndef HEADROOM_HARNESS_PLOT_GNUPLOT_H
#define HEADROOM_HARNESS_PLOT_GNUPLOT_H

#include "models/base/error.h"

struct gnuplot;

/* folder: of the scripts, where gnuplot works. */
bool gnuplot_open(const char *folder, struct gnuplot **out, struct error *error);

/* What the program calls itself, "gnuplot 5.4 patchlevel 4"; a missing program is an error with the
 * fix. */
const char *gnuplot_version(const struct gnuplot *gnuplot);

/* Starts drawing a picture, after waiting for a free place. The picture is drawn beside its path, under
 * a name of its own, and gets the path only when it is whole. Paths are absolute: gnuplot would take
 * one that starts with < or | for a command. An error may be that of a picture before. */
bool gnuplot_draw(struct gnuplot *gnuplot, const char *script, const char *data,
                  const char *prologue, const char *picture, const char *format,
                  struct error *error);

/* Waits for all that were started. */
bool gnuplot_wait(struct gnuplot *gnuplot, struct error *error);

/* Stops what still draws; NULL is fine. */
void gnuplot_close(struct gnuplot *gnuplot);

#endif
