/*
 * Softmax attention of one head over one sample, forward and backward, in tiles of at most
 * ATTENTION_BLOCK x ATTENTION_BLOCK scores: they stay in cache at any length, and memory does not
 * grow with it. Forward keeps a running maximum and sum of each row (Milakov and Gimelshein, arXiv
 * 1805.02867); backward recomputes the map from the kept log-sum-exp (Dao et al., FlashAttention,
 * arXiv 2205.14135) instead of storing an n x n matrix per head and sample.
 */
#include "models/cpu/gemm.h"
#include "models/cpu/kernels.h"
#include "models/cpu/vector_math.h"

#include <math.h>

/* The side of n tokens' tiles: equal parts, so that none is narrow. */
static int tile_of(int n) {
    int parts = (n + ATTENTION_BLOCK - 1) / ATTENTION_BLOCK;
    return parts ? (n + parts - 1) / parts : 0;
}

static int least(int a, int b) {
    return a < b ? a : b;
}

/* One row of a tile, in place: scores -> exp(scale * scores - max), where *max becomes the row's
 * largest so far. Adds to *sum; returns what everything before the tile is to be multiplied by. */
static float softmax_row(float *row, int n, float scale, float *max, float *sum) {
    float largest = *max, added = 0.0f;
#ifndef __clang__ /* which knows a maximum in vectors only with -ffast-math, and warns */
#pragma omp simd reduction(max : largest)
#endif
    for (int j = 0; j < n; j++) {
        row[j] *= scale;
        largest = row[j] > largest ? row[j] : largest;
    }
#pragma omp simd reduction(+ : added)
    for (int j = 0; j < n; j++) {
        row[j] = vector_exp(row[j] - largest);
        added += row[j];
    }
    float before = vector_exp(*max - largest);
    *sum = *sum * before + added;
    *max = largest;
    return before;
}

static void scale_row(float *row, int d, float factor) {
    for (int c = 0; c < d; c++) row[c] *= factor;
}

/* The outputs of `rows` <= ATTENTION_BLOCK queries from `first` on. */
static void forward_rows(const struct attention *head, int first, int rows, float *out,
                         float *log_sum) {
    int n = head->n, d = head->head_dim, ld = head->ld_kv, ld_out = head->ld_out, tile = tile_of(n);
    float scale = 1.0f / sqrtf((float)d), max[ATTENTION_BLOCK], sum[ATTENTION_BLOCK];
    struct matrix q = plain(head->q + (size_t)first * (size_t)head->ld_q, head->ld_q);
    for (int i = 0; i < rows; i++) {
        max[i] = -INFINITY;
        sum[i] = 0.0f;
    }
    for (int from = 0; from < n; from += tile) {
        int cols = least(tile, n - from);
        size_t key = (size_t)from * (size_t)ld;
        gemm(NULL, FLOP_SCORES, rows, cols, d, 1.0f, q, transposed(head->k + key, ld), 0.0f,
             head->scores, cols);
        for (int i = 0; i < rows; i++) {
            float *scores = head->scores + (size_t)i * (size_t)cols;
            float before = softmax_row(scores, cols, scale, &max[i], &sum[i]);
            if (from > 0) scale_row(out + (size_t)i * (size_t)ld_out, d, before);
        }
        gemm(NULL, FLOP_AV, rows, d, cols, 1.0f, plain(head->scores, cols),
             plain(head->v + key, ld), from > 0 ? 1.0f : 0.0f, out, ld_out);
    }
    for (int i = 0; i < rows; i++) { /* normalise d numbers a row instead of n */
        scale_row(out + (size_t)i * (size_t)ld_out, d, 1.0f / sum[i]);
        if (log_sum) log_sum[first + i] = max[i] + logf(sum[i]);
    }
}

void attention_forward(const struct attention *head, float *out, float *log_sum) {
    int queries = head->queries, tile = tile_of(queries);
    for (int first = 0; first < queries; first += tile)
        forward_rows(head, first, least(tile, queries - first),
                     out + (size_t)first * (size_t)head->ld_out, log_sum);
}

/* From raw scores s and dP to P = exp(scale s - log_sum) and dS = scale P (dP - delta), in
 * place. */
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
    int n = head->n, d = head->head_dim, ld = head->ld_kv, ld_out = head->ld_out, tile = tile_of(n);
    float scale = 1.0f / sqrtf((float)d), *p = head->scores, *dp = p + (size_t)tile * (size_t)tile;
    for (int first = 0; first < n; first += tile) {
        int rows = least(tile, n - first);
        size_t row = (size_t)first * (size_t)ld;
        struct matrix q = plain(head->q + row, ld);
        struct matrix up = plain(dout + (size_t)first * (size_t)ld_out, ld_out);
        for (int from = 0; from < n; from += tile) {
            int cols = least(tile, n - from);
            size_t key = (size_t)from * (size_t)ld;
            float more_rows = first > 0 ? 1.0f : 0.0f; /* dk, dv sum over the tiles of a column */
            float more_cols = from > 0 ? 1.0f : 0.0f;  /* dq over those of a row */
            gemm(NULL, FLOP_SCORES, rows, cols, d, 1.0f, q, transposed(head->k + key, ld), 0.0f, p,
                 cols);
            gemm(NULL, FLOP_AV, rows, cols, d, 1.0f, up, transposed(head->v + key, ld), 0.0f, dp,
                 cols);
            for (int i = 0; i < rows; i++)
                softmax_row_backward(p + (size_t)i * (size_t)cols, dp + (size_t)i * (size_t)cols,
                                     cols, scale, log_sum[first + i], delta[first + i]);
            gemm(NULL, FLOP_AV, cols, d, rows, 1.0f, transposed(p, cols), up, more_rows, dv + key,
                 ld);
            gemm(NULL, FLOP_SCORES, cols, d, rows, 1.0f, transposed(dp, cols), q, more_rows,
                 dk + key, ld);
            gemm(NULL, FLOP_SCORES, rows, d, cols, 1.0f, plain(dp, cols), plain(head->k + key, ld),
                 more_cols, dq + row, ld);
        }
    }
}
