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

/* f_o and g_d, for the inputs of a chunk in one layer. Both begin with x, so their first layers are
 * one product, of width + heads columns: first f_o's, if it is asked, then g_d's. */
struct budget_networks {
    int rows, dim;
    int width, heads; /* 0: f_o, or g_d, is not asked */
    const float *x;   /* [rows][dim] */
    const float *w1, *b1, *w2, *b2, *wd, *bd;
    float *hidden;                            /* [rows][width], after its ReLU */
    float *z;                                 /* [rows][heads] scores; their gradient */
    float *s;                                 /* [rows] budgets; f_o's gradient at its end */
    float *dw1, *db1, *dw2, *db2, *dwd, *dbd; /* of the backward pass, like dx[rows][dim] */
    float *dx;
};

/* What else the gates of these inputs need. */
struct budget_rows {
    const int32_t *ids; /* [rows] */
    struct rng draws;   /* of noise, and of scores that are drawn; of a training always the same */
    float *kept;        /* [rows][heads of the layer] */
    float *shared;      /* [rows][SHARED_FLOATS] */
};

/* What changes from step to step, with what does not. */
struct budget_told {
    struct budget_layer layer;
    uint64_t high; /* half of the draws' counter */
};

/* Where the sums of a layer are added to. */
struct budget_sums {
    double *regulariser, *budget, *entropy;
    int64_t *n_budget, *n_entropy;
};

/* hidden, and z where it is learned, from x. */
cudaError_t budget_ask_launch(const struct budget_networks *networks, cudaStream_t stream);

/* s; z where it is drawn; and gates a[rows][heads] in training. `told` lies in device memory, and is
 * read when the kernel runs; of `layer` only what is the same in every step. terms: workspace
 * [rows][2]. */
cudaError_t budget_train_launch(enum budget_kind kind, const struct budget_layer *layer,
                                const struct budget_told *told,
                                const struct budget_networks *networks,
                                const struct budget_rows *rows, float *a, double *terms,
                                const struct budget_sums *sums, cudaStream_t stream);

/* From dL/da[rows][heads]: z becomes dL/dz, s becomes dL/d(logit of s). */
cudaError_t budget_backward_launch(enum budget_kind kind, const struct budget_layer *layer,
                                   const struct budget_told *told,
                                   const struct budget_networks *networks,
                                   const struct budget_rows *rows, const float *da,
                                   cudaStream_t stream);

/* Adds what these are to the gradients of both networks and of x. */
cudaError_t budget_gradient_launch(const struct budget_networks *networks, cudaStream_t stream);

/* decision[rows][1 + heads] = s, z; and gates a[rows][heads] of them: what is no variant as
 * published is plain. `told` lies in the host's memory. */
cudaError_t budget_decide_launch(enum paper_mode mode, double tau, const struct budget_told *told,
                                 const struct budget_networks *networks,
                                 const struct budget_rows *rows, float *decision, float *a,
                                 cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
