/*
 * A file that is there whole or not at all: it is written beside its place, and then takes its name.
 */
#ifndef HEADROOM_HARNESS_TABLE_WHOLE_FILE_H
#define HEADROOM_HARNESS_TABLE_WHOLE_FILE_H

#include "models/base/error.h"
#include "models/base/text.h"

#include <stdbool.h>

/* What was there under that name stays as long as something fails. */
bool whole_file_write(const char *path, const struct text *text, struct error *error);

#endif
