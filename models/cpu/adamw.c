/*
 * One pass over parameters, gradients and both moments per step (optimizer.h says what the step
 * is), and the sum of squares that clipping needs.
 */
#include "models/cpu/kernels.h"

#include <math.h>
#include <string.h>

void tensors_clear(int n_tensors, const struct adamw_tensor *tensor, float *g) {
    for (int i = 0; i < n_tensors; i++)
        memset(g + tensor[i].offset, 0, tensor[i].count * sizeof *g);
}

double tensors_square_sum(int n_tensors, const struct adamw_tensor *tensor, const float *g) {
    double total = 0.0;
    for (int i = 0; i < n_tensors; i++) {
        const float *row = g + tensor[i].offset;
        double sum = 0.0;
#pragma omp simd reduction(+ : sum)
        for (size_t j = 0; j < tensor[i].count; j++) sum += (double)row[j] * (double)row[j];
        total += sum;
    }
    return total;
}

void tensors_adamw(const struct adamw *step, const float *g, float *mean, float *square,
                   float *value) {
    double clip = 1.0;
    if (step->clip_norm > 0.0) {
        double norm = sqrt(*step->square_sum);
        if (norm > step->clip_norm) clip = step->clip_norm / norm;
    }
    float scale = (float)clip, b1 = step->beta1, b2 = step->beta2, epsilon = step->epsilon;
    for (int i = 0; i < step->n_tensors; i++) {
        const struct adamw_tensor *row = &step->tensor[i];
        const float *grad = g + row->offset;
        float *m = mean + row->offset, *s = square + row->offset, *v = value + row->offset;
        float size = row->size, keep = row->keep;
#pragma omp simd
        for (size_t j = 0; j < row->count; j++) {
            float up = grad[j] * scale;
            m[j] = b1 * m[j] + (1.0f - b1) * up;
            s[j] = b2 * s[j] + (1.0f - b2) * up * up;
            v[j] = v[j] * keep - size * m[j] / (sqrtf(s[j]) + epsilon);
        }
    }
}
