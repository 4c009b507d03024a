/*
 * What training and inference need in memory, as a closed form of the model's shape and the largest
 * batch (ours): floats that must be kept, without alignment. Written from what the passes keep, not
 * from the code that lays them out, so that the arenas' measured sizes have something to be held
 * to.
 */
#ifndef HEADROOM_MODELS_FOOTPRINT_H
#define HEADROOM_MODELS_FOOTPRINT_H

#include "models/trainer.h"

/* Bytes, of a device's memory. Gradients need as much as parameters, AdamW twice as much, and what
 * it notes of rows that have their steps late. */
struct footprint {
    int64_t parameters;
    int64_t copies;      /* of parameters, as the operands of products; 0: they are multiplied by */
    int64_t late;        /* AdamW's notes of rows; 0 on a device where none is late */
    int64_t activations; /* kept between the two passes of training */
    int64_t training;    /* workspace of a training step */
    int64_t inference;   /* workspace of a forward pass */
};

struct footprint footprint_on(const struct device *device, const struct model_config *config,
                              const struct trainer_limits *limits);
/* The same on the CPU. */
struct footprint footprint_of(const struct model_config *config,
                              const struct trainer_limits *limits);

#endif
