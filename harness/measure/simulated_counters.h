/*
 * Event counts where no hardware counts them: some of the forward passes of a profile run again
 * under valgrind, which executes every instruction one by one and plays two levels of cache and a
 * branch predictor along. What comes out is exact and repeatable for instructions and branches, and
 * a simple model's opinion for misses; there are no cycles. So these rows have a scope and a status
 * of their own ("simulator", "simulated") and are never joined with measured ones.
 *
 * The tool is callgrind: the counts of cachegrind, but it can switch them on inside one function
 * only, by name, without valgrind's headers. That function is one call of inference_run in
 * `headroom forward`. Valgrind knows no AVX-512, so that command is run from the portable build
 * (make headroom-v3), with OpenBLAS told to use its Haswell kernels; oneDNN asks the processor that
 * valgrind shows it. The caches are the same everywhere (ours: 32 KiB and 8 MiB, 64-byte lines), so
 * that counts do not depend on the machine.
 */
#ifndef HEADROOM_HARNESS_MEASURE_SIMULATED_COUNTERS_H
#define HEADROOM_HARNESS_MEASURE_SIMULATED_COUNTERS_H

#include "harness/record/results.h"
#include "workloads/data/split.h"

/* instructions, branches, branch_misses, l1d_misses, llc_misses, and of the very same passes, as
 * the kernels booked them: executed_flops and heads_run. */
enum { SIMULATED_ROLES = 7 };

/* What is run again. All borrowed. */
struct simulation {
    const char *program;       /* the portable build; NULL: headroom-v3 beside this program */
    const char *checkpoint;    /* a safetensors file */
    uint64_t seed;             /* of policies that choose at random */
    const struct split *split; /* inputs */
    const int32_t *index;      /* [n_inputs] which of them, in the order they are run */
    int n_inputs, batch_size;
};

/* True if counts can be simulated here. `detail`: by what; or what is missing and how to get it.
 * path: folders that may hold valgrind, as in PATH; program: as in struct simulation. */
bool simulated_counters_usable(const char *path, const char *program, char *detail, size_t size);

/* Fills all rows: values per input, or the reason why there are none. Takes about a hundred times
 * as long as the passes themselves. */
void simulate_counters(const struct simulation *simulation,
                       struct counter_result out[SIMULATED_ROLES]);

/* The function inside which valgrind counts: one inference_run (command_forward.c). */
#define SIMULATED_FUNCTION "forward_counted_pass"

#endif
