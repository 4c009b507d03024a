/*
 * All three need counts only: of each class how often it is a label, a prediction and both. Counts
 * are whole numbers, so that nothing depends on the order of the inputs but the sums in the bins.
 */
#include "harness/trial/metrics.h"

#include <math.h>
#include <stdlib.h>

struct count {
    int64_t label, predicted, right;
};

static double macro_f1(const struct count *count, int n_classes) {
    double sum = 0.0;
    int n = 0;
    for (int c = 0; c < n_classes; c++) {
        int64_t named = count[c].label + count[c].predicted; /* 2 TP + FP + FN */
        if (named == 0) continue;
        sum += 2.0 * (double)count[c].right / (double)named;
        n++;
    }
    return sum / n;
}

static double matthews(const struct count *count, int n_classes, int n) {
    double right = 0.0, both = 0.0, labels = 0.0, predictions = 0.0, all = n;
    for (int c = 0; c < n_classes; c++) {
        double label = (double)count[c].label, predicted = (double)count[c].predicted;
        right += (double)count[c].right;
        both += label * predicted;
        labels += label * label;
        predictions += predicted * predicted;
    }
    double spread = sqrt((all * all - predictions) * (all * all - labels));
    if (spread == 0.0) return NAN;
    return fmax(-1.0, fmin(1.0, (right * all - both) / spread)); /* rounding may pass the ends */
}

static double calibration_error(const int32_t *label, const int32_t *predicted, const double *p,
                                int n) {
    double right[METRICS_BINS] = {0}, probability[METRICS_BINS] = {0}, sum = 0.0;
    for (int i = 0; i < n; i++) {
        int bin = p[i] > 0.0 ? (int)ceil(p[i] * METRICS_BINS) - 1 : 0;
        if (bin >= METRICS_BINS) bin = METRICS_BINS - 1;
        right[bin] += predicted[i] == label[i];
        probability[bin] += p[i];
    }
    for (int b = 0; b < METRICS_BINS; b++) sum += fabs(right[b] - probability[b]);
    return sum / n;
}

bool metrics_make(const int32_t *label, const int32_t *predicted, const double *p_predicted, int n,
                  int n_classes, struct metrics *out, struct error *error) {
    struct count *count = calloc((size_t)n_classes, sizeof *count);
    if (!count) return error_set(error, "out of memory counting %d classes", n_classes);
    for (int i = 0; i < n; i++) {
        count[label[i]].label++;
        count[predicted[i]].predicted++;
        count[label[i]].right += label[i] == predicted[i];
    }
    *out = (struct metrics){macro_f1(count, n_classes), matthews(count, n_classes, n),
                            calibration_error(label, predicted, p_predicted, n)};
    free(count);
    return true;
}
