/*
 * A workload file as typed values. One YAML file is one experiment: data, model, training and
 * profiling settings, the arms to compare, and the seeds. The optional `full:` section overlays the
 * same keys under TIER=full. Reading is strict: whatever is not understood is an error with
 * file:line:column and a suggestion.
 */
#ifndef HEADROOM_HARNESS_CONFIG_EXPERIMENT_H
#define HEADROOM_HARNESS_CONFIG_EXPERIMENT_H

#include "harness/config/candidates.h"
#include "harness/config/overrides.h"
#include "harness/config/sections.h"
#include "models/model.h"
#include "workloads/data/data_config.h"

enum { EXPERIMENT_NAME_SIZE = 64 };

/* `tier:`. A named file runs only when it stands on the command line. */
enum experiment_tier { TIER_DEFAULT, TIER_FULL, TIER_NAMED };

struct arm {
    char name[EXPERIMENT_NAME_SIZE];
    const struct policy_ops *policy;
    _Alignas(16) unsigned char policy_options[MODEL_POLICY_OPTIONS_MAX];
    int base; /* index of the arm whose finished trial this one starts from; -1: none */
    char base_name[EXPERIMENT_NAME_SIZE];
    struct candidates candidates; /* policy_options are those of the first */
};

struct experiment {
    char file[256];
    char extends[OPTION_STRING_MAX]; /* followed by extends.h before anything is bound */
    char name[OPTION_STRING_MAX];    /* `workload:`; unique over all files of a sweep */
    char summary[OPTION_STRING_MAX];
    /* short label of the axis: "synthetic", "coarse", "fine" */
    char granularity[OPTION_STRING_MAX];
    char corpus[OPTION_STRING_MAX];   /* the same for workloads on the same texts; "": none */
    char duration[OPTION_STRING_MAX]; /* expected, for people */
    struct name_list tags;
    int tier; /* enum experiment_tier: smallest tier that runs it unnamed */
    struct data_config data;
    struct model_config model; /* model_options fields only; policy and data fields not resolved */
    struct train_config train;
    struct profile_config profile;
    int n_arms;
    struct arm arms[EXPERIMENT_ARMS_MAX];
    struct int_list seeds;
    bool seeds_is_number; /* `seeds: 3`, not a list: one seed */
};

/* The plain keys at the top of a file: workload, summary, tier, seeds, ... */
extern const struct option_table experiment_options;

/* What every arm may say beside arm, policy, base, tune and its policy's options. */
extern const struct option_table arm_options;

/* Reads one file, merged with those it extends; `full` applies the overlay. */
bool experiment_read(const char *path, bool full, struct experiment *out, struct error *error);

/* The same with what the command line changes in it (may be NULL), and with the merged tree that
 * was read: *root is the caller's to free; `root` may be NULL. */
bool experiment_read_tree(const char *path, bool full, const struct overrides *overrides,
                          struct experiment *out, struct node **root, struct error *error);

/* Appends a line, with the file's name, for what the file says and may not mean. */
void experiment_write_doubts(const struct experiment *experiment, struct text *out);

/* Names become parts of labels, file names and `--filter` expressions: no blanks, no quoting, less
 * than EXPERIMENT_NAME_SIZE bytes. `what` has the name; `at` may be NULL. */
bool experiment_check_name(const char *what, const char *name, const struct location *at,
                           struct error *error);

/* Whether `tags:` has this one. */
bool experiment_has_tag(const struct experiment *experiment, const char *tag);

/* The arm as its candidate i: with that candidate's values, and nothing left to tune. `settings`
 * (may be NULL) receives the values as a JSON object. */
bool experiment_apply_candidate(struct experiment *experiment, int arm, int i,
                                struct text *settings, struct error *error);

/* The model of one arm, as far as the file knows it: vocab, classes and max_len are still
 * missing. */
void experiment_model(const struct experiment *experiment, const struct arm *arm,
                      struct model_config *out);

/* The resolved configuration of one trial as canonical JSON: what `trial.config` stores, what the
 * train key hashes and all that `headroom trial ID` needs. Data that are drawn per trial have its
 * seed, as if the file had said that number. It holds no name and no path of the
 * workload file, so renaming an arm never repeats a training; an arm's base stands in it as the
 * base's own settings. `profile` adds the profile section (profile key), with the first device. */
void experiment_write_trial_json(const struct experiment *experiment, const struct arm *arm,
                                 int seed, bool profile, struct text *out);

/* The same of a profile on the device of this place in the list of those that profiles have. */
void experiment_write_profile_json(const struct experiment *experiment, const struct arm *arm,
                                   int seed, int device, struct text *out);

/* What trials of one experiment have in common as JSON, each part written when it is first needed.
 * Zeroed at first. */
struct trial_parts {
    struct text model, train, arm[EXPERIMENT_ARMS_MAX];
    struct text data[OPTION_LIST_MAX];  /* by seeds */
    struct text profile[NAME_LIST_MAX]; /* by devices */
};

/* The same for many trials: of the s-th seed; device: -1 for a training. */
void experiment_write_planned_json(const struct experiment *experiment, const struct arm *arm,
                                   int s, int device, struct trial_parts *kept, struct text *out);
void trial_parts_free(struct trial_parts *parts);

/* The inverse: experiment with one seed and one arm, which its base, the base of that and so on
 * follow; names are empty, the row knows them. */
bool experiment_read_trial_json(const char *json, size_t size, struct experiment *out,
                                struct error *error);

#endif
