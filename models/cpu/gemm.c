/*
 * The seam over OpenBLAS and, on x86 where it was there at build time, oneDNN: one library is faster for
 * large products, the other for narrow ones (README.md has the numbers). Single precision,
 * row-major, single-threaded by the environment that the sweep gives its children. See gemm.h.
 */
#include "models/cpu/gemm.h"

#include <cblas.h>
#if HAVE_ONEDNN
#include <dnnl.h>
#endif
#include <stdio.h>
#include <string.h>

void gemm_take_buffers(void) {
    enum { N = 128 }; /* products of up to 100 rows, columns and terms may do without */
    float zeros[N * N] = {0}, product[N * N];
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1, zeros, N, zeros, N, 0,
                product, N);
}

void gemm_library(char *out, size_t size) {
    const char *openblas = openblas_get_config();
    snprintf(out, size, "%.*s", (int)strcspn(openblas, "\n"), openblas);
    while (*out && out[strlen(out) - 1] == ' ') out[strlen(out) - 1] = '\0';
#if HAVE_ONEDNN
    const dnnl_version_t *v = dnnl_version();
    size_t used = strlen(out);
    snprintf(out + used, size - used, "; oneDNN %d.%d.%d", v->major, v->minor, v->patch);
#endif
}

const char *gemm_core(void) {
    const char *core = openblas_get_corename();
    return core ? core : "";
}

int gemm_threads(void) {
    return openblas_get_num_threads();
}

void gemm_kernels(char *out, size_t size) {
    snprintf(out, size, "OpenBLAS %s", gemm_core()[0] ? gemm_core() : "unknown");
#if HAVE_ONEDNN
    static const struct {
        dnnl_cpu_isa_t bits; /* those of what it builds on included */
        const char *name;
    } sets[] = {
#ifdef __x86_64__
        {dnnl_cpu_isa_avx512_core, "AVX-512"},
        {dnnl_cpu_isa_avx2, "AVX2"},
        {dnnl_cpu_isa_avx, "AVX"},
        {(dnnl_cpu_isa_t)0, "SSE4.1"},
#else
        {(dnnl_cpu_isa_t)0, "of unknown kernels"}, /* it has names for x86's sets only */
#endif
    };
    size_t used = strlen(out), set = 0;
    while ((dnnl_get_effective_cpu_isa() & sets[set].bits) != sets[set].bits) set++;
    snprintf(out + used, size - used, ", oneDNN %s", sets[set].name);
#endif
}

void gemm(struct work *work, enum flop_component component, int m, int n, int k, float alpha,
          struct matrix a, struct matrix b, float beta, float *c, int ldc) {
    if (m == 0 || n == 0) return;
    work_product(work, component, m, n, k, beta != 0.0f);
#if HAVE_ONEDNN
    /* Below either bound oneDNN falls behind OpenBLAS, down to a fifth of its speed. Measured on x86;
     * the Makefile leaves oneDNN out elsewhere: on arm64 it takes up to 59% more instructions above
     * the bounds, where only an emulator has counted them. */
    if (m >= 64 && n >= 48 &&
        dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', m, n, k, alpha, a.data, a.ld,
                   b.data, b.ld, beta, c, ldc) == dnnl_success)
        return;
#endif
    cblas_sgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans,
                b.transposed ? CblasTrans : CblasNoTrans, m, n, k, alpha, a.data, a.ld, b.data,
                b.ld, beta, c, ldc);
}
