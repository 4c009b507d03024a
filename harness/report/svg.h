/*
 * A picture of gnuplot as a part of a page. Every picture that gnuplot draws has the same ids,
 * which a page may have once only, and tooltips that are lines of its script.
 */
#ifndef HEADROOM_HARNESS_REPORT_SVG_H
#define HEADROOM_HARNESS_REPORT_SVG_H

#include "models/base/error.h"
#include "models/base/text.h"

/* Appends the picture: ids begin with `id` and a dash, the size is left to the page, and it is one
 * image to a screen reader, described by the elements ID-title and ID-note of the page. Left out
 * are what stands before it, titles and descriptions. False with `error` set where it is no whole SVG
 * or holds what gnuplot draws nothing with: a script, a link, a handler. */
bool svg_append(struct text *out, const char *id, const char *svg, struct error *error);

/* Appends the figure's title as it is written in the picture, escaped as there; nothing if it has
 * none. */
void svg_append_title(struct text *out, const char *svg);

#endif
