/*
 * What a profile hands to meters that most machines lack: a socket whose energy can be read, and a
 * simulator. Both are made up here, so that this runs everywhere. The socket takes a millijoule for
 * each pass and nothing at rest; valgrind is a script that keeps what it was given. The C library's
 * glob and readlink, by which they are found, are the test's own.
 */
#include "harness/measure/environment.h"
#include "harness/measure/simulated_counters.h"
#include "harness/trial/profile.h"
#include "models/base/rng.h"
#include "tests/harness/trial/small_trial.h"

#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZES = 2, TEST_INPUTS = 150, SAMPLED = 30, SIMULATED = 10 };

static struct {
    struct small_trial trial;
    struct profiling_result result;
    struct device_ops ops;
    struct device device;
    int64_t passes;
} profiled;

static void in_folder(const char *name, char path[160]) {
    scratch_path(&profiled.trial.scratch, name, path, 160);
}

int glob(const char *restrict pattern, int flags, int (*errfunc)(const char *, int),
         glob_t *restrict pglob) {
    char path[160];
    (void)flags, (void)errfunc;
    memset(pglob, 0, sizeof *pglob);
    if (!strstr(pattern, "powercap/intel-rapl:")) return GLOB_NOMATCH;
    pglob->gl_pathv = calloc(2, sizeof *pglob->gl_pathv);
    in_folder("", path);
    path[strlen(path) - 1] = '\0'; /* the slash */
    pglob->gl_pathv[0] = strdup(path);
    pglob->gl_pathc = 1;
    return 0;
}

/* The program stands beside a portable build of itself. */
ssize_t readlink(const char *restrict path, char *restrict buf, size_t len) {
    char program[160];
    if (strcmp(path, "/proc/self/exe") != 0) return -1;
    in_folder("headroom", program);
    return snprintf(buf, len, "%s", program);
}

static void set_energy(void) {
    char text[32];
    snprintf(text, sizeof text, "%lld\n", 1000 * (long long)profiled.passes); /* microjoules */
    assert_true(scratch_write(&profiled.trial.scratch, "energy_uj", text));
}

/* Each pass embeds its one chunk once. */
static void embed(const struct device *d, const struct device_chunk *chunk,
                  const struct parameters *p, const struct device_dropout *dropout, float *x) {
    device_cpu()->ops->embed(d, chunk, p, dropout, x);
    profiled.passes++;
    set_energy();
}

static void make_meters(void) {
    const struct scratch *scratch = &profiled.trial.scratch;
    char reply[200], path[160];
    set_energy();
    assert_true(scratch_write(scratch, "name", "package-0\n"));
    assert_true(scratch_write(scratch, "max_energy_range_uj", "262143328850\n"));
    assert_true(scratch_write(scratch, "headroom-v3", "#!/bin/sh\n"));
    /* The batch size is the last argument but one. */
    assert_true(
        scratch_write(scratch, "valgrind",
                      "#!/bin/sh\nhere=${0%/*}\nfor a; do case $a in\n"
                      "--callgrind-out-file=*) cat \"$here/counts\" >\"${a#*=}\" ;; esac; done\n"
                      "while [ $# -gt 2 ]; do shift; done\n"
                      "cut -d' ' -f1 >\"$here/inputs-$1\"\ncat \"$here/reply\"\n"));
    assert_true(scratch_write(scratch, "counts",
                              "creator: callgrind-3.19.0\nevents: Ir Bc Bcm Bi Bim D1mr D1mw ILmr "
                              "DLmr DLmw\ntotals: 4000 40 4 4 1 8 8 1 1 1\n"));
    snprintf(reply, sizeof reply, "executed_flops 100\nheads_run 4\nbuild %s\nkernels none\n",
             environment_revision());
    assert_true(scratch_write(scratch, "reply", reply));
    in_folder("valgrind", path);
    assert_int_equal(chmod(path, 0755), 0);
    in_folder("headroom-v3", path);
    assert_int_equal(chmod(path, 0755), 0);
}

static int profile_with_meters(void **state) {
    struct error error;
    const char *given = getenv("PATH");
    char folder[160], *path = strdup(given ? given : "");
    (void)state;
    if (!path) return -1;
    small_trial_run(&profiled.trial, &small_topic);
    make_meters();
    profiled.trial.experiment.profile.counters = COUNTERS_CACHEGRIND;
    profiled.trial.experiment.profile.simulated_inputs = SIMULATED;
    profiled.ops = *device_cpu()->ops;
    profiled.ops.embed = embed;
    profiled.device = *device_cpu();
    profiled.device.ops = &profiled.ops;
    in_folder("", folder);
    setenv("PATH", folder, 1);
    if (!profiling_run(&profiled.trial.experiment, NULL,
                       &(struct trained){profiled.trial.checkpoint, "key of the trial", NULL},
                       &profiled.device, &profiled.result, &error))
        fail_msg("%s", error.text);
    setenv("PATH", path, 1);
    free(path);
    return 0;
}

static int free_all(void **state) {
    (void)state;
    profiling_result_free(&profiled.result);
    small_trial_free(&profiled.trial);
    return 0;
}

/* A millijoule for a pass of one input, and for a pass of eight. */
static void energy_of_all_batches_is_shared_by_their_inputs(void **state) {
    (void)state;
    for (int k = 0; k < SIZES; k++) {
        const struct profile_result *p = &profiled.result.profiles[k];
        assert_int_equal(p->n_energy, 2);
        assert_string_equal(p->energy[0].domain, "package");
        assert_string_equal(p->energy[0].reason, "");
        assert_true(fabs(p->energy[0].joules_per_input - (k ? 1.25e-4 : 1e-3)) < 1e-12);
        assert_true(p->energy[0].idle_watts == 0);
        /* The region is of whole repeats of the 20 batches. */
        double inputs = p->energy[0].seconds / p->energy[0].seconds_per_input;
        double rounds = inputs / (20 * p->batch_size);
        assert_true(rounds > 0.5 && fabs(rounds - round(rounds)) < 1e-6);
        assert_non_null(strstr(p->energy[1].reason, "no RAPL domain 'dram'"));
    }
}

static double simulated(const struct profile_result *p, const char *role) {
    for (int i = p->n_counters - p->n_simulated; i < p->n_counters; i++)
        if (strcmp(p->counters[i].role, role) == 0) {
            if (!p->counters[i].available) fail_msg("%s: %s", role, p->counters[i].reason);
            return p->counters[i].value;
        }
    fail_msg("no row '%s'", role);
    return NAN;
}

/* 4000 instructions over 10 inputs one by one, and over the 16 that fill two batches of eight. */
static void the_first_inputs_that_were_timed_are_simulated_in_whole_batches(void **state) {
    (void)state;
    int32_t order[TEST_INPUTS];
    struct rng rng = rng_stream((uint64_t)profiled.trial.experiment.data.seed, RNG_SPLIT);
    for (int32_t i = 0; i < TEST_INPUTS; i++) order[i] = i;
    rng_shuffle(&rng, 1, order, TEST_INPUTS);
    for (int k = 0; k < SIZES; k++) {
        const struct profile_result *p = &profiled.result.profiles[k];
        char path[160], line[32];
        int n = 0;
        assert_int_equal(p->n_simulated, SIMULATED_ROLES);
        assert_true(simulated(p, "instructions") == (k ? 250 : 400));
        assert_true(simulated(p, "executed_flops") == 100);
        in_folder(k ? "inputs-8" : "inputs-1", path);
        FILE *in = fopen(path, "r");
        assert_non_null(in);
        for (; fgets(line, sizeof line, in); n++)
            assert_int_equal(strtol(line, NULL, 10), order[n % SAMPLED]);
        fclose(in);
        assert_int_equal(n, k ? 16 : 10);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(energy_of_all_batches_is_shared_by_their_inputs),
        cmocka_unit_test(the_first_inputs_that_were_timed_are_simulated_in_whole_batches),
    };
    return cmocka_run_group_tests(tests, profile_with_meters, free_all);
}
