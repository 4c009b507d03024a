/*
 * LayerNorm (Ba, Kiros, Hinton 2016), biases added to rows, and the mean pool. The statistics of a
 * row take two passes over D cached floats; the variance is that of the centred values, which does
 * not cancel when the mean is large.
 */
#include "models/cpu/kernels.h"

#include <math.h>

static float row_sum(const float *x, int n) {
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < n; i++) sum += x[i];
    return sum;
}

void layernorm_forward(int rows, int dim, const float *x, const float *weight, const float *bias,
                       double eps, float *y, float *mean, float *rstd) {
    for (int r = 0; r < rows; r++) {
        const float *in = x + (size_t)r * (size_t)dim;
        float *out = y + (size_t)r * (size_t)dim;
        float mu = row_sum(in, dim) / (float)dim, square = 0.0f;
#pragma omp simd reduction(+ : square)
        for (int i = 0; i < dim; i++) square += (in[i] - mu) * (in[i] - mu);
        float inv = 1.0f / sqrtf(square / (float)dim + (float)eps);
#pragma omp simd
        for (int i = 0; i < dim; i++) out[i] = (in[i] - mu) * inv * weight[i] + bias[i];
        if (mean) mean[r] = mu;
        if (rstd) rstd[r] = inv;
    }
}

void layernorm_again(int rows, int dim, const float *x, const float *weight, const float *bias,
                     const float *mean, const float *rstd, float *y) {
    for (int r = 0; r < rows; r++) {
        const float *in = x + (size_t)r * (size_t)dim;
        float *out = y + (size_t)r * (size_t)dim;
        float mu = mean[r], inv = rstd[r];
#pragma omp simd
        for (int i = 0; i < dim; i++) out[i] = (in[i] - mu) * inv * weight[i] + bias[i];
    }
}

/* With g = dy * weight and xhat = (x - mean) * rstd: dx = rstd (g - mean(g) - xhat mean(g
 * xhat)). */
void layernorm_backward(int rows, int dim, const float *x, const float *weight, const float *mean,
                        const float *rstd, const float *dy, float *dweight, float *dbias,
                        float *dx) {
    for (int r = 0; r < rows; r++) {
        const float *in = x + (size_t)r * (size_t)dim, *up = dy + (size_t)r * (size_t)dim;
        float *down = dx + (size_t)r * (size_t)dim;
        float mu = mean[r], inv = rstd[r], sum = 0.0f, dot = 0.0f;
#pragma omp simd reduction(+ : sum, dot)
        for (int i = 0; i < dim; i++) {
            float xhat = (in[i] - mu) * inv, g = up[i] * weight[i];
            sum += g;
            dot += g * xhat;
            dweight[i] += up[i] * xhat;
            dbias[i] += up[i];
        }
        sum /= (float)dim;
        dot /= (float)dim;
#pragma omp simd
        for (int i = 0; i < dim; i++) {
            float xhat = (in[i] - mu) * inv;
            down[i] += inv * (up[i] * weight[i] - sum - xhat * dot);
        }
    }
}

void bias_forward(int rows, int cols, const float *bias, float *x) {
    for (int r = 0; r < rows; r++) {
        float *row = x + (size_t)r * (size_t)cols;
#pragma omp simd
        for (int i = 0; i < cols; i++) row[i] += bias[i];
    }
}

void bias_backward(int rows, int cols, const float *dx, float *dbias) {
    for (int r = 0; r < rows; r++) {
        const float *row = dx + (size_t)r * (size_t)cols;
#pragma omp simd
        for (int i = 0; i < cols; i++) dbias[i] += row[i];
    }
}

void pool_forward(const struct batch *batch, int dim, const float *x, float *pooled) {
    for (int b = 0; b < batch->n_samples; b++) {
        float *out = pooled + (size_t)b * (size_t)dim;
        for (int i = 0; i < dim; i++) out[i] = 0.0f;
        int first = batch->offsets[b], last = batch->offsets[b + 1];
        for (int t = first; t < last; t++) {
            const float *row = x + (size_t)t * (size_t)dim;
#pragma omp simd
            for (int i = 0; i < dim; i++) out[i] += row[i];
        }
        float scale = 1.0f / (float)(last - first);
        for (int i = 0; i < dim; i++) out[i] *= scale;
    }
}

void pool_backward(const struct batch *batch, int dim, const float *dpooled, float *dx) {
    for (int b = 0; b < batch->n_samples; b++) {
        const float *up = dpooled + (size_t)b * (size_t)dim;
        int first = batch->offsets[b], last = batch->offsets[b + 1];
        float scale = 1.0f / (float)(last - first);
        for (int t = first; t < last; t++) {
            float *row = dx + (size_t)t * (size_t)dim;
#pragma omp simd
            for (int i = 0; i < dim; i++) row[i] += up[i] * scale;
        }
    }
}
