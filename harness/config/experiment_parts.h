/*
 * What workload files and trials stored as JSON have in common: sections, the name of a policy,
 * what is tuned. Either is a tree when it comes here, so that both are read, and refused, by the
 * same code; what only files have is in experiment_read.c, what only trials have in
 * experiment_json.c.
 */
#ifndef HEADROOM_HARNESS_CONFIG_EXPERIMENT_PARTS_H
#define HEADROOM_HARNESS_CONFIG_EXPERIMENT_PARTS_H

#include "harness/config/experiment.h"
#include "models/base/tree.h"

/* Refuses a node of another kind; `what` names it. */
bool experiment_expect(const struct node *node, enum node_kind kind, const char *what,
                       struct error *error);

/* Where a map says `key`, else where the map is. */
const struct location *experiment_place_of(const struct node *map, const char *key);

/* The same of arm i in the list that it was read from. */
const struct location *experiment_place_in_arm(const struct node *arms, int i, const char *key);

/* A list that says what to go through, such as seeds: `one` of them or more, all different. */
bool experiment_check_list(const struct int_list *list, const char *key, const char *one,
                           const struct location *at, struct error *error);

/* Reads the sections `data`, `model`, `train` and `profile`; one that is missing has its defaults,
 * and errors about it stand at the root. */
bool experiment_read_sections(const struct node *root, struct experiment *e, struct error *error);

/* The policy that a scalar names; NULL, with the error, if there is none. */
const struct policy_ops *experiment_find_policy(const struct node *node, struct error *error);

/* Reads `target_budget` and `tune` of an arm, or else the `tune` of all arms (may be NULL), and
 * sets the first candidate. */
bool experiment_read_tuning(const struct node *node, const struct node *tune_all, struct arm *arm,
                            struct error *error);

#endif
