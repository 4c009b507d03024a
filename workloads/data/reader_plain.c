/*
 * Little more than loops over lines. Data sets that keep each class in a file or in a folder of its
 * own have the label in the path (data_files.h), so that only texts are left to read: every line of
 * a file, or all of it.
 */
#include "workloads/data/reader_plain.h"

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

bool reader_label_text(struct text_file *file, const struct data_config *config,
                       const struct row_sink *sink, struct error *error) {
    struct row row = {.n_text = 1};
    struct text_line line = {0};
    while (text_file_next_line(file, &line)) {
        size_t size = line.size, label = 0;
        if (size > 0 && line.data[size - 1] == '\r') size--;
        if (size == 0 && !config->drop_empty)
            return error_set_at(error, &line.at, "empty line; expected `label text`");
        while (label < size && !is_blank(line.data[label])) label++;
        row.at = line.at;
        row.label = (struct piece){line.data, label};
        size_t text = label;
        while (text < size && is_blank(line.data[text])) text++;
        row.text[0] = (struct piece){line.data + text, size - text};
        if (!sink->take(sink->owner, &row, error)) return false;
    }
    return true;
}

bool reader_class_files(struct text_file *file, const struct data_config *config,
                        const struct row_sink *sink, struct error *error) {
    (void)config;
    struct row row = {.n_text = 1};
    struct text_line line = {0};
    while (text_file_next_line(file, &line)) {
        row.at = line.at;
        row.text[0] = (struct piece){line.data, line.size};
        if (!sink->take(sink->owner, &row, error)) return false;
    }
    return true;
}

bool reader_class_folders(struct text_file *file, const struct data_config *config,
                          const struct row_sink *sink, struct error *error) {
    (void)config;
    struct row row = {.at.file = file->path, .n_text = 1, .text = {{file->data, file->size}}};
    return sink->take(sink->owner, &row, error);
}
