/*
 * What names a trial: the hash of all that decides its result. The plan makes it, and the trial's
 * own process makes it again from the data that it has read, so that a result is never stored under
 * the key of other data. Names and paths are not in it: a renamed arm is the same trial.
 */
#ifndef HEADROOM_HARNESS_CONFIG_TRIAL_KEY_H
#define HEADROOM_HARNESS_CONFIG_TRIAL_KEY_H

#include "workloads/data/data_config.h"

enum { TRIAL_KEY_SIZE = 65 };

/* A trial as its row has it. */
struct trial_identity {
    const char *kind;   /* "train" | "profile" | "again" */
    const char *config; /* resolved configuration, as experiment_write_trial_json writes it */
    const char *key;    /* that the plan made of both and of the data */
};

/* SHA-256 as 64 hexadecimal digits of the configuration, of the hash of the data files (as in
 * data_files.h; "" for generated data) and, for a second profile, of its kind. */
void trial_key_make(const char *kind, const char *config, const char *files_sha256,
                    char key[TRIAL_KEY_SIZE]);

/* Error unless the text has the form of a key. An earlier result of a trial that was made again has
 * not: a dot and a number follow. */
bool trial_key_require(const char *text, struct error *error);

/* Error unless data that was made of files with this hash is what the trial was planned for; names
 * the files of `data`. */
bool trial_key_check(const struct trial_identity *trial, const struct data_config *data,
                     const char *files_sha256, struct error *error);

#endif
