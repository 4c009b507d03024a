/*
 * The BLAS seam: every dense product of the program passes through gemm(), which books 2mnk under
 * the component the caller names. Swapping the library means changing gemm.c, and the executed
 * FLOP count cannot drift from what really ran.
 */
#ifndef HEADROOM_MODELS_CPU_GEMM_H
#define HEADROOM_MODELS_CPU_GEMM_H

#include <stdint.h>

#include "models/flops.h"
#include "models/phase.h"

/*
 * Where executed work is booked. NULL in place of a struct work books nothing.
 *
 * Bytes follow one rule (ours, after STREAM's): a product or kernel reads each array that it is
 * given once and writes each result once, reading it first where it is updated, whichever level of
 * the memory serves it. The tiles of an attention map live inside one kernel and count nothing.
 */
struct work {
    struct flops flops;
    /* Called with the dimensions of every product, for tests that hold them against the formula. */
    void (*observe)(void *context, enum flop_component component, int m, int n, int k);
    void *context;
    uint64_t bytes;              /* read and written */
    const struct phases *phases; /* told where phases begin; NULL: nobody */
};

static inline void work_enter(const struct work *work, enum phase phase) {
    if (work) phase_enter(work->phases, phase);
}

/* Books `floats` numbers read or written. */
static inline void work_move(struct work *work, uint64_t floats) {
    if (work) work->bytes += floats * sizeof(float);
}

void work_add(struct work *work, enum flop_component component, uint64_t flops);

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

/* C[m x n] = alpha * op(A)[m x k] * op(B)[k x n] + beta * C, all row-major. */
void gemm(struct work *work, enum flop_component component, int m, int n, int k, float alpha,
          struct matrix a, struct matrix b, float beta, float *c, int ldc);

/* The libraries behind the seam, their versions and build settings, as one line. */
void gemm_library(char *out, size_t size);

/* The kernel set that OpenBLAS chose, "" if it does not tell, and the threads that it would use. */
const char *gemm_core(void);
int gemm_threads(void);

/* The kernels that those libraries choose on this processor: "OpenBLAS Haswell, oneDNN AVX2". */
void gemm_kernels(char *out, size_t size);

#endif
