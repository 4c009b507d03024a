/*
 * A path is cut behind its last slash, and nothing is looked up: the file need not be there.
 */
#include "models/base/path.h"

#include <stdio.h>
#include <string.h>

bool path_beside(const char *path, const char *name, char *out, size_t size) {
    const char *slash = strrchr(path, '/');
    int folder = slash && name[0] != '/' ? (int)(slash - path) + 1 : 0;
    int length = snprintf(out, size, "%.*s%s", folder, path, name);
    return length >= 0 && (size_t)length < size;
}
