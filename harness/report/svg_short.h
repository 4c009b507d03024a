/*
 * The same picture in fewer bytes: gnuplot's are written for whoever draws them line by line, and a
 * page of fifteen was half made of attributes that say what holds anyway.
 */
#ifndef HEADROOM_HARNESS_REPORT_SVG_SHORT_H
#define HEADROOM_HARNESS_REPORT_SVG_SHORT_H

#include "models/base/text.h"

/* Appends a picture that svg_append wrote, whole. It looks the same, to a twentieth of a pixel; what
 * is not understood is appended as it is. */
void svg_short_append(struct text *out, const char *svg);

#endif
