/*
 * Profiling of forward passes. Latency is timed first, with nothing else running in the region;
 * then the same batches run again once per counter pass, because reading counters costs time and
 * not all events fit the hardware together. Every arm of a workload sees the same inputs in the
 * same order, so that samples can be compared pair by pair. Timed passes come in blocks; in a sweep
 * the arms take turns between blocks (turn.h), so that a drifting machine slows all of them alike. A
 * block that waited for a core is taken again (timed_block.h).
 */
#include "harness/trial/profile.h"
#include "models/base/clock.h"
#include "models/batch_limits.h"
#include "harness/measure/card_counters.h"
#include "harness/measure/code_hash.h"
#include "harness/measure/counters.h"
#include "harness/measure/cpu_quota.h"
#include "harness/measure/energy.h"
#include "harness/measure/memory.h"
#include "harness/measure/phase_timer.h"
#include "harness/measure/simulated_counters.h"
#include "harness/measure/software_events.h"
#include "harness/trial/card_use.h"
#include "harness/trial/marked_pair.h"
#include "harness/trial/sampled_inputs.h"
#include "harness/trial/timed_block.h"
#include "harness/trial/training.h"
#include "harness/measure/turn.h"
#include "models/footprint.h"
#include "models/inference.h"
#include "models/policy.h"
#include "workloads/data/batch_buffer.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY_ROWS_MAX = 2 + (3 + CARD_HELD_ROWS + CARD_TOLD_ROWS) * OPTION_LIST_MAX };

/* What all batch sizes share. */
struct session {
    const struct device *device;
    const struct profile_config *config;
    const struct profile_subject *subject;
    struct sampled_inputs inputs; /* that are cycled through */
    struct card_use card;
};

/* One batch size: its inference workspace and the batch at hand. */
struct batches {
    struct inference *inference;
    struct batch_buffer *buffer;
    struct software_events *exported;
    struct counters *counters; /* its own: they add up all repeats since they were opened */
    int size;
};

/* What is read around a pass on a card is what its host does meanwhile: nothing of it is
 * the pass. */
static const char on_card[] = "the pass runs on a card, and this counts the processor beside it";

/* A pass with all of its work done, on a device whose calls return before that. */
static void run_pass(const struct session *s, const struct batches *b, const struct batch *batch,
                     struct work *work) {
    inference_run(b->inference, batch, work, NULL);
    s->device->ops->wait(s->device);
}

static struct batch take_batch(const struct session *s, const struct batches *b, int i) {
    return sampled_inputs_batch(&s->inputs, b->buffer, b->size, i);
}

/* The first sample i that belongs to a block: i * n_blocks / n_samples, rounded down, is its
 * number. */
static int first_of(int block, const struct profile_result *out) {
    return (int)(((int64_t)block * out->n_samples + out->n_blocks - 1) / out->n_blocks);
}

/* A timed pass, as timed_block_take wants it: taking a batch is no part of it. */
struct timed {
    const struct session *session;
    const struct batches *batches;
};

static double time_pass(void *context, int i) {
    const struct timed *t = context;
    struct batch batch = take_batch(t->session, t->batches, i);
    double start = clock_nanoseconds();
    run_pass(t->session, t->batches, &batch, NULL);
    return clock_nanoseconds() - start;
}

/* Every block begins warm again, after other arms' turns. */
static void time_batches(const struct session *s, const struct batches *b,
                         struct profile_result *out) {
    struct timed timed = {s, b};
    for (int block = 0; block < out->n_blocks; block++) {
        turn_wait();
        timed_block_take(&block_clock_real, s->config->warmup, first_of(block, out),
                         first_of(block + 1, out), time_pass, &timed, out->latency_ns,
                         &out->blocks[block]);
    }
    turn_wait(); /* what follows is not timed: the last blocks of all arms come before it */
}

/* The rows of counts of the processor where that does not run the passes. */
static void leave_out_events(const struct session *s, struct profile_result *out) {
    for (int i = 0; i < COUNTER_ROLES + s->config->events.n; i++) {
        struct counter_result *row = &out->counters[i];
        const char *asked =
            i < COUNTER_ROLES ? counter_role_names[i] : s->config->events.name[i - COUNTER_ROLES];
        *row = (struct counter_result){.empty = NAN, .pass = -1};
        snprintf(row->role, sizeof row->role, "%.95s", asked);
        snprintf(row->status, sizeof row->status, "unavailable");
        snprintf(row->reason, sizeof row->reason, "%s", on_card);
        snprintf(row->scope, sizeof row->scope, "thread");
    }
    for (int part = 0; part < ENERGY_PARTS; part++)
        out->energy[part] = energy_unknown(energy_part_names[part], on_card);
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
    for (int role = 0; role < counters_roles(b->counters); role++)
        counters_result(b->counters, role, b->size, &out->counters[role]);
}

/* One batch size: all its passes once for each role, and nothing else in between. */
static bool count_size_on_card(const struct session *s, struct card_counters *card,
                               struct profile_result *out, struct error *error) {
    struct batches b = {.size = out->batch_size};
    struct trainer_limits limits;
    int repeats = s->config->repeats;
    struct counter_result *rows = out->counters + COUNTER_ROLES + s->config->events.n;
    bool ok = batch_limits(b.size, s->subject->data->max_len, &limits, error) &&
              inference_new_on(s->device, s->subject->parameters, &limits, &b.inference, error) &&
              batch_buffer_new(b.size, s->subject->data->max_len, &b.buffer, error);
    if (ok) inference_set_repeats(b.inference, false);
    for (int pass = -1; ok && pass < card_counters_passes(card); pass++) { /* the first warms up */
        if (pass >= 0) card_counters_start(card, pass);
        for (int i = 0; i < repeats; i++) {
            struct batch batch = take_batch(s, &b, i);
            inference_run(b.inference, &batch, NULL, NULL);
        }
        s->device->ops->wait(s->device);
        if (pass >= 0) card_counters_stop(card, pass);
        ok = s->device->ops->ok(s->device, error);
    }
    for (int role = 0; ok && role < CARD_ROLES; role++)
        card_counters_result(card, (enum card_role_id)role, (double)repeats * b.size, repeats,
                             &rows[role]);
    inference_free(b.inference);
    batch_buffer_free(b.buffer);
    return ok;
}

/* The card's own counts, after everything that is timed: what counts there stays loaded. (On an H100
 * a pass of .40 ms takes as long after it as before.) */
static bool count_on_card(const struct session *s, struct profiling_result *result,
                          struct error *error) {
    struct card_counters *card = NULL;
    bool ok = card_counters_open(s->device, &card, error);
    for (int i = 0; ok && i < result->n_profiles; i++)
        ok = count_size_on_card(s, card, &result->profiles[i], error);
    card_counters_close(card);
    return ok;
}

/* A batch with the timer of its phases, as marked_pair_take wants them. */
struct marked {
    const struct session *session;
    const struct batches *batches;
    struct batch batch;
    struct phase_timer timer, before; /* before: as it was when the pair began */
    struct work work;
};

static void begin_marked(void *context) {
    struct marked *m = context;
    m->timer = m->before;
}

static double time_marked(void *context, bool marked) {
    struct marked *m = context;
    const struct device *d = m->session->device;
    double start = clock_nanoseconds();
    inference_run(m->batches->inference, &m->batch, marked ? &m->work : NULL, NULL);
    phase_timer_stop(&m->timer);
    d->ops->wait(d);
    double ns = clock_nanoseconds() - start;
    phase_timer_read(&m->timer);
    return ns;
}

/* Where the time goes: the same batches once more, in pairs with marks between the phases and
 * without. A marked pass is never repeated from a recording, so the other one is not either. */
static void time_phases(const struct session *s, const struct batches *b,
                        struct profile_result *out) {
    double inputs = (double)s->config->repeats * b->size;
    struct marked m = {.session = s, .batches = b};
    phase_timer_start(&m.timer, NULL);
    m.timer.device = s->device;
    m.work.phases = &m.timer.phases;
    inference_set_repeats(b->inference, false);
    for (int i = 0; i < s->config->repeats; i++) {
        double ns[2];
        m.batch = take_batch(s, b, i);
        m.before = m.timer;
        marked_pair_take(i % 2 == 1, begin_marked, time_marked, &m, ns);
        out->unmarked_ns[i] = ns[0];
        out->marked_ns[i] = ns[1];
    }
    inference_set_repeats(b->inference, true);
    for (int p = 0; p < INFERENCE_PHASES; p++) out->phase[p].ns = m.timer.ns[p] / inputs;
    out->marks = (double)m.timer.marks / s->config->repeats;
    out->mark_ns = phase_timer_mark_ns(s->device);
}

/* The batches once more: work for the energy meters, which repeat it. */
struct repeated {
    const struct session *session;
    const struct batches *batches;
    int next; /* of single batches */
};

static int64_t run_all_batches(void *context) {
    const struct repeated *r = context;
    int repeats = r->session->config->repeats;
    for (int i = 0; i < repeats; i++) {
        struct batch batch = take_batch(r->session, r->batches, i);
        inference_run(r->batches->inference, &batch, NULL, NULL);
    }
    return (int64_t)repeats * r->batches->size;
}

static int64_t run_next_batch(void *context) {
    struct repeated *r = context;
    struct batch batch = take_batch(r->session, r->batches, r->next);
    r->next = (r->next + 1) % r->session->config->repeats;
    run_pass(r->session, r->batches, &batch, NULL);
    return r->batches->size;
}

/* Of the processor where that runs the passes; else of the card, behind the rows that say why there
 * is nothing to say of the processor. */
static void measure_energy(const struct session *s, const struct batches *b,
                           struct profile_result *out) {
    static const int regions[] = {
        [CARD_ENERGY_OFF] = 0, [CARD_ENERGY_SHORT] = 3, [CARD_ENERGY_LONG] = 5};
    struct repeated repeated = {s, b, 0};
    out->n_energy = ENERGY_PARTS;
    if (s->device->is_host) {
        energy_measure("", run_all_batches, &repeated, out->energy);
        return;
    }
    struct energy_result *row = &out->energy[out->n_energy++];
    if (s->card.sensor)
        card_energy_measure(s->card.sensor, &card_time_real, &s->card.rest,
                            regions[s->config->card_energy], run_next_batch, &repeated, row);
    else
        *row = energy_unknown("card", s->card.reason);
}

/* Executed and dense FLOPs, heads and budgets of the very batches that were timed. */
static void count_work(const struct session *s, const struct batches *b,
                       struct profile_result *out) {
    const struct model_config *c = &s->subject->parameters->config;
    struct phase_work phases;
    struct software_counts before = {0}, one_batch;
    uint64_t dense_flops = 0;
    double heads = 0.0, budget = 0.0;
    double inputs = (double)s->config->repeats * b->size;
    phase_work_start(&phases);
    for (int i = 0; i < s->config->repeats; i++) {
        struct batch batch = take_batch(s, b, i);
        software_events_start(b->exported);
        inference_run(b->inference, &batch, &phases.work, NULL);
        one_batch = software_counts_since(b->inference, c->layers, &batch, &phases, &before);
        software_events_stop(b->exported, &one_batch);
        for (int j = 0; j < batch.n_samples; j++) {
            struct flops one =
                flops_dense(s->subject->dense, batch.offsets[j + 1] - batch.offsets[j]);
            dense_flops += flops_total(&one);
            for (int l = 0; l < c->layers; l++) {
                struct heads_used used = inference_heads_used(b->inference, l, j);
                heads += (double)used.token_heads / (batch.offsets[j + 1] - batch.offsets[j]);
                const float *row = inference_decisions(b->inference, l);
                if (c->policy->budget && row)
                    budget += c->policy->budget(row + (size_t)j * policy_decision_floats(c, l));
            }
        }
    }
    phase_work_stop(&phases);
    for (int i = 0; i < SOFTWARE_EVENTS; i++)
        software_events_result(b->exported, (enum software_event)i, b->size,
                               &out->counters[out->n_counters - SOFTWARE_EVENTS + i]);
    for (int p = 0; p < INFERENCE_PHASES; p++) {
        out->phase[p].flops = (double)phases.flops[p] / inputs;
        out->phase[p].bytes = (double)phases.bytes[p] / inputs;
    }
    double decided = inputs * (c->layers > 0 ? c->layers : 1);
    out->mean_heads = heads / decided;
    out->mean_s = c->policy->budget ? budget / decided : NAN;
    out->executed_flops_per_input = (double)flops_total(&phases.work.flops) / inputs;
    out->dense_flops_per_input = (double)dense_flops / inputs;
}

/* The first batches once more under a simulator. Their rows come after the measured ones. */
static void simulate_events(const struct session *s, const struct batches *b,
                            struct profile_result *out) {
    int32_t index[SIMULATED_INPUTS_MAX + BATCH_SIZE_MAX];
    int n = (s->config->simulated_inputs + b->size - 1) / b->size * b->size;
    for (int i = 0; i < n; i++) index[i] = s->inputs.order[i % s->inputs.n];
    struct simulation simulation = {.checkpoint = s->subject->checkpoint,
                                    .seed = s->subject->parameters->seed,
                                    .split = &s->subject->data->test,
                                    .index = index,
                                    .n_inputs = n,
                                    .batch_size = b->size};
    simulate_counters(&simulation, out->counters + out->n_counters);
    out->n_simulated = SIMULATED_ROLES;
    out->n_counters += SIMULATED_ROLES;
}

/* Appends a row; what else is known of it is the caller's to add. */
static struct memory_result *add_memory(struct profiling_result *out, int64_t bytes,
                                        const char *reason, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static struct memory_result *add_memory(struct profiling_result *out, int64_t bytes,
                                        const char *reason, const char *format, ...) {
    struct memory_result *row = &out->memory[out->n_memory++];
    row->bytes = bytes;
    row->page_faults = -1;
    snprintf(row->reason, sizeof row->reason, "%s", bytes < 0 ? reason : "");
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(row->what, sizeof row->what, format, arguments);
    va_end(arguments);
    return row;
}

/* The workspace; on a card also all else that it holds. */
static void add_workspace(const struct session *s, const struct inference *inference, int size,
                          const struct trainer_limits *limits, struct profiling_result *out) {
    const struct device *d = s->device;
    struct footprint need = footprint_on(d, &s->subject->parameters->config, limits);
    struct memory_result *row =
        add_memory(out, inference_bytes(inference), "", "%s workspace, batch %d",
                   d->is_host ? "arena" : "device memory,", size);
    row->on_device = !d->is_host;
    row->predicted = need.inference;
    if (d->is_host) return;
    row = add_memory(out, inference_parameter_bytes(inference), "",
                     "device memory, parameters, batch %d", size);
    row->on_device = true;
    row->predicted = need.parameters;
    char suffix[24];
    snprintf(suffix, sizeof suffix, ", batch %d", size);
    out->n_memory += card_use_held(d, need.copies, suffix, out->memory + out->n_memory);
    out->n_memory += card_use_told(&s->card, d, suffix, out->memory + out->n_memory);
}

static void warn_of_threads(const struct counters *counters, struct profiling_result *out) {
    double share = counters_thread_share(counters);
    if (share < 0.9)
        snprintf(out->warning, sizeof out->warning,
                 "threads_not_counted: only %.0f%% of this process's CPU time is the measured "
                 "thread's; set OPENBLAS_NUM_THREADS=1",
                 100.0 * share);
}

/* What stayed disturbed is a warning, by the reason that is known: a group that stood still waited
 * for its quota. A quota that is just enough throttles, too, and disturbs nothing. */
static void warn_of_disturbance(const struct cpu_quota *before, const struct profile_result *timed,
                                struct profiling_result *out) {
    struct cpu_quota after = cpu_quota_read("");
    char text[sizeof out->warning] = "";
    timed_block_describe(timed->blocks, timed->n_blocks, text, sizeof text);
    if (text[0]) cpu_quota_describe(before, &after, text, sizeof text);
    if (text[0] && !out->warning[0]) memcpy(out->warning, text, sizeof text);
}

/* Before the first pass, while the card has nothing to do for this process. */
static void rest_card(struct session *s, struct profiling_result *out) {
    card_use_open(s->device, &s->card);
    if (!s->card.sensor || s->config->card_energy == CARD_ENERGY_OFF) return;
    turn_wait();
    card_rest_measure(s->card.sensor, &card_time_real, &s->card.rest);
    if (s->card.rest.busy_percent > 0)
        snprintf(out->warning, sizeof out->warning,
                 "card_is_shared: while this process rested, others kept the card busy for %d%% of "
                 "the time",
                 s->card.rest.busy_percent);
}

static bool profile_batch_size(const struct session *s, int size, struct profiling_result *result,
                               struct error *error) {
    struct profile_result *out = &result->profiles[result->n_profiles++];
    struct trainer_limits limits;
    struct batches b = {.size = size};
    struct counter_request counted = {.events = s->config->events,
                                      .multiplex = s->config->multiplex};
    out->batch_size = size;
    out->warmup = s->config->warmup;
    out->n_samples = s->config->repeats;
    out->inputs_per_sample = size;
    out->n_counters = COUNTER_ROLES + s->config->events.n + (s->device->is_host ? 0 : CARD_ROLES) +
                      SOFTWARE_EVENTS;
    out->n_blocks = s->config->blocks;
    out->blocks = calloc((size_t)out->n_blocks, sizeof *out->blocks);
    out->latency_ns = calloc((size_t)out->n_samples, sizeof *out->latency_ns);
    out->marked_ns = calloc((size_t)out->n_samples, sizeof *out->marked_ns);
    out->unmarked_ns = calloc((size_t)out->n_samples, sizeof *out->unmarked_ns);
    out->counters = calloc((size_t)out->n_counters + SIMULATED_ROLES, sizeof *out->counters);
    bool ok = out->blocks && out->latency_ns && out->marked_ns && out->unmarked_ns && out->counters;
    if (!ok) error_set(error, "out of memory for the profile of batch size %d", size);
    ok = ok && batch_limits(size, s->subject->data->max_len, &limits, error) &&
         inference_new_on(s->device, s->subject->parameters, &limits, &b.inference, error) &&
         batch_buffer_new(size, s->subject->data->max_len, &b.buffer, error) &&
         counters_open(&counted, &b.counters, error) && software_events_open(&b.exported, error);
    if (ok) {
        struct memory_phase stretch;
        int64_t page_faults;
        struct cpu_quota quota = cpu_quota_read("");
        memory_phase_start(&stretch);
        time_batches(s, &b, out);
        int64_t peak = memory_phase_end(&stretch, &page_faults);
        add_memory(result, peak, stretch.reason, "peak resident, forward, batch %d", size)
            ->page_faults = page_faults;
        add_workspace(s, b.inference, size, &limits, result);
        warn_of_disturbance(&quota, out, result);
        if (s->device->is_host) {
            count_events(s, &b, out);
            warn_of_threads(b.counters, result);
        } else {
            leave_out_events(s, out);
        }
        time_phases(s, &b, out);
        measure_energy(s, &b, out);
        count_work(s, &b, out);
        if (s->config->counters == COUNTERS_CACHEGRIND && s->device->is_host)
            simulate_events(s, &b, out);
        ok = s->device->ops->ok(s->device, error);
    }
    inference_free(b.inference);
    batch_buffer_free(b.buffer);
    counters_close(b.counters);
    software_events_close(b.exported);
    return ok;
}

bool profile_model(const struct profile_subject *subject, const struct profile_config *config,
                   uint64_t seed, struct profiling_result *out, struct error *error) {
    struct session session = {.device = subject->device ? subject->device : device_cpu(),
                              .config = config,
                              .subject = subject};
    double start = clock_seconds();
    char reason[160] = "";
    memset(out, 0, sizeof *out);
    out->profiles = calloc((size_t)config->batch_sizes.n, sizeof *out->profiles);
    out->memory = calloc(MEMORY_ROWS_MAX, sizeof *out->memory);
    bool ok = out->profiles && out->memory;
    if (!ok) error_set(error, "out of memory for the results");
    ok = ok &&
         sampled_inputs_new(&subject->data->test, config->inputs, seed, &session.inputs, error);
    if (ok) {
        int64_t peak = memory_peak_resident(reason, sizeof reason);
        add_memory(out, peak, reason, "peak resident, loading");
        add_memory(out, (int64_t)subject->parameters->arena.size, "", "arena parameters")
            ->predicted =
            footprint_of(&subject->parameters->config, &(struct trainer_limits){1, 1, 1})
                .parameters;
    }
    if (ok) rest_card(&session, out);
    for (int i = 0; ok && i < config->batch_sizes.n; i++)
        ok = profile_batch_size(&session, config->batch_sizes.value[i], out, error);
    if (ok && !session.device->is_host) ok = count_on_card(&session, out, error);
    out->wall_seconds = clock_seconds() - start;
    card_use_close(&session.card);
    sampled_inputs_free(&session.inputs);
    if (!ok) profiling_result_free(out);
    return ok;
}

/* The trained model of a trial, read back over its data. */
static bool load_trained(const struct experiment *trial, const struct trial_identity *identity,
                         const struct trained *trained, struct saved_model *model,
                         struct dataset **data, struct error *error) {
    if (!trial_data(trial, identity, data, error) ||
        !saved_model_read_trained(trained, model, error))
        return false;
    model->parameters->seed = (uint64_t)trial->seeds.value[0];
    return saved_model_check_data(model, *data, error) ||
           error_prefix(error, "%s was trained on other data, train it again", trained->path);
}

bool profiling_run(const struct experiment *trial, const struct trial_identity *identity,
                   const struct trained *trained, const struct device *device,
                   struct profiling_result *out, struct error *error) {
    struct saved_model model = {0};
    struct dataset *data = NULL;
    struct model_config own, dense;
    double start = clock_seconds();
    memset(out, 0, sizeof *out);
    bool ok = load_trained(trial, identity, trained, &model, &data, error) &&
              trial_models(trial, data, &own, &dense, error);
    if (ok) {
        struct profile_subject subject = {model.parameters, data, &dense, trained->path, device};
        ok = profile_model(&subject, &trial->profile, (uint64_t)trial->data.seed, out, error);
        out->wall_seconds = clock_seconds() - start;
        code_hash(trial->arms[0].policy->name, true, device && !device->is_host, out->code_sha256);
    }
    saved_model_free(&model);
    dataset_free(data);
    return ok;
}

void profiling_result_free(struct profiling_result *r) {
    for (int i = 0; r->profiles && i < r->n_profiles; i++) {
        free(r->profiles[i].latency_ns);
        free(r->profiles[i].marked_ns);
        free(r->profiles[i].unmarked_ns);
        free(r->profiles[i].blocks);
        free(r->profiles[i].counters);
    }
    free(r->profiles);
    free(r->memory);
    memset(r, 0, sizeof *r);
}
