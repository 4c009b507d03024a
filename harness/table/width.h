/*
 * How wide text for people may be. What COLUMNS says comes first, as for other programs, then the
 * terminal; where there is none, text is as wide as it would be on the usual one, so that a file or
 * a pipe gets what a reader would have seen.
 */
#ifndef HEADROOM_HARNESS_TABLE_WIDTH_H
#define HEADROOM_HARNESS_TABLE_WIDTH_H

#include <stdio.h>

/* In characters, 40 at least: what is narrower breaks lines itself. */
int width_of(FILE *out);

#endif
