/*
 * Data sets as the engine wants them: token indices end to end with offsets, a label and a known
 * difficulty per input. A data set comes from a generator (synthetic_*.c) or from text
 * files (readers + tokeniser); what follows cannot tell which. The validation slice is taken
 * from the training split, stratified by label, and depends on the data seed only, so that every
 * arm and every trial seed sees the same three splits.
 */
#ifndef HEADROOM_WORKLOADS_DATA_DATASET_H
#define HEADROOM_WORKLOADS_DATA_DATASET_H

#include "models/batch.h"
#include "models/base/error.h"
#include "workloads/data/data_config.h"
#include "workloads/data/tokenizer.h"

struct split {
    int n;               /* inputs */
    int32_t *tokens;     /* [offsets[n]] */
    int32_t *offsets;    /* [n + 1] */
    int32_t *labels;     /* [n] */
    int32_t *difficulty; /* [n] known difficulty (g: active relations); -1 where unknown */
};

struct dataset {
    struct split train, validation, test;
    int n_classes, vocab, max_len; /* max_len: longest input that can occur */
    int separator;                 /* token between the texts of a pair; 0: single texts */
    enum tokenizer_kind tokenizer; /* of text */
    char **class_names;            /* [n_classes] */
    char **words;                  /* [vocab] word of each token; synthetic: "t0", "t1", ... */
    char sha256[65];               /* of the splits' arrays and the class names, hex */
    char vocab_sha256[65];         /* of the words */
    int n_truncated;               /* inputs cut at max_len, all splits */
    int n_dropped;                 /* rows left out by drop_labels or strip_headers */
    int n_overlap;         /* test inputs whose text is in training (validation included), */
    int n_overlap_texts;   /* how many texts these are, and how many */
    int n_overlap_dropped; /* inputs `overlap` left out for it: of either split */
    double unknown_share;  /* of test tokens that map to <unk>, 0 for synthetic */
    double mean_length;    /* tokens per training input */
};

bool dataset_load(const struct data_config *config, struct dataset **out, struct error *error);
void dataset_free(struct dataset *dataset);

/* The tokeniser as JSON for a checkpoint: {"kind":"word","words":[...],"max_len":N}. */
void dataset_write_tokenizer(const struct dataset *dataset, struct text *out);

/* Storage for one ragged batch, sized once; batch_gather fills it without allocating. */
struct batch_buffer;
bool batch_buffer_new(int max_samples, int max_len, struct batch_buffer **out, struct error *error);
void batch_buffer_free(struct batch_buffer *buffer);

/* Gathers inputs index[0..n-1] of a split into a batch; batch ids are the indices themselves. */
struct batch batch_gather(struct batch_buffer *buffer, const struct split *split,
                          const int32_t *index, int n);

#endif
