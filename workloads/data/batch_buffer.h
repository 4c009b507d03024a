/*
 * Inputs of a split as a ragged batch for the engine.
 */
#ifndef HEADROOM_WORKLOADS_DATA_BATCH_BUFFER_H
#define HEADROOM_WORKLOADS_DATA_BATCH_BUFFER_H

#include "models/batch.h"
#include "workloads/data/split.h"

/* Storage for one ragged batch, sized once; batch_gather fills it without allocating. */
struct batch_buffer;
bool batch_buffer_new(int max_samples, int max_len, struct batch_buffer **out, struct error *error);
void batch_buffer_free(struct batch_buffer *buffer);

/* Gathers inputs index[0..n-1] of a split into a batch; batch ids are the indices themselves. */
struct batch batch_gather(struct batch_buffer *buffer, const struct split *split,
                          const int32_t *index, int n);

#endif
