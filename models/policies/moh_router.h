/*
 * The router of Mixture-of-Head attention (MoH, arXiv 2410.11842), which `moh` asks for every token
 * and `moh-pool` for every input: x[rows][D] in, gates[rows][H] out.
 *
 * The first h_s heads are shared: every row runs them. Of the E = H - h_s routed heads a row runs
 * the K with the largest probability. With s = softmax(W_s x), p = softmax(W_r x) and
 * alpha = softmax(W_h x), without biases, the gates are those of the authors' code,
 *   shared   2 alpha_1 h_s s_i,
 *   routed   2 alpha_2 K p_j / sum_chosen p   if chosen, else 0,
 * whose mean over the heads that run is about 1, as in plain attention (the paper's own gates,
 * alpha times probability, are much smaller). The load balance is the code's too, balance *
 * mean_j(P_j f_j) E^2,  averaged over layers; P_j the mean of p_j and f_j the share of rows that
 * chose j; K where both are uniform. P and f are taken over one chunk of the batch (batch.h), and a
 * chunk weighs as many samples as it has (ours): about 512 tokens in place of the authors' whole
 * batch. f has no gradient.
 */
#ifndef HEADROOM_MODELS_POLICIES_MOH_ROUTER_H
#define HEADROOM_MODELS_POLICIES_MOH_ROUTER_H

#include "models/policy.h"

enum { MOH_OPTIONS = 3 };
extern const struct option moh_options[MOH_OPTIONS];

/* The entries of struct policy_ops; rows are whatever the policy's unit makes them. */
bool moh_shape(struct model_config *config, struct error *error);
int moh_tensors(const struct model_config *config, int layer, struct policy_tensor *out);
int moh_saved_floats(const struct model_config *config, int layer);
void moh_gates_train(const struct gate_call *call, float *a);
void moh_gates_backward(const struct gate_call *call, const float *da, float *dx);
void moh_decide(const struct gate_call *call, float *a);

/* Router FLOPs of one layer for this many rows: 2 D (H + 2) each (BFC-1). */
uint64_t moh_router_flops(const struct model_config *config, int layer, int rows);

#endif
