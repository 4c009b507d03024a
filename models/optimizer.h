/*
 * AdamW with decoupled weight decay (Loshchilov & Hutter, arXiv 1711.05101), gradient-norm clipping
 * and the learning-rate schedule: linear warm-up, then a cosine to zero.
 */
#ifndef HEADROOM_MODELS_OPTIMIZER_H
#define HEADROOM_MODELS_OPTIMIZER_H

#include "models/device.h"
#include "models/parameters.h"

struct optimizer;

struct optimizer_config {
    double learning_rate, weight_decay, beta1, beta2, epsilon;
    double clip_norm; /* 0: no clipping */
    int64_t warmup_steps, total_steps;
};

/* For parameters in the device's memory (trainer_parameters). */
bool optimizer_new_on(const struct device *d, const struct parameters *parameters,
                      const struct optimizer_config *config, struct optimizer **out,
                      struct error *error);

/* For parameters in the host's. */
static inline bool optimizer_new(const struct parameters *parameters,
                                 const struct optimizer_config *config, struct optimizer **out,
                                 struct error *error) {
    return optimizer_new_on(device_cpu(), parameters, config, out, error);
}
void optimizer_free(struct optimizer *optimizer);

/* One update of the parameters from gradients of the same layout. A tensor with a peak rate of its
 * own follows the same schedule to that peak. Returns the learning rate of the others. */
double optimizer_step(struct optimizer *optimizer, struct parameters *parameters,
                      const struct parameters *gradients);

/* Learning rate of step `step` (from 0): linear to the peak over the warm-up, then half a
 * cosine. */
double optimizer_rate(const struct optimizer_config *config, int64_t step);

/* What steps leave behind: their number, and the moments, of which there are so many floats. From
 * both another optimiser of the same model and configuration goes on with the same bits. */
size_t optimizer_floats(const struct optimizer *optimizer);
int64_t optimizer_save(const struct optimizer *optimizer, float *moments);
void optimizer_restore(struct optimizer *optimizer, const float *moments, int64_t steps);

/* Bytes of the moments in the device's memory. */
int64_t optimizer_bytes(const struct optimizer *optimizer);

#endif
