/*
 * The bytes of a whole file, unpacked where it is gzip. All of it or an error: zlib's own gzread
 * ends quietly at whatever follows a member and is no gzip, so a damaged second member would take
 * the rows behind it along without a word.
 */
#ifndef HEADROOM_MODELS_BASE_PACKED_FILE_H
#define HEADROOM_MODELS_BASE_PACKED_FILE_H

#include "models/base/error.h"

/* Reads a regular file of at most `most` bytes, both packed and unpacked, into *data (with room for
 * a terminator; free it). What begins as gzip is unpacked: any number of members, and zeros behind
 * the last one, which tapes leave. A file called .gz has to be that. */
bool packed_file_read(const char *path, size_t most, char **data, size_t *size,
                      struct error *error);

#endif
