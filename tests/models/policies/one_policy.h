/*
 * One policy in one layer, called from outside the engine: inputs, gates and schedule are the
 * test's.
 */
#ifndef HEADROOM_TESTS_ONE_POLICY_H
#define HEADROOM_TESTS_ONE_POLICY_H

#include "tests/models/small_model.h"

#include <math.h>

enum { DIM = 16, HEADS_MAX = 8, ROWS_MAX = 512, SAVED_MAX = 40, SHARED_MAX = 2 };

/* A policy in one layer, called from outside the engine. */
struct bench {
    struct model_config config;
    struct parameters *p;
    int32_t ids[ROWS_MAX];
    float x[ROWS_MAX * DIM], a[ROWS_MAX * HEADS_MAX], saved[ROWS_MAX * SAVED_MAX];
    float shared[ROWS_MAX * SHARED_MAX];
    struct policy_step step;
    struct gate_call call;
};

static inline void set_up(struct bench *b, const char *policy, const char *options, int heads) {
    memset(b, 0, sizeof *b);
    b->config = small_config(policy_find(policy), options, 2, DIM, heads);
    b->p = small_parameters(&b->config, 1);
    b->step.noise = rng_stream(9, RNG_NOISE);
    b->call = (struct gate_call){.config = &b->config,
                                 .heads = heads,
                                 .x = b->x,
                                 .ids = b->ids,
                                 .param = b->p->layer[0].policy,
                                 .saved = b->saved,
                                 .shared = b->shared,
                                 .step = &b->step};
    for (int r = 0; r < ROWS_MAX; r++) b->ids[r] = r;
    if (b->config.policy->saved_floats)
        assert_true(b->config.policy->saved_floats(&b->config, 0) <= SAVED_MAX);
    assert_true(policy_shared_floats(&b->config) <= SHARED_MAX);
}

static inline void tear_down(struct bench *b) {
    parameters_free(b->p);
}

static inline void train_gates(struct bench *b, int rows, double progress) {
    b->call.rows = b->call.n_samples = b->step.n_samples = rows;
    b->step.progress = progress;
    b->step.regulariser = b->step.sum_budget = b->step.sum_entropy = 0;
    b->step.n_budget = b->step.n_entropy = 0;
    b->config.policy->gates_train(&b->call, b->a);
}

/* BudgetFormer with z_h = x_h and budget s everywhere. */
static inline void set_budget(struct bench *b, double s) {
    float *const *param = b->p->layer[0].policy; /* W1, b1, w2, b2, W_d, b_d */
    memset(param[2], 0, 16 * sizeof(float));
    param[3][0] = (float)log(s / (1 - s));
    for (int h = 0; h < b->call.heads; h++) {
        param[5][h] = 0;
        for (int i = 0; i < DIM; i++) param[4][h * DIM + i] = i == h ? 1.0f : 0.0f;
    }
}

/* Scores of all rows at random, of spread `std`. */
static inline void draw_scores(struct bench *b, double std) {
    struct rng rng = rng_stream(11, RNG_GENERATOR);
    for (int i = 0; i < ROWS_MAX * DIM; i++)
        b->x[i] = (float)(std * rng_normal(&rng, 1, (uint64_t)i));
}

#endif
