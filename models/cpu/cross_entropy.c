/*
 * Softmax cross-entropy over the logits, in place: what comes back is the loss, in double, and what
 * stays in the array is first the probabilities and then the gradient.
 */
#include "models/cpu/kernels.h"

#include <math.h>

double cross_entropy_forward(const struct batch *batch, int classes, float *logits,
                             int64_t *correct) {
    double loss = 0.0;
    for (int b = 0; b < batch->n_samples; b++) {
        float *row = logits + (size_t)b * (size_t)classes, max = row[0];
        double sum = 0.0;
        for (int c = 1; c < classes; c++) max = row[c] > max ? row[c] : max;
        loss -= (double)row[batch->labels[b]] - (double)max;
        for (int c = 0; c < classes; c++) {
            row[c] = expf(row[c] - max);
            sum += (double)row[c];
        }
        int best = 0;
        for (int c = 0; c < classes; c++) {
            row[c] = (float)((double)row[c] / sum);
            if (row[c] > row[best]) best = c;
        }
        *correct += best == batch->labels[b];
        loss += log(sum);
    }
    return loss;
}

void cross_entropy_backward(const struct batch *batch, int classes, float scale, float *p) {
    for (int b = 0; b < batch->n_samples; b++) {
        float *row = p + (size_t)b * (size_t)classes;
        row[batch->labels[b]] -= 1.0f;
        for (int c = 0; c < classes; c++) row[c] *= scale;
    }
}
