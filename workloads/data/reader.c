/*
 * The table of readers, and the reader of `label text` lines, which is little more than a loop over
 * lines.
 */
#include "workloads/data/reader.h"

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
    struct text_line line = {0};
    while (text_file_next_line(file, &line)) {
        size_t size = line.size, label = 0;
        if (size > 0 && line.data[size - 1] == '\r') size--;
        if (size == 0) return error_set_at(error, &line.at, "empty line; expected `label text`");
        while (label < size && line.data[label] != ' ' && line.data[label] != '\t') label++;
        row.at = line.at;
        row.label = (struct piece){line.data, label};
        row.text[0] = (struct piece){line.data + label, size - label};
        if (!sink->take(sink->owner, &row, error)) return false;
    }
    return true;
}
