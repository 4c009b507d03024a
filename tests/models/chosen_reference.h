/*
 * The chosen heads of device.h, of any size and one after the other, which devices that run them
 * where they are (takes_chosen) are held against. The CPU's own are for narrow heads alone.
 */
#ifndef HEADROOM_TESTS_CHOSEN_REFERENCE_H
#define HEADROOM_TESTS_CHOSEN_REFERENCE_H

#include "models/cpu/gemm.h"
#include "models/cpu/kernels.h"

static inline bool reference_is_chosen(const struct device_chosen *c, int b, int h) {
    return c->gates[b * c->heads + h] != 0.0f;
}

static inline void reference_qkv(const struct device_chunk *chunk, const struct device_chosen *c) {
    int slab = 3 * c->head_dim, ld = c->heads * slab;
    for (int b = 0; b < chunk->batch.n_samples; b++)
        for (int h = 0; h < c->heads; h++) {
            size_t first = (size_t)chunk->batch.offsets[b], row = (size_t)h * (size_t)slab;
            int n = chunk->batch.offsets[b + 1] - chunk->batch.offsets[b];
            float *to = (float *)c->qkv + first * (size_t)ld + row;
            struct matrix x = {(const float *)c->norm + first * (size_t)c->dim, c->dim, false};
            struct matrix weight = {c->qkv_weight + row * (size_t)c->dim, c->dim, true};
            if (!reference_is_chosen(c, b, h)) continue;
            gemm(NULL, FLOP_QKV, n, slab, c->dim, 1.0f, x, weight, 0.0f, to, ld);
            for (int i = 0; i < n; i++)
                bias_forward(1, slab, c->qkv_bias + row, to + (size_t)i * (size_t)ld);
        }
}

static inline void reference_map(const struct device_chunk *chunk, const struct device_chosen *c) {
    size_t width = (size_t)c->heads * (size_t)c->head_dim;
    for (int b = 0; b < chunk->batch.n_samples; b++)
        for (int h = 0; h < c->heads; h++) {
            size_t first = (size_t)chunk->batch.offsets[b];
            int n = chunk->batch.offsets[b + 1] - chunk->batch.offsets[b];
            float *out = (float *)c->context + first * width + (size_t)h * (size_t)c->head_dim;
            if (!reference_is_chosen(c, b, h)) continue;
            struct attention head = attention_of_head((const float *)c->qkv + 3 * first * width, n,
                                                      c->heads, c->head_dim, h, c->scratch);
            attention_forward(&head, out, NULL);
            for (int i = 0; i < n; i++)
                for (int j = 0; j < c->head_dim; j++)
                    out[(size_t)i * width + (size_t)j] *= c->gates[b * c->heads + h];
        }
}

static inline void reference_output(const struct device_chunk *chunk,
                                    const struct device_chosen *c) {
    int width = c->heads * c->head_dim;
    bias_forward(chunk->batch.n_tokens, c->dim, c->o_bias, c->x);
    for (int b = 0; b < chunk->batch.n_samples; b++)
        for (int h = 0; h < c->heads; h++) {
            size_t first = (size_t)chunk->batch.offsets[b], row = (size_t)h * (size_t)c->head_dim;
            int n = chunk->batch.offsets[b + 1] - chunk->batch.offsets[b];
            struct matrix out = {(const float *)c->context + first * (size_t)width + row, width,
                                 false};
            struct matrix weight = {c->o_weight + row * (size_t)c->dim, c->dim, false};
            if (!reference_is_chosen(c, b, h)) continue;
            gemm(NULL, FLOP_OUTPUT, n, c->dim, c->head_dim, 1.0f, out, weight, 1.0f,
                 c->x + first * (size_t)c->dim, c->dim);
        }
}

#endif
