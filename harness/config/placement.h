/*
 * Where a trial computes: `train: {device, precision}` and `profile: {devices, precision}`, which
 * these answer together. Results are of a kind of device ("cpu", "cuda") and a precision: those are
 * in a trial's key and in its row. Which of several equal cards it was is not: `cuda:1` and `cuda`
 * are the same trial.
 */
#ifndef HEADROOM_HARNESS_CONFIG_PLACEMENT_H
#define HEADROOM_HARNESS_CONFIG_PLACEMENT_H

#include "harness/config/sections.h"
#include "models/base/tree.h"

enum { PLACEMENT_LABEL_SIZE = 16 };

struct placement {
    char device[NAME_SIZE]; /* as a file says it: cpu, cuda, cuda:N */
    int precision;          /* enum precision */
};

struct placement placement_of_training(const struct train_config *train);

/* On how many devices every checkpoint is profiled, and the i-th of them: where it was trained,
 * unless the section says otherwise. Its precision is for cards: a CPU computes in fp32. */
int placement_n_profiles(const struct profile_config *profile);
struct placement placement_of_profile(const struct train_config *train,
                                      const struct profile_config *profile, int i);

/* "cpu" or "cuda"; and the N of "cuda:N", -1 where any card will do. */
const char *placement_kind(const struct placement *placement);
int placement_card(const struct placement *placement);
const char *placement_precision(const struct placement *placement);

/* What tells results apart that must not be averaged: cpu, cuda, cuda-tf32, cuda-bf16. */
void placement_label(const struct placement *placement, char out[PLACEMENT_LABEL_SIZE]);

/* The same of a command line; NULL: not said, the CPU and fp32. */
bool placement_read(const char *device, const char *precision, struct placement *out,
                    struct error *error);

/* The sections with one device in them, as the configuration of a trial has it: a number of a card
 * is left out, and so is all that is the default. */
void placement_write_train(const struct train_config *in, struct train_config *out);
void placement_write_profile(const struct train_config *train, const struct profile_config *in,
                             int i, struct profile_config *out);

/* Names of devices, and precisions that they have; errors stand at the key at fault. */
bool placement_check_train(const struct train_config *train, const struct node *section,
                           struct error *error);
bool placement_check_profile(const struct train_config *train, const struct profile_config *profile,
                             const struct node *section, struct error *error);

#endif
