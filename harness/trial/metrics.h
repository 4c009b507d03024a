/*
 * What accuracy does not say of a classifier: whether small classes are found too (macro-F1,
 * Matthews correlation) and whether its probabilities can be believed (calibration error). The mean
 * negative log-likelihood is the loss of the evaluation itself.
 */
#ifndef HEADROOM_HARNESS_TRIAL_METRICS_H
#define HEADROOM_HARNESS_TRIAL_METRICS_H

#include "models/base/error.h"

#include <stdint.h>

enum { METRICS_BINS = 15 }; /* of the calibration error, as is usual since Guo et al. 2017 */

struct metrics {
    /* Mean of 2 TP / (2 TP + FP + FN) over the classes that are a label or a prediction at least
     * once. So a class that occurs and is never predicted counts as 0, and one of which the split
     * holds nothing does not count. */
    double macro_f1;
    /* Matthews correlation for any number of classes (Gorodkin's R_K), -1 .. 1. NaN where its
     * denominator is 0: all labels, or all predictions, are of one class. */
    double matthews;
    /* Expected calibration error: |accuracy - mean probability| of the predicted class in each bin
     * ((b - 1) / 15, b / 15] of that probability, mean over bins weighted by their inputs. */
    double ece;
};

/* Of n >= 1 inputs: labels and predictions in 0 .. n_classes - 1 and the probability of each
 * prediction. */
bool metrics_make(const int32_t *label, const int32_t *predicted, const double *p_predicted, int n,
                  int n_classes, struct metrics *out, struct error *error);

#endif
