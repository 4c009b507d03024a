/*
 * Exporting through libsde and reading back through the same passes as every other event. libsde
 * owns the exported numbers (papi_sde_create_counter), because PAPI 7.0 keeps pointing at them for
 * as long as the process lives; for the same reason papi_sde_shutdown is never called.
 */
#include "harness/measure/software_events.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_SDE
#include <sde_lib.h>
#endif

struct software_events {
    struct counters *counters;
    void *exported[SOFTWARE_EVENTS]; /* libsde's handles; NULL: not exported */
    struct software_counts total;    /* what was counted, for comparison */
    int repeats;
    char reason[256]; /* why nothing is exported; "" otherwise */
};

void software_event_papi_name(enum software_event event, char out[NAME_SIZE]) {
    snprintf(out, NAME_SIZE, "sde:::headroom::%s", software_event_names[event]);
}

struct software_counts software_counts_since(const struct inference *inference, int layers,
                                             const struct batch *batch,
                                             const struct phase_work *phases,
                                             struct software_counts *before) {
    struct software_counts now = *before, since;
    now.count[EVENT_EXECUTED_FLOPS] = (int64_t)flops_total(&phases->work.flops);
    now.count[EVENT_BYTES_GATHERED] = (int64_t)phases->bytes[PHASE_GATHER];
    now.count[EVENT_TOKENS] += batch->n_tokens;
    for (int i = 0; i < batch->n_samples; i++)
        for (int l = 0; l < layers; l++)
            now.count[EVENT_HEADS_RUN] += inference_heads_run(inference, l, i);
    for (int i = 0; i < SOFTWARE_EVENTS; i++) since.count[i] = now.count[i] - before->count[i];
    *before = now;
    return since;
}

#ifdef HAVE_SDE

/* Found again where they are exported already: libsde 7.0 leaks some bytes each time that a counter
 * is created anew. */
static void export_events(struct software_events *events) {
    papi_handle_t library = papi_sde_init("headroom"); /* the same one each time */
    for (int i = 0; i < SOFTWARE_EVENTS && !events->reason[0]; i++) {
        void **event = &events->exported[i];
        int code = library ? SDE_OK : SDE_ENOMEM;
        if (library) *event = papi_sde_get_counter_handle(library, software_event_names[i]);
        if (library && !*event)
            code = papi_sde_create_counter(library, software_event_names[i], PAPI_SDE_DELTA, event);
        if (code != SDE_OK || !*event)
            snprintf(events->reason, sizeof events->reason, "libsde does not export %s (code %d)",
                     software_event_names[i], code);
    }
}

static void increase(void *exported, int64_t by) {
    if (exported) papi_sde_inc_counter(exported, by);
}

#else

static void export_events(struct software_events *events) {
    snprintf(events->reason, sizeof events->reason,
             "built without libsde: install PAPI's sde_lib.h and libsde.so (Debian: libpapi-dev) "
             "and rebuild");
}

static void increase(void *exported, int64_t by) {
    (void)exported, (void)by;
}

#endif

bool software_events_open_backend(const struct counter_backend *backend,
                                  struct software_events **out, struct error *error) {
    struct counter_request request = {
        .events.n = SOFTWARE_EVENTS, .only_events = true, .believes_zero = true};
    struct software_events *events = *out = calloc(1, sizeof *events);
    if (!events) return error_set(error, "out of memory for software events: free some and retry");
    export_events(events);
    for (int i = 0; i < SOFTWARE_EVENTS; i++)
        software_event_papi_name((enum software_event)i, request.events.name[i]);
    if (counters_open_backend(backend, &request, &events->counters, error)) return true;
    software_events_close(events);
    *out = NULL;
    return false;
}

bool software_events_open(struct software_events **out, struct error *error) {
    return software_events_open_backend(&counter_backend_papi, out, error);
}

void software_events_close(struct software_events *events) {
    if (events) counters_close(events->counters);
    free(events);
}

/* The events conflict with nothing of their own component, so that there is one pass. */
void software_events_start(struct software_events *events) {
    counters_start(events->counters, 0);
}

void software_events_stop(struct software_events *events, const struct software_counts *counts) {
    for (int i = 0; i < SOFTWARE_EVENTS; i++) {
        increase(events->exported[i], counts->count[i]);
        events->total.count[i] += counts->count[i];
    }
    counters_stop(events->counters, 0);
    events->repeats++;
}

void software_events_result(const struct software_events *events, enum software_event event,
                            double inputs, struct counter_result *out) {
    double counted = (double)events->total.count[event] / events->repeats / inputs;
    counters_result(events->counters, COUNTER_ROLES + (int)event, inputs, out);
    snprintf(out->role, sizeof out->role, "%s", software_event_names[event]);
    if (out->available && out->value == counted) return;
    if (events->reason[0])
        snprintf(out->reason, sizeof out->reason, "%s", events->reason);
    else if (out->available)
        snprintf(out->reason, sizeof out->reason, "PAPI read %.17g where %.17g were counted",
                 out->value, counted);
    out->available = false;
    out->value = NAN;
    out->pass = -1;
    snprintf(out->status, sizeof out->status, "unavailable");
}
