/*
 * Embedding look-ups: the rows of a token, of its position and, where a model has them, of its
 * segment and of its pair with the token before, added up; and the same rows of the gradient.
 */
#include "models/cpu/kernels.h"
#include "models/parameters.h"

#include <string.h>

static void add_row(size_t dim, const float *from, float *to) {
#pragma omp simd
    for (size_t j = 0; j < dim; j++) to[j] += from[j];
}

void embedding_forward(const struct parameters *p, const struct batch *batch, float *x) {
    size_t dim = (size_t)p->config.dim;
    for (int b = 0; b < batch->n_samples; b++) {
        size_t segment = 0;
        int32_t previous = -1;
        for (int i = batch->offsets[b]; i < batch->offsets[b + 1]; i++) {
            float *row = x + (size_t)i * dim;
            memcpy(row, p->token + (size_t)batch->tokens[i] * dim, dim * sizeof *row);
            if (p->position) add_row(dim, p->position + (size_t)(i - batch->offsets[b]) * dim, row);
            if (p->segment) add_row(dim, p->segment + segment * dim, row);
            if (p->bigram)
                add_row(dim, p->bigram + model_bigram(&p->config, previous, batch->tokens[i]) * dim,
                        row);
            segment |= batch->tokens[i] == p->config.separator;
            previous = batch->tokens[i];
        }
    }
}

void embedding_backward(struct parameters *g, const struct batch *batch, const float *dx) {
    size_t dim = (size_t)g->config.dim;
    for (int b = 0; b < batch->n_samples; b++) {
        size_t segment = 0;
        int32_t previous = -1;
        for (int i = batch->offsets[b]; i < batch->offsets[b + 1]; i++) {
            const float *up = dx + (size_t)i * dim;
            add_row(dim, up, g->token + (size_t)batch->tokens[i] * dim);
            if (g->position) add_row(dim, up, g->position + (size_t)(i - batch->offsets[b]) * dim);
            if (g->segment) add_row(dim, up, g->segment + segment * dim);
            if (g->bigram)
                add_row(dim, up,
                        g->bigram + model_bigram(&g->config, previous, batch->tokens[i]) * dim);
            segment |= batch->tokens[i] == g->config.separator;
            previous = batch->tokens[i];
        }
    }
}
