/*
 * One pass over a split: predictions, the heads each input ran, and executed FLOPs. Runs the same
 * inference code that is profiled, so the accuracy reported for a head budget is the accuracy of
 * what was really executed.
 */
#ifndef HEADROOM_HARNESS_TRIAL_EVALUATION_H
#define HEADROOM_HARNESS_TRIAL_EVALUATION_H

#include "harness/record/results.h"
#include "models/device.h"
#include "models/model.h"
#include "models/parameters.h"
#include "workloads/data/split.h"

struct evaluator;

/* batch: inputs per forward pass; max_len: longest input. `dense` is the full model (H heads in
 * every layer, no gates) that savings are held against. Parameters are borrowed. */
bool evaluator_new_on(const struct device *device, const struct parameters *parameters,
                      const struct model_config *dense, int batch, int max_len,
                      struct evaluator **out, struct error *error);
static inline bool evaluator_new(const struct parameters *parameters,
                                 const struct model_config *dense, int batch, int max_len,
                                 struct evaluator **out, struct error *error) {
    return evaluator_new_on(device_cpu(), parameters, dense, batch, max_len, out, error);
}
void evaluator_free(struct evaluator *evaluator);
int64_t evaluator_bytes(const struct evaluator *evaluator);
int64_t evaluator_parameter_bytes(const struct evaluator *evaluator); /* on a card; else 0 */

/* The inference mode of the runs that follow, as inference_set_mode. */
void evaluator_set_mode(struct evaluator *evaluator, int mode);

/* Decisions of every input of a split, layer by layer: [n][width[l]], NULL where there are none,
 * as where tokens decide. */
struct decisions {
    int n, layers;
    int width[MODEL_LAYERS_MAX];
    float *layer[MODEL_LAYERS_MAX];
};
void decisions_free(struct decisions *decisions);

/* Runs the split. `given` replaces the policy's decisions (NULL: it decides); `record` (may be
 * NULL) receives the decisions that were used. `out` owns its arrays (evaluation_result_free); its
 * weights, split and control names are the caller's to set; its loss is NaN where a logit was not
 * finite. Error if the executed FLOPs differ from the closed form, or if the device failed. */
bool evaluator_run(struct evaluator *evaluator, const struct split *split,
                   const struct decisions *given, struct decisions *record,
                   struct evaluation_result *out, struct error *error);
void evaluation_result_free(struct evaluation_result *result);

/* Error if logits were not finite: a class that was chosen among such means nothing. */
bool evaluation_require_finite(const struct evaluation_result *result, struct error *error);

/* The controls that ask whether deciding per input matters. static: every one of n inputs gets the
 * mean decision of `from` (the training set), and then, in each layer, one of the two whole numbers
 * of heads around mean_heads[l] (what the method executes there), so many of them the larger that
 * the mean over the n inputs is within 1 / (2 n) of it; who gets more is a permutation of its own
 * in each layer that does not look at the inputs. shuffled: each input gets another's decisions,
 * all layers together, by a permutation; with group[n] (else NULL) only inputs of equal group are
 * exchanged, so that a group of one keeps its own. All permutations are of the RNG_CONTROL stream
 * of `seed`. Neither asks the gate, so neither is charged for it: their executed FLOPs are lower by
 * that much. */
bool decisions_mean(const struct decisions *from, int n, struct decisions *out,
                    struct error *error);
bool decisions_set_heads(struct decisions *decisions, const struct model_config *config,
                         const double *mean_heads, uint64_t seed, struct error *error);
bool decisions_shuffle(const struct decisions *from, const int32_t *group, uint64_t seed,
                       struct decisions *out, struct error *error);

#endif
