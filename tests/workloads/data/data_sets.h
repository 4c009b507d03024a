/*
 * Data sets for the tests, from files that they write: one that has to load, and one that has to be
 * refused with a message.
 */
#ifndef HEADROOM_TESTS_WORKLOADS_DATA_DATA_SETS_H
#define HEADROOM_TESTS_WORKLOADS_DATA_DATA_SETS_H

#include "tests/workloads/data/files.h"
#include "workloads/data/data_files.h"
#include "workloads/data/dataset_cache.h"
#include "workloads/data/dataset_load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static struct error error; /* of the last call */

static inline struct data_config config_of(int source, const char *train, const char *test) {
    struct data_config config;
    options_default(&data_options, &config);
    config.source = source;
    snprintf(config.train_file, sizeof config.train_file, "%s", train);
    snprintf(config.test_file, sizeof config.test_file, "%s", test);
    return config;
}

static inline struct dataset *load(const struct data_config *config) {
    struct dataset *data;
    memset(&error, 0, sizeof error);
    if (!dataset_load(config, &data, &error)) fail_msg("%s", files_message(&error));
    return data;
}

static inline void expect_refusal(const struct data_config *config, const char *part) {
    struct dataset *data;
    memset(&error, 0, sizeof error);
    assert_false(dataset_load(config, &data, &error));
    if (!strstr(files_message(&error), part))
        fail_msg("expected '%s' in '%s'", part, files_message(&error));
}

/* The name in the cache of what the files hold now. */
static inline void key_of(const struct data_config *config, char key[65]) {
    char files[65];
    if (!data_files_sha256(config, files, &error)) fail_msg("%s", files_message(&error));
    assert_true(dataset_cache_key(config, files, key));
}

/* n rows of each of three labels, unequal texts: `A:x`, `A:y`, `B:x`. */
static inline void write_labels(const char *name, int n) {
    FILE *file = fopen(files_path(name), "w");
    assert_non_null(file);
    for (int i = 0; i < n; i++) fprintf(file, "B:x word b%d\nA:y word a%d ?\nA:x Word!\n", i, i);
    assert_int_equal(fclose(file), 0);
}

#endif
