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

/* The rows of the table with these values that the chunk's tokens read, [n_tokens] on the card; a
 * batch's plan has them for each table of the model's. */
const int32_t *cuda_chunk_rows(const struct device_chunk *chunk, const struct parameters *p,
                               const float *values);

#endif
