/*
 * Products with a bias, GELU or GELU's gradient in one call of cuBLASLt (cuda_epilogues.c), for
 * cuda_products.c alone.
 */
#ifndef HEADROOM_MODELS_CUDA_CUDA_EPILOGUES_H
#define HEADROOM_MODELS_CUDA_CUDA_EPILOGUES_H

#include "models/cuda/cuda_device.h"

#include <cublasLt.h>

struct cuda_epilogues;

/* `library`: cuBLAS, as dlopen gave it, in whose company cuBLASLt comes. `handle`: cuBLAS's, which
 * is one of cuBLASLt too. The workspace is shared with it: all products go to one stream. */
bool cuda_epilogues_new(void *library, void *handle, void *workspace, size_t bytes,
                        struct cuda_epilogues **out, struct error *error);
void cuda_epilogues_free(struct cuda_epilogues *e); /* may be NULL */

/* The product p of the factors a and b, both in bfloat16; bias: in the result's type, or NULL.
 * False, and nothing is done: this one has to be made in parts. *status: what became of it. */
bool cuda_epilogues_multiply(struct cuda_epilogues *e, cudaStream_t stream,
                             const struct device_product *p, const void *a, const void *b,
                             const void *bias, cublasStatus_t *status);

/* cuda_products.c: a function of a library, into *function; error if it has none of that name. */
bool cuda_symbol(void *library, const char *name, void *function, struct error *error);

#endif
