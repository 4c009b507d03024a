/*
 * `headroom bench`: training speed beside the matrix-product peak of the same run.
 */
#include "harness/bench.h"
#include "harness/command.h"

static int run(const struct arguments *arguments, struct error *error) {
    (void)arguments;
    return bench_run(stdout, error) ? EXIT_OK : EXIT_FAILED;
}

const struct command bench_command = {
    "bench",
    "training speed as a share of this machine's sgemm peak",
    "",
    0,
    0,
    {NULL},
    "Interleaves large matrix products (the peak) with training steps of a fixed shape, on one\n"
    "thread, and prints both medians. Run it on an idle machine.\n",
    run};
