/*
 * The table of readers.
 */
#include "workloads/data/reader.h"
#include "workloads/data/reader_csv.h"
#include "workloads/data/reader_json.h"
#include "workloads/data/reader_plain.h"

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
