/*
 * A checkpoint as a model that can run, with what its metadata say of it (models/checkpoint.md).
 * Written by training; read to profile, to evaluate, to predict, and by methods that start from
 * another trial's weights. A file that was written elsewhere may leave out everything but `format`
 * and `config`: what it does not say is empty here and is not checked.
 */
#ifndef HEADROOM_HARNESS_TRIAL_SAVED_MODEL_H
#define HEADROOM_HARNESS_TRIAL_SAVED_MODEL_H

#include "models/parameters.h"
#include "workloads/data/dataset.h"
#include "workloads/data/saved_words.h"

struct saved_model {
    struct parameters *parameters;
    char trial[80];            /* train key of the trial that wrote it */
    char vocab_sha256[80];     /* of its words */
    struct saved_words words;  /* words.words.n = 0: not said */
    struct word_table classes; /* names; n = 0: not said */
};

/* Writes `parameters`, which were trained on `data`, under the identity `trial`; sha256 receives
 * the hash of the file. */
bool saved_model_write(const char *path, const struct parameters *parameters,
                       const struct dataset *data, const char *trial, char sha256[65],
                       struct error *error);

bool saved_model_read(const char *path, struct saved_model *out, struct error *error);

/* The checkpoint of a finished training that another trial starts from, as that training's row has
 * it. */
struct trained {
    const char *path;   /* NULL: there is none */
    const char *trial;  /* train key */
    const char *sha256; /* of the file; NULL or "": not known, so not checked */
};

/* Refuses, naming the file, what another training wrote, and what has changed since. */
bool saved_model_read_trained(const struct trained *trained, struct saved_model *out,
                              struct error *error);
void saved_model_free(struct saved_model *model);

/* Error, naming the first difference, unless the model was made for this data: number and names of
 * classes, words and their order, longest input. */
bool saved_model_check_data(const struct saved_model *model, const struct dataset *data,
                            struct error *error);

#endif
