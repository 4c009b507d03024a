/*
 * Texts that are in the test split and in the training split, or in the file of a validation split
 * and in training: leakage, which every data set of the web has some of. Always counted; `overlap` in the data section says what happens to them.
 */
#ifndef HEADROOM_WORKLOADS_DATA_OVERLAP_H
#define HEADROOM_WORKLOADS_DATA_OVERLAP_H

#include "workloads/data/data_config.h"
#include "workloads/data/dataset.h"

/* Counts the overlap of the splits and drops inputs as config->overlap says. Two texts are equal if
 * their tokens are, whatever their labels; so call it on whole texts, before any is cut and before
 * a vocabulary makes rare words alike. The training split still holds the validation slice, if that is no
 * file. A text of several splits stays in the last of them (drop-train) or in the first. */
bool overlap_apply(const struct data_config *config, struct dataset *data, struct error *error);

#endif
