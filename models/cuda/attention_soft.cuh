/*
 * What the forward kernels on tensor cores do between their two products, and at the end: softmax
 * with a running maximum and sum of each row, of which a warp has 16 (mma.cuh says where).
 */
#ifndef HEADROOM_MODELS_CUDA_ATTENTION_SOFT_CUH
#define HEADROOM_MODELS_CUDA_ATTENTION_SOFT_CUH

#include "models/cuda/attention_mma.cuh"

/* Scores -> exp(scale * (score - max)), where max becomes the row's largest so far; `before` is what
 * the row's sums before are to be scaled with. `exponent` is the scale times log2(e). Columns from
 * `cols` on are not there; the first is. */
template <int STEP>
__device__ inline void soft_step(float s[STEP / 8][4], int cols, float exponent, float most[2],
                                 float sum[2], float before[2]) {
    const int col = (int)threadIdx.x % 4 * 2;
    if (cols < STEP) {
#pragma unroll
        for (int n = 0; n < STEP / 8; n++)
#pragma unroll
            for (int i = 0; i < 4; i++)
                if (8 * n + col + i % 2 >= cols) s[n][i] = -INFINITY;
    }
#pragma unroll
    for (int i = 0; i < 2; i++) {
        float largest = most[i], added = 0.0f;
#pragma unroll
        for (int n = 0; n < STEP / 8; n++)
            largest = fmaxf(largest, fmaxf(s[n][2 * i], s[n][2 * i + 1]));
        largest = quad_max(largest);
        const float shift = largest * exponent;
        before[i] = mma_exp2((most[i] - largest) * exponent);
#pragma unroll
        for (int n = 0; n < STEP / 8; n++)
#pragma unroll
            for (int j = 2 * i; j < 2 * i + 2; j++) {
                s[n][j] = mma_exp2(fmaf(s[n][j], exponent, -shift));
                added += s[n][j];
            }
        most[i] = largest;
        sum[i] = fmaf(sum[i], before[i], added); /* the lane's own part of the row */
    }
}

/* The outputs' sums so far, scaled to the row's new maximum. */
template <int W> __device__ inline void scale_rows(float out[W / 8][4], const float before[2]) {
    if (!__any_sync(~0u, before[0] != 1.0f || before[1] != 1.0f)) return; /* as in most steps */
#pragma unroll
    for (int n = 0; n < W / 8; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) out[n][i] *= before[i / 2];
}

/* Divides a warp's 16 rows by their sums, multiplies them by their gates and writes them. */
template <int W>
__device__ inline void finish(const head_rows<bf16> &head, int first, float scale,
                              const float most[2], const float sum[2], const float out[W / 8][4]) {
    const int lane = (int)threadIdx.x % WARP;
    float factor[2];
#pragma unroll
    for (int i = 0; i < 2; i++) {
        const float total = quad_sum(sum[i]);
        const int query = first + lane / 4 + 8 * i;
        factor[i] = 1.0f / total;
        if (query >= head.queries) continue;
        if (head.gate) factor[i] *= head.gate[(size_t)query * (size_t)head.gate_step];
        if (head.log_sum && lane % 4 == 0) head.log_sum[query] = fmaf(most[i], scale, logf(total));
    }
    rows_put<W>(head.out + (size_t)first * head.ld_out, head.ld_out, head.queries - first,
                head.head_dim, out, factor);
}

#endif
