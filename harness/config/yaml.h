/*
 * Workload files as trees. Of YAML only what a settings file needs is accepted: one document of
 * maps, lists and scalars. Anchors, aliases, merge keys and tags are refused by name, because a
 * file in which a value can come from elsewhere cannot be read top to bottom.
 */
#ifndef HEADROOM_HARNESS_CONFIG_YAML_H
#define HEADROOM_HARNESS_CONFIG_YAML_H

#include "models/base/tree.h"

/* Reads one file; a scalar in quotes is marked `quoted`. Errors carry file:line:column. */
bool yaml_read(const char *path, struct node **out, struct error *error);

/* The same from size bytes of text; `file` names it in errors. */
bool yaml_parse(const char *text, size_t size, const char *file, struct node **out,
                struct error *error);

#endif
