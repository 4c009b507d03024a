/*
 * One pass over parameters, gradients and both moments per step. Decay applies to weight matrices
 * only (struct tensor says which), scaled by the learning rate and decoupled from the gradient.
 */
#include "models/cpu/optimizer.h"

#include <math.h>
#include <stdlib.h>

struct optimizer {
    struct optimizer_config config;
    struct arena arena;
    float *mean, *square; /* moments, laid out like the parameters' arena */
    size_t floats;
    int64_t step;
};

static void layout(struct optimizer *o) {
    o->mean = arena_floats(&o->arena, o->floats);
    o->square = arena_floats(&o->arena, o->floats);
}

bool optimizer_new(const struct parameters *parameters, const struct optimizer_config *config,
                   struct optimizer **out, struct error *error) {
    struct optimizer *o = calloc(1, sizeof *o);
    if (!o) return error_set(error, "out of memory for the optimiser");
    o->config = *config;
    o->arena.purpose = "optimiser";
    o->floats = parameters->arena.used / sizeof(float);
    layout(o);
    if (!arena_reserve(&o->arena, error)) {
        optimizer_free(o);
        return false;
    }
    layout(o);
    *out = o;
    return true;
}

void optimizer_free(struct optimizer *o) {
    if (!o) return;
    arena_release(&o->arena);
    free(o);
}

/* The schedule with another peak. */
static double rate_of(const struct optimizer_config *config, double peak, int64_t step) {
    if (step < config->warmup_steps)
        return peak * (double)(step + 1) / (double)config->warmup_steps;
    double left = (double)(config->total_steps - config->warmup_steps);
    double done = left > 0 ? (double)(step - config->warmup_steps) / left : 1.0;
    return peak * 0.5 * (1.0 + cos(3.141592653589793 * (done < 1.0 ? done : 1.0)));
}

double optimizer_rate(const struct optimizer_config *config, int64_t step) {
    return rate_of(config, config->learning_rate, step);
}

double gradient_norm(const struct parameters *gradients) {
    const float *base = (const float *)(const void *)gradients->arena.base;
    double total = 0.0;
    for (int i = 0; i < gradients->n_tensors; i++) {
        const float *g = base + gradients->tensors[i].offset;
        double sum = 0.0;
#pragma omp simd reduction(+ : sum)
        for (size_t j = 0; j < gradients->tensors[i].count; j++) sum += (double)g[j] * (double)g[j];
        total += sum;
    }
    return sqrt(total);
}

double optimizer_step(struct optimizer *o, struct parameters *parameters,
                      const struct parameters *gradients) {
    const struct optimizer_config *c = &o->config;
    double rate = optimizer_rate(c, o->step), clip = 1.0;
    if (c->clip_norm > 0.0) {
        double norm = gradient_norm(gradients);
        if (norm > c->clip_norm) clip = c->clip_norm / norm;
    }
    o->step++;
    /* Bias corrections folded into one step size and one epsilon. */
    double correct1 = 1.0 - pow(c->beta1, (double)o->step);
    double correct2 = sqrt(1.0 - pow(c->beta2, (double)o->step));
    float epsilon = (float)(c->epsilon * correct2);
    float scale = (float)clip, b1 = (float)c->beta1, b2 = (float)c->beta2;
    for (int i = 0; i < parameters->n_tensors; i++) {
        const struct tensor *row = &parameters->tensors[i];
        float *value = (float *)(void *)parameters->arena.base + row->offset;
        const float *grad = (const float *)(const void *)gradients->arena.base + row->offset;
        float *mean = o->mean + row->offset, *square = o->square + row->offset;
        double own =
            row->learning_rate > 0 ? rate_of(c, (double)row->learning_rate, o->step - 1) : rate;
        float size = (float)(own * correct2 / correct1);
        float keep = row->decay ? (float)(1.0 - own * c->weight_decay) : 1.0f;
#pragma omp simd
        for (size_t j = 0; j < row->count; j++) {
            float g = grad[j] * scale;
            mean[j] = b1 * mean[j] + (1.0f - b1) * g;
            square[j] = b2 * square[j] + (1.0f - b2) * g * g;
            value[j] = value[j] * keep - size * mean[j] / (sqrtf(square[j]) + epsilon);
        }
    }
    return rate;
}

int64_t optimizer_bytes(const struct optimizer *o) {
    return (int64_t)o->arena.size;
}
