/*
 * A text file, plain or gzip, whole in memory as valid UTF-8. Every reader starts from here, so
 * encodings, byte-order marks and broken archives are dealt with once.
 */
#ifndef HEADROOM_MODELS_BASE_TEXT_FILE_H
#define HEADROOM_MODELS_BASE_TEXT_FILE_H

#include "models/base/error.h"

struct sha256;

enum text_encoding { ENCODING_UTF_8, ENCODING_ISO_8859_1, ENCODING_WINDOWS_1252 };

struct text_file {
    char *data; /* [size], followed by a terminator; no byte of the text is NUL */
    size_t size;
    char path[256]; /* for messages */
};

/* Writes `root/name`; an absolute name is left as it is. Returns the length, as snprintf does. */
int text_file_path(const char *root, const char *name, char *path, size_t size);

/* Finds the file of that path, or else the one with .gz behind it, and writes which; false if there
 * is neither. */
bool text_file_find(const char *root, const char *name, char *path, size_t size);

/* Reads a whole file. A truncated or damaged gzip stream, an empty file, UTF-16, a NUL byte and
 * (under utf-8) invalid UTF-8 are errors that name the file, and the line where there is one. */
bool text_file_read(const char *path, enum text_encoding encoding, struct text_file *out,
                    struct error *error);
void text_file_free(struct text_file *file);

/* An error where carriage returns alone end the lines, which is one line to everything here. */
bool text_file_check_lines(const struct text_file *file, struct error *error);

/* A line of such a text, without its newline; a carriage return before that is part of it. */
struct text_line {
    const char *data; /* [size], in the file's text; NULL before the first line */
    size_t size;
    struct location at;
};

/* Moves on to the next line, from a zeroed one to the first; false after the last. */
bool text_file_next_line(const struct text_file *file, struct text_line *line);

/* Adds a file's bytes as they are on disk, compressed or not, and their number to a hash: a row
 * that moves from the end of one file to the start of the next changes it. */
bool text_file_hash(const char *path, struct sha256 *hash, struct error *error);

#endif
