/*
 * Gathering inputs into a ragged batch: the one place where data is copied between a split and the
 * engine. Sized once for the largest batch, so that a training step allocates nothing.
 */
#include "workloads/data/batch_buffer.h"

#include <stdlib.h>
#include <string.h>

struct batch_buffer {
    int32_t *tokens, *offsets, *labels, *ids;
};

bool batch_buffer_new(int max_samples, int max_len, struct batch_buffer **out,
                      struct error *error) {
    size_t samples = (size_t)max_samples;
    struct batch_buffer *buffer = calloc(1, sizeof *buffer);
    if (buffer) {
        buffer->tokens = calloc(samples * (size_t)max_len, sizeof(int32_t));
        buffer->offsets = calloc(samples + 1, sizeof(int32_t));
        buffer->labels = calloc(samples, sizeof(int32_t));
        buffer->ids = calloc(samples, sizeof(int32_t));
    }
    if (!buffer || !buffer->tokens || !buffer->offsets || !buffer->labels || !buffer->ids) {
        batch_buffer_free(buffer);
        return error_set(error, "out of memory for batches of %d inputs", max_samples);
    }
    *out = buffer;
    return true;
}

void batch_buffer_free(struct batch_buffer *buffer) {
    if (!buffer) return;
    free(buffer->tokens);
    free(buffer->offsets);
    free(buffer->labels);
    free(buffer->ids);
    free(buffer);
}

struct batch batch_gather(struct batch_buffer *buffer, const struct split *split,
                          const int32_t *index, int n) {
    int32_t end = 0;
    for (int i = 0; i < n; i++) {
        int32_t start = split->offsets[index[i]], size = split->offsets[index[i] + 1] - start;
        memcpy(buffer->tokens + end, split->tokens + start, (size_t)size * sizeof(int32_t));
        end += size;
        buffer->offsets[i + 1] = end;
        buffer->labels[i] = split->labels[index[i]];
        buffer->ids[i] = index[i];
    }
    return (struct batch){n, end, buffer->tokens, buffer->offsets, buffer->labels, buffer->ids};
}
