/*
 * The `data:` section of a workload file: where a data set comes from and what is done to it before
 * a model sees it. One flat struct, filled from an option table; what its fields must satisfy
 * together is in data_config_check.h.
 */
#ifndef HEADROOM_WORKLOADS_DATA_DATA_CONFIG_H
#define HEADROOM_WORKLOADS_DATA_DATA_CONFIG_H

#include "models/base/option.h"

/* Readers of text files, then generators. */
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

/* The parts that a data set comes in, in the order in which they are read. */
enum part { PART_TRAIN, PART_VALIDATION, PART_TEST };

/* Limits of what is generated: relations, and tokens per input. */
enum { RELATIONS_MAX = 8, LENGTH_MAX = 1024 };

enum overlap { OVERLAP_KEEP, OVERLAP_DROP_TRAIN, OVERLAP_DROP_TEST };

/* The `data:` section of a workload file; data_options documents each field. */
struct data_config {
    int source;                        /* enum data_source, a CHOICE */
    char train_file[OPTION_FILES_MAX]; /* paths below the data root, or absolute; or X.gz */
    char test_file[OPTION_FILES_MAX];
    char validation_file[OPTION_FILES_MAX]; /* "": a slice of training */
    char classes_file[OPTION_STRING_MAX];   /* one class name a line; "" = names found in train */
    int encoding;                           /* utf-8 | iso-8859-1 | windows-1252 */
    struct name_list class_names;           /* class-files, class-folders; empty: all there are */
    char train_rows[OPTION_STRING_MAX];     /* json: path of the rows in the document */
    char test_rows[OPTION_STRING_MAX];
    char validation_rows[OPTION_STRING_MAX];
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
    bool drop_empty;                           /* leave rows without a text or a label out */
    bool store_texts;                          /* keep the texts of test inputs for the database */
    double test_share;                         /* of the training file, without a test file */
    int max_len, vocab_limit, min_count;       /* tokens per input; words kept, <unk> included */
    int train_limit, test_limit;               /* 0 = all; stratified, seeded */
    double validation_share;        /* of the training split, without a validation file */
    int overlap;                    /* enum overlap, a CHOICE */
    int seed;                       /* of the generator, limits and validation slice */
    int n_train, n_test, length;    /* synthetic: inputs generated, tokens per input */
    int relations, values, fillers; /* synthetic: G, alphabet sizes (see each generator) */
    int classes;                    /* topic: number of topics */
    double signal;                  /* topic: share of tokens that come from the topic */
};

extern const struct option_table data_options;

/* `seed: per-trial`, for generated data alone: every trial draws the inputs of its own seed. Trials,
 * the cache and the generators never see it, because whoever takes a trial's section from a file
 * sets the seed first. */
enum { DATA_SEED_PER_TRIAL = -1 };

/* Gives a section that is drawn per trial this trial's seed; leaves any other as it is. */
void data_config_set_seed(struct data_config *config, int trial_seed);

/* True if the inputs are generated, false if they are read from files. */
bool data_config_is_generated(const struct data_config *config);

/* True if the first record of a csv or tsv file names its columns: said so, or used so. */
bool data_config_has_header(const struct data_config *config);

/* The number that a column or a list's entry is named by in label, text or second_text, or 0 if it
 * is a name. */
int data_config_column(const char *name);

/* The files of a part, as the section names them. */
const char *data_config_files(const struct data_config *config, enum part part);

/* Error at the first key of a `data:` section that has no effect for the source. */
bool data_config_check_keys(const struct data_config *config, const struct node *map,
                            struct error *error);

#endif
