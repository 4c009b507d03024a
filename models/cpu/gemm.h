/*
 * The BLAS seam: every dense product on this processor passes through gemm(). Swapping the library
 * means changing gemm.c.
 */
#ifndef HEADROOM_MODELS_CPU_GEMM_H
#define HEADROOM_MODELS_CPU_GEMM_H

#include "models/work.h"

/* A matrix operand: row-major, ld elements between rows, used transposed or not. */
struct matrix {
    const float *data;
    int ld;
    bool transposed;
};

static inline struct matrix plain(const float *data, int ld) {
    return (struct matrix){data, ld, false};
}

static inline struct matrix transposed(const float *data, int ld) {
    return (struct matrix){data, ld, true};
}

/* C[m x n] = alpha * op(A)[m x k] * op(B)[k x n] + beta * C, all row-major. Books 2mnk and what is
 * moved: for policies, whose products nobody above them knows. */
void gemm(struct work *work, enum flop_component component, int m, int n, int k, float alpha,
          struct matrix a, struct matrix b, float beta, float *c, int ldc);

/* What OpenBLAS takes of addresses, at most, for one thread: a buffer of 128 MB when it is loaded
 * (0.3.29; not 0.3.21) and one for its first product, both kept. Where it gets none it asks again
 * without end: under a limit the first product comes before a program fills its memory. */
enum { GEMM_BUFFERS = 2 * (128 << 20) };
void gemm_take_buffers(void);

/* The libraries behind the seam, their versions and build settings, as one line. */
void gemm_library(char *out, size_t size);

/* The kernel set that OpenBLAS chose, "" if it does not tell, and the threads that it would use. */
const char *gemm_core(void);
int gemm_threads(void);

/* The kernels that those libraries choose on this processor: "OpenBLAS Haswell, oneDNN AVX2". */
void gemm_kernels(char *out, size_t size);

#endif
