/*
 * Freeing a data set, and what a checkpoint keeps of it.
 */
#include "workloads/data/dataset.h"
#include "workloads/data/word_table.h"
#include "workloads/data/split.h"
#include "models/base/json.h"

#include <stdlib.h>

void dataset_free(struct dataset *dataset) {
    if (!dataset) return;
    split_free(&dataset->train);
    split_free(&dataset->validation);
    split_free(&dataset->test);
    words_free(dataset->class_names, dataset->n_classes);
    words_free(dataset->words, dataset->vocab);
    sources_free(&dataset->sources);
    text_free(&dataset->unmatched);
    free(dataset);
}

void dataset_write_tokenizer(const struct dataset *dataset, struct text *out) {
    text_append(out, "{\"kind\":\"%s\",\"words\":[", tokenizer_name(dataset->tokenizer));
    for (int i = 0; i < dataset->vocab; i++) {
        if (i > 0) text_append(out, ",");
        text_append_json_string(out, dataset->words[i]);
    }
    text_append(out, "],\"max_len\":%d}", dataset->max_len);
}
