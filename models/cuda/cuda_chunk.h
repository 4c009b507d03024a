/*
 * What stages ask of a chunk beside its arrays.
 */
#ifndef HEADROOM_MODELS_CUDA_CUDA_CHUNK_H
#define HEADROOM_MODELS_CUDA_CUDA_CHUNK_H

#include "models/cuda/stage_kernels.h"
#include "models/device.h"

/* The mask of one site, as kernels draw it; dropout NULL: nothing is dropped. */
struct cuda_mask cuda_mask_of(const struct device_chunk *chunk,
                              const struct device_dropout *dropout);

#endif
