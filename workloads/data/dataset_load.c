/*
 * The one path from a configuration to three splits: source, limits, validation slice, vocabulary,
 * hashes. Generated and read data part ways in two lines of `make` and nowhere else.
 */
#include "workloads/data/dataset_load.h"
#include "models/base/sha256.h"
#include "workloads/data/data_config_check.h"
#include "workloads/data/data_files.h"
#include "workloads/data/dataset_cache.h"
#include "workloads/data/overlap.h"
#include "workloads/data/split.h"
#include "workloads/data/synthetic.h"
#include "workloads/data/text_pair.h"
#include "workloads/data/text_source.h"
#include "workloads/data/vocabulary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Keeps `limit` inputs of a split, 0 = all. */
static bool limit_split(struct split *split, int n_classes, int limit, int seed,
                        enum split_purpose purpose, struct error *error) {
    if (limit == 0 || limit >= split->n) return true;
    bool *chosen = malloc((size_t)split->n * sizeof *chosen);
    if (!chosen) return error_set(error, "out of memory while limiting a split");
    bool ok = split_choose(split, n_classes, limit, seed, purpose, chosen, error) &&
              split_keep(split, chosen, true, error);
    free(chosen);
    return ok;
}

/* Moves a share of the training split into another split; `option` is where the share is set. */
static bool take_share(struct dataset *data, double share, const char *option, int seed,
                       enum split_purpose purpose, struct split *out, struct error *error) {
    int want = (int)(share * data->train.n + 0.5);
    if (want < 1 || want >= data->train.n)
        return error_set(error, "%s takes %d of %d training inputs; change it or data.train_limit",
                         option, want, data->train.n);
    bool *chosen = malloc((size_t)data->train.n * sizeof *chosen);
    if (!chosen) return error_set(error, "out of memory while splitting");
    bool ok = split_choose(&data->train, data->n_classes, want, seed, purpose, chosen, error) &&
              split_copy(&data->train, chosen, true, out, error) &&
              split_keep(&data->train, chosen, false, error);
    free(chosen);
    return ok;
}

/* n names from a prefix and a number from 0. */
static bool number_names(const char *prefix, int n, char ***out, struct error *error) {
    *out = calloc((size_t)n, sizeof **out);
    bool ok = *out != NULL;
    for (int i = 0; ok && i < n; i++) ok = asprintf(&(*out)[i], "%s%d", prefix, i) > 0;
    return ok || error_set(error, "out of memory for %d names", n);
}

static bool load_synthetic(const struct data_config *config, struct dataset *data,
                           struct error *error) {
    const struct generator *generator = generator_find(config->source);
    data->n_classes = generator->n_classes(config);
    data->vocab = generator->vocab(config);
    data->max_len = config->length;
    return synthetic_generate(config, &data->train, &data->test, error) &&
           number_names("t", data->vocab, &data->words, error) &&
           number_names("class", data->n_classes, &data->class_names, error);
}

/* A slice of training to choose weights on, where no file is named for that. */
static bool take_validation(const struct data_config *config, struct dataset *data,
                            struct error *error) {
    return config->validation_file[0] ||
           take_share(data, config->validation_share, "data.validation_share", config->seed,
                      SPLIT_VALIDATION, &data->validation, error);
}

static bool load_text(const struct data_config *config, struct dataset *data,
                      struct word_table *words, struct error *error) {
    data->max_len = config->max_len;
    return text_source_load(config, data, words, error) &&
           (config->test_share == 0 || take_share(data, config->test_share, "data.test_share",
                                                  config->seed, SPLIT_TEST, &data->test, error));
}

/* The names of all files that rows come from, in the order in which they are read: below the data
 * folder, so that they are the same on every machine. They are no part of what is kept in the
 * cache, whose key does not know the names of a folder's files. */
static bool name_files(const struct data_config *config, struct sources *sources,
                       struct error *error) {
    const char *root = data_root();
    size_t length = strlen(root);
    bool ok = true;
    for (enum part part = PART_TRAIN; ok && part <= PART_TEST; part++) {
        struct data_files files;
        ok = data_files_list(config, part, &files, error);
        size_t n = (size_t)sources->n_files + (size_t)files.n;
        char **grown = ok && files.n > 0 ? realloc(sources->files, n * sizeof *grown) : NULL;
        if (grown) sources->files = grown;
        if (ok && files.n > 0 && !grown) ok = error_set(error, "out of memory for file names");
        for (int i = 0; ok && i < files.n; i++) {
            const char *path = files.file[i].path;
            bool below = strncmp(path, root, length) == 0 && path[length] == '/';
            char *name = strdup(below ? path + length + 1 : path);
            ok = name || error_set(error, "out of memory for file names");
            if (ok) sources->files[sources->n_files++] = name;
        }
        data_files_free(&files);
    }
    return ok;
}

/* Cuts the texts and replaces table indices by tokens of a vocabulary of the training part. */
static bool apply_vocabulary(const struct data_config *config, struct dataset *data,
                             const struct word_table *table, struct error *error) {
    struct split *splits[] = {&data->train, &data->validation, &data->test};
    int separator = word_table_find(table, TEXT_PAIR_SEPARATOR, strlen(TEXT_PAIR_SEPARATOR));
    for (int s = 0; s < 3; s++)
        data->n_truncated += split_truncate(splits[s], config->max_len, separator);
    int32_t *map = malloc((size_t)table->n * sizeof *map);
    if (!map) return error_set(error, "out of memory for %d words", table->n);
    bool ok = vocabulary_choose(table, &data->train, config->min_count, config->vocab_limit, map,
                                &data->words, &data->vocab, error);
    for (int s = 0; ok && s < 3; s++)
        for (int32_t t = 0; t < splits[s]->offsets[splits[s]->n]; t++)
            splits[s]->tokens[t] = map[splits[s]->tokens[t]];
    data->tokenizer = (enum tokenizer_kind)config->tokenizer;
    data->separator = ok && separator >= 0 ? map[separator] : 0;
    free(map);
    if (!ok) return false;
    int32_t unknown = 0, n_tokens = data->test.offsets[data->test.n];
    for (int32_t t = 0; t < n_tokens; t++) unknown += data->test.tokens[t] == 0;
    data->unknown_share = (double)unknown / n_tokens;
    return true;
}

static void add_names(struct sha256 *hash, char *const *names, int n) {
    for (int i = 0; i < n; i++) sha256_add(hash, names[i], strlen(names[i]) + 1);
}

static void hash_dataset(struct dataset *data) {
    const struct split *splits[] = {&data->train, &data->validation, &data->test};
    struct sha256 hash;
    sha256_start(&hash);
    for (int s = 0; s < 3; s++) {
        const struct split *split = splits[s];
        size_t n = (size_t)split->n;
        sha256_add_int32(&hash, &split->n, 1);
        sha256_add_int32(&hash, split->offsets, n + 1);
        sha256_add_int32(&hash, split->tokens, (size_t)split->offsets[n]);
        sha256_add_int32(&hash, split->labels, n);
        sha256_add_int32(&hash, split->difficulty, n);
    }
    add_names(&hash, data->class_names, data->n_classes);
    sha256_finish(&hash, data->sha256);
    sha256_start(&hash);
    add_names(&hash, data->words, data->vocab);
    sha256_finish(&hash, data->vocab_sha256);
}

/* Makes a data set from its source. */
static bool make(const struct data_config *config, struct dataset **out, struct error *error) {
    bool is_text = !data_config_is_generated(config), ok = false;
    struct word_table words = {0};
    struct dataset *data = calloc(1, sizeof *data);
    if (data) text_append_bytes(&data->sources.texts, "", 1); /* no text begins at 0 */
    if (!data || data->sources.texts.failed) {
        error_set(error, "out of memory");
        goto done;
    }
    ok = (is_text ? load_text(config, data, &words, error) : load_synthetic(config, data, error)) &&
         limit_split(&data->train, data->n_classes, config->train_limit, config->seed,
                     SPLIT_TRAIN_LIMIT, error) &&
         limit_split(&data->test, data->n_classes, config->test_limit, config->seed,
                     SPLIT_TEST_LIMIT, error) &&
         overlap_apply(config, data, error) && take_validation(config, data, error) &&
         (!is_text || apply_vocabulary(config, data, &words, error));
    if (!ok) goto done;
    split_take_sources(&data->test, &data->sources);
    split_drop_sources(&data->train);
    split_drop_sources(&data->validation);
    text_append_bytes(&data->unmatched, "", 1); /* its end is kept in the cache, too */
    if (data->unmatched.failed) ok = error_set(error, "out of memory");
    if (!ok) goto done;
    data->mean_length = (double)data->train.offsets[data->train.n] / data->train.n;
    hash_dataset(data);
    *out = data;

done:
    word_table_free(&words);
    if (!ok) dataset_free(data);
    return ok;
}

/* The files as they are now must be those from before `data` was made of them. */
static bool check_unchanged(const struct data_config *config, const char *before,
                            struct error *error) {
    struct text names = {0};
    char after[65];
    if (!data_files_sha256(config, after, error)) return false;
    if (strcmp(before, after) == 0) return true;
    data_files_write_names(config, &names);
    error_set(error, "%s changed while it was read; try again", names.failed ? "data" : names.data);
    text_free(&names);
    return false;
}

static bool is_at_most(const struct split *split, const struct split *more, int limit) {
    return limit == 0 || (int64_t)split->n + more->n <= limit;
}

/* Whether a data set that was kept is one that `make` could have made of the section: sizes of
 * models and batches follow from its fields, and the file may have been written by hand. */
static bool follows_from(const struct data_config *config, const struct dataset *data) {
    const struct split none = {0};
    const struct split *slice = config->validation_file[0] ? &none : &data->validation;
    if (!is_at_most(&data->train, slice, config->train_limit) ||
        !is_at_most(&data->test, &none, config->test_limit))
        return false;
    if (data_config_is_generated(config)) {
        const struct generator *generator = generator_find(config->source);
        return data->max_len == config->length && data->vocab == generator->vocab(config) &&
               data->n_classes == generator->n_classes(config) && data->separator == 0 &&
               is_at_most(&data->train, &data->validation, config->n_train) &&
               is_at_most(&data->test, &none, config->n_test);
    }
    return data->max_len == config->max_len && data->vocab <= config->vocab_limit &&
           data->tokenizer == (enum tokenizer_kind)config->tokenizer &&
           (data->separator > 0) == (config->second_text.n > 0);
}

bool dataset_load(const struct data_config *config, struct dataset **out, struct error *error) {
    char files[65], key[65];
    struct error ignored; /* whoever reads a file that cannot be hashed says more of it */
    *out = NULL;
    if (!data_config_check(config, error)) return false;
    if (config->seed == DATA_SEED_PER_TRIAL)
        return error_set(error, "data.seed is per-trial where the data of one trial are asked for");
    bool has_key =
        data_files_sha256(config, files, &ignored) && dataset_cache_key(config, files, key);
    if (has_key) *out = dataset_cache_read(key);
    if (*out && !follows_from(config, *out)) {
        dataset_free(*out);
        *out = NULL;
    }
    bool made = !*out;
    if (made && (!make(config, out, error) || !check_unchanged(config, files, error))) {
        dataset_free(*out);
        *out = NULL;
        return false;
    }
    memcpy((*out)->files_sha256, files, sizeof files);
    if (made && has_key) dataset_cache_write(key, *out);
    if (!name_files(config, &(*out)->sources, error)) {
        dataset_free(*out);
        *out = NULL;
        return false;
    }
    sources_hash(&(*out)->sources);
    return true;
}
