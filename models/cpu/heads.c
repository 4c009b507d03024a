/*
 * Gates and the heads that they choose: all heads times their gates in training, and, at inference,
 * the rows of those who run a head, brought together for its products and added back.
 */
#include "models/cpu/kernels.h"

#include <string.h>

/* The tokens of gate row r. */
static int32_t row_start(const struct batch *batch, bool by_token, int r) {
    return by_token ? r : batch->offsets[r];
}

static int row_count(const struct batch *batch, bool by_token) {
    return by_token ? batch->n_tokens : batch->n_samples;
}

void gates_forward(const struct batch *batch, bool by_token, int heads, int head_dim,
                   const float *gates, const float *context, float *gated) {
    size_t d = (size_t)head_dim, width = (size_t)heads * d;
    for (int r = 0; r < row_count(batch, by_token); r++)
        for (int i = row_start(batch, by_token, r); i < row_start(batch, by_token, r + 1); i++)
            for (int h = 0; h < heads; h++) {
                float a = gates[r * heads + h];
                const float *in = context + (size_t)i * width + (size_t)h * d;
                float *out = gated + (size_t)i * width + (size_t)h * d;
#pragma omp simd
                for (size_t c = 0; c < d; c++) out[c] = a * in[c];
            }
}

void gates_backward(const struct batch *batch, bool by_token, int heads, int head_dim,
                    const float *gates, const float *context, float *dcontext, float *dgates) {
    size_t d = (size_t)head_dim, width = (size_t)heads * d;
    for (int r = 0; r < row_count(batch, by_token); r++)
        for (int h = 0; h < heads; h++) {
            float a = gates[r * heads + h], dot = 0.0f;
            for (int i = row_start(batch, by_token, r); i < row_start(batch, by_token, r + 1);
                 i++) {
                const float *value = context + (size_t)i * width + (size_t)h * d;
                float *grad = dcontext + (size_t)i * width + (size_t)h * d;
#pragma omp simd reduction(+ : dot)
                for (size_t c = 0; c < d; c++) {
                    dot += value[c] * grad[c];
                    grad[c] *= a;
                }
            }
            dgates[r * heads + h] = dot;
        }
}

void heads_gather(const struct head_group *group, bool queries, int dim, const float *x,
                  float *rows) {
    size_t size = (size_t)dim;
    if (queries && group->query_token) {
        for (int i = 0; i < group->n_queries; i++)
            memcpy(rows + (size_t)i * size, x + (size_t)group->query_token[i] * size,
                   size * sizeof *rows);
        return;
    }
    for (int i = 0; i < group->n_segments; i++) {
        const struct head_segment *s = &group->segment[i];
        memcpy(rows + (size_t)s->key * size, x + (size_t)s->token * size,
               (size_t)s->length * size * sizeof *rows);
    }
}

void heads_scale(const struct head_group *group, int head_dim, float *context) {
    size_t d = (size_t)head_dim;
    for (int i = 0; i < group->n_segments; i++) {
        const struct head_segment *s = &group->segment[i];
        for (int q = s->query; q < s->query + s->n_queries; q++) {
            float a = group->query_token ? group->gate[q] : group->gate[i];
            float *row = context + (size_t)q * d;
            if (a == 1.0f) continue;
            for (size_t j = 0; j < d; j++) row[j] *= a;
        }
    }
}

static void add_rows(size_t n, const float *from, float *to) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) to[i] += from[i];
}

void heads_scatter(const struct head_group *group, int dim, const float *back, float *x) {
    size_t size = (size_t)dim;
    if (group->query_token) {
        for (int i = 0; i < group->n_queries; i++)
            add_rows(size, back + (size_t)i * size, x + (size_t)group->query_token[i] * size);
        return;
    }
    for (int i = 0; i < group->n_segments; i++) {
        const struct head_segment *s = &group->segment[i];
        add_rows((size_t)s->length * size, back + (size_t)s->query * size,
                 x + (size_t)s->token * size);
    }
}
