/*
 * From the labels in files to class numbers. The classes are the groups of labels or those of the
 * class file, in their order, or else all labels of the training file in alphabetical order, so
 * that class numbers depend neither on limits nor on the order of rows.
 */
#ifndef HEADROOM_WORKLOADS_DATA_CLASSES_H
#define HEADROOM_WORKLOADS_DATA_CLASSES_H

#include "workloads/data/row.h"
#include "workloads/data/split.h"
#include "workloads/data/word_table.h"

struct classes {
    const struct data_config *config;
    struct word_table names;   /* in class order once the list is closed */
    bool open;                 /* a label that is not known yet becomes a class */
    struct word_table grouped; /* labels that a group holds, */
    int *group;                /* [grouped.n] and the class of each, */
    bool *met;                 /* [grouped.n] and whether a row had it */
};

/* Reads the groups or the class file if there are any; without them the list stays open. On failure
 * the classes hold what there is and must still be freed. */
bool classes_start(const struct data_config *config, struct classes *out, struct error *error);

/* The class of a row's label, which is what label_depth leaves of it; -1 with an error at the row
 * if it has none. */
int classes_find(struct classes *classes, struct piece label, const struct location *at,
                 struct error *error);

/* Closes an open list: sorts it and renumbers the labels of the split that was read so far. */
bool classes_close(struct classes *classes, struct split *train, struct error *error);

void classes_free(struct classes *classes);

#endif
