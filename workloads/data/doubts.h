/*
 * What in a data set makes a careful reader doubt that it is the one that was meant: classes that
 * differ in a blank, a column of labels that are all different, a label to be dropped that no row
 * has. None of it is an error, because each can be right, and all of it costs a day when it is not.
 */
#ifndef HEADROOM_WORKLOADS_DATA_DOUBTS_H
#define HEADROOM_WORKLOADS_DATA_DOUBTS_H

#include "workloads/data/data_config.h"
#include "workloads/data/dataset.h"

/* Inputs of each class: train, validation, test. */
enum { CLASS_COUNTS = 3 };
bool doubts_count_classes(const struct dataset *data, int (**out)[CLASS_COUNTS],
                          struct error *error);

/* Appends a line for each doubt, without the name of a file; nothing where there is none. */
bool doubts_write(const struct data_config *config, const struct dataset *data, struct text *out,
                  struct error *error);

/* Names in a line: all are counted and the first of them shown. Starts zeroed. */
struct few_names {
    int n;
    char shown[240]; /* 'a', 'b', ... */
};

void few_names_add(struct few_names *names, const char *name);

#endif
