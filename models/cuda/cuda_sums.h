/*
 * Where stages put off what is left of a sum over rows.
 */
#ifndef HEADROOM_MODELS_CUDA_CUDA_SUMS_H
#define HEADROOM_MODELS_CUDA_CUDA_SUMS_H

#include "models/cuda/stage_kernels.h"
#include "models/device.h"

/* Room for partial sums of so many numbers at least, which is more than the largest stage needs. */
bool cuda_sums_reserve(const struct device *d, size_t floats, struct error *error);
void cuda_sums_free(const struct device *d);

/* Where partial sums lie at present. */
const void *cuda_sums_memory(const struct device *d);

/* The table, with room for n more sums, into `out`, of so many numbers in all. */
struct cuda_column_sums *cuda_sums_for(const struct device *d, size_t floats, int n,
                                       float *const *out);

#endif
