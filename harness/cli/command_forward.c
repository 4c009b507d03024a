/*
 * `headroom forward`: forward passes over prepared inputs and nothing else, for programs that watch
 * other programs: the simulator behind `counters: cachegrind` (simulated_counters.c), perf, a
 * debugger. Every pass runs twice: once to warm up and to book its work, then inside a function of
 * its own, which the observer finds by name.
 */
#include "harness/cli/command.h"
#include "harness/config/placement.h"
#include "harness/config/sections.h"
#include "harness/measure/environment.h"
#include "harness/measure/forward_inputs.h"
#include "harness/trial/saved_model.h"
#include "harness/measure/simulated_counters.h"
#include "models/batch_limits.h"
#include "models/cpu/gemm.h"
#include "models/inference.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct forward {
    struct saved_model model;
    const struct device *device;
    struct inference *inference;
    struct forward_inputs inputs;
    int32_t *offsets; /* [batch + 1] of the batch at hand */
    int batch;
};

static void forward_free(struct forward *f) {
    inference_free(f->inference);
    device_close(f->device);
    saved_model_free(&f->model);
    forward_inputs_free(&f->inputs);
    free(f->offsets);
}

static bool forward_new(const struct arguments *arguments, struct forward *f, struct error *error) {
    char *batch_end, *seed_end;
    long batch = strtol(arguments->words[1], &batch_end, 10);
    errno = 0;
    uint64_t seed = strtoull(arguments->words[2], &seed_end, 10);
    if (*batch_end || batch < 1 || batch > BATCH_SIZE_MAX)
        return error_set(error, "BATCH is a number from 1 to %d, not '%s'", BATCH_SIZE_MAX,
                         arguments->words[1]);
    if (errno || *seed_end || seed_end == arguments->words[2])
        return error_set(error, "SEED is a number from 0 on, not '%s'", arguments->words[2]);
    struct placement placement;
    if (!placement_read(arguments->overrides.device, arguments->overrides.precision, &placement,
                        error) ||
        !saved_model_read(arguments->words[0], &f->model, error))
        return false;
    f->model.parameters->seed = seed;
    f->batch = (int)batch;
    f->offsets = calloc((size_t)batch + 1, sizeof *f->offsets);
    if (!f->offsets) return error_set(error, "out of memory");
    if (!forward_inputs_read(stdin, &f->model.parameters->config, &f->inputs, error)) return false;
    struct trainer_limits limits;
    return batch_limits(f->batch, f->inputs.longest, &limits, error) &&
           device_open(placement.device, (enum precision)placement.precision, &f->device, error) &&
           inference_new_on(f->device, f->model.parameters, &limits, &f->inference, error);
}

/* ---- running ---- */

/* The batch that starts with input `first`. */
static struct batch take_batch(const struct forward *f, int first) {
    const struct forward_inputs *in = &f->inputs;
    int n = in->n - first < f->batch ? in->n - first : f->batch;
    for (int i = 0; i <= n; i++) f->offsets[i] = in->offsets[first + i] - in->offsets[first];
    return (struct batch){n,          f->offsets[n],      in->tokens + in->offsets[first],
                          f->offsets, in->labels + first, in->ids + first};
}

/* Visible and never inlined: SIMULATED_FUNCTION is found by its name. */
void forward_counted_pass(struct inference *inference, const struct batch *batch);
__attribute__((noinline)) void forward_counted_pass(struct inference *inference,
                                                    const struct batch *batch) {
    inference_run(inference, batch, NULL, NULL);
    __asm__ volatile(""); /* no tail call: the pass ends when this function does */
}

/* Heads per token and layer, summed over the inputs of the last pass. */
static double count_heads(const struct forward *f, const struct batch *batch) {
    int layers = f->model.parameters->config.layers;
    double heads = 0;
    for (int i = 0; i < batch->n_samples; i++)
        for (int l = 0; l < layers; l++)
            heads += (double)inference_heads_used(f->inference, l, i).token_heads /
                     (batch->offsets[i + 1] - batch->offsets[i]) / layers;
    return heads;
}

static bool run_passes(const struct forward *f, struct error *error) {
    struct work work = {0};
    double heads = 0, n = f->inputs.n;
    char kernels[96];
    for (int first = 0; first < f->inputs.n; first += f->batch) {
        struct batch batch = take_batch(f, first);
        inference_run(f->inference, &batch, &work, NULL);
        heads += count_heads(f, &batch);
    }
    for (int first = 0; first < f->inputs.n; first += f->batch) {
        struct batch batch = take_batch(f, first);
        forward_counted_pass(f->inference, &batch);
    }
    if (!f->device->ops->ok(f->device, error)) return false;
    gemm_kernels(kernels, sizeof kernels);
    printf("inputs %d\nexecuted_flops %.17g\nheads_run %.17g\nbuild %s\nkernels %s\n", f->inputs.n,
           (double)flops_total(&work.flops) / n, heads / n, environment_revision(), kernels);
    return true;
}

static int run(const struct arguments *arguments, struct error *error) {
    struct forward f = {0};
    bool ok = forward_new(arguments, &f, error);
    if (ok) ok = run_passes(&f, error);
    forward_free(&f);
    return ok ? EXIT_OK : EXIT_FAILED;
}

const struct command forward_command = {
    "forward",
    "forward passes only, for a simulator or profiler to watch",
    "FILE BATCH SEED",
    3,
    3,
    {"device", "precision"},
    "Reads inputs, one a line: a number that keys random choices, then token indices. Runs FILE\n"
    "over them in batches of BATCH, once to warm up and once inside the function\n"
    "`" SIMULATED_FUNCTION "`; prints FLOPs and heads per input, the build and its BLAS\n"
    "kernels. `profile: {counters: cachegrind}` runs this under valgrind. On a card the function returns\n"
    "when the logits are back.\n"
    "\n"
    "examples:\n"
    "  headroom forward a.safetensors 1 1 <inputs\n"
    "  valgrind --tool=callgrind --collect-atstart=no --toggle-collect=" SIMULATED_FUNCTION " \\\n"
    "      ./headroom-v3 forward a.safetensors 32 1 <inputs\n",
    run};
