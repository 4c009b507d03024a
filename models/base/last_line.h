/*
 * What a process said last, from the file that its output went to: the reason of its failure, as a
 * rule.
 */
#ifndef HEADROOM_MODELS_BASE_LAST_LINE_H
#define HEADROOM_MODELS_BASE_LAST_LINE_H

#include <stddef.h>

/* The last line of the file that is not blank, as much of it as `out` holds and without control
 * characters; "" if there is none or the file cannot be read. */
void last_line_read(const char *path, char *out, size_t size);

#endif
