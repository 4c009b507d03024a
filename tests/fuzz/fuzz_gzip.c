/*
 * Any bytes as a file that may be gzip, in each encoding. And the same bytes packed, as one stream
 * and as two: what is read then is what was packed, or the refusal of it.
 */
#include "models/base/text_file.h"
#include "tests/fuzz/input.h"

#include <string.h>

#define ZLIB_CONST /* it reads what it packs */
#include <zlib.h>

static bool read_as(const void *data, size_t size, enum text_encoding encoding,
                    struct text_file *out, struct error *error) {
    struct input_file file = input_open(data, size);
    *error = (struct error){0};
    memset(out, 0, sizeof *out);
    bool ok = text_file_read(file.path, encoding, out, error);
    must_explain(ok, error);
    if (ok) MUST(out->size > 0 && strlen(out->data) == out->size);
    input_close(&file);
    return ok;
}

/* One gzip stream of n bytes, appended to out[used]; returns what is used then. */
static size_t pack(const uint8_t *data, size_t n, uint8_t *out, size_t used, size_t room) {
    enum { GZIP = 15 + 16 }; /* the largest window, with gzip's header */
    z_stream stream = {.next_in = data,
                       .avail_in = (uInt)n,
                       .next_out = out + used,
                       .avail_out = (uInt)(room - used)};
    MUST(deflateInit2(&stream, 1, Z_DEFLATED, GZIP, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    MUST(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    used += stream.total_out;
    deflateEnd(&stream);
    return used;
}

/* `cut` is where the second stream starts. */
static void must_read_packed(const uint8_t *data, size_t size, size_t cut) {
    struct text_file plain, packed;
    struct error error, other;
    size_t room = 2 * size + 1000;
    uint8_t *bytes = malloc(room);
    MUST(bytes);
    size_t used = pack(data, cut, bytes, 0, room);
    if (cut < size) used = pack(data + cut, size - cut, bytes, used, room);
    bool ok = read_as(data, size, ENCODING_UTF_8, &plain, &error);
    MUST(read_as(bytes, used, ENCODING_UTF_8, &packed, &other) == ok);
    MUST(!ok || (plain.size == packed.size && memcmp(plain.data, packed.data, plain.size) == 0));
    text_file_free(&plain);
    text_file_free(&packed);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const enum text_encoding encodings[] = {ENCODING_UTF_8, ENCODING_ISO_8859_1,
                                                   ENCODING_WINDOWS_1252};
    struct text_file file;
    struct error error;
    for (int i = 0; i < 3; i++) {
        if (read_as(data, size, encodings[i], &file, &error)) text_file_check_lines(&file, &error);
        text_file_free(&file);
    }
    bool is_gzip = size > 1 && data[0] == 0x1f && data[1] == 0x8b; /* is unpacked once, not twice */
    if (!is_gzip) {
        must_read_packed(data, size, size);
        must_read_packed(data, size, size / 2);
    }
    return 0;
}
