/*
 * Launch of several small products at once, which are alike in all but their rows: those of heads
 * that inputs chose. All pointers are to device memory.
 */
#ifndef HEADROOM_MODELS_CUDA_GROUPED_KERNELS_H
#define HEADROOM_MODELS_CUDA_GROUPED_KERNELS_H

#include <cuda_runtime_api.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { GROUPED_PRODUCTS = 64, GROUPED_TILE = 64 };

struct grouped_product {
    const void *a, *b;
    void *c;
    int m;
    int first_tile; /* of its rows among those of all */
};

/* c[m][n] = a[m][k] b, in bfloat16 with float32 sums; b is [k][n], or [n][k] where transposed. A
 * kernel's argument: nothing is copied to the card first. Rows and their parts of 8 are aligned to
 * 16 bytes. */
struct grouped_products {
    int n_products, n, k, ld_a, ld_b, ld_c;
    bool transposed;
    bool c_bf16; /* else float32 */
    struct grouped_product product[GROUPED_PRODUCTS];
    int tiles; /* of all */
};

cudaError_t grouped_launch(const struct grouped_products *group, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
