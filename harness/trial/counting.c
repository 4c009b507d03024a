/*
 * All batches run once before any is counted: that warms up, and books what each of them does,
 * which Headroom's own events report at the end of passes that are theirs. So the kernels book
 * nothing while other events count.
 */
#include "harness/trial/counting.h"

#include "harness/measure/phase_timer.h"
#include "harness/measure/software_events.h"
#include "harness/trial/sampled_inputs.h"
#include "models/batch_limits.h"
#include "models/inference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session {
    const struct counting *counting;
    struct sampled_inputs inputs;
    struct batch_buffer *buffer;
    struct inference *inference;
    struct counters *counters;
    struct software_events *exported; /* NULL: not asked for */
    struct software_counts *done;     /* [repeats] by each pass */
};

static bool session_open(struct session *s, const struct counter_backend *backend,
                         const struct parameters *parameters, const struct dataset *data,
                         struct error *error) {
    const struct counting *c = s->counting;
    struct trainer_limits limits;
    if (!batch_limits(c->batch_size, data->max_len, &limits, error)) return false;
    s->done = calloc((size_t)c->repeats, sizeof *s->done);
    if (!s->done) return error_set(error, "out of memory for %d passes", c->repeats);
    return sampled_inputs_new(&data->test, c->inputs, c->seed, &s->inputs, error) &&
           batch_buffer_new(c->batch_size, data->max_len, &s->buffer, error) &&
           inference_new(parameters, &limits, &s->inference, error) &&
           (!c->own || software_events_open_backend(backend, &s->exported, error)) &&
           counters_open_backend(backend, &c->request, &s->counters, error);
}

static void session_close(struct session *s) {
    counters_close(s->counters);
    software_events_close(s->exported);
    inference_free(s->inference);
    batch_buffer_free(s->buffer);
    sampled_inputs_free(&s->inputs);
    free(s->done);
}

static struct batch take_batch(const struct session *s, int i) {
    return sampled_inputs_batch(&s->inputs, s->buffer, s->counting->batch_size, i);
}

static void book_passes(struct session *s, int layers, struct counting_result *out) {
    struct software_counts before = {0}; /* at the end: all that was done */
    struct phase_work phases;
    double inputs = (double)s->counting->repeats * s->counting->batch_size;
    phase_work_start(&phases);
    for (int i = 0; i < s->counting->repeats; i++) {
        struct batch batch = take_batch(s, i);
        inference_run(s->inference, &batch, &phases.work, NULL);
        s->done[i] = software_counts_since(s->inference, layers, &batch, &phases, &before);
    }
    phase_work_stop(&phases);
    out->heads = (double)before.count[EVENT_HEADS_RUN] / inputs;
    out->flops = (double)before.count[EVENT_EXECUTED_FLOPS] / inputs;
}

static void run_counted(struct session *s) {
    for (int set = 0; set < counters_passes(s->counters); set++)
        for (int i = 0; i < s->counting->repeats; i++) {
            struct batch batch = take_batch(s, i);
            counters_start(s->counters, set);
            inference_run(s->inference, &batch, NULL, NULL);
            counters_stop(s->counters, set);
        }
    for (int i = 0; s->exported && i < s->counting->repeats; i++) {
        struct batch batch = take_batch(s, i);
        software_events_start(s->exported);
        inference_run(s->inference, &batch, NULL, NULL);
        software_events_stop(s->exported, &s->done[i]);
    }
}

static void read_counters(const struct session *s, struct counting_result *out) {
    out->n = counters_roles(s->counters);
    out->n_sets = counters_passes(s->counters) + (s->exported != NULL);
    out->n_inputs = s->inputs.n;
    out->thread_share = counters_thread_share(s->counters);
    for (int i = 0; i < out->n; i++)
        counters_result(s->counters, i, s->counting->batch_size, &out->counter[i]);
    for (int i = 0; s->exported && i < SOFTWARE_EVENTS; i++)
        software_events_result(s->exported, (enum software_event)i, s->counting->batch_size,
                               &out->counter[out->n++]);
}

bool count_passes_backend(const struct counter_backend *backend,
                          const struct parameters *parameters, const struct dataset *data,
                          const struct counting *counting, struct counting_result *out,
                          struct error *error) {
    struct session session = {.counting = counting};
    memset(out, 0, sizeof *out);
    bool ok = session_open(&session, backend, parameters, data, error);
    if (ok) {
        book_passes(&session, parameters->config.layers, out);
        run_counted(&session);
        read_counters(&session, out);
    }
    session_close(&session);
    return ok;
}

bool count_passes(const struct parameters *parameters, const struct dataset *data,
                  const struct counting *counting, struct counting_result *out,
                  struct error *error) {
    return count_passes_backend(&counter_backend_papi, parameters, data, counting, out, error);
}
