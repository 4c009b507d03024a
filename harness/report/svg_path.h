/*
 * Numbers of a picture, to a tenth of its unit, which a screen shows as a tenth of a pixel.
 */
#ifndef HEADROOM_HARNESS_REPORT_SVG_PATH_H
#define HEADROOM_HARNESS_REPORT_SVG_PATH_H

#include "models/base/text.h"

/* Appends a path of straight lines [size], or the corners of a polygon, from point to point. False,
 * with nothing appended, if it holds anything but M, L, Z and coordinates. */
bool svg_path_append(struct text *out, const char *path, size_t size);

/* Appends coordinates, a space between two; false as above. */
bool svg_path_append_numbers(struct text *out, const char *numbers, size_t size);

#endif
