/*
 * What people call the columns of labels and of texts. Such a name tells which column is which, and
 * that a first line is a header.
 */
#ifndef HEADROOM_HARNESS_CONFIG_COLUMN_NAMES_H
#define HEADROOM_HARNESS_CONFIG_COLUMN_NAMES_H

#include <stdbool.h>

/* In the order in which they are believed; NULL ends them. */
extern const char *const column_names_label[], *const column_names_text[];

/* Whether it is one of either, in any case. */
bool column_names_know(const char *name);

#endif
