/*
 * A tree as YAML text, for `headroom show`. Reading it back gives the same tree, and beside each
 * value that does not stand in the shown file a comment says where it does.
 */
#ifndef HEADROOM_MODELS_BASE_YAML_WRITE_H
#define HEADROOM_MODELS_BASE_YAML_WRITE_H

#include "models/base/text.h"
#include "models/base/tree.h"

/* Appends a map; what came from `file` needs no comment. A node whose line is 0 came from no file:
 * its comment is what it has in place of one, such as "default". */
void yaml_write(const struct node *map, const char *file, struct text *out);

#endif
