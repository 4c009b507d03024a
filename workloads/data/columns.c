/*
 * The readers themselves are asked, for the start of a file: one that is cut in the middle of a
 * record looks broken, so that only the one complaint counts which names a column. A JSON document
 * has no start that could be read alone.
 */
#include "workloads/data/columns.h"
#include "models/base/regular_file.h"
#include "models/base/utf8.h"
#include "workloads/data/data_files.h"
#include "workloads/data/reader.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { HEAD_SIZE = 1 << 16 };

/* The whole lines at the start of a file, packed or not; false where there is no such text. */
static bool read_head(const char *path, struct text_file *out) {
    const char *reason;
    int64_t claimed;
    int file = regular_file_open(path, &claimed, &reason);
    *out = (struct text_file){0};
    if (file < 0) return false;
    snprintf(out->path, sizeof out->path, "%s", path);
    gzFile stream = gzdopen(file, "rb"); /* reads what is not packed as it is */
    out->data = malloc(HEAD_SIZE + 1);
    int n = stream && out->data ? gzread(stream, out->data, HEAD_SIZE) : -1;
    if (stream)
        gzclose(stream);
    else
        close(file);
    for (bool cut = n == HEAD_SIZE; cut && n > 0; n--)
        if (out->data[n - 1] == '\n') break;
    if (n <= 0 || memchr(out->data, '\0', (size_t)n)) {
        text_file_free(out);
        return false;
    }
    out->size = (size_t)n;
    size_t mark = utf8_mark_size(out->data, out->size);
    out->size -= mark;
    memmove(out->data, out->data + mark, out->size);
    out->data[out->size] = '\0';
    return true;
}

/* The first row is enough. */
static bool stop(void *owner, const struct row *row, struct error *error) {
    (void)owner;
    return error_set_at(error, &row->at, "enough");
}

static bool has_columns(const struct data_config *config, enum part part, const char *path,
                        const char **absent, struct error *error) {
    const struct row_sink sink = {.part = part, .take = stop, .absent = absent};
    struct text_file file;
    struct error ignored;
    bool read = config->source == SOURCE_JSON
                    ? text_file_read(path, (enum text_encoding)config->encoding, &file, &ignored)
                    : read_head(path, &file);
    /* Names of columns are UTF-8; the start of a file in another encoding is not turned into it. */
    if (read && utf8_valid_prefix(file.data, file.size) == file.size)
        reader_find(config->source)(&file, config, &sink, error);
    if (read) text_file_free(&file);
    return !*absent;
}

bool columns_check(const struct data_config *config, const char **absent, struct error *error) {
    bool ok = true;
    *absent = NULL;
    bool named = config->source == SOURCE_CSV || config->source == SOURCE_TSV ||
                 config->source == SOURCE_JSONL || config->source == SOURCE_JSON;
    for (enum part part = PART_TRAIN; named && ok && part <= PART_TEST; part++) {
        struct data_files files;
        struct error ignored;
        data_files_list(config, part, &files, &ignored);
        for (int i = 0; ok && i < files.n; i++)
            ok = has_columns(config, part, files.file[i].path, absent, error);
        data_files_free(&files);
    }
    return ok;
}
