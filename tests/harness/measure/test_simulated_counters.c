/*
 * Counts from valgrind: the same passes give the same counts, instructions follow the FLOP formula,
 * only the passes are counted, and whatever is missing is a reason in every row. Models are tiny,
 * because valgrind is a hundred times slower than the machine.
 */
#include "harness/measure/simulated_counters.h"
#include "harness/measure/environment.h"
#include "tests/fuzz.h"
#include "tests/harness/trial/small_trial.h"
#include "tests/temporary.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

struct models {
    struct small_trial four, one; /* four heads, one head */
    struct dataset *data;
    char why_not[256]; /* counts cannot be simulated here; "" if they can */
    /* Eight inputs one by one, of one also together, for several tests: a run of valgrind takes
     * seconds, and four times as long where oneDNN makes its code. */
    struct counter_result four_singly[SIMULATED_ROLES], one_singly[SIMULATED_ROLES],
        one_together[SIMULATED_ROLES];
};

static const char *const portable = "./headroom-v3"; /* `make test` builds it */
static const int32_t first_inputs[] = {0, 1, 2, 3, 4, 5, 6, 7};

static void count(const struct models *m, const struct small_trial *trial, int n, int batch,
                  const char *program, struct counter_result out[SIMULATED_ROLES]) {
    struct simulation simulation = {.program = program,
                                    .checkpoint = trial->checkpoint,
                                    .split = &m->data->test,
                                    .index = first_inputs,
                                    .n_inputs = n,
                                    .batch_size = batch};
    simulate_counters(&simulation, out);
}

static int make_models(void **state) {
    struct models *m = *state = calloc(1, sizeof *m);
    struct small_trial_text text = small_topic;
    struct error error;
    if (!m) return -1;
    /* No FFN to speak of: heads decide the work. Eight inputs together reach oneDNN's sizes. */
    text.data = "source: topic, length: 16, n_train: 100, n_test: 40";
    text.model = "layers: 1, dim: 64, heads: 4, ffn: 8";
    text.train = "epochs: 1, batch: 16";
    small_trial_run(&m->four, &text);
    text.arm = "policy: fixed, heads: 1";
    small_trial_run(&m->one, &text);
    char detail[sizeof m->why_not];
    if (!simulated_counters_usable(getenv("PATH"), portable, detail, sizeof detail))
        memcpy(m->why_not, detail, sizeof detail);
    if (!dataset_load(&m->four.experiment.data, &m->data, &error)) return -1;
    if (m->why_not[0]) return 0;
    count(m, &m->four, 8, 1, portable, m->four_singly);
    count(m, &m->one, 8, 1, portable, m->one_singly);
    count(m, &m->one, 8, 8, portable, m->one_together);
    return 0;
}

static int free_models(void **state) {
    struct models *m = *state;
    small_trial_free(&m->four);
    small_trial_free(&m->one);
    dataset_free(m->data);
    free(m);
    return 0;
}

static double value(const struct counter_result rows[SIMULATED_ROLES], const char *role) {
    for (int i = 0; i < SIMULATED_ROLES; i++)
        if (strcmp(rows[i].role, role) == 0) {
            if (!rows[i].available) fail_msg("%s: %s", role, rows[i].reason);
            assert_string_equal(rows[i].status, "simulated");
            assert_string_equal(rows[i].scope, "simulator");
            return rows[i].value;
        }
    fail_msg("no row '%s'", role);
    return NAN;
}

static void skip_without_valgrind(const struct models *m) {
    if (!m->why_not[0]) return;
    print_message("%s\n", m->why_not);
    skip();
}

static void assert_no_values(const struct counter_result rows[SIMULATED_ROLES], const char *why) {
    for (int i = 0; i < SIMULATED_ROLES; i++) {
        assert_false(rows[i].available);
        assert_true(isnan(rows[i].value));
        assert_string_equal(rows[i].status, "unavailable");
        assert_string_equal(rows[i].scope, "simulator");
        if (!strstr(rows[i].reason, why)) fail_msg("'%s' lacks '%s'", rows[i].reason, why);
    }
}

static void instructions_fall_with_the_heads_as_the_flops_do(void **state) {
    const struct models *m = *state;
    skip_without_valgrind(m);
    const struct counter_result *four = m->four_singly, *one = m->one_singly;
    double flops = value(one, "executed_flops") / value(four, "executed_flops");
    double instructions = value(one, "instructions") / value(four, "instructions");
    print_message("1 of 4 heads: FLOPs x %.3f, instructions x %.3f, ratio %.3f\n", flops,
                  instructions, instructions / flops);
    assert_true(flops < 0.4);
    /* 1.23 for so small a model; 1.00 to 1.04 at D = 128 (workloads/instructions.yaml). */
    assert_true(instructions > 0.75 * flops && instructions < 1.4 * flops);
    /* An AVX2 instruction does at most 16 of our FLOPs, and most do fewer. */
    assert_true(value(four, "instructions") > value(four, "executed_flops") / 16);
    assert_true(value(four, "heads_run") == 4 && value(one, "heads_run") == 1);
}

/* 0.76 of the instructions; four heads for one would take twice as many. */
static void a_batch_does_the_same_flops_in_fewer_instructions(void **state) {
    const struct models *m = *state;
    skip_without_valgrind(m);
    double instructions =
        value(m->one_together, "instructions") / value(m->one_singly, "instructions");
    print_message("8 inputs together: instructions x %.3f\n", instructions);
    assert_true(instructions > 0.6 && instructions < 1);
    assert_true(value(m->one_together, "executed_flops") == value(m->one_singly, "executed_flops"));
    assert_true(value(m->one_together, "instructions") >
                value(m->one_together, "executed_flops") / 16);
    assert_true(value(m->one_together, "heads_run") == 1);
}

static void booked_flops_are_those_of_the_formula(void **state) {
    const struct models *m = *state;
    struct model_config own, dense;
    struct error error;
    skip_without_valgrind(m);
    assert_true(trial_models(&m->one.experiment, m->data, &own, &dense, &error));
    struct flops flops = flops_dense(&own, 16);
    assert_true(value(m->one_together, "executed_flops") == (double)flops_total(&flops));
}

static void the_same_passes_give_the_same_counts(void **state) {
    const struct models *m = *state;
    const struct counter_result *first = m->one_singly;
    struct counter_result again[SIMULATED_ROLES];
    skip_without_valgrind(m);
    count(m, &m->one, 8, 1, portable, again);
    for (int i = 0; i < SIMULATED_ROLES; i++)
        assert_true(value(first, first[i].role) == value(again, first[i].role));
}

/* Loading a model takes millions of instructions, which twice the passes would halve per input. */
static void only_the_passes_are_counted(void **state) {
    const struct models *m = *state;
    const struct counter_result *eight = m->four_singly;
    struct counter_result four[SIMULATED_ROLES];
    skip_without_valgrind(m);
    count(m, &m->four, 4, 1, portable, four);
    double change = value(eight, "instructions") / value(four, "instructions") - 1;
    assert_true(fabs(change) < 1e-3);
    assert_true(value(four, "branches") < value(four, "instructions"));
    assert_true(value(four, "branch_misses") < value(four, "branches"));
    assert_true(value(four, "llc_misses") < value(four, "l1d_misses"));
}

static void a_row_says_which_program_and_kernels_ran(void **state) {
    const struct models *m = *state;
    const struct counter_result *rows = m->one_together;
    skip_without_valgrind(m);
    for (int i = 0; i < SIMULATED_ROLES; i++) {
        assert_true(strstr(rows[i].event, "callgrind-") && strstr(rows[i].event, "headroom-v3 "));
        assert_non_null(strstr(rows[i].event, "OpenBLAS Haswell"));
        assert_int_equal(rows[i].repeats, 1);
    }
}

static const char *search_path(void) {
    const char *path = getenv("PATH");
    return path ? path : "";
}

static void without_valgrind_every_row_says_how_to_get_it(void **state) {
    const struct models *m = *state;
    struct counter_result rows[SIMULATED_ROLES];
    char *path = strdup(search_path());
    assert_non_null(path);
    setenv("PATH", "/nonexistent::", 1);
    count(m, &m->one, 2, 2, portable, rows);
    setenv("PATH", path, 1);
    free(path);
    assert_no_values(rows, "apt-get install valgrind");
}

static void without_the_portable_build_every_row_says_how_to_make_it(void **state) {
    const struct models *m = *state;
    struct counter_result rows[SIMULATED_ROLES];
    skip_without_valgrind(m);
    count(m, &m->one, 2, 2, "/nonexistent/headroom-v3", rows);
    assert_no_values(rows, "make headroom-v3");
    count(m, &m->one, 2, 2, NULL, rows); /* beside this test there is none */
    assert_no_values(rows, "make headroom-v3");
}

static void a_program_that_fails_is_a_reason_with_its_last_words(void **state) {
    const struct models *m = *state;
    struct counter_result rows[SIMULATED_ROLES];
    struct small_trial lost = m->one;
    skip_without_valgrind(m);
    snprintf(lost.checkpoint, sizeof lost.checkpoint, "/nonexistent/x.safetensors");
    count(m, &lost, 2, 2, portable, rows);
    assert_no_values(rows, "status 1: headroom forward: cannot open checkpoint /nonexistent");
    count(m, &m->one, 2, 2, "/bin/true", rows);
    assert_no_values(rows, "make headroom-v3");
}

/* Valgrind as a script: it hands over a file of counts and what the program under it says. */
static void write_file(const char *folder, const char *name, const char *text, size_t size) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, size, out), size);
    assert_int_equal(fclose(out), 0);
}

static void whatever_valgrind_writes_is_a_count_or_a_reason(void **state) {
    const struct models *m = *state;
    static const char *const words[] = {"events: ", "totals: ", "creator: ", "\n",    " ",  "Ir",
                                        "-1",       "nan",      "inf",       "1e999", "0x", "x"};
    static const char good[] = "creator: callgrind-3.19.0\nevents: Ir Bc Bcm Bi Bim D1mr D1mw ILmr "
                               "DLmr DLmw\ntotals: 4000 40 4 4 1 8 8 1 1 1\n";
    struct counter_result rows[SIMULATED_ROLES];
    struct fuzz fuzz = {.state = 20260101};
    char folder[64], script[400], reply[256], text[512], path[128];
    int n_counted = 0, n_refused = 0;
    assert_non_null(mkdtemp(temporary_template(folder, sizeof folder)));
    int size = snprintf(script, sizeof script,
                        "#!/bin/sh\nfor a; do case $a in --callgrind-out-file=*)\n"
                        "cat %s/counts >\"${a#*=}\"; esac; done\ncat %s/reply\n",
                        folder, folder);
    write_file(folder, "valgrind", script, (size_t)size);
    snprintf(path, sizeof path, "%s/valgrind", folder);
    assert_int_equal(chmod(path, 0755), 0);
    size =
        snprintf(reply, sizeof reply, "executed_flops 100\nheads_run 4\nbuild %s\nkernels none\n",
                 environment_revision());
    write_file(folder, "reply", reply, (size_t)size);
    char *old = strdup(search_path());
    setenv("PATH", folder, 1);
    for (int i = 0; i < 100; i++) {
        size_t length = sizeof good - 1;
        memcpy(text, good, length);
        if (i > 0)
            length = fuzz_mutate(&fuzz, good, length, words, sizeof words / sizeof *words, text,
                                 sizeof text);
        write_file(folder, "counts", text, length);
        count(m, &m->one, 4, 2, "/bin/true", rows);
        for (int j = 0; j < SIMULATED_ROLES; j++) {
            assert_true(rows[j].available ? rows[j].value >= 0 && isfinite(rows[j].value)
                                          : rows[j].reason[0] != '\0');
            n_counted += rows[j].available;
            n_refused += !rows[j].available;
        }
        if (i == 0) assert_true(value(rows, "instructions") == 1000);
        if (i == 0) assert_true(value(rows, "llc_misses") == 0.75);
    }
    static const char other[] = "executed_flops 100\nheads_run 4\nbuild 0000000\nkernels none\n";
    write_file(folder, "reply", other, sizeof other - 1);
    write_file(folder, "counts", good, sizeof good - 1);
    count(m, &m->one, 4, 2, "/bin/true", rows);
    assert_no_values(rows, "headroom-v3 is of revision 0000000 and this program of ");
    setenv("PATH", old, 1);
    free(old);
    for (const char *const *name = (const char *const[]){"counts", "reply", "valgrind", NULL};
         *name; name++) {
        snprintf(path, sizeof path, "%s/%s", folder, *name);
        unlink(path);
    }
    assert_int_equal(rmdir(folder), 0);
    assert_true(n_counted > 100 && n_refused > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instructions_fall_with_the_heads_as_the_flops_do),
        cmocka_unit_test(a_batch_does_the_same_flops_in_fewer_instructions),
        cmocka_unit_test(booked_flops_are_those_of_the_formula),
        cmocka_unit_test(the_same_passes_give_the_same_counts),
        cmocka_unit_test(only_the_passes_are_counted),
        cmocka_unit_test(a_row_says_which_program_and_kernels_ran),
        cmocka_unit_test(without_valgrind_every_row_says_how_to_get_it),
        cmocka_unit_test(without_the_portable_build_every_row_says_how_to_make_it),
        cmocka_unit_test(a_program_that_fails_is_a_reason_with_its_last_words),
        cmocka_unit_test(whatever_valgrind_writes_is_a_count_or_a_reason),
    };
    return cmocka_run_group_tests_name("simulated_counters", tests, make_models, free_models);
}
