/*
 * Both products go through the engine's own gemm, so that a share of the peak says what the engine
 * loses, not what its library does.
 */
#include "harness/bench/bench_peak.h"
#include "models/cpu/gemm.h"

#include <stdio.h>
#include <stdlib.h>

static void run_product(void *product) {
    const struct bench_product *p = product;
    struct matrix a = p->a_transposed ? transposed(p->a, p->m) : plain(p->a, p->k);
    struct matrix b = p->b_transposed ? transposed(p->b, p->k) : plain(p->b, p->n);
    gemm(NULL, FLOP_FFN, p->m, p->n, p->k, 1.0f, a, b, 0.0f, p->c, p->n);
}

struct bench_case bench_product_case(struct bench_product *product, const char *what) {
    struct bench_case timed = {.run = run_product,
                               .context = product,
                               .unit = GFLOP_PER_S,
                               .work = 2.0 * product->m * product->n * product->k};
    snprintf(timed.name, sizeof timed.name, "sgemm %dx%dx%d%s%s", product->m, product->n,
             product->k, *what ? ", " : "", what);
    return timed;
}

bool bench_peak_new(struct bench_peak *peak, struct error *error) {
    peak->a = bench_array(BENCH_OPERAND);
    peak->b = bench_array(BENCH_OPERAND);
    peak->c = bench_array(BENCH_OPERAND);
    if (!peak->a || !peak->b || !peak->c) return error_set(error, "out of memory for the bench");
    peak->products[0] = (struct bench_product){.m = 4096, .n = 768, .k = 768};
    peak->products[1] = (struct bench_product){.m = 1024, .n = 1024, .k = 1024};
    for (int i = 0; i < BENCH_PEAKS; i++) {
        struct bench_product *p = &peak->products[i];
        p->a = peak->a;
        p->b = peak->b;
        p->c = peak->c;
        peak->cases[i] = bench_product_case(p, "peak");
    }
    return true;
}

void bench_peak_free(struct bench_peak *peak) {
    free(peak->a);
    free(peak->b);
    free(peak->c);
}
