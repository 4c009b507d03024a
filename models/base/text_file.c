/*
 * Every byte is there before the first is looked at: an encoding, a mark or a NUL is found once, and
 * readers walk over a text that is known to be one.
 */
#include "models/base/text_file.h"
#include "models/base/packed_file.h"
#include "models/base/regular_file.h"
#include "models/base/sha256.h"
#include "models/base/utf8.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t text_file_max = (int64_t)1 << 30; /* no bomb should take the machine */

int text_file_path(const char *root, const char *name, char *path, size_t size) {
    return name[0] == '/' ? snprintf(path, size, "%s", name)
                          : snprintf(path, size, "%s/%s", root, name);
}

bool text_file_find(const char *root, const char *name, char *path, size_t size) {
    int n = text_file_path(root, name, path, size);
    if (n < 0 || (size_t)n + sizeof ".gz" > size) return false;
    if (access(path, F_OK) == 0) return true;
    memcpy(path + n, ".gz", sizeof ".gz");
    return access(path, F_OK) == 0;
}

static bool read_bytes(const char *path, struct text_file *file, struct error *error) {
    if (!packed_file_read(path, (size_t)text_file_max, &file->data, &file->size, error))
        return false;
    if (file->size == 0) return error_set(error, "%s is empty", path);
    file->data[file->size] = '\0';
    return true;
}

static int line_of(const struct text_file *file, size_t at) {
    int line = 1;
    for (size_t i = 0; i < at; i++) line += file->data[i] == '\n';
    return line;
}

/* Windows-1252 is ISO-8859-1 but for these, the characters of 0x80 to 0x9f; 0 where it has none. */
static const unsigned short windows_1252[32] = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178};

/* Turns an encoding of single bytes into UTF-8. */
static bool decode_bytes(struct text_file *file, enum text_encoding encoding, struct location *at,
                         struct error *error) {
    bool windows = encoding == ENCODING_WINDOWS_1252;
    size_t high = 0, size = 0;
    for (size_t i = 0; i < file->size; i++) high += (unsigned char)file->data[i] >= 0x80;
    char *wide = malloc(file->size + high * 2 + 1); /* at most 3 bytes for one */
    if (!wide) return error_set(error, "out of memory reading %s", file->path);
    for (size_t i = 0; i < file->size; i++) {
        unsigned code = (unsigned char)file->data[i];
        if (windows && code >= 0x80 && code < 0xa0) code = windows_1252[code - 0x80];
        if (code == 0) {
            at->line = line_of(file, i);
            free(wide);
            return error_set_at(error, at, "byte 0x%02x is no character of windows-1252",
                                (unsigned)(unsigned char)file->data[i]);
        }
        size += (size_t)utf8_write(code, wide + size);
    }
    wide[size] = '\0';
    free(file->data);
    file->data = wide;
    file->size = size;
    return true;
}

static bool check_text(struct text_file *file, enum text_encoding encoding, struct error *error) {
    struct location at = {.file = file->path};
    const char *wide = utf8_is_utf_16(file->data, file->size);
    char *nul = memchr(file->data, '\0', file->size);
    if (wide)
        return error_set_at(error, &at,
                            "this is UTF-16, not UTF-8; convert it: iconv -f %s -t UTF-8 OLD >NEW",
                            wide);
    if (nul) {
        at.line = line_of(file, (size_t)(nul - file->data));
        return error_set_at(error, &at, "NUL byte: this is not a text file");
    }
    if (encoding != ENCODING_UTF_8) return decode_bytes(file, encoding, &at, error);
    size_t valid = utf8_valid_prefix(file->data, file->size);
    if (valid < file->size) {
        at.line = line_of(file, valid);
        return error_set_at(
            error, &at, "byte 0x%02x is not valid UTF-8; set encoding: iso-8859-1 or windows-1252",
            (unsigned)(unsigned char)file->data[valid]);
    }
    size_t mark = utf8_mark_size(file->data, file->size);
    file->size -= mark;
    if (file->size == 0)
        return error_set(error, "%s is empty: it holds a byte-order mark and no text", file->path);
    if (mark > 0) memmove(file->data, file->data + mark, file->size + 1);
    return true;
}

bool text_file_read(const char *path, enum text_encoding encoding, struct text_file *out,
                    struct error *error) {
    *out = (struct text_file){0};
    snprintf(out->path, sizeof out->path, "%s", path);
    if (read_bytes(path, out, error) && check_text(out, encoding, error)) return true;
    text_file_free(out);
    return false;
}

bool text_file_check_lines(const struct text_file *file, struct error *error) {
    const char *end = file->data + file->size;
    const char *old = memchr(file->data, '\r', file->size);
    if (!old || old + 1 == end || memchr(file->data, '\n', file->size)) return true;
    struct location at = {.file = file->path, .line = 1};
    return error_set_at(
        error, &at,
        "its lines end in carriage returns alone, as on old Macs, so all of it is one "
        "line; convert it: tr '\\r' '\\n' <OLD >NEW");
}

bool text_file_next_line(const struct text_file *file, struct text_line *line) {
    const char *end = file->data + file->size;
    const char *start = line->data ? line->data + line->size + 1 : file->data;
    if (start >= end) return false;
    if (!line->data) line->at.file = file->path;
    const char *newline = memchr(start, '\n', (size_t)(end - start));
    line->data = start;
    line->size = (size_t)((newline ? newline : end) - start);
    line->at.line++;
    return true;
}

void text_file_free(struct text_file *file) {
    free(file->data);
    file->data = NULL;
    file->size = 0;
}

bool text_file_hash(const char *path, struct sha256 *hash, struct error *error) {
    unsigned char buffer[1 << 16];
    const char *reason;
    int64_t claimed, n = 1;
    uint64_t total = 0;
    int file = regular_file_open(path, &claimed, &reason);
    if (file < 0) return error_set(error, "cannot read %s: %s", path, reason);
    bool fits = claimed <= text_file_max;
    while (fits && n > 0) {
        n = regular_file_read(file, buffer, sizeof buffer);
        if (n > 0) sha256_add(hash, buffer, (size_t)n);
        if (n > 0) total += (uint64_t)n;
        fits = total <= (uint64_t)text_file_max;
    }
    sha256_add(hash, &total, sizeof total);
    if (n < 0) error_set(error, "cannot read %s: %s", path, strerror(errno));
    close(file);
    return n >= 0 && (fits || error_set(error, "%s holds more than 1024 MiB; split it", path));
}
