/*
 * A per-token gate with one learned row of weights per head, a = sigmoid(w x), which at inference
 * runs the heads above one half. It exists to hold the interface to its word that per-token
 * policies go through the same code.
 */
#ifndef HEADROOM_TESTS_PER_TOKEN_GATE_H
#define HEADROOM_TESTS_PER_TOKEN_GATE_H

#include "models/policy.h"

#include <math.h>

static inline int token_tensors(const struct model_config *config, int layer,
                                struct policy_tensor *out) {
    out[0] = (struct policy_tensor){
        "gate.weight", 2, config->heads.value[layer], config->dim, 0.2f, 0, .decay = true};
    return 1;
}

static inline int token_saved(const struct model_config *config, int layer) {
    return config->heads.value[layer];
}

static inline float token_gate(const struct gate_call *call, int r, int h) {
    int dim = call->config->dim;
    double z = 0;
    for (int i = 0; i < dim; i++) z += (double)(call->param[0][h * dim + i] * call->x[r * dim + i]);
    return (float)(1 / (1 + exp(-z)));
}

static inline void token_train(const struct gate_call *call, float *a) {
    for (int r = 0; r < call->rows; r++)
        for (int h = 0; h < call->heads; h++)
            a[r * call->heads + h] = call->saved[r * call->heads + h] = token_gate(call, r, h);
}

static inline void token_backward(const struct gate_call *call, const float *da, float *dx) {
    int dim = call->config->dim;
    for (int r = 0; r < call->rows; r++)
        for (int h = 0; h < call->heads; h++) {
            float a = call->saved[r * call->heads + h];
            float dz = da[r * call->heads + h] * a * (1 - a);
            for (int i = 0; i < dim; i++) {
                call->grad[0][h * dim + i] += dz * call->x[r * dim + i];
                dx[r * dim + i] += dz * call->param[0][h * dim + i];
            }
        }
}

static inline void token_decide(const struct gate_call *call, float *decision) {
    for (int r = 0; r < call->rows; r++)
        for (int h = 0; h < call->heads; h++) {
            float a = token_gate(call, r, h);
            decision[r * call->heads + h] = a > 0.5f ? a : 0.0f;
        }
}

static const struct policy_ops per_token = {
    .name = "per-token (test)",
    .options = {"test", NULL, 0},
    .unit = GATE_PER_TOKEN,
    .tensors = token_tensors,
    .saved_floats = token_saved,
    .gates_train = token_train,
    .gates_backward = token_backward,
    .decide = token_decide,
};

#endif
