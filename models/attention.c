/*
 * Softmax attention of one head over one sample, forward and backward. Rows are processed in blocks
 * of at most BLOCK so that the scores stay in cache and memory is linear in the sample's length;
 * the backward pass recomputes the map from the kept log-sum-exp (as in Dao et al., FlashAttention,
 * arXiv 2205.14135) instead of storing an n x n matrix per head and sample.
 */
#include "models/kernels.h"
#include "models/vector_math.h"

#include <math.h>

enum { BLOCK = 128 };

size_t attention_scratch(int max_n) {
    return 2 * (size_t)BLOCK * (size_t)max_n;
}

/* In place: scores -> exp(scale * scores - max); returns the sum, *log_sum the log-sum-exp. */
static float softmax_row(float *row, int n, float scale, float *log_sum) {
    float max = row[0] * scale, sum = 0.0f;
#pragma omp simd reduction(max : max)
    for (int j = 0; j < n; j++) {
        row[j] *= scale;
        max = row[j] > max ? row[j] : max;
    }
#pragma omp simd reduction(+ : sum)
    for (int j = 0; j < n; j++) {
        row[j] = vector_exp(row[j] - max);
        sum += row[j];
    }
    if (log_sum) *log_sum = max + logf(sum);
    return sum;
}

void attention_forward(struct work *work, const struct attention *head, float *out,
                       float *log_sum) {
    int queries = head->queries, n = head->n, d = head->head_dim, ld = head->ld_kv;
    float scale = 1.0f / sqrtf((float)d);
    for (int first = 0; first < queries; first += BLOCK) {
        int rows = queries - first < BLOCK ? queries - first : BLOCK;
        const float *q = head->q + (size_t)first * (size_t)head->ld_q;
        float *block_out = out + (size_t)first * (size_t)head->ld_out;
        gemm(work, FLOP_SCORES, rows, n, d, 1.0f, plain(q, head->ld_q), transposed(head->k, ld),
             0.0f, head->scores, n);
        work_add(work, FLOP_SCALE, (uint64_t)rows * (uint64_t)n);
        work_add(work, FLOP_SOFTMAX, 5 * (uint64_t)rows * (uint64_t)n);
        float sum[BLOCK];
        for (int i = 0; i < rows; i++)
            sum[i] = softmax_row(head->scores + (size_t)i * (size_t)n, n, scale,
                                 log_sum ? log_sum + first + i : NULL);
        gemm(work, FLOP_AV, rows, d, n, 1.0f, plain(head->scores, n), plain(head->v, ld), 0.0f,
             block_out, head->ld_out);
        for (int i = 0; i < rows; i++) { /* normalise d numbers a row instead of n */
            float *row = block_out + (size_t)i * (size_t)head->ld_out, inverse = 1.0f / sum[i];
            for (int c = 0; c < d; c++) row[c] *= inverse;
        }
    }
}

/* From raw scores s and dP to P = exp(scale s - log_sum) and dS = scale P (dP - delta), in place.
 */
static void softmax_row_backward(float *p, float *dp, int n, float scale, float log_sum,
                                 float delta) {
#pragma omp simd
    for (int j = 0; j < n; j++) {
        p[j] = vector_exp(p[j] * scale - log_sum);
        dp[j] = scale * p[j] * (dp[j] - delta);
    }
}

void attention_backward(const struct attention *head, const float *log_sum, const float *delta,
                        const float *dout, float *dq, float *dk, float *dv) {
    int n = head->n, d = head->head_dim, ld = head->ld_kv, ld_out = head->ld_out;
    float scale = 1.0f / sqrtf((float)d);
    float *p = head->scores, *dp = head->scores + (size_t)BLOCK * (size_t)n;
    for (int first = 0; first < n; first += BLOCK) {
        int rows = n - first < BLOCK ? n - first : BLOCK;
        float beta = first == 0 ? 0.0f : 1.0f; /* dk and dv sum over the row blocks */
        const float *q = head->q + (size_t)first * (size_t)ld;
        const float *up = dout + (size_t)first * (size_t)ld_out;
        gemm(NULL, FLOP_SCORES, rows, n, d, 1.0f, plain(q, ld), transposed(head->k, ld), 0.0f, p,
             n);
        gemm(NULL, FLOP_AV, rows, n, d, 1.0f, plain(up, ld_out), transposed(head->v, ld), 0.0f, dp,
             n);
        for (int i = 0; i < rows; i++)
            softmax_row_backward(p + (size_t)i * (size_t)n, dp + (size_t)i * (size_t)n, n, scale,
                                 log_sum[first + i], delta[first + i]);
        gemm(NULL, FLOP_AV, n, d, rows, 1.0f, transposed(p, n), plain(up, ld_out), beta, dv, ld);
        gemm(NULL, FLOP_SCORES, n, d, rows, 1.0f, transposed(dp, n), plain(q, ld), beta, dk, ld);
        gemm(NULL, FLOP_SCORES, rows, d, n, 1.0f, plain(dp, n), plain(head->k, ld), 0.0f,
             dq + (size_t)first * (size_t)ld, ld);
    }
}
