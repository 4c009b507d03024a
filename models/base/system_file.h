/*
 * Reading the one-value files of /proc and /sys. Each function takes a `root` that is put before
 * the path: "" on a real machine, the folder of a made-up one in tests.
 */
#ifndef HEADROOM_MODELS_BASE_SYSTEM_FILE_H
#define HEADROOM_MODELS_BASE_SYSTEM_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* The first line without its newline; false, and out "", when it is unreadable, empty or too
 * long. */
bool system_line(const char *root, const char *path, char *out, size_t size);

/* The value of the first "key : value" or "key=value" line, without quotes; false when there is
 * none. */
bool system_value(const char *root, const char *path, const char *key, char *out, size_t size);

#endif
