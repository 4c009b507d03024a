/*
 * For the targets of data files: the input as the training file of a `data:` section, all the way
 * from bytes to splits and a vocabulary. A reader alone is only half of what meets such a file:
 * classes, tokeniser, duplicates, limits and splits see its rows next.
 */
#ifndef HEADROOM_TESTS_FUZZ_DATA_SET_H
#define HEADROOM_TESTS_FUZZ_DATA_SET_H

#include "models/base/json.h"
#include "tests/fuzz/input.h"
#include "workloads/data/dataset_load.h"

#include <string.h>

static inline void must_fit(const struct split *split, const struct dataset *data) {
    MUST(split->n > 0 && split->offsets[0] == 0);
    for (int i = 0; i < split->n; i++) {
        int length = split->offsets[i + 1] - split->offsets[i];
        MUST(length > 0 && length <= data->max_len);
        MUST(split->labels[i] >= 0 && split->labels[i] < data->n_classes);
    }
    for (int32_t t = 0; t < split->offsets[split->n]; t++)
        MUST(split->tokens[t] >= 0 && split->tokens[t] < data->vocab);
}

/* A model can run on it without leaving its tables, and what it says of itself can be written. */
static inline void must_be_sound(const struct dataset *data) {
    struct text json = {0};
    must_fit(&data->train, data);
    must_fit(&data->validation, data);
    must_fit(&data->test, data);
    MUST(data->n_classes > 0 && data->separator >= 0 && data->separator < data->vocab);
    for (int c = 0; c < data->n_classes; c++) MUST(data->class_names[c]);
    dataset_write_tokenizer(data, &json);
    text_free(&json);
}

/* `section` is the rest of the `data:` section as JSON. */
static inline void load_data_set(const uint8_t *bytes, size_t size, const char *section) {
    struct input_file file = input_open(bytes, size);
    struct data_config config;
    struct dataset *data;
    struct error error = {0};
    struct node *map;
    options_default(&data_options, &config);
    MUST(json_parse(section, strlen(section), "section", &map, &error));
    MUST(options_bind(&data_options, map, NULL, &config, &error));
    node_free(map);
    snprintf(config.train_file, sizeof config.train_file, "%s", file.path);
    config.test_share = 0.4; /* few rows are enough for all three splits */
    config.validation_share = 0.3;
    config.store_texts = true;
    MUST(setenv("HEADROOM_CACHE", "", 1) == 0);
    bool ok = dataset_load(&config, &data, &error);
    must_explain(ok, &error);
    if (ok) must_be_sound(data);
    dataset_free(data);
    input_close(&file);
}

#endif
