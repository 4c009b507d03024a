/*
 * The data set's hash does not see where inputs come from: renamed files, or texts that differ in
 * what no token shows, are the same data. So sources have a hash of their own, by which the
 * database keeps them.
 */
#include "workloads/data/sources.h"
#include "models/base/sha256.h"
#include "workloads/data/word_table.h"

#include <stdlib.h>
#include <string.h>

/* Numbers out of range can only be of a cache that was made by hand. */
const char *sources_file(const struct sources *sources, int input) {
    int32_t file = sources->source[input].file;
    return file >= 0 && file < sources->n_files ? sources->files[file] : "";
}

const char *sources_text(const struct sources *sources, int input) {
    int64_t text = sources->source[input].text;
    return text > 0 && (size_t)text < sources->texts.size ? sources->texts.data + text : NULL;
}

void sources_hash(struct sources *sources) {
    struct sha256 hash;
    sha256_start(&hash);
    for (int i = 0; i < sources->n; i++) {
        const struct input_source *source = &sources->source[i];
        const char *file = sources_file(sources, i);
        int32_t numbers[] = {source->row, sources_text(sources, i) != NULL};
        sha256_add(&hash, file, strlen(file) + 1);
        sha256_add_int32(&hash, numbers, 2);
        sha256_add(&hash, source->sha256, sizeof source->sha256);
    }
    sha256_finish(&hash, sources->sha256);
}

void sources_free(struct sources *sources) {
    free(sources->source);
    words_free(sources->files, sources->n_files);
    text_free(&sources->texts);
    *sources = (struct sources){0};
}
