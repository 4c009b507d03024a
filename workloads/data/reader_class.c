/*
 * Data sets that keep each class in a file or in a folder of its own. The label is in the path
 * (data_files.h), so that only texts are left to read: every line of a file, or all of it.
 */
#include "workloads/data/reader.h"

#include <stdio.h>
#include <string.h>

bool reader_class_files(struct text_file *file, const struct data_config *config,
                        const struct row_sink *sink, struct error *error) {
    (void)config;
    struct row row = {.n_text = 1};
    snprintf(row.at.file, sizeof row.at.file, "%s", file->path);
    const char *next = file->data, *end = file->data + file->size;
    while (next < end) {
        const char *newline = memchr(next, '\n', (size_t)(end - next));
        const char *stop = newline ? newline : end;
        row.at.line++;
        row.text[0] = (struct piece){next, (size_t)(stop - next)};
        if (!sink->take(sink->owner, &row, error)) return false;
        next = newline ? newline + 1 : end;
    }
    return true;
}

bool reader_class_folders(struct text_file *file, const struct data_config *config,
                          const struct row_sink *sink, struct error *error) {
    (void)config;
    struct row row = {.n_text = 1, .text = {{file->data, file->size}}};
    snprintf(row.at.file, sizeof row.at.file, "%s", file->path);
    return sink->take(sink->owner, &row, error);
}
