/*
 * Where a chunk's gates are among those of the batch, and the rows of the samples that run a head.
 */
#include "models/inference_workspace.h"

#include <string.h>

float *inference_chunk_gates(const struct inference *inf, int l) {
    return inf->gates[l] + (size_t)inf->first_row * (size_t)inf->p->config.heads.value[l];
}

int inference_gather(const struct inference *inf, const struct batch *batch, struct work *work,
                     int n, const float *from, float *to) {
    size_t dim = (size_t)inf->p->config.dim;
    int rows = 0;
    for (int i = 0; i < n; i++) {
        int first = batch->offsets[inf->chosen[i]];
        int length = batch->offsets[inf->chosen[i] + 1] - first;
        memcpy(to + (size_t)rows * dim, from + (size_t)first * dim,
               (size_t)length * dim * sizeof *to);
        rows += length;
    }
    work_move(work, 2 * (uint64_t)rows * dim);
    return rows;
}
