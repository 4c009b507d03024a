/*
 * Opening a file that somebody else has written or named. What is no regular file is never read: a
 * pipe would be waited for, a device has no end, and the size of neither says anything.
 */
#ifndef HEADROOM_MODELS_BASE_REGULAR_FILE_H
#define HEADROOM_MODELS_BASE_REGULAR_FILE_H

#include <stdint.h>
#include <stdio.h>

/* Opens a regular file for reading and tells its size in bytes. -1 with the reason, which ends a
 * sentence, where there is none or where it is something else; nothing waits for a pipe. */
int regular_file_open(const char *path, int64_t *size, const char **reason);

/* The same as a stream; NULL with the reason. */
FILE *regular_file_stream(const char *path, int64_t *size, const char **reason);

/* The next bytes of it, at most `size`; 0 at its end, -1 with errno. */
int64_t regular_file_read(int file, void *out, size_t size);

#endif
