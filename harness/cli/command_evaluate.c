/*
 * `headroom evaluate`: a checkpoint, also one that was trained elsewhere, on the test split of a
 * workload. Runs the code of trials (evaluation.c, profile.c) and stores nothing: what is stored
 * has a configuration to be repeated from, and a file from elsewhere has not.
 */
#include "harness/cli/command.h"
#include "harness/config/workload_files.h"
#include "harness/measure/environment.h"
#include "harness/trial/evaluation.h"
#include "harness/trial/profile.h"
#include "harness/trial/saved_model.h"
#include "harness/trial/training.h"
#include "models/policy.h"
#include "workloads/data/dataset_load.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Everything that one call holds. */
struct evaluation {
    struct experiment *workload;
    struct saved_model model;
    struct dataset *data;
    bool drawn;                /* the data are those of the checkpoint's own seed */
    struct model_config dense; /* the workload's full model */
    struct evaluation_result result;
    struct profiling_result profile;
};

static bool load(struct evaluation *e, const struct arguments *arguments, struct error *error) {
    const char *file = arguments->words[0];
    char path[256];
    struct model_config unused;
    if (!workload_files_path(arguments->workload, "workloads", path, sizeof path, error) ||
        !experiment_read_tree(path, arguments->full, &arguments->overrides, e->workload, NULL,
                              error) ||
        !saved_model_read(file, &e->model, error))
        return false;
    e->drawn = e->workload->data.seed == DATA_SEED_PER_TRIAL;
    data_config_set_seed(&e->workload->data, (int)(e->model.parameters->seed & INT_MAX));
    if (!dataset_load(&e->workload->data, &e->data, error) ||
        !trial_models(e->workload, e->data, &unused, &e->dense, error))
        return false;
    if (!saved_model_check_data(&e->model, e->data, error))
        return error_prefix(error, "%s does not fit workload '%s'", file, e->workload->name);
    if (e->model.words.words.n == 0 && !e->model.vocab_sha256[0])
        fprintf(stderr, "%s does not say which words it knows: their number is all that agrees\n",
                file);
    return true;
}

static bool measure(struct evaluation *e, const char *file, bool profile, struct error *error) {
    struct evaluator *evaluator = NULL;
    struct profile_subject subject = {e->model.parameters, e->data, &e->dense, file};
    bool ok = evaluator_new(e->model.parameters, &e->dense, e->workload->train.eval_batch,
                            e->data->max_len, &evaluator, error) &&
              evaluator_run(evaluator, &e->data->test, NULL, NULL, &e->result, error);
    evaluator_free(evaluator);
    if (ok && !evaluation_require_finite(&e->result, error)) ok = error_prefix(error, "%s", file);
    return ok && (!profile || profile_model(&subject, &e->workload->profile,
                                            (uint64_t)e->workload->data.seed, &e->profile, error));
}

static void print_result(const struct evaluation *e) {
    const struct evaluation_result *r = &e->result;
    const struct model_config *c = &e->model.parameters->config;
    double n = r->n, dense = (double)r->dense_flops / n;
    double executed = (double)flops_total(&r->executed) / n, active = (double)r->active_flops / n;
    printf("model         %s, L=%d D=%d H=%d F=%d, %d words\n", c->policy->name, c->layers, c->dim,
           c->base_heads, c->ffn, c->vocab);
    printf("workload      %s, %d test inputs", e->workload->name, r->n);
    if (e->drawn) printf(" drawn with seed %d", e->workload->data.seed);
    printf(", %d classes\n", c->classes);
    printf("accuracy      %.2f %%\n", 100 * r->accuracy);
    printf("loss          %.4f\n", r->loss);
    printf("mean heads    %.2f of %d\n", r->mean_heads, c->base_heads);
    for (int l = 0; l < c->layers; l++) {
        double heads = 0;
        for (int i = 0; i < r->n; i++) heads += r->heads_run[i * c->layers + l];
        printf("  layer %-5d %.2f of %d\n", l, heads / n, c->heads.value[l]);
    }
    if (!isnan(r->mean_s)) printf("mean budget   %.3f\n", r->mean_s);
    printf("FLOPs of an input\n");
    printf("  dense       %.0f (the workload's full model: L=%d D=%d H=%d F=%d)\n", dense,
           e->dense.layers, e->dense.dim, e->dense.base_heads, e->dense.ffn);
    printf(
        "  active      %.0f, %.1f %% of dense (if what was not chosen and the choice were free)\n",
        active, 100 * active / dense);
    printf("  executed    %.0f, %.1f %% of dense\n", executed, 100 * executed / dense);
}

static int compare_doubles(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void print_latency(const struct profiling_result *profile) {
    printf("time of a forward pass\n");
    for (int i = 0; i < profile->n_profiles; i++) {
        const struct profile_result *p = &profile->profiles[i];
        int last = p->n_samples - 1;
        qsort(p->latency_ns, (size_t)p->n_samples, sizeof *p->latency_ns, compare_doubles);
        double median = p->latency_ns[last / 2] / 1e3;
        printf(
            "  batch %-5d median %.1f us, 80%% within %.1f .. %.1f, %d passes, %.2f us an input\n",
            p->batch_size, median, p->latency_ns[last / 10] / 1e3,
            p->latency_ns[last - last / 10] / 1e3, p->n_samples, median / p->batch_size);
    }
}

/* Largest first; what takes less than half a percent is left out. */
static void print_phases(const struct profiling_result *profile) {
    printf("share of that time\n");
    for (int i = 0; i < profile->n_profiles; i++) {
        const struct profile_result *p = &profile->profiles[i];
        bool told[INFERENCE_PHASES] = {false};
        double sum = 0.0;
        for (int k = 0; k < INFERENCE_PHASES; k++) sum += p->phase[k].ns;
        printf("  batch %-5d", p->batch_size);
        for (int n = 0; n < INFERENCE_PHASES; n++) {
            int most = -1;
            for (int k = 0; k < INFERENCE_PHASES; k++)
                if (!told[k] && (most < 0 || p->phase[k].ns > p->phase[most].ns)) most = k;
            told[most] = true;
            if (p->phase[most].ns < 0.005 * sum) break;
            printf("%s %s %.0f%%", n ? "," : "", phase_name((enum phase)most),
                   100 * p->phase[most].ns / sum);
        }
        printf("; a marker costs %.0f ns, a pass has %.0f\n", p->mark_ns, p->marks);
    }
}

/* Roles without a value stand together with the reason they share. */
static void print_counters(const struct profiling_result *profile) {
    const struct counter_result *first = profile->profiles[0].counters;
    int n_roles = profile->profiles[0].n_counters - profile->profiles[0].n_simulated;
    printf("counted for an input\n");
    for (int role = 0; role < n_roles; role++) {
        if (!first[role].available) continue;
        printf("  %-16s ", first[role].role);
        for (int i = 0; i < profile->n_profiles; i++) {
            const struct counter_result *c = &profile->profiles[i].counters[role];
            printf("%s%.4g at batch %d", i ? ", " : "", c->value, profile->profiles[i].batch_size);
            if (c->empty > 0.01 * c->value) printf(" with %.4g for reading it", c->empty);
        }
        printf(" (%s)\n", first[role].event);
    }
    for (int role = 0; role < n_roles; role++) {
        bool told = first[role].available;
        for (int j = 0; j < role; j++)
            told |= !first[j].available && strcmp(first[j].reason, first[role].reason) == 0;
        if (told) continue;
        printf("  not counted: %s", first[role].role);
        for (int j = role + 1; j < n_roles; j++)
            if (!first[j].available && strcmp(first[j].reason, first[role].reason) == 0)
                printf(", %s", first[j].role);
        printf(": %s\n", first[role].reason);
    }
}

/* Apart from what was measured, and in words that say so. */
static void print_simulated(const struct profiling_result *profile) {
    for (int i = 0; i < profile->n_profiles; i++) {
        const struct profile_result *p = &profile->profiles[i];
        const struct counter_result *row = p->counters + p->n_counters - p->n_simulated;
        if (p->n_simulated == 0) continue;
        if (i == 0) printf("simulated for an input, not measured\n");
        printf("  batch %d", p->batch_size);
        for (int j = 0; j < p->n_simulated; j++)
            if (row[j].available) printf("%s %s %.6g", j ? "," : "", row[j].role, row[j].value);
        if (!row->available) printf(": nothing: %s", row->reason);
        putchar('\n');
        if (row->available) printf("    %s\n", row->event);
    }
}

static void print_memory(const struct profiling_result *profile) {
    printf("memory\n");
    for (int i = 0; i < profile->n_memory; i++) {
        const struct memory_result *m = &profile->memory[i];
        if (m->bytes < 0)
            printf("  %s: not measured: %s\n", m->what, m->reason);
        else
            printf("  %s: %" PRId64 " bytes\n", m->what, m->bytes);
    }
}

static void warn(const struct evaluation *e) {
    struct environment environment;
    environment_read("", &environment);
    if (strcmp(environment.build, "release") != 0)
        fprintf(stderr, "headroom evaluate: this is a %s build: its times mean nothing\n",
                environment.build);
    if (e->profile.warning[0]) fprintf(stderr, "headroom evaluate: %s\n", e->profile.warning);
}

static int run(const struct arguments *arguments, struct error *error) {
    struct evaluation e = {.workload = calloc(1, sizeof *e.workload)};
    bool ok = false;
    if (!arguments->workload) {
        error_set(error, "which data? --workload W is a workload file or the name of one in "
                         "workloads/");
        free(e.workload);
        return EXIT_USAGE;
    }
    if (!e.workload)
        error_set(error, "out of memory");
    else
        ok = load(&e, arguments, error) &&
             measure(&e, arguments->words[0], !arguments->no_profile, error);
    if (ok) print_result(&e);
    if (ok && !arguments->no_profile) {
        warn(&e);
        print_latency(&e.profile);
        print_phases(&e.profile);
        print_counters(&e.profile);
        print_simulated(&e.profile);
        print_memory(&e.profile);
    }
    profiling_result_free(&e.profile);
    evaluation_result_free(&e.result);
    saved_model_free(&e.model);
    dataset_free(e.data);
    free(e.workload);
    return ok ? EXIT_OK : EXIT_FAILED;
}

const struct command evaluate_command = {
    "evaluate",
    "test and time a checkpoint, also one trained elsewhere",
    "FILE",
    1,
    1,
    {"workload", "tier", "set", "no-profile"},
    "Runs FILE, a safetensors file in the layout of models/checkpoint.md, on the test split of a\n"
    "workload: accuracy, loss, heads and FLOPs that were executed, then times, counters and\n"
    "memory as the workload's `profile:` section asks. Classes and words of both must agree.\n"
    "Where the workload says `data: {seed: per-trial}`, the data are drawn with the seed that FILE\n"
    "was trained with. Nothing is stored.\n"
    "\n"
    "examples:\n"
    "  headroom evaluate mine.safetensors --workload trec-coarse\n"
    "  headroom evaluate mine.safetensors --workload my.yaml --no-profile\n"
    "  headroom evaluate mine.safetensors --workload my.yaml --set 'profile.batch_sizes=[1]'\n",
    run};
