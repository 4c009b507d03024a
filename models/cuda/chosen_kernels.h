/*
 * Launches of the products of chosen heads, in the layout of all heads: a block of an input that did
 * not choose a head ends at once. All pointers are to device memory, operands are bfloat16.
 */
#ifndef HEADROOM_MODELS_CUDA_CHOSEN_KERNELS_H
#define HEADROOM_MODELS_CUDA_CHOSEN_KERNELS_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CHOSEN_HEADS_MAX = 64 };

/* A head's input rows times its slab of W_QKV, and its outputs times its block of W_O. dim and
 * head_dim are whole 8s, rows and weights are aligned to 16 bytes. */
struct chosen_products {
    int samples, heads, head_dim, dim;
    int longest;            /* input, tokens */
    const int32_t *offsets; /* [samples + 1] */
    const float *gates;     /* [samples][heads]; 0: not chosen */
    const void *norm;       /* [tokens][dim] */
    const void *qkv_weight; /* [heads][3][head_dim][dim] */
    const float *qkv_bias;  /* [heads][3][head_dim] */
    void *qkv;              /* [tokens][heads][3][head_dim] */
    const void *context;    /* [tokens][heads][head_dim] */
    const void *o_weight;   /* [heads][head_dim][dim] */
    const float *o_bias;    /* [dim] */
    float *x;               /* [tokens][dim] */
};

static inline bool chosen_takes(int heads, int head_dim, int dim) {
    return heads <= CHOSEN_HEADS_MAX && head_dim >= 16 && head_dim <= 128 && head_dim % 8 == 0 &&
           dim % 8 == 0;
}

cudaError_t chosen_qkv_launch(const struct chosen_products *call, cudaStream_t stream);

/* x += o_bias + the chosen heads' outputs through their blocks, for all inputs. */
cudaError_t chosen_output_launch(const struct chosen_products *call, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
