/*
 * GELU in its tanh form, written as x * sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3), because
 * tanh(u) = 2 sigmoid(2u) - 1 needs one exp and no cancellation. The backward pass recomputes the
 * activation beside its derivative, so only the pre-activation is kept between the passes.
 */
#include "models/cpu/kernels.h"
#include "models/cpu/vector_math.h"

static const float two_root = 1.5957691216f; /* 2 sqrt(2 / pi) */

void gelu_forward(int rows, int cols, const float *bias, float *pre, float *y) {
    for (int r = 0; r < rows; r++) {
        float *in = pre + (size_t)r * (size_t)cols, *out = y + (size_t)r * (size_t)cols;
#pragma omp simd
        for (int i = 0; i < cols; i++) {
            float x = in[i] + bias[i];
            in[i] = x;
            out[i] = x / (1.0f + vector_exp(-two_root * (x + 0.044715f * x * x * x)));
        }
    }
}

/* d/dx [x S(v)] = S + x S (1 - S) v', with S = sigmoid, v = 2u, v' = two_root (1 + 3 * 0.044715
 * x^2). */
void gelu_backward(size_t n, const float *pre, float *y, float *dy) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float x = pre[i], square = x * x;
        float s = 1.0f / (1.0f + vector_exp(-two_root * x * (1.0f + 0.044715f * square)));
        float slope = two_root * (1.0f + 0.134145f * square);
        y[i] = x * s;
        dy[i] *= s + x * s * (1.0f - s) * slope;
    }
}
