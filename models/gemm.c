/*
 * The seam over OpenBLAS. Single precision, row-major, single-threaded by the environment that the
 * sweep gives its children. See gemm.h.
 */
#include "models/gemm.h"

#include <cblas.h>

void work_add(struct work *work, enum flop_component component, uint64_t flops) {
    if (work) work->flops.count[component] += flops;
}

void gemm(struct work *work, enum flop_component component, int m, int n, int k, float alpha,
          struct matrix a, struct matrix b, float beta, float *c, int ldc) {
    if (m == 0 || n == 0) return;
    work_add(work, component, 2 * (uint64_t)m * (uint64_t)n * (uint64_t)k);
    if (work && work->observe) work->observe(work->context, component, m, n, k);
    cblas_sgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans,
                b.transposed ? CblasTrans : CblasNoTrans, m, n, k, alpha, a.data, a.ld, b.data,
                b.ld, beta, c, ldc);
}
