/*
 * The file is read whole and then unpacked, so that members are walked over in memory. The size that
 * it claims is only believed where it is too large: memory grows with what is really read.
 */
#include "models/base/packed_file.h"
#include "models/base/regular_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { CHUNK = 1 << 18, GZIP_WINDOW = 15 + 16 /* any window; a gzip header and no other */ };

struct bytes {
    char *data; /* [capacity] */
    size_t size, capacity, most;
    const char *path;
};

static bool too_large(const struct bytes *bytes, struct error *error) {
    return error_set(error, "%s holds more than %zu MiB; split it", bytes->path, bytes->most >> 20);
}

/* Room for a chunk and a terminator; an error where there are more than `most` already. */
static bool reserve(struct bytes *bytes, struct error *error) {
    if (bytes->size > bytes->most) return too_large(bytes, error);
    if (bytes->capacity - bytes->size > CHUNK) return true;
    size_t capacity = bytes->capacity * 2 + CHUNK + 1;
    char *data = realloc(bytes->data, capacity);
    if (!data) return error_set(error, "out of memory while reading %s", bytes->path);
    bytes->data = data;
    bytes->capacity = capacity;
    return true;
}

static bool read_all(int file, struct bytes *out, struct error *error) {
    for (int64_t n = 1; n > 0; out->size += (size_t)n) {
        if (!reserve(out, error)) return false;
        n = regular_file_read(file, out->data + out->size, CHUNK);
        if (n < 0) return error_set(error, "cannot read %s: %s", out->path, strerror(errno));
    }
    return true;
}

/* Unpacks the member that the stream's input begins with and leaves what follows it. */
static bool unpack_member(z_stream *stream, struct bytes *out, struct error *error) {
    int status = Z_OK;
    while (status == Z_OK) {
        if (!reserve(out, error)) return false;
        stream->next_out = (unsigned char *)out->data + out->size;
        stream->avail_out = CHUNK;
        status = inflate(stream, Z_NO_FLUSH);
        out->size += CHUNK - stream->avail_out;
    }
    if (status == Z_STREAM_END) return out->size <= out->most || too_large(out, error);
    if (status == Z_BUF_ERROR && stream->avail_in == 0)
        return error_set(error, "%s is truncated: the gzip stream ends early; fetch it again",
                         out->path);
    return error_set(error, "cannot read %s: its gzip stream is damaged (%s); fetch it again",
                     out->path, stream->msg ? stream->msg : "out of memory");
}

static bool is_gzip(const unsigned char *bytes, size_t n) {
    return n >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

static bool unpack(const struct bytes *packed, struct bytes *out, struct error *error) {
    z_stream stream = {.next_in = (unsigned char *)packed->data,
                       .avail_in = (unsigned)packed->size};
    bool ok = inflateInit2(&stream, GZIP_WINDOW) == Z_OK || error_set(error, "out of memory");
    while (ok && is_gzip(stream.next_in, stream.avail_in))
        ok = inflateReset(&stream) == Z_OK && unpack_member(&stream, out, error);
    while (ok && stream.avail_in > 0 && *stream.next_in == 0) {
        stream.next_in++;
        stream.avail_in--;
    }
    if (ok && stream.avail_in > 0)
        ok = error_set(error,
                       "%s: after %zu unpacked bytes come %u that are neither gzip nor zeros, so "
                       "the rest is lost; fetch it again",
                       out->path, out->size, stream.avail_in);
    inflateEnd(&stream);
    return ok;
}

bool packed_file_read(const char *path, size_t most, char **data, size_t *size,
                      struct error *error) {
    struct bytes packed = {.path = path, .most = most}, plain = packed;
    const char *reason;
    size_t length = strlen(path);
    int64_t claimed;
    int file = regular_file_open(path, &claimed, &reason);
    if (file < 0) return error_set(error, "cannot open %s: %s", path, reason);
    bool ok =
        (claimed <= (int64_t)most || too_large(&packed, error)) && read_all(file, &packed, error);
    close(file);
    if (ok && is_gzip((const unsigned char *)packed.data, packed.size)) {
        ok = unpack(&packed, &plain, error);
        free(packed.data);
        packed = plain;
    } else if (ok && length > 3 && strcmp(path + length - 3, ".gz") == 0) {
        ok = error_set(error, "%s is not a gzip file; fetch it again or drop the .gz", path);
    }
    if (!ok) free(packed.data);
    *data = ok ? packed.data : NULL;
    *size = ok ? packed.size : 0;
    return ok;
}
