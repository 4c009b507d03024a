/*
 * A data set as the engine wants it: token indices end to end with offsets, a label and a known
 * difficulty per input, and what the tokens and labels mean. Where it came from cannot be told.
 */
#ifndef HEADROOM_WORKLOADS_DATA_DATASET_H
#define HEADROOM_WORKLOADS_DATA_DATASET_H

#include "models/base/text.h"
#include "workloads/data/split.h"
#include "workloads/data/tokenizer.h"

struct dataset {
    struct split train, validation, test;
    int n_classes, vocab, max_len; /* max_len: longest input that can occur */
    int separator;                 /* token between the texts of a pair; 0: single texts */
    enum tokenizer_kind tokenizer; /* of text */
    char **class_names;            /* [n_classes] */
    struct sources sources;        /* of the test inputs */
    char **words;                  /* [vocab] word of each token; synthetic: "t0", "t1", ... */
    char sha256[65];               /* of the splits' arrays and the class names, hex */
    char vocab_sha256[65];         /* of the words */
    char files_sha256[65];         /* of the files it was made of (data_files.h); "": generated */
    struct text unmatched;    /* lines: labels of the data section that no row has (doubts.h) */
    int n_truncated;          /* inputs cut at max_len, all splits */
    int n_dropped;            /* rows left out by drop_labels, drop_empty or strip_headers */
    int n_overlap;            /* test inputs whose text is in training (validation included), */
    int n_overlap_texts;      /* how many texts these are, and how many */
    int n_overlap_dropped;    /* inputs `overlap` left out for it: of any split */
    int n_overlap_validation; /* inputs of a validation file whose text is in training */
    double unknown_share;     /* of test tokens that map to <unk>, 0 for synthetic */
    double mean_length;       /* tokens per training input */
};

void dataset_free(struct dataset *dataset); /* NULL is fine */

/* The tokeniser as JSON for a checkpoint: {"kind":"word","words":[...],"max_len":N}. */
void dataset_write_tokenizer(const struct dataset *dataset, struct text *out);

#endif
