/*
 * `headroom bench`: the engine's speed and savings beside the machine's limits, printed and stored.
 */
#include "harness/bench/bench.h"
#include "harness/bench/bench_device.h"
#include "harness/bench/bench_speed.h"
#include "harness/cli/command.h"
#include "harness/measure/environment.h"
#include "harness/store/store.h"
#include "harness/table/width.h"
#include "harness/table/wrap.h"

#include <string.h>

static bool measure_and_store(struct store *store, bool quick, struct error *error) {
    static struct bench_table table; /* too large for a stack frame */
    struct environment environment;
    char machine[400];
    int64_t id;
    environment_read(store_library(), &environment);
    environment_summary(&environment, machine, sizeof machine);
    if (strcmp(environment.build, "release") != 0)
        fprintf(stderr, "headroom bench: this is a %s build: its times mean nothing\n",
                environment.build);
    if (!bench_run(quick, stderr, &table, error)) return false;
    wrap_print(stdout, width_of(stdout), 2, "%s\n%s", machine, environment.blas_config);
    bool ok = bench_print(&table, stdout, error);
    fflush(stdout);
    return ok && store_machine(store, &environment, &id, error) &&
           store_bench(store, id, &table, error);
}

static int run(const struct arguments *arguments, struct error *error) {
    struct store *store = NULL;
    const char *of_device = arguments->overrides.precision ? "--precision"
                            : arguments->json              ? "--json"
                            : arguments->saving            ? "--saving"
                                                           : NULL;
    if (of_device && !arguments->overrides.device) {
        error_set(error, "%s is one of a device; give --device too", of_device);
        return EXIT_USAGE;
    }
    if (arguments->overrides.device) {
        struct bench_device_options options = {arguments->overrides.device,
                                               arguments->overrides.precision,
                                               arguments->shape,
                                               arguments->quick,
                                               arguments->json,
                                               arguments->saving};
        return bench_device(&options, stdout, stderr, error) ? EXIT_OK : EXIT_FAILED;
    }
    if (arguments->shape)
        return bench_print_shape(arguments->shape, stdout, error) ? EXIT_OK : EXIT_FAILED;
    /* Opened first: what cannot be stored is not worth three minutes. */
    bool ok = store_open(arguments->db, &store, error) &&
              measure_and_store(store, arguments->quick, error);
    if (ok) fprintf(stderr, "stored in %s, view bench_latest\n", arguments->db);
    store_close(store);
    return ok ? EXIT_OK : EXIT_FAILED;
}

const struct command bench_command = {
    "bench",
    "the engine's speed and savings beside this machine's limits",
    "",
    0,
    0,
    {"db", "quick", "shape", "device", "precision", "saving", "json"},
    "Measures, on one thread and in turns: kernels, training and inference as shares of the sgemm\n"
    "peak or the memory bandwidth, the latency of one input, the time that heads left out save,\n"
    "and the memory of training. Prints one table and stores it. Takes under three minutes; run\n"
    "it on an idle machine. --shape DIM,BATCH,LENGTH times one model and stores nothing:\n"
    "`make bench-peers` holds its line against PyTorch. --device cuda times training steps and\n"
    "inferences there, in every precision or in --precision P, of the known shapes or of --shape,\n"
    "a line each, and stores nothing: `make bench-gpu` holds its --json against PyTorch. With\n"
    "--saving: inference with 1, 2 and 4 of 8 heads, one set for all inputs or a set for each,\n"
    "and with 6 a set for each.\n",
    run};
