/*
 * The table of readers, and the reader of `label text` lines, which is little more than a loop over
 * lines.
 */
#include "workloads/data/reader.h"

#include <stdio.h>
#include <string.h>

static const reader readers[] = {
    [SOURCE_LABEL_TEXT] = reader_label_text,
    [SOURCE_CSV] = reader_csv,
    [SOURCE_TSV] = reader_csv,
    [SOURCE_JSONL] = reader_jsonl,
    [SOURCE_JSON] = reader_json,
    [SOURCE_CLASS_FILES] = reader_class_files,
    [SOURCE_CLASS_FOLDERS] = reader_class_folders,
};

reader reader_find(int source) {
    return source >= 0 && source < (int)(sizeof readers / sizeof *readers) ? readers[source] : NULL;
}

bool reader_label_text(struct text_file *file, const struct data_config *config,
                       const struct row_sink *sink, struct error *error) {
    (void)config;
    struct row row = {.n_text = 1};
    snprintf(row.at.file, sizeof row.at.file, "%s", file->path);
    const char *next = file->data, *end = file->data + file->size;
    while (next < end) {
        row.at.line++;
        const char *newline = memchr(next, '\n', (size_t)(end - next));
        const char *stop = newline ? newline : end;
        size_t size = (size_t)(stop - next), label = 0;
        if (size > 0 && next[size - 1] == '\r') size--;
        if (size == 0) return error_set_at(error, &row.at, "empty line; expected `label text`");
        while (label < size && next[label] != ' ' && next[label] != '\t') label++;
        row.label = (struct piece){next, label};
        row.text[0] = (struct piece){next + label, size - label};
        if (!sink->take(sink->owner, &row, error)) return false;
        next = newline ? newline + 1 : end;
    }
    return true;
}
