/*
 * Sums over the rows of arrays that have been put off: the gradients of biases and of LayerNorm's
 * weights, of which a step has some 35 and nobody but the optimiser reads. Each leaves partial sums
 * here, and add_sums adds all up in one launch, in the order and with the bits that each alone
 * would have. Where memory or the table is full, or a sum goes where another goes, what is there is
 * added up first.
 */
#include "models/cuda/cuda_sums.h"
#include "models/cuda/cuda_device.h"

#include <stdlib.h>

struct cuda_sums {
    struct cuda_column_sums table;
    size_t floats; /* of its memory */
};

bool cuda_sums_reserve(const struct device *d, size_t floats, struct error *error) {
    struct cuda_state *state = cuda_state_of(d);
    void *grown = NULL;
    if (!state->sums) state->sums = calloc(1, sizeof *state->sums);
    if (!state->sums) return error_set(error, "out of memory for sums");
    struct cuda_sums *s = state->sums;
    if (floats <= s->floats) return true;
    if (!cuda_reserve(d, USE_SCRATCH, floats * sizeof(float), &grown, error)) return false;
    cuda_add_sums(d);
    cuda_wait(d);
    cuda_give_back(d, USE_SCRATCH, s->table.memory, s->floats * sizeof(float));
    s->table.memory = grown;
    s->floats = floats;
    return true;
}

void cuda_sums_free(const struct device *d) {
    struct cuda_sums *s = cuda_state_of(d)->sums;
    if (s) cuda_give_back(d, USE_SCRATCH, s->table.memory, s->floats * sizeof(float));
    free(s);
}

const void *cuda_sums_memory(const struct device *d) {
    return cuda_state_of(d)->sums->table.memory;
}

static bool goes_to(const struct cuda_column_sums *table, const float *out) {
    for (int i = 0; i < table->n; i++)
        if (table->sum[i].out == out) return true;
    return false;
}

struct cuda_column_sums *cuda_sums_for(const struct device *d, size_t floats, int n,
                                       float *const *out) {
    struct cuda_sums *s = cuda_state_of(d)->sums;
    bool now = s->table.used + floats > s->floats || s->table.n + n > CUDA_COLUMN_SUMS;
    for (int i = 0; i < n; i++) now = now || goes_to(&s->table, out[i]);
    if (now) cuda_add_sums(d);
    return &s->table;
}

void cuda_add_sums(const struct device *d) {
    struct cuda_column_sums *table = &cuda_state_of(d)->sums->table;
    cuda_check(d, cuda_launch_column_sums(cuda_stream_of(d), table), "sums over rows");
    table->used = 0;
    table->n = 0;
    table->blocks = 0;
}
