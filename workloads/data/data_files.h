/*
 * Which files a part of a data set is read from, in order. Most sources name them; class-files and
 * class-folders name a pattern whose {class} stands for every class, and the file's label comes
 * from there. Also where files are looked for, and whether they are there.
 */
#ifndef HEADROOM_WORKLOADS_DATA_DATA_FILES_H
#define HEADROOM_WORKLOADS_DATA_DATA_FILES_H

#include "models/base/text.h"
#include "workloads/data/data_config.h"

/* Root for data files: $HEADROOM_DATA if set and not empty, else "data". */
const char *data_root(void);

struct data_file {
    char *path;  /* the file that is there, with .gz if that is what was found */
    char *label; /* of all its rows; NULL where each row has its own */
};

struct data_files {
    int n;
    struct data_file *file;             /* [n] */
    char absent[2 * OPTION_STRING_MAX]; /* the path that was missing, "" if none was */
};

/* The files of a part; none for a part of which the section names none. Classes are those
 * of class_names, else those that the pattern matches, sorted; the files of a folder are sorted
 * too, and names that begin with a dot are passed over. Free the list after failure as well. */
bool data_files_list(const struct data_config *config, enum part part, struct data_files *out,
                     struct error *error);
void data_files_free(struct data_files *files);

/* Finds one file of this name (or the one with .gz behind it) below the root; an absent one is an
 * error that says where it was looked for and how to get it, and its path is in `path`. */
bool data_file_find(const char *name, char *path, size_t size, struct error *error);

/* Where an absent file (its path, as data_files_present gives it) was looked for, and how to get
 * it: "NAME is looked for in data/ (HEADROOM_DATA is not set); did you mean NAMES?". */
enum { DATA_FILES_HINT_SIZE = 900 };
void data_files_hint(const char *path, char out[DATA_FILES_HINT_SIZE]);

/* True if every file the config needs exists; if not, *missing gets the first absent path.
 * Synthetic sources are always present. An unreadable or truncated file is not absent: dataset_load
 * says so. */
bool data_files_present(const struct data_config *config, char *missing, size_t size);

/* The hash of the bytes of all source files, which stands for them in the key of a trial; "" for
 * generated data, which have none. */
bool data_files_sha256(const struct data_config *config, char out[65], struct error *error);

/* Where they are looked for, for messages: "data/trec/train.label or data/trec/test.label". */
void data_files_write_names(const struct data_config *config, struct text *out);

/* Bytes of the training files, gzip counted three times; 0 if there are none. */
double data_files_training_bytes(const struct data_config *config);

#endif
