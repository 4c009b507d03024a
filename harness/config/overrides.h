/*
 * What a command line changes in the workload files that it names: `--set train.epochs=3`, `--seeds
 * 1-5`, `--device cuda`. It is laid over the tree of a file, above what the file extends and above
 * its `full:`, before anything is bound to a setting: so a changed file obeys every rule of a
 * written one, and its trials, whose keys are made from the bound values, are those of a file that
 * says so.
 */
#ifndef HEADROOM_HARNESS_CONFIG_OVERRIDES_H
#define HEADROOM_HARNESS_CONFIG_OVERRIDES_H

#include "models/base/option.h"
#include "models/base/tree.h"

enum { OVERRIDES_MAX = 32 };

struct overrides {
    const char *set[OVERRIDES_MAX]; /* PATH=VALUE, later ones above earlier ones; borrowed */
    int n_set;
    struct int_list seeds;          /* n = 0: as the file has them */
    const char *device, *precision; /* of trainings and profiles; NULL: as the file has them */
};

/* Adds one PATH=VALUE; an error unless it has that form. VALUE is YAML, and what it is for is seen
 * when a file is read. */
bool overrides_add(struct overrides *overrides, const char *text, struct error *error);

/* Reads a list of seeds, `1-5` or `1,3,7-9`. */
bool overrides_read_seeds(const char *text, struct int_list *out, struct error *error);

/* Whether they change anything. */
bool overrides_any(const struct overrides *overrides);

/* Changes the tree of a file, in which `full:` is applied already. PATH is SECTION.KEY, a KEY of
 * the top, or arms.NAME.KEY for one arm; `~` as the value removes a key. Errors, here and when the
 * tree is bound, have `--set PATH` in the place of a file and line 0. */
bool overrides_apply(const struct overrides *overrides, struct node *root, struct error *error);

#endif
