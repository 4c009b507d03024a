/*
 * `headroom evaluate`: a checkpoint, also one that was trained elsewhere, on the test split of a
 * workload. Runs the code of trials (evaluation.c, profile.c) and stores nothing: what is stored
 * has a configuration to be repeated from, and a file from elsewhere has not.
 */
#include "harness/cli/command.h"
#include "harness/cli/tested_model.h"
#include "harness/config/placement.h"
#include "harness/table/width.h"
#include "harness/table/wrap.h"
#include "harness/trial/evaluation.h"
#include "harness/trial/profile.h"
#include "models/policy.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Everything that one call holds. */
struct evaluation {
    struct tested_model tested;
    struct evaluation_result result;
    struct profiling_result profile;
};

static bool measure(struct evaluation *e, const char *file, bool profile, struct error *error) {
    struct evaluator *evaluator = NULL;
    const struct tested_model *t = &e->tested;
    const struct parameters *parameters = t->model.parameters;
    struct placement placement = placement_of_training(&t->workload->train);
    const struct device *device = NULL;
    if (!device_open(placement.device, (enum precision)placement.precision, &device, error))
        return false;
    struct profile_subject subject = {parameters, t->data, &t->dense, file, device};
    bool ok = evaluator_new_on(device, parameters, &t->dense, t->workload->train.eval_batch,
                               t->data->max_len, &evaluator, error) &&
              evaluator_run(evaluator, &t->data->test, NULL, NULL, &e->result, error);
    evaluator_free(evaluator);
    if (ok && !evaluation_require_finite(&e->result, error)) ok = error_prefix(error, "%s", file);
    ok = ok && (!profile || profile_model(&subject, &t->workload->profile,
                                          (uint64_t)t->workload->data.seed, &e->profile, error));
    device_close(device);
    return ok;
}

static void write_result(const struct evaluation *e, struct text *out) {
    const struct evaluation_result *r = &e->result;
    const struct experiment *workload = e->tested.workload;
    const struct model_config *c = &e->tested.model.parameters->config, *full = &e->tested.dense;
    double n = r->n, dense = (double)r->dense_flops / n;
    double executed = (double)flops_total(&r->executed) / n, active = (double)r->active_flops / n;
    text_append(out, "model         %s, L=%d D=%d H=%d F=%d, %d words\n", c->policy->name,
                c->layers, c->dim, c->base_heads, c->ffn, c->vocab);
    text_append(out, "workload      %s, %d test inputs", workload->name, r->n);
    if (e->tested.drawn) text_append(out, " drawn with seed %d", workload->data.seed);
    text_append(out, ", %d classes\n", c->classes);
    text_append(out, "accuracy      %.2f %%\n", 100 * r->accuracy);
    text_append(out, "loss          %.4f\n", r->loss);
    text_append(out, "mean heads    %.2f of %d\n", r->mean_heads, c->base_heads);
    for (int l = 0; l < c->layers; l++) {
        double heads = 0;
        for (int i = 0; i < r->n; i++) heads += r->heads_run[i * c->layers + l];
        text_append(out, "  layer %-5d %.2f of %d\n", l, heads / n, c->heads.value[l]);
    }
    if (!isnan(r->mean_s)) text_append(out, "mean budget   %.3f\n", r->mean_s);
    text_append(out, "FLOPs of an input\n");
    text_append(out, "  dense       %.0f (the workload's full model: L=%d D=%d H=%d F=%d)\n", dense,
                full->layers, full->dim, full->base_heads, full->ffn);
    text_append(
        out,
        "  active      %.0f, %.1f %% of dense (if what was not chosen and the choice were free)\n",
        active, 100 * active / dense);
    text_append(out, "  executed    %.0f, %.1f %% of dense\n", executed, 100 * executed / dense);
}

static int compare_doubles(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void write_latency(const struct profiling_result *profile, struct text *out) {
    text_append(out, "time of a forward pass\n");
    for (int i = 0; i < profile->n_profiles; i++) {
        const struct profile_result *p = &profile->profiles[i];
        int last = p->n_samples - 1;
        qsort(p->latency_ns, (size_t)p->n_samples, sizeof *p->latency_ns, compare_doubles);
        double median = p->latency_ns[last / 2] / 1e3;
        text_append(
            out,
            "  batch %-5d median %.1f us, 80%% within %.1f .. %.1f, %d passes, %.2f us an input\n",
            p->batch_size, median, p->latency_ns[last / 10] / 1e3,
            p->latency_ns[last - last / 10] / 1e3, p->n_samples, median / p->batch_size);
    }
}

/* Largest first; what takes less than half a percent is left out. */
static void write_phases(const struct profiling_result *profile, struct text *out) {
    text_append(out, "share of that time\n");
    for (int i = 0; i < profile->n_profiles; i++) {
        const struct profile_result *p = &profile->profiles[i];
        bool told[INFERENCE_PHASES] = {false};
        double sum = 0.0;
        for (int k = 0; k < INFERENCE_PHASES; k++) sum += p->phase[k].ns;
        text_append(out, "  batch %-5d", p->batch_size);
        for (int n = 0; n < INFERENCE_PHASES; n++) {
            int most = -1;
            for (int k = 0; k < INFERENCE_PHASES; k++)
                if (!told[k] && (most < 0 || p->phase[k].ns > p->phase[most].ns)) most = k;
            told[most] = true;
            if (p->phase[most].ns < 0.005 * sum) break;
            text_append(out, "%s %s %.0f%%", n ? "," : "", phase_name((enum phase)most),
                        100 * p->phase[most].ns / sum);
        }
        text_append(out, "; a marker costs %.0f ns, a pass has %.0f\n", p->mark_ns, p->marks);
    }
}

/* Roles without a value stand together with the reason they share. */
static void write_counters(const struct profiling_result *profile, struct text *out) {
    const struct counter_result *first = profile->profiles[0].counters;
    int n_roles = profile->profiles[0].n_counters - profile->profiles[0].n_simulated;
    text_append(out, "counted for an input\n");
    for (int role = 0; role < n_roles; role++) {
        if (!first[role].available) continue;
        text_append(out, "  %-16s ", first[role].role);
        for (int i = 0; i < profile->n_profiles; i++) {
            const struct counter_result *c = &profile->profiles[i].counters[role];
            text_append(out, "%s%.4g at batch %d", i ? ", " : "", c->value,
                        profile->profiles[i].batch_size);
            if (c->empty > 0.01 * c->value) text_append(out, " with %.4g for reading it", c->empty);
        }
        text_append(out, " (%s)\n", first[role].event);
    }
    for (int role = 0; role < n_roles; role++) {
        bool told = first[role].available;
        for (int j = 0; j < role; j++)
            told |= !first[j].available && strcmp(first[j].reason, first[role].reason) == 0;
        if (told) continue;
        text_append(out, "  not counted: %s", first[role].role);
        for (int j = role + 1; j < n_roles; j++)
            if (!first[j].available && strcmp(first[j].reason, first[role].reason) == 0)
                text_append(out, ", %s", first[j].role);
        text_append(out, ": %s\n", first[role].reason);
    }
}

/* Apart from what was measured, and in words that say so. */
static void write_simulated(const struct profiling_result *profile, struct text *out) {
    for (int i = 0; i < profile->n_profiles; i++) {
        const struct profile_result *p = &profile->profiles[i];
        const struct counter_result *row = p->counters + p->n_counters - p->n_simulated;
        if (p->n_simulated == 0) continue;
        if (i == 0) text_append(out, "simulated for an input, not measured\n");
        text_append(out, "  batch %d", p->batch_size);
        for (int j = 0; j < p->n_simulated; j++)
            if (row[j].available)
                text_append(out, "%s %s %.6g", j ? "," : "", row[j].role, row[j].value);
        if (!row->available) text_append(out, ": nothing: %s", row->reason);
        text_append(out, "\n");
        if (row->available) text_append(out, "    %s\n", row->event);
    }
}

static void write_memory(const struct profiling_result *profile, struct text *out) {
    text_append(out, "memory\n");
    for (int i = 0; i < profile->n_memory; i++) {
        const struct memory_result *m = &profile->memory[i];
        if (m->bytes < 0)
            text_append(out, "  %s: not measured: %s\n", m->what, m->reason);
        else
            text_append(out, "  %s: %" PRId64 " bytes\n", m->what, m->bytes);
    }
}

/* Lines as wide as the page; what follows of one stands under its value. */
static bool print_lines(struct text *lines, struct error *error) {
    if (!lines->failed)
        wrap_print(stdout, width_of_lines(stdout), 14, "%.*s", (int)lines->size - 1, lines->data);
    bool ok = !lines->failed || error_set(error, "out of memory");
    text_free(lines);
    return ok;
}

static int run(const struct arguments *arguments, struct error *error) {
    struct evaluation e = {0};
    struct text lines = {0};
    int status = tested_model_read(arguments, &e.tested, error);
    if (status == EXIT_OK && !measure(&e, arguments->words[0], !arguments->no_profile, error))
        status = EXIT_FAILED;
    if (status == EXIT_OK) write_result(&e, &lines);
    if (status == EXIT_OK && !arguments->no_profile) {
        tested_model_warn("evaluate");
        if (e.profile.warning[0]) fprintf(stderr, "headroom evaluate: %s\n", e.profile.warning);
        write_latency(&e.profile, &lines);
        write_phases(&e.profile, &lines);
        write_counters(&e.profile, &lines);
        write_simulated(&e.profile, &lines);
        write_memory(&e.profile, &lines);
    }
    if (status == EXIT_OK && !print_lines(&lines, error)) status = EXIT_FAILED;
    profiling_result_free(&e.profile);
    evaluation_result_free(&e.result);
    tested_model_free(&e.tested);
    return status;
}

const struct command evaluate_command = {
    "evaluate",
    "test and time a checkpoint, also one trained elsewhere",
    "FILE",
    1,
    1,
    {"workload", "tier", "set", "device", "precision", "no-profile"},
    "Runs FILE, a safetensors file in the layout of models/checkpoint.md, on the test split of a\n"
    "workload: accuracy, loss, heads and FLOPs that were executed, then times, counters and\n"
    "memory as the workload's `profile:` section asks. Classes and words of both must agree.\n"
    "Where the workload says `data: {seed: per-trial}`, the data are drawn with the seed that FILE\n"
    "was trained with. Nothing is stored. It runs where the workload trains, or on --device, whatever\n"
    "FILE was trained on.\n"
    "\n"
    "examples:\n"
    "  headroom evaluate mine.safetensors --workload trec-coarse\n"
    "  headroom evaluate mine.safetensors --workload my.yaml --no-profile\n"
    "  headroom evaluate mine.safetensors --workload my.yaml --device cuda --precision tf32\n"
    "  headroom evaluate mine.safetensors --workload my.yaml --set 'profile.batch_sizes=[1]'\n",
    run};
