/*
 * Profiles of checkpoints that were trained here: work and heads are held against the closed form,
 * clocks and counters only against what no machine may report (a number without a measurement, a
 * missing number without a reason). Unusable checkpoints are errors that name the file.
 */
#include "harness/measure/counters.h"
#include "harness/trial/profile.h"
#include "harness/trial/timed_block.h"
#include "tests/harness/trial/small_trial.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static const char *const key = "key of the trial"; /* what small_trial_run trains under */

enum { FIXED_4, FIXED_1, GATED, RANDOM_2, BAG, N_ARMS };
static const char *const arms[N_ARMS] = {"policy: fixed, heads: 4", "policy: fixed, heads: 1",
                                         "policy: budgetformer, cost: 0.1, initial_budget: 0.6",
                                         "policy: random, heads: 2", "policy: bag-of-words"};

struct profiled {
    struct small_trial trial;
    struct profiling_result result;
};

static int profile_all(void **state) {
    struct profiled *all = *state = calloc(N_ARMS, sizeof *all);
    if (!all) return -1;
    for (int i = 0; i < N_ARMS; i++) {
        struct small_trial_text text = small_topic;
        struct error error;
        text.train = "epochs: 2, batch: 16, learning_rate: 1e-2, eval_batch: 40";
        text.arm = arms[i];
        small_trial_run(&all[i].trial, &text);
        if (!profiling_run(&all[i].trial.experiment, NULL,
                           &(struct trained){all[i].trial.checkpoint, key, NULL}, NULL,
                           &all[i].result, &error))
            fail_msg("%s", error.text);
    }
    return 0;
}

static int free_all(void **state) {
    struct profiled *all = *state;
    for (int i = 0; i < N_ARMS; i++) {
        profiling_result_free(&all[i].result);
        small_trial_free(&all[i].trial);
    }
    free(all);
    return 0;
}

static void every_batch_size_has_its_samples(void **state) {
    const struct profiled *all = *state;
    for (int i = 0; i < N_ARMS; i++) {
        const struct profiling_result *r = &all[i].result;
        assert_int_equal(r->n_profiles, 2);
        for (int k = 0; k < 2; k++) {
            const struct profile_result *p = &r->profiles[k];
            assert_int_equal(p->batch_size, k == 0 ? 1 : 8);
            assert_int_equal(p->inputs_per_sample, p->batch_size);
            assert_int_equal(p->n_samples, 20);
            assert_int_equal(p->warmup, 1);
            for (int j = 0; j < 20; j++)
                assert_true(p->latency_ns[j] > 0 && p->latency_ns[j] < 1e9 * r->wall_seconds);
        }
        assert_true(r->wall_seconds > 0);
    }
}

static void blocks_follow_each_other_and_say_how_quiet_the_machine_was(void **state) {
    const struct profiled *all = *state;
    double before = 0;
    for (int k = 0; k < 2; k++) {
        const struct profile_result *p = &all[GATED].result.profiles[k];
        assert_int_equal(p->n_blocks, 3);
        for (int block = 0; block < 3; block++) {
            const struct profile_block *b = &p->blocks[block];
            double seconds = 0;
            for (int i = 0; i < 20; i++)
                if (i * 3 / 20 == block) seconds += 1e-9 * p->latency_ns[i];
            assert_true(b->started_s > before);
            before = b->started_s + seconds; /* the next begins after all its samples */
            assert_true(b->cpu_share > 0 && b->cpu_share < 1.05);
            assert_true(b->others_running >= -1);
        }
    }
}

/* Whatever this machine does meanwhile. */
static void a_profile_with_a_disturbed_block_has_a_warning(void **state) {
    const struct profiled *all = *state;
    for (int i = 0; i < N_ARMS; i++) {
        const struct profiling_result *r = &all[i].result;
        char text[sizeof r->warning] = "";
        for (int k = 0; k < r->n_profiles; k++)
            timed_block_describe(r->profiles[k].blocks, r->profiles[k].n_blocks, text, sizeof text);
        assert_true(!text[0] || r->warning[0]);
        if (strncmp(r->warning, "disturbed", 9) == 0) assert_string_equal(r->warning, text);
    }
}

/* Work of one input of 12 tokens with these heads per layer on average, which is linear in them. */
static double closed_form(const struct profiled *p, double mean_heads, double *dense_flops) {
    struct dataset *data;
    struct model_config model, dense;
    struct error error;
    struct flops none = {{0}}, one = {{0}};
    assert_true(dataset_load(&p->trial.experiment.data, &data, &error));
    assert_true(trial_models(&p->trial.experiment, data, &model, &dense, &error));
    dataset_free(data);
    for (int l = 0; l < model.layers; l++) {
        flops_add_layer(&model, l, 12, 0, 0, 0, &none);
        flops_add_layer(&model, l, 12, 1, 12, 0, &one);
    }
    double base = (double)flops_total(&none), head = (double)flops_total(&one) - base;
    struct flops full = flops_dense(&dense, 12), ends = {{0}};
    flops_add_ends(&model, 12, &ends);
    *dense_flops = (double)flops_total(&full);
    return base + mean_heads * head + (double)flops_total(&ends);
}

static void executed_flops_are_those_of_the_heads_that_ran(void **state) {
    const struct profiled *all = *state;
    static const double heads[N_ARMS] = {4, 1, NAN, 2, 0}; /* NAN: decided per input */
    for (int i = 0; i < N_ARMS; i++)
        for (int k = 0; k < 2; k++) {
            const struct profile_result *p = &all[i].result.profiles[k];
            double dense, expected = closed_form(&all[i], p->mean_heads, &dense);
            if (!isnan(heads[i])) assert_true(p->mean_heads == heads[i]);
            assert_true(fabs(p->executed_flops_per_input - expected) < 1e-9 * expected);
            assert_true(p->dense_flops_per_input == dense); /* of 4 heads in 2 layers, always */
        }
}

static void fewer_heads_execute_fewer_flops(void **state) {
    const struct profiled *all = *state;
    for (int k = 0; k < 2; k++) {
        double four = all[FIXED_4].result.profiles[k].executed_flops_per_input;
        double two = all[RANDOM_2].result.profiles[k].executed_flops_per_input;
        double one = all[FIXED_1].result.profiles[k].executed_flops_per_input;
        assert_true(one < two && two < four);
        assert_true(four == all[FIXED_4].result.profiles[k].dense_flops_per_input);
    }
}

static void budgets_are_reported_where_there_are_any(void **state) {
    const struct profiled *all = *state;
    for (int i = 0; i < N_ARMS; i++)
        for (int k = 0; k < 2; k++) {
            const struct profile_result *p = &all[i].result.profiles[k];
            if (i != GATED) {
                assert_true(isnan(p->mean_s));
                continue;
            }
            /* k is the ceiling of s H: at most one head more than s H, at least as many. */
            assert_true(p->mean_s > 0 && p->mean_s < 1);
            assert_true(p->mean_heads >= 4 * p->mean_s - 1e-3);
            assert_true(p->mean_heads <= 4 * p->mean_s + 1);
        }
}

/* 30 inputs cycled in batches of 1: 20 of them; in batches of 8: 160, five times and ten more. The
 * same weights over the same inputs decide as they do in an evaluation. */
static void timed_inputs_are_test_inputs_in_a_seeded_order(void **state) {
    const struct profiled *gated = (struct profiled *)*state + GATED;
    struct dataset *data;
    struct error error;
    const struct evaluation_result *test = NULL;
    int32_t order[150];
    double sum[2] = {0, 0};
    for (int i = 0; i < gated->trial.result.n_evaluations; i++) {
        const struct evaluation_result *e = &gated->trial.result.evaluations[i];
        if (strcmp(e->weights, "best") == 0 && strcmp(e->split, "test") == 0 &&
            strcmp(e->control, "none") == 0)
            test = e;
    }
    assert_non_null(test);
    assert_true(dataset_load(&gated->trial.experiment.data, &data, &error));
    struct rng rng = rng_stream((uint64_t)gated->trial.experiment.data.seed, RNG_SPLIT);
    for (int32_t i = 0; i < 150; i++) order[i] = i;
    rng_shuffle(&rng, 1, order, 150);
    for (int i = 0; i < 160; i++)
        for (int l = 0; l < 2; l++) {
            int heads = test->heads_run[order[i % 30] * 2 + l];
            if (i < 20) sum[0] += heads / (20 * 2.0);
            sum[1] += heads / (160 * 2.0);
        }
    for (int k = 0; k < 2; k++)
        assert_true(fabs(gated->result.profiles[k].mean_heads - sum[k]) < 1e-9);
    dataset_free(data);
}

static void work_is_the_same_in_every_profile_of_a_checkpoint(void **state) {
    const struct profiled *all = *state;
    for (int i = 0; i < N_ARMS; i++) {
        struct profiling_result again;
        struct error error;
        assert_true(profiling_run(&all[i].trial.experiment, NULL,
                                  &(struct trained){all[i].trial.checkpoint, key, NULL}, NULL,
                                  &again, &error));
        for (int k = 0; k < 2; k++) {
            const struct profile_result *a = &all[i].result.profiles[k], *b = &again.profiles[k];
            assert_true(a->executed_flops_per_input == b->executed_flops_per_input);
            assert_true(a->mean_heads == b->mean_heads);
            assert_memory_equal(&a->mean_s, &b->mean_s, sizeof a->mean_s);
        }
        profiling_result_free(&again);
    }
}

/* The bytes of a memory row; fails unless there is exactly one and it has a value or a reason. */
static int64_t memory_of(const struct profiling_result *r, const char *what) {
    int64_t bytes = 0;
    int n = 0;
    for (int i = 0; i < r->n_memory; i++) {
        const struct memory_result *row = &r->memory[i];
        if (strcmp(row->what, what) != 0) continue;
        bytes = row->bytes;
        n++;
        assert_true(bytes > 0 ? row->reason[0] == 0 : bytes == -1 && row->reason[0] != 0);
    }
    if (n != 1) fail_msg("%d rows '%s'", n, what);
    return bytes;
}

static void memory_is_told_by_purpose(void **state) {
    const struct profiled *all = *state;
    static const char *const rows[] = {"peak resident, loading", "peak resident, forward, batch 1",
                                       "peak resident, forward, batch 8"};
    for (int i = 0; i < N_ARMS; i++) {
        const struct profiling_result *r = &all[i].result;
        for (int k = 0; k < 3; k++) memory_of(r, rows[k]);
        assert_true(memory_of(r, "arena parameters") >= 4 * all[i].trial.result.parameters);
        assert_true(memory_of(r, "arena workspace, batch 8") >
                    memory_of(r, "arena workspace, batch 1"));
        assert_int_equal(r->n_memory, 6);
    }
    /* Slabs start on pages, so that heads this small share one; whole tensors do not. */
    assert_true(memory_of(&all[BAG].result, "arena parameters") <
                memory_of(&all[FIXED_1].result, "arena parameters"));
    assert_true(memory_of(&all[FIXED_4].result, "arena parameters") <
                memory_of(&all[GATED].result, "arena parameters"));
}

static double phase_sum(const struct profile_result *p) {
    double sum = 0;
    for (int i = 0; i < INFERENCE_PHASES; i++) sum += p->phase[i].ns;
    return sum;
}

/* The phases lie inside the timed interval, whatever the machine does. That they fill it can fail
 * only while this process is stopped between two readings of the clock, so one of a few profiles
 * has to show it; the two readings of a pass that belong to no phase are allowed their time. */
static void phases_sum_to_the_wall_time_of_their_passes(void **state) {
    const struct profiled *all = *state;
    for (int i = 0; i < N_ARMS; i++) {
        bool filled = false;
        for (int attempt = 0; attempt < 50 && !filled; attempt++) {
            struct profiling_result r;
            struct error error;
            assert_true(profiling_run(&all[i].trial.experiment, NULL,
                                      &(struct trained){all[i].trial.checkpoint, key, NULL}, NULL,
                                      &r, &error));
            filled = true;
            for (int k = 0; k < 2; k++) {
                const struct profile_result *p = &r.profiles[k];
                double sum = phase_sum(p), wall = 0;
                for (int j = 0; j < p->n_samples; j++)
                    wall += p->marked_ns[j] / (p->n_samples * p->inputs_per_sample);
                assert_true(p->mark_ns > 0 && p->marks >= 3);
                assert_true(sum > 0 && sum <= wall * (1 + 1e-9));
                filled &= wall - sum <= 0.02 * wall + 3 * p->mark_ns / p->inputs_per_sample;
            }
            profiling_result_free(&r);
        }
        assert_true(filled);
    }
}

static void work_of_the_phases_is_all_that_is_executed(void **state) {
    const struct profiled *all = *state;
    for (int i = 0; i < N_ARMS; i++)
        for (int k = 0; k < 2; k++) {
            const struct profile_result *p = &all[i].result.profiles[k];
            double flops = 0;
            for (int j = 0; j < INFERENCE_PHASES; j++) {
                flops += p->phase[j].flops;
                /* nothing is computed in no time, or on no operands */
                assert_true(p->phase[j].flops == 0 || p->phase[j].ns > 0);
                assert_true(p->phase[j].flops == 0 || p->phase[j].bytes > 0);
            }
            assert_true(fabs(flops - p->executed_flops_per_input) < 1e-9 * flops);
        }
    const struct phase_result *bag = all[BAG].result.profiles[0].phase;
    assert_true(bag[PHASE_QKV].ns == 0 && bag[PHASE_MAP].flops == 0);
    const struct phase_result *four = all[FIXED_4].result.profiles[1].phase,
                              *one = all[FIXED_1].result.profiles[1].phase,
                              *gated = all[GATED].result.profiles[1].phase;
    assert_true(one[PHASE_MAP].flops * 4 == four[PHASE_MAP].flops);
    assert_true(four[PHASE_GATE].ns == 0 && gated[PHASE_GATE].flops > 0);
    /* More inputs share the weights that are read: the FFN's intensity grows with the batch. */
    const struct phase_result *single = all[FIXED_4].result.profiles[0].phase;
    assert_true(single[PHASE_FFN].flops == four[PHASE_FFN].flops);
    assert_true(single[PHASE_FFN].bytes > four[PHASE_FFN].bytes);
}

static void counters_are_values_or_reasons(void **state) {
    const struct profiled *all = *state;
    for (int i = 0; i < N_ARMS; i++)
        for (int k = 0; k < 2; k++) {
            const struct profile_result *p = &all[i].result.profiles[k];
            assert_int_equal(p->n_counters, COUNTER_ROLES + 2 + SOFTWARE_EVENTS);
            assert_string_equal(p->counters[COUNTER_ROLES].role, "perf::MINOR-FAULTS");
            assert_string_equal(p->counters[COUNTER_ROLES + 1].role, "PAPI_NO_SUCH");
            assert_false(p->counters[COUNTER_ROLES + 1].available);
            for (int c = 0; c < p->n_counters; c++) {
                const struct counter_result *row = &p->counters[c];
                bool built_in = c < COUNTER_ROLES;
                if (built_in) assert_string_equal(row->role, counter_roles[c].name);
                assert_true(row->scope[0] != 0);
                if (row->available) {
                    assert_int_equal(row->repeats, p->n_samples);
                    assert_string_equal(row->status, "counted");
                    assert_true(isfinite(row->value) && row->value >= 0 && row->event[0]);
                    assert_true(row->value > 0 || !built_in ||
                                counter_roles[c].zero != ZERO_IS_IMPOSSIBLE);
                } else {
                    assert_string_equal(row->status, "unavailable");
                    assert_true(isnan(row->value) && row->reason[0] != 0);
                }
            }
        }
}

static void exported_events_equal_the_instrumented_counts(void **state) {
    const struct profiled *all = *state;
    for (int i = 0; i < N_ARMS; i++)
        for (int k = 0; k < 2; k++) {
            const struct profile_result *p = &all[i].result.profiles[k];
            const struct counter_result *row = &p->counters[COUNTER_ROLES + 2];
            if (!row[EVENT_EXECUTED_FLOPS].available) {
                print_message("SKIP: %s\n", row[EVENT_EXECUTED_FLOPS].reason);
                skip();
            }
            assert_string_equal(row[EVENT_TOKENS].event, "sde:::headroom::tokens");
            assert_true(fabs(row[EVENT_EXECUTED_FLOPS].value / p->executed_flops_per_input - 1) <
                        1e-12);
            assert_true(row[EVENT_TOKENS].value == 12);
            assert_true(fabs(row[EVENT_HEADS_RUN].value -
                             p->mean_heads * all[i].trial.experiment.model.layers) < 1e-9 ||
                        i == BAG); /* which has no layers */
            assert_true(row[EVENT_BYTES_GATHERED].available);
            if (i == FIXED_4) assert_true(row[EVENT_BYTES_GATHERED].value == 0);
            if (i == RANDOM_2 && k == 1) assert_true(row[EVENT_BYTES_GATHERED].value > 0);
        }
}

static void *spin(void *stop) {
    while (!atomic_load((atomic_bool *)stop)) continue;
    return NULL;
}

/* Threads that compute while passes are counted, as those of a BLAS would: what they do is in no
 * count. Whether one of them had a core in those moments is up to the machine: some attempts. */
static void work_of_other_threads_is_a_warning(void **state) {
    struct profiled *all = *state;
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
        print_message("SKIP: on one core, threads take turns\n");
        skip();
    }
    enum { SPINNERS = 4 };
    struct profiling_result r;
    struct error error;
    char warning[sizeof r.warning] = "";
    for (int attempt = 0; attempt < 50 && !warning[0]; attempt++) {
        pthread_t thread[SPINNERS];
        atomic_bool stop = false;
        for (int i = 0; i < SPINNERS; i++)
            assert_int_equal(pthread_create(&thread[i], NULL, spin, &stop), 0);
        bool ok = profiling_run(&all[FIXED_4].trial.experiment, NULL,
                                &(struct trained){all[FIXED_4].trial.checkpoint, key, NULL}, NULL,
                                &r, &error);
        atomic_store(&stop, true);
        for (int i = 0; i < SPINNERS; i++) pthread_join(thread[i], NULL);
        if (!ok) fail_msg("%s", error.text);
        memcpy(warning, r.warning, sizeof warning);
        profiling_result_free(&r);
    }
    assert_non_null(strstr(warning, "threads_not_counted"));
    assert_non_null(strstr(warning, "OPENBLAS_NUM_THREADS=1"));
}

/* Profiles `path` as the trial's checkpoint; the error must have both texts, the result nothing. */
static void assert_refused(const struct small_trial *t, const char *path, const char *train_key,
                           const char *named) {
    struct profiling_result result;
    struct error error = {{0}, {{0}, 0, 0}};
    char text[2048];
    if (profiling_run(&t->experiment, NULL, &(struct trained){path, train_key, NULL}, NULL, &result,
                      &error))
        fail_msg("%s was accepted", path);
    error_format(&error, text, sizeof text);
    if (!strstr(text, path) || !strstr(text, named))
        fail_msg("'%s' does not name %s and '%s'", text, path, named);
    assert_true(!result.profiles && !result.memory);
}

static void missing_checkpoint_is_an_error_naming_it(void **state) {
    const struct profiled *all = *state;
    assert_refused(&all[GATED].trial, "/nonexistent/x.safetensors", key, "No such file");
}

/* The first `size` bytes of the trial's checkpoint, with one text replaced by one as long. */
static void write_copy(const struct small_trial *t, const char *path, long size, const char *from,
                       const char *to) {
    FILE *out = fopen(path, "wb");
    size_t n;
    char *bytes = file_bytes(t->checkpoint, &n);
    long whole = (long)n;
    assert_non_null(out);
    if (from) {
        size_t length = strlen(from);
        char *at = memmem(bytes, n, from, length);
        assert_int_equal(length, strlen(to));
        if (!at)
            fail_msg("the checkpoint has no %s", from);
        else
            memcpy(at, to, length);
    }
    size_t keep = (size_t)(size < 0 ? whole + size : size < whole ? size : whole);
    assert_int_equal(fwrite(bytes, 1, keep, out), keep);
    free(bytes);
    fclose(out);
}

static void truncated_checkpoint_is_an_error_naming_it(void **state) {
    const struct profiled *all = *state;
    static const long sizes[] = {0, 7, 8, 500, -4096, -1};
    const struct small_trial *t = &all[GATED].trial;
    char path[160];
    scratch_path(&t->scratch, "cut.safetensors", path, sizeof path);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        write_copy(t, path, sizes[i], NULL, NULL);
        assert_refused(t, path, key, "");
    }
}

static void altered_checkpoint_is_an_error_naming_it(void **state) {
    const struct profiled *all = *state;
    static const struct {
        const char *from, *to, *named;
    } cases[] = {
        {"headroom-1", "headroom-9", "headroom-1"},
        {"final_ln.bias", "final_ln.bios", "final_ln.bi"},
        {"\\\"dim\\\":16", "\\\"dim\\\":32", ""}, /* tensors no longer fit */
        {"\\\"gelu\\\":\\\"tanh\\\"", "\\\"gelu\\\":\\\"relu\\\"", "relu"},
        {"\\\"policy\\\":\\\"budgetformer", "\\\"policy\\\":\\\"budgetfarmer", "budgetfarmer"}};
    const struct small_trial *t = &all[GATED].trial;
    char path[160];
    scratch_path(&t->scratch, "altered.safetensors", path, sizeof path);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_copy(t, path, 1L << 40, cases[i].from, cases[i].to);
        assert_refused(t, path, key, cases[i].named);
    }
}

static void checkpoint_of_another_trial_or_vocabulary_is_refused(void **state) {
    const struct profiled *all = *state;
    struct small_trial foreign = all[GATED].trial;
    assert_refused(&foreign, foreign.checkpoint, "another key", "not written by the training");
    foreign.experiment.data.values = 7; /* 36 words instead of 40 */
    assert_refused(&foreign, foreign.checkpoint, key, "other data");
    foreign.experiment.data.values = 8;
    foreign.experiment.data.length = 13; /* longer than its positions */
    assert_refused(&foreign, foreign.checkpoint, key, "other data");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_batch_size_has_its_samples),
        cmocka_unit_test(blocks_follow_each_other_and_say_how_quiet_the_machine_was),
        cmocka_unit_test(a_profile_with_a_disturbed_block_has_a_warning),
        cmocka_unit_test(executed_flops_are_those_of_the_heads_that_ran),
        cmocka_unit_test(fewer_heads_execute_fewer_flops),
        cmocka_unit_test(budgets_are_reported_where_there_are_any),
        cmocka_unit_test(timed_inputs_are_test_inputs_in_a_seeded_order),
        cmocka_unit_test(work_is_the_same_in_every_profile_of_a_checkpoint),
        cmocka_unit_test(memory_is_told_by_purpose),
        cmocka_unit_test(phases_sum_to_the_wall_time_of_their_passes),
        cmocka_unit_test(work_of_the_phases_is_all_that_is_executed),
        cmocka_unit_test(counters_are_values_or_reasons),
        cmocka_unit_test(exported_events_equal_the_instrumented_counts),
        cmocka_unit_test(work_of_other_threads_is_a_warning),
        cmocka_unit_test(missing_checkpoint_is_an_error_naming_it),
        cmocka_unit_test(truncated_checkpoint_is_an_error_naming_it),
        cmocka_unit_test(altered_checkpoint_is_an_error_naming_it),
        cmocka_unit_test(checkpoint_of_another_trial_or_vocabulary_is_refused),
    };
    return cmocka_run_group_tests(tests, profile_all, free_all);
}
