/*
 * Profiling of forward passes. Latency is timed first, with nothing else running in the region;
 * then the same batches run again once per counter pass, because reading counters costs time and
 * not all events fit the hardware together. Every arm of a workload sees the same inputs in the
 * same order, so that samples can be compared pair by pair.
 */
#include "harness/profile.h"
#include "harness/clock.h"
#include "harness/counters.h"
#include "harness/memory.h"
#include "harness/training.h"
#include "models/checkpoint.h"
#include "models/inference.h"
#include "models/policy.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY_ROWS_MAX = 2 + 2 * OPTION_LIST_MAX };

/* What all batch sizes share. */
struct session {
    const struct profile_config *config;
    struct dataset *data;
    struct parameters *parameters;
    struct model_config dense;
    int32_t *order; /* [n_inputs] the test inputs that are cycled through */
    int n_inputs;
};

/* One batch size: its inference workspace and the batch at hand. */
struct batches {
    struct inference *inference;
    struct batch_buffer *buffer;
    struct counters *counters; /* its own: they add up all repeats since they were opened */
    int size;
};

/* Checks that a checkpoint is the one this trial trained, over this data. */
static bool check_identity(const struct checkpoint *file, const char *path, const char *train_key,
                           const struct dataset *data, const struct model_config *config,
                           struct error *error) {
    const char *trial = checkpoint_metadata(file, "trial");
    const char *vocab = checkpoint_metadata(file, "vocab_sha256");
    if (!trial || strcmp(trial, train_key) != 0)
        return error_set(error, "%s was not written by this trial's training; train it again",
                         path);
    if (!vocab || strcmp(vocab, data->vocab_sha256) != 0 || config->vocab != data->vocab ||
        config->classes != data->n_classes || config->max_len < data->max_len)
        return error_set(error,
                         "%s was trained on other data: its vocabulary, classes or longest input "
                         "do not fit; train it again",
                         path);
    return true;
}

/* Reads a checkpoint into new parameters of the model that its metadata describes. */
static bool load_parameters(const char *path, const char *train_key, const struct dataset *data,
                            struct parameters **out, struct error *error) {
    struct checkpoint *file = NULL;
    struct tensor_view *views = NULL;
    struct model_config config;
    bool ok = false;
    if (!checkpoint_open(path, &file, error)) return false;
    const char *format = checkpoint_metadata(file, "format");
    const char *json = checkpoint_metadata(file, "config");
    if (!format || strcmp(format, "headroom-1") != 0 || !json) {
        error_set(error, "%s is not a headroom-1 checkpoint: its metadata lacks format or config",
                  path);
        goto done;
    }
    if (!model_read_json(json, strlen(json), &config, error)) {
        error_prefix(error, "%s", path);
        goto done;
    }
    if (!check_identity(file, path, train_key, data, &config, error) ||
        !parameters_new(&config, "parameters", out, error))
        goto done;
    size_t n = parameters_views(*out, NULL);
    views = calloc(n, sizeof *views);
    if (!views) {
        error_set(error, "out of memory for the tensors of %s", path);
        goto done;
    }
    parameters_views(*out, views);
    ok = checkpoint_read(file, views, n, error);
done:
    free(views);
    checkpoint_close(file);
    return ok;
}

static void session_free(struct session *s) {
    parameters_free(s->parameters);
    dataset_free(s->data);
    free(s->order);
}

static bool session_new(struct session *s, const struct experiment *trial, const char *checkpoint,
                        const char *train_key, struct error *error) {
    s->config = &trial->profile;
    if (!dataset_load(&trial->data, &s->data, error) ||
        !load_parameters(checkpoint, train_key, s->data, &s->parameters, error))
        return false;
    struct model_config model;
    if (!trial_models(trial, s->data, &model, &s->dense, error)) return false;
    s->parameters->seed = (uint64_t)trial->seeds.value[0];
    /* A seeded sample of the test split: files may be sorted by class or length. */
    int n = s->data->test.n;
    struct rng rng = rng_stream((uint64_t)trial->data.seed, RNG_SPLIT);
    s->order = malloc((size_t)n * sizeof *s->order);
    if (!s->order) return error_set(error, "out of memory for the order of %d inputs", n);
    for (int32_t i = 0; i < n; i++) s->order[i] = i;
    rng_shuffle(&rng, 1, s->order, (size_t)n);
    s->n_inputs = s->config->inputs < n ? s->config->inputs : n;
    return true;
}

/* Batch number i: the next `size` inputs of the cycle, wrapping around. */
static struct batch take_batch(const struct session *s, const struct batches *b, int i) {
    int32_t index[4096]; /* the largest batch size the options allow */
    for (int j = 0; j < b->size; j++) index[j] = s->order[(i * b->size + j) % s->n_inputs];
    return batch_gather(b->buffer, &s->data->test, index, b->size);
}

static void time_batches(const struct session *s, const struct batches *b,
                         struct profile_result *out) {
    for (int i = 0; i < s->config->warmup; i++) {
        struct batch batch = take_batch(s, b, i);
        inference_run(b->inference, &batch, NULL, NULL);
    }
    for (int i = 0; i < s->config->repeats; i++) {
        struct batch batch = take_batch(s, b, i);
        double start = clock_nanoseconds();
        inference_run(b->inference, &batch, NULL, NULL);
        out->latency_ns[i] = clock_nanoseconds() - start;
    }
}

static void count_events(const struct session *s, const struct batches *b,
                         struct profile_result *out) {
    for (int pass = 0; pass < counters_passes(b->counters); pass++)
        for (int i = 0; i < s->config->repeats; i++) {
            struct batch batch = take_batch(s, b, i);
            counters_start(b->counters, pass);
            inference_run(b->inference, &batch, NULL, NULL);
            counters_stop(b->counters, pass);
        }
    for (int role = 0; role < COUNTER_ROLES; role++)
        counters_result(b->counters, role, b->size, &out->counters[role]);
}

/* Executed and dense FLOPs, heads and budgets of the very batches that were timed. */
static void count_work(const struct session *s, const struct batches *b,
                       struct profile_result *out) {
    const struct model_config *c = &s->parameters->config;
    struct work work = {0};
    uint64_t dense_flops = 0;
    double heads = 0.0, budget = 0.0;
    int inputs = s->config->repeats * b->size;
    for (int i = 0; i < s->config->repeats; i++) {
        struct batch batch = take_batch(s, b, i);
        inference_run(b->inference, &batch, &work, NULL);
        for (int j = 0; j < batch.n_samples; j++) {
            struct flops one = flops_dense(&s->dense, batch.offsets[j + 1] - batch.offsets[j]);
            dense_flops += flops_total(&one);
            for (int l = 0; l < c->layers; l++) {
                heads += inference_heads_run(b->inference, l, j);
                const float *row = inference_decisions(b->inference, l);
                if (c->policy->budget && row)
                    budget += c->policy->budget(row + j * c->policy->decision_floats(c, l));
            }
        }
    }
    double decided = (double)inputs * (c->layers > 0 ? c->layers : 1);
    out->mean_heads = heads / decided;
    out->mean_s = c->policy->budget ? budget / decided : NAN;
    out->executed_flops_per_input = (double)flops_total(&work.flops) / inputs;
    out->dense_flops_per_input = (double)dense_flops / inputs;
}

static void add_memory(struct profiling_result *out, int64_t bytes, const char *reason,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

static void add_memory(struct profiling_result *out, int64_t bytes, const char *reason,
                       const char *format, ...) {
    struct memory_result *row = &out->memory[out->n_memory++];
    row->bytes = bytes;
    snprintf(row->reason, sizeof row->reason, "%s", bytes < 0 ? reason : "");
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(row->what, sizeof row->what, format, arguments);
    va_end(arguments);
}

static void warn_of_threads(const struct counters *counters, struct profiling_result *out) {
    double share = counters_thread_share(counters);
    if (share < 0.9)
        snprintf(out->warning, sizeof out->warning,
                 "threads_not_counted: only %.0f%% of this process's CPU time is the measured "
                 "thread's; set OPENBLAS_NUM_THREADS=1",
                 100.0 * share);
}

static bool profile_batch_size(const struct session *s, int size, struct profiling_result *result,
                               struct error *error) {
    struct profile_result *out = &result->profiles[result->n_profiles++];
    struct trainer_limits limits = {size, size * s->data->max_len, s->data->max_len};
    struct batches b = {.size = size};
    char reason[160] = "";
    out->batch_size = size;
    out->warmup = s->config->warmup;
    out->n_samples = s->config->repeats;
    out->inputs_per_sample = size;
    out->n_counters = COUNTER_ROLES;
    out->latency_ns = calloc((size_t)out->n_samples, sizeof *out->latency_ns);
    out->counters = calloc(COUNTER_ROLES, sizeof *out->counters);
    bool ok = out->latency_ns && out->counters;
    if (!ok) error_set(error, "out of memory for the profile of batch size %d", size);
    ok = ok && inference_new(s->parameters, &limits, &b.inference, error) &&
         batch_buffer_new(size, s->data->max_len, &b.buffer, error) &&
         counters_open(&b.counters, error);
    if (ok) {
        bool reset = memory_reset_peak(reason, sizeof reason);
        time_batches(s, &b, out);
        int64_t peak = reset ? memory_peak_resident(reason, sizeof reason) : -1;
        add_memory(result, peak, reason, "peak resident, forward, batch %d", size);
        add_memory(result, inference_bytes(b.inference), "", "arena workspace, batch %d", size);
        count_events(s, &b, out);
        warn_of_threads(b.counters, result);
        count_work(s, &b, out);
    }
    inference_free(b.inference);
    batch_buffer_free(b.buffer);
    counters_close(b.counters);
    return ok;
}

bool profiling_run(const struct experiment *trial, const char *checkpoint, const char *train_key,
                   struct profiling_result *out, struct error *error) {
    struct session session = {0};
    const struct int_list *sizes = &trial->profile.batch_sizes;
    double start = clock_seconds();
    char reason[160] = "";
    memset(out, 0, sizeof *out);
    out->profiles = calloc((size_t)sizes->n, sizeof *out->profiles);
    out->memory = calloc(MEMORY_ROWS_MAX, sizeof *out->memory);
    bool ok = out->profiles && out->memory;
    if (!ok) error_set(error, "out of memory for the results");
    ok = ok && session_new(&session, trial, checkpoint, train_key, error);
    if (ok) {
        int64_t peak = memory_peak_resident(reason, sizeof reason);
        add_memory(out, peak, reason, "peak resident, loading");
        add_memory(out, (int64_t)session.parameters->arena.size, "", "arena parameters");
    }
    for (int i = 0; ok && i < sizes->n; i++)
        ok = profile_batch_size(&session, sizes->value[i], out, error);
    out->wall_seconds = clock_seconds() - start;
    session_free(&session);
    if (!ok) profiling_result_free(out);
    return ok;
}

void profiling_result_free(struct profiling_result *r) {
    for (int i = 0; i < r->n_profiles; i++) {
        free(r->profiles[i].latency_ns);
        free(r->profiles[i].counters);
    }
    free(r->profiles);
    free(r->memory);
    memset(r, 0, sizeof *r);
}
