/*
 * Launches of the kernels of BudgetFormer's gates, of both variants. All pointers are to device
 * memory, but for those to structs, which are read at once.
 */
#ifndef HEADROOM_MODELS_POLICIES_BUDGETFORMER_KERNELS_H
#define HEADROOM_MODELS_POLICIES_BUDGETFORMER_KERNELS_H

#include "models/policies/budgetformer_paper_gate.h"

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

enum budget_kind { BUDGET_SOFT, BUDGET_GUMBEL, BUDGET_SOFTMAX }; /* whose gate */

/* The inputs of a chunk in one layer. */
struct budget_rows {
    int n;
    const int32_t *ids;   /* [n] */
    struct rng draws;     /* of noise, and of scores that are drawn */
    uint64_t high;        /* half of the draws' counter */
    const float *b2, *bd; /* last biases of f_o and g_d where they are asked */
    float *s;             /* [n] in: f_o's product where it is asked; out: the budget */
    float *z;             /* [n][heads] in: g_d's product where it is asked; out: scores */
    float *kept, *shared; /* [n][heads], [n][SHARED_FLOATS] */
};

/* Where the sums of a layer are added to. */
struct budget_sums {
    double *regulariser, *budget, *entropy;
    int64_t *n_budget, *n_entropy;
};

/* hidden[n][width] = max(0, hidden + bias) */
cudaError_t budget_hidden_launch(int n, int width, const float *bias, float *hidden,
                                 cudaStream_t stream);

/* Gates a[n][heads] in training; terms: workspace [n][2]. */
cudaError_t budget_train_launch(enum budget_kind kind, const struct budget_layer *layer,
                                const struct budget_rows *rows, float *a, double *terms,
                                const struct budget_sums *sums, cudaStream_t stream);

/* From dL/da[n][heads]: z becomes dL/dz, s becomes dL/d(logit of s). */
cudaError_t budget_backward_launch(enum budget_kind kind, const struct budget_layer *layer,
                                   const struct budget_rows *rows, const float *da,
                                   cudaStream_t stream);

/* hidden becomes its own gradient before the ReLU, dlogit[n] w2[width]. */
cudaError_t budget_hidden_gradient_launch(int n, int width, const float *dlogit, const float *w2,
                                          float *hidden, cudaStream_t stream);

/* decision[n][1 + heads] = s, z */
cudaError_t budget_decide_launch(const struct budget_layer *layer, const struct budget_rows *rows,
                                 float *decision, cudaStream_t stream);

/* a[n][heads] from decisions; what is no variant as published is plain. */
cudaError_t budget_select_launch(enum paper_mode mode, double tau, int n, int heads,
                                 const float *decision, float *a, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
