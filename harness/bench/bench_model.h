/*
 * The reference model of the bench, with an FFN of 4 D, and the sizes whose targets are known.
 */
#ifndef HEADROOM_HARNESS_BENCH_BENCH_MODEL_H
#define HEADROOM_HARNESS_BENCH_BENCH_MODEL_H

#include "models/optimizer.h"
#include "models/inference.h"
#include "models/trainer.h"

enum { BENCH_LAYERS = 4, BENCH_HEADS = 8 };

struct bench_shape {
    int dim, batch, length;
};

/* A size, and the shares of the sgemm peak that training and inference should reach there; NaN: no
 * target. */
struct bench_target {
    struct bench_shape shape;
    double train, infer;
};
const struct bench_target *bench_targets(bool quick, int *n);

struct bench_model {
    const struct device *device;
    struct bench_shape shape;
    struct model_config config;
    struct parameters *parameters;
    struct trainer *trainer;     /* NULL unless trained */
    struct optimizer *optimizer; /* NULL unless trained */
    struct inference *inference;
    int32_t *tokens, *offsets, *labels, *ids;
    struct batch batch, single;  /* all inputs; the first alone */
    const struct phases *phases; /* told where phases begin; NULL: nobody */
    uint64_t step;
};

/* `policy`: "fixed" runs every head; "random" takes decisions from outside. */
bool bench_model_new(const struct bench_shape *shape, const char *policy, bool trained,
                     struct bench_model *model, struct error *error);
void bench_model_free(struct bench_model *model);

/* The same on a device, with more said. */
struct bench_kind {
    const char *policy, *options; /* as JSON */
    int vocab;
    double dropout;
};
bool bench_model_new_on(const struct device *d, const struct bench_shape *shape,
                        const struct bench_kind *kind, bool trained, struct bench_model *model,
                        struct error *error);

/* Cases on a model: one training step, inference of the batch, inference of one input. On a card
 * something of it may still go on when they return: who times them waits at the end of a sample. */
void bench_model_train(void *model);
void bench_model_infer(void *model);
void bench_model_infer_one(void *model);

/* Who hears of the phases of both cases of the batch from now on; borrowed, NULL: nobody. */
void bench_model_set_phases(struct bench_model *model, const struct phases *phases);

/* "DIM,BATCH,LENGTH" of --shape, each in its range; else an error that shows the form. */
bool bench_shape_read(const char *text, struct bench_shape *shape, struct error *error);

/* GEMM FLOPs of one input's forward pass with all heads, by the closed form. */
double bench_model_gemm_flops(const struct bench_model *model);

#endif
