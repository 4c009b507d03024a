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
#include "models/base/option.h"
#include "workloads/data/tokenizer.h"

enum data_source {
    SOURCE_LABEL_TEXT,
    SOURCE_CSV,
    SOURCE_TSV,
    SOURCE_JSONL,
    SOURCE_JSON,
    SOURCE_CLASS_FILES,
    SOURCE_CLASS_FOLDERS,
    SOURCE_TOPIC,
    SOURCE_OFFSETS,
    SOURCE_PAIRS,
    SOURCE_MIXED
};

enum overlap { OVERLAP_KEEP, OVERLAP_DROP_TRAIN, OVERLAP_DROP_TEST };

/* The `data:` section of a workload file; data_options documents each field. */
struct data_config {
    int source;                         /* enum data_source, a CHOICE */
    char train_file[OPTION_STRING_MAX]; /* below the data root, or absolute; or X.gz */
    char test_file[OPTION_STRING_MAX];
    char classes_file[OPTION_STRING_MAX]; /* one class name a line; "" = names found in train */
    int encoding;                         /* utf-8 | iso-8859-1 | windows-1252 */
    struct name_list class_names;         /* class-files, class-folders; empty: all there are */
    char train_rows[OPTION_STRING_MAX];   /* json: path of the rows in the document */
    char test_rows[OPTION_STRING_MAX];
    char label[OPTION_STRING_MAX];             /* column, or path in a row; "" = 1, or "label" */
    struct name_list text;                     /* columns or paths, empty = 2, or "text" */
    struct name_list second_text;              /* likewise, of pairs; empty = single texts */
    int tokenizer;                             /* enum tokenizer_kind, a CHOICE */
    bool header;                               /* csv, tsv: the first record names the columns */
    int label_depth;                           /* parts of "A:b" that make the class, 0 = all */
    char label_separator[OPTION_STRING_MAX];   /* the ":" */
    char label_groups[OPTION_GROUPS_MAX];      /* JSON {"class": ["label", ...]}, "" = none */
    char label_groups_file[OPTION_STRING_MAX]; /* a file of such JSON */
    struct name_list drop_labels;              /* rows left out */
    bool strip_headers;                        /* drop a text up to its first blank line */
    double test_share;                         /* of the training file, without a test file */
    int max_len, vocab_limit, min_count;       /* tokens per input; words kept, <unk> included */
    int train_limit, test_limit;               /* 0 = all; stratified, seeded */
    double validation_share;                   /* of the training split */
    int overlap;                               /* enum overlap, a CHOICE */
    int seed;                                  /* of the generator, limits and validation slice */
    int n_train, n_test, length;               /* synthetic: inputs generated, tokens per input */
    int relations, values, fillers; /* synthetic: G, alphabet sizes (see each generator) */
    int classes;                    /* topic: number of topics */
    double signal;                  /* topic: share of tokens that come from the topic */
};

extern const struct option_table data_options;

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

/* Checks what no single option can: files named for a file source, a length that holds the
 * relations. dataset_load does so too; `headroom validate` needs it without the data. */
bool data_config_check(const struct data_config *config, struct error *error);

/* True if the first record of a csv or tsv file names its columns: said so, or used so. */
bool data_config_has_header(const struct data_config *config);

/* Error at the first key of a `data:` section that has no effect for the source. */
bool data_config_check_keys(const struct data_config *config, const struct node *map,
                            struct error *error);

/* Root for data files: $HEADROOM_DATA if set and not empty, else "data". */
const char *data_root(void);

/* True if every file the config needs exists; if not, *missing gets the first absent path.
 * Synthetic sources are always present. An unreadable or truncated file is not absent: dataset_load
 * says so. */
bool dataset_is_present(const struct data_config *config, char *missing, size_t size);

/* Adds the bytes of all source files to a hash. Generated data has none. */
struct sha256;
bool dataset_hash_files(const struct data_config *config, struct sha256 *hash, struct error *error);

/* Bytes of the training files, gzip counted three times; 0 if there are none. */
double dataset_training_bytes(const struct data_config *config);

/* Where an absent file (its path, as dataset_is_present gives it) was looked for, and how to get
 * it: "NAME is looked for in data/ (HEADROOM_DATA is not set)". */
enum { DATASET_HINT_SIZE = 600 };
void dataset_hint(const char *path, char out[DATASET_HINT_SIZE]);

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
