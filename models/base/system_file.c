/*
 * The one-value files of /proc and /sys. A value that does not fit is refused instead of cut: a cut
 * number would be a wrong one.
 */
#include "models/base/system_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *open_below(const char *root, const char *path) {
    char full[512];
    int length = snprintf(full, sizeof full, "%s%s", root, path);
    return length > 0 && (size_t)length < sizeof full ? fopen(full, "re") : NULL;
}

static bool copy_value(const char *value, size_t length, char *out, size_t size) {
    if (length == 0 || length >= size) return false;
    memcpy(out, value, length);
    out[length] = '\0';
    return true;
}

bool system_line(const char *root, const char *path, char *out, size_t size) {
    out[0] = '\0';
    FILE *file = open_below(root, path);
    if (!file) return false;
    char *line = NULL;
    size_t capacity = 0;
    bool found =
        getline(&line, &capacity, file) > 0 && copy_value(line, strcspn(line, "\n"), out, size);
    free(line);
    fclose(file);
    return found;
}

/* The value part of a line, or NULL if it belongs to another key. */
static const char *value_of(const char *line, const char *key) {
    size_t length = strlen(key);
    if (strncmp(line, key, length) != 0) return NULL;
    line += length;
    line += strspn(line, " \t");
    if (*line != ':' && *line != '=') return NULL;
    line++;
    return line + strspn(line, " \t\"");
}

bool system_value(const char *root, const char *path, const char *key, char *out, size_t size) {
    out[0] = '\0';
    FILE *file = open_below(root, path);
    if (!file) return false;
    char *line = NULL;
    size_t capacity = 0;
    const char *value = NULL;
    while (!value && getline(&line, &capacity, file) > 0) value = value_of(line, key);
    bool found = value && copy_value(value, strcspn(value, "\"\n"), out, size);
    free(line);
    fclose(file);
    return found;
}
