/*
 * AdamW with decoupled weight decay (Loshchilov & Hutter, arXiv 1711.05101), gradient-norm clipping
 * and the learning-rate schedule: linear warm-up, then a cosine to zero.
 *
 * Of a table of embeddings a batch reads few rows, yet moments decay whatever the gradient, so that
 * every row has its step every time. On a device that can, a row has the steps that nothing but
 * time made when it is read next, with the bits that it would have had: its numbers pass through
 * memory once for all of them. Who reads the parameters is the trainer (trainer.c asks for the rows
 * of a batch, trainer_store for all), and none but it need to know.
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
/* The parameters that it made steps of are read no more, or have been settled. */
void optimizer_free(struct optimizer *optimizer);

/* One update of the parameters from gradients of the same layout. A tensor with a peak rate of its
 * own follows the same schedule to that peak. Returns the learning rate of the others. */
double optimizer_step(struct optimizer *optimizer, struct parameters *parameters,
                      const struct parameters *gradients);

/* The steps that are due before the rows of a chunk are read, and all that are due before anybody
 * else reads parameters or moments. Asked of parameters->late, or at the end of a stretch of steps
 * that is timed; where no row is late there is nothing to do. */
void optimizer_make_up(struct optimizer *optimizer, const struct parameters *parameters,
                       const struct device_chunk *chunk);
void optimizer_settle(struct optimizer *optimizer, struct parameters *parameters);

/* Learning rate of step `step` (from 0): linear to the peak over the warm-up, then half a
 * cosine. */
double optimizer_rate(const struct optimizer_config *config, int64_t step);

/* What steps leave behind: their number, and the moments, of which there are so many floats. From
 * both another optimiser of the same model and configuration goes on with the same bits. Saved when
 * no row is late (optimizer_settle, trainer_store). */
size_t optimizer_floats(const struct optimizer *optimizer);
int64_t optimizer_save(const struct optimizer *optimizer, float *moments);
void optimizer_restore(struct optimizer *optimizer, const float *moments, int64_t steps);

/* Bytes of the moments, and of what is noted of late rows, in the device's memory. */
int64_t optimizer_bytes(const struct optimizer *optimizer);

#endif
