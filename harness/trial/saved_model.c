/*
 * Writing a trained model with everything needed to use it, and reading it back. The tensors are
 * parameters.c's business and the bytes checkpoint.c's; here is what the metadata mean.
 */
#include "harness/trial/saved_model.h"
#include "models/checkpoint.h"
#include "models/model_json.h"
#include "models/base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_names(char *const *names, int n, struct text *out) {
    text_append(out, "[");
    for (int i = 0; i < n; i++) {
        if (i > 0) text_append(out, ",");
        text_append_json_string(out, names[i]);
    }
    text_append(out, "]");
}

/* The tensors as the file names them; NULL if memory ran out. */
static struct tensor_view *views_of(const struct parameters *parameters, size_t *n) {
    *n = parameters_views(parameters, NULL);
    struct tensor_view *views = calloc(*n, sizeof *views);
    if (views) parameters_views(parameters, views);
    return views;
}

bool saved_model_write(const char *path, const struct parameters *parameters,
                       const struct dataset *data, const char *trial, char sha256[65],
                       struct error *error) {
    struct text config = {0}, tokenizer = {0}, classes = {0};
    struct checkpoint *file = NULL;
    char seed[24];
    size_t n;
    struct tensor_view *views = views_of(parameters, &n);
    bool ok = false;
    snprintf(seed, sizeof seed, "%" PRIu64, parameters->seed);
    model_write_json(&parameters->config, &config);
    dataset_write_tokenizer(data, &tokenizer);
    write_names(data->class_names, data->n_classes, &classes);
    if (!views || config.failed || tokenizer.failed || classes.failed) {
        error_set(error, "out of memory for the checkpoint's header");
        goto done;
    }
    struct metadata meta[] = {{"format", "headroom-1"},
                              {"config", config.data},
                              {"vocab_sha256", data->vocab_sha256},
                              {"trial", trial},
                              {"seed", seed},
                              {"classes", classes.data},
                              {"tokenizer", tokenizer.data}};
    ok = checkpoint_write(path, meta, sizeof meta / sizeof *meta, views, n, error) &&
         checkpoint_open(path, &file, error) && checkpoint_sha256(file, sha256, error);
done:
    checkpoint_close(file);
    free(views);
    text_free(&config);
    text_free(&tokenizer);
    text_free(&classes);
    return ok;
}

/* Everything that is not a tensor. */
static bool read_metadata(const struct checkpoint *file, struct model_config *config,
                          struct saved_model *out, struct error *error) {
    const char *format = checkpoint_metadata(file, "format");
    const char *json = checkpoint_metadata(file, "config");
    const char *trial = checkpoint_metadata(file, "trial");
    const char *sha = checkpoint_metadata(file, "vocab_sha256");
    const char *classes = checkpoint_metadata(file, "classes");
    const char *tokenizer = checkpoint_metadata(file, "tokenizer");
    if (!format || strcmp(format, "headroom-1") != 0 || !json)
        return error_set(error, "not a headroom-1 checkpoint: its metadata lacks format or config");
    snprintf(out->trial, sizeof out->trial, "%s", trial ? trial : "");
    snprintf(out->vocab_sha256, sizeof out->vocab_sha256, "%s", sha ? sha : "");
    return model_read_json(json, strlen(json), config, error) &&
           (!classes || saved_names_read(classes, "classes", &out->classes, error)) &&
           (!tokenizer || saved_words_read(tokenizer, &out->words, error));
}

/* What the metadata say of the model's sizes, against the model. */
static bool check_sizes(const struct saved_model *model, const struct model_config *config,
                        struct error *error) {
    int words = model->words.words.n, classes = model->classes.n;
    if (words > 0 && words != config->vocab)
        return error_set(error, "config has vocab %d, the tokenizer %d words", config->vocab,
                         words);
    if (classes > 0 && classes != config->classes)
        return error_set(error, "config has %d classes, the metadata name %d", config->classes,
                         classes);
    if (words > 0 && config->separator && config->separator != model->words.separator)
        return error_set(error, "config has separator %d, which the tokenizer calls '%.40s'",
                         config->separator, model->words.words.words[config->separator]);
    return true;
}

/* Error if the file's bytes are not those with this hash. */
static bool check_bytes(const struct checkpoint *file, const char *path, const char *sha256,
                        struct error *error) {
    char found[65];
    if (!checkpoint_sha256(file, found, error)) return false;
    return strcmp(found, sha256) == 0 ||
           error_set(error,
                     "checkpoint %s is not what its training wrote: its SHA-256 is %.12s... and "
                     "was %.12s...; a sweep trains it again",
                     path, found, sha256);
}

/* sha256 NULL or "": whatever the bytes are. They are those of the file that is open, also if
 * somebody puts another in its place meanwhile. */
static bool read_model(const char *path, const char *sha256, struct saved_model *out,
                       struct error *error) {
    struct checkpoint *file = NULL;
    struct tensor_view *views = NULL;
    struct model_config config;
    bool ok = false;
    memset(out, 0, sizeof *out);
    if (!checkpoint_open(path, &file, error)) return false;
    if (sha256 && sha256[0] && !check_bytes(file, path, sha256, error)) goto done;
    if (!read_metadata(file, &config, out, error) || !check_sizes(out, &config, error)) {
        error_prefix(error, "%s", path);
        goto done;
    }
    if (!parameters_new(&config, "parameters", &out->parameters, error)) goto done;
    size_t n;
    views = views_of(out->parameters, &n);
    if (!views) {
        error_set(error, "out of memory for the tensors of %s", path);
        goto done;
    }
    const char *seed = checkpoint_metadata(file, "seed");
    out->parameters->seed = seed ? strtoull(seed, NULL, 10) : 0;
    ok = checkpoint_read(file, views, n, error);
done:
    free(views);
    checkpoint_close(file);
    if (!ok) saved_model_free(out);
    return ok;
}

bool saved_model_read(const char *path, struct saved_model *out, struct error *error) {
    return read_model(path, NULL, out, error);
}

bool saved_model_read_trained(const struct trained *trained, struct saved_model *out,
                              struct error *error) {
    if (!read_model(trained->path, trained->sha256, out, error)) return false;
    if (strcmp(out->trial, trained->trial) == 0) return true;
    saved_model_free(out);
    return error_set(error,
                     "%s was not written by the training that this trial starts from; train "
                     "that again",
                     trained->path);
}

void saved_model_free(struct saved_model *model) {
    parameters_free(model->parameters);
    saved_words_free(&model->words);
    word_table_free(&model->classes);
    memset(model, 0, sizeof *model);
}

/* The same names in the same order; the numbers are already known to agree. */
static bool check_names(const struct word_table *own, char *const *names, const char *what,
                        struct error *error) {
    for (int i = 0; i < own->n; i++)
        if (strcmp(own->words[i], names[i]) != 0)
            return error_set(error, "%s %d is '%.60s' in the checkpoint and '%.60s' in the data",
                             what, i, own->words[i], names[i]);
    return true;
}

bool saved_model_check_data(const struct saved_model *model, const struct dataset *data,
                            struct error *error) {
    const struct model_config *c = &model->parameters->config;
    if (model->words.words.n > 0 && model->words.kind != data->tokenizer)
        return error_set(error,
                         "the checkpoint's tokenizer is '%s', that of the data '%s': set "
                         "`tokenizer` in data to the one that the model was trained with",
                         tokenizer_name(model->words.kind), tokenizer_name(data->tokenizer));
    if (c->separator && !data->separator)
        return error_set(error, "the checkpoint reads pairs of texts, the data have single ones: "
                                "name the other text as `second_text` in data");
    if (c->classes != data->n_classes)
        return error_set(error, "the checkpoint tells %d classes apart, the data have %d",
                         c->classes, data->n_classes);
    if (c->vocab != data->vocab)
        return error_set(error, "the checkpoint knows %d words, the data have %d", c->vocab,
                         data->vocab);
    if (c->max_len < data->max_len)
        return error_set(error, "the checkpoint reads %d tokens, an input of the data can have %d",
                         c->max_len, data->max_len);
    if (c->separator && c->separator != data->separator)
        return error_set(error, "the checkpoint's separator is token %d, that of the data %d",
                         c->separator, data->separator);
    if (!check_names(&model->classes, data->class_names, "class", error) ||
        !check_names(&model->words.words, data->words, "word", error))
        return false;
    if (model->vocab_sha256[0] && strcmp(model->vocab_sha256, data->vocab_sha256) != 0)
        return error_set(error,
                         "the checkpoint's words have the SHA-256 %.12s..., those of the data "
                         "%.12s...: other words, or in another order",
                         model->vocab_sha256, data->vocab_sha256);
    return true;
}
