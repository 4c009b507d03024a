/*
 * Peak and triad in turns. See bench_peak.h and bench_triad.h. Of the time that the thread had a
 * core for, and of the fastest round: a ceiling is what can be reached, not what is usual, and not
 * what a busy machine leaves.
 */
#include "harness/bench/bench_ceiling.h"
#include "harness/bench/bench_peak.h"
#include "harness/bench/bench_triad.h"

/* All rounds take less than a second on a core of today. An emulated one needs seconds for a single
 * product, and the first round has to do. */
enum { MOST_SECONDS = 5 };

bool bench_ceiling(struct ceiling *out, struct error *error) {
    struct bench_effort effort = {
        .rounds = 5, .sample_seconds = 0.01, .most_seconds = MOST_SECONDS, .own_time = true};
    struct bench_peak peak = {0};
    struct bench_triad triad = {0};
    struct bench_case cases[BENCH_PEAKS + 1];
    bool ok =
        bench_triad_new(&triad, BENCH_TRIAD_BYTES_LEAST, error) && bench_peak_new(&peak, error);
    if (ok) {
        for (int i = 0; i < BENCH_PEAKS; i++) cases[i] = peak.cases[i];
        cases[BENCH_PEAKS] = bench_triad_case(&triad);
        int rounds = bench_time(cases, BENCH_PEAKS + 1, &effort);
        out->flops_per_second = bench_best_round(cases, BENCH_PEAKS, rounds);
        out->bytes_per_second = bench_best_round(&cases[BENCH_PEAKS], 1, rounds);
    }
    bench_peak_free(&peak);
    bench_triad_free(&triad);
    return ok;
}
