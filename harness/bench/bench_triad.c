/*
 * An array is as large as four last-level caches, as STREAM asks, but between 128 and 512 MiB. The
 * cache is asked of /sys: what sysconf says about it is wrong in guests.
 */
#include "harness/bench/bench_triad.h"
#include "models/base/system_file.h"

#include <stdio.h>
#include <stdlib.h>

size_t bench_triad_bytes(void) {
    char text[32];
    size_t cache = 0, least = BENCH_TRIAD_BYTES_LEAST, most = (size_t)512 << 20;
    if (system_line("", "/sys/devices/system/cpu/cpu0/cache/index3/size", text, sizeof text))
        cache = (size_t)4096 * strtoul(text, NULL, 10);
    return cache < least ? least : cache > most ? most : cache;
}

bool bench_triad_new(struct bench_triad *triad, size_t bytes, struct error *error) {
    size_t n = bytes / sizeof(float);
    *triad = (struct bench_triad){n, bench_array(n), bench_array(n), bench_array(n)};
    return (triad->a && triad->b && triad->c) || error_set(error, "out of memory for the bench");
}

void bench_triad_free(struct bench_triad *triad) {
    free(triad->a);
    free(triad->b);
    free(triad->c);
}

static void run(void *context) {
    struct bench_triad *t = context;
    const float *a = t->a, *b = t->b;
    float *c = t->c;
#pragma omp simd
    for (size_t i = 0; i < t->n; i++) c[i] = a[i] + 3.0f * b[i];
}

struct bench_case bench_triad_case(struct bench_triad *triad) {
    struct bench_case timed = {
        .run = run, .context = triad, .unit = GB_PER_S, .work = 12.0 * (double)triad->n};
    snprintf(timed.name, sizeof timed.name, "triad c = a + 3 b, arrays of %zu MiB",
             (triad->n * sizeof(float)) >> 20);
    return timed;
}
