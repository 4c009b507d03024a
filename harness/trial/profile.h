/*
 * One profiling trial: loads the checkpoint of a finished training trial, runs forward passes at
 * each batch size, and reports raw latencies, counters, executed FLOPs and memory. The timed and
 * counted region is one call of inference_run; reading data, batching and evaluation stay outside.
 */
#ifndef HEADROOM_HARNESS_TRIAL_PROFILE_H
#define HEADROOM_HARNESS_TRIAL_PROFILE_H

#include "harness/config/experiment.h"
#include "harness/config/trial_key.h"
#include "harness/record/results.h"
#include "harness/trial/saved_model.h"
#include "models/device.h"
#include "models/parameters.h"

/* What is profiled: a model over the test split of its data. `dense` is the full model that savings
 * are held against; `checkpoint` the file it was read from, which a simulator reads again. All
 * borrowed. */
struct profile_subject {
    const struct parameters *parameters;
    const struct dataset *data;
    const struct model_config *dense;
    const char *checkpoint;
    const struct device *device; /* that runs it; NULL: the CPU */
};

/* Every batch size of `config`; `seed` draws the sample of test inputs. */
bool profile_model(const struct profile_subject *subject, const struct profile_config *config,
                   uint64_t seed, struct profiling_result *out, struct error *error);

/* `trial` has exactly one arm and one seed; `trained` is what its training trial wrote. Refuses
 * other data than those the profile was planned for (`identity`; NULL: any). `device` NULL: the
 * CPU. Counter roles that do not work here come back with their reason. */
bool profiling_run(const struct experiment *trial, const struct trial_identity *identity,
                   const struct trained *trained, const struct device *device,
                   struct profiling_result *out, struct error *error);
void profiling_result_free(struct profiling_result *result);

#endif
