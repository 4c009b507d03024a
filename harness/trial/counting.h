/*
 * Forward passes under events, and nothing else: what `headroom count` prints. The inputs, their
 * order and the counters are those of a profile (profile.h), so that both count the same; but
 * nothing is timed, no other meter runs, and only the events asked for take part.
 */
#ifndef HEADROOM_HARNESS_TRIAL_COUNTING_H
#define HEADROOM_HARNESS_TRIAL_COUNTING_H

#include "harness/measure/counters.h"
#include "models/parameters.h"
#include "workloads/data/dataset.h"

#include <stdint.h>

struct counting {
    struct counter_request request;
    bool own;               /* Headroom's own events, too, in passes of their own */
    int batch_size, inputs; /* inputs of a pass; of the test split, cycled through */
    int repeats;            /* passes that are counted, for each set of events */
    uint64_t seed;          /* draws the inputs */
};

struct counting_result {
    int n; /* counters_roles: the built-in ones and what was asked for; then Headroom's own */
    struct counter_result counter[COUNTER_ROLES_MAX + SOFTWARE_EVENTS];
    int n_inputs;        /* that are cycled through */
    int n_sets;          /* sets of events: each counts all passes */
    double heads, flops; /* run for an input, in all layers */
    double thread_share; /* counters_thread_share */
};

/* Over the test split of `data`, from which the model must be able to read. An event that cannot be
 * counted here has its reason; fails only when memory runs out. */
bool count_passes(const struct parameters *parameters, const struct dataset *data,
                  const struct counting *counting, struct counting_result *out,
                  struct error *error);
bool count_passes_backend(const struct counter_backend *backend,
                          const struct parameters *parameters, const struct dataset *data,
                          const struct counting *counting, struct counting_result *out,
                          struct error *error);

#endif
