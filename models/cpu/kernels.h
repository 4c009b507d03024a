/*
 * The element-wise and reduction kernels between the dense products, forward and backward. Each is
 * a plain loop that the compiler vectorises (`omp simd` where a reduction must be reassociated;
 * never -ffast-math). Backward kernels add to parameter gradients and overwrite or add to inputs as
 * said. Rows are tokens unless another name is given.
 */
#ifndef HEADROOM_MODELS_CPU_KERNELS_H
#define HEADROOM_MODELS_CPU_KERNELS_H

#include "models/base/rng.h"
#include "models/batch.h"
#include "models/device.h"

/* LayerNorm over D: y = (x - mean) * rstd * weight + bias; keeps mean and rstd [rows] if not
 * NULL. */
void layernorm_forward(int rows, int dim, const float *x, const float *weight, const float *bias,
                       double eps, float *y, float *mean, float *rstd);

/* y again from the kept statistics: recomputed in the backward pass instead of stored. */
void layernorm_again(int rows, int dim, const float *x, const float *weight, const float *bias,
                     const float *mean, const float *rstd, float *y);

/* dx += dL/dx; dweight, dbias += their gradients. */
void layernorm_backward(int rows, int dim, const float *x, const float *weight, const float *mean,
                        const float *rstd, const float *dy, float *dweight, float *dbias,
                        float *dx);

/* x[rows][cols] += bias[cols]; and its gradient, dbias += column sums of dx. */
void bias_forward(int rows, int cols, const float *bias, float *x);
void bias_backward(int rows, int cols, const float *dx, float *dbias);

/* pre += bias in place, then y = gelu(pre), the tanh form of Hendrycks & Gimpel (2016). y may be
 * pre. */
void gelu_forward(int rows, int cols, const float *bias, float *pre, float *y);

/* y = gelu(pre) again and dy *= gelu'(pre), in one pass. */
void gelu_backward(size_t n, const float *pre, float *y, float *dy);

/* x[n] *= keep mask / (1 - p), a pure function of (rng, high): the backward pass calls it again. */
void dropout_apply(const struct rng *rng, uint64_t high, double p, size_t n, float *x);

/* pooled[sample][dim] = mean over the sample's tokens of x; and its gradient, added to dx. */
void pool_forward(const struct batch *batch, int dim, const float *x, float *pooled);
void pool_backward(const struct batch *batch, int dim, const float *dpooled, float *dx);

/* x[tokens][D]: the sum of each token's rows of the embedding tables that the model has; and the
 * gradient of the tables. */
void embedding_forward(const struct parameters *p, const struct batch *batch, float *x);
void embedding_backward(struct parameters *g, const struct batch *batch, const float *dx);

/* Softmax cross-entropy: logits[samples][classes] become probabilities; the sum of losses comes
 * back, and *correct gets the inputs added whose class has the largest logit. */
double cross_entropy_forward(const struct batch *batch, int classes, float *logits,
                             int64_t *correct);
/* Probabilities become dL/dlogits, times scale. */
void cross_entropy_backward(const struct batch *batch, int classes, float scale, float *p);

/* gated = a * context: heads of a token by the gates of its row, inputs or single tokens; and
 * dgates[row][h] = sum of <context_h, dcontext_h> over the row, then dcontext *= a. */
void gates_forward(const struct batch *batch, bool by_token, int heads, int head_dim,
                   const float *gates, const float *context, float *gated);
void gates_backward(const struct batch *batch, bool by_token, int heads, int head_dim,
                    const float *gates, const float *context, float *dcontext, float *dgates);

/* The chosen heads (device.h): rows there and back, and the gates that are not 1. */
void heads_gather(const struct head_group *group, bool queries, int dim, const float *x,
                  float *rows);
void heads_scale(const struct head_group *group, int head_dim, float *context);
void heads_scatter(const struct head_group *group, int dim, const float *back, float *x);

/* The same for narrow heads on the rows where they lie (device.h, heads_in_place.c); o_bias is left
 * to who calls. scratch: ATTENTION_SCRATCH floats. */
bool heads_fit_in_place(int heads, int head_dim, int dim, int tokens);
void heads_project_in_place(const struct batch *batch, const struct device_chosen *chosen);
void heads_attend_in_place(const struct batch *batch, const struct device_chosen *chosen);
void heads_add_in_place(const struct batch *batch, const struct device_chosen *chosen);

/* The sum of squares in double, and one step, of the tensors that are named (device.h). */
void tensors_clear(int n_tensors, const struct adamw_tensor *tensor, float *g);
double tensors_square_sum(int n_tensors, const struct adamw_tensor *tensor, const float *g);
void tensors_adamw(const struct adamw *step, const float *g, float *mean, float *square,
                   float *value);

/* The map is made in tiles of at most this side; backward holds two of them at a time. */
enum { ATTENTION_BLOCK = 128, ATTENTION_SCRATCH = 2 * ATTENTION_BLOCK * ATTENTION_BLOCK };

/*
 * Softmax attention of one head over one sample of n tokens, in row blocks: no n x n matrix is
 * kept. `queries` tokens ask, all n are asked. Row strides: ld_q of q, ld_kv of k and v, ld_out of
 * the outputs.
 */
struct attention {
    int queries, n, head_dim, ld_q, ld_kv, ld_out;
    const float *q, *k, *v;
    float *scores; /* workspace: ATTENTION_SCRATCH floats */
};

/* Head h of a sample whose first row of Q, K, V is `qkv`: a row holds [heads][3][head_dim], and a
 * row of outputs [heads][head_dim]. */
static inline struct attention attention_of_head(const float *qkv, int n, int heads, int head_dim,
                                                 int h, float *scores) {
    const float *q = qkv + 3 * (size_t)h * (size_t)head_dim;
    int ld = 3 * heads * head_dim;
    return (struct attention){.queries = n,
                              .n = n,
                              .head_dim = head_dim,
                              .ld_q = ld,
                              .ld_kv = ld,
                              .ld_out = heads * head_dim,
                              .q = q,
                              .k = q + head_dim,
                              .v = q + 2 * (size_t)head_dim,
                              .scores = scores};
}

/* out[queries] = softmax(q k^T / sqrt(d)) v; log_sum[queries] (may be NULL) keeps each row's
 * log-sum-exp. */
void attention_forward(const struct attention *head, float *out, float *log_sum);

/* Of training, where all n tokens ask and ld_q = ld_kv. Recomputes the map from log_sum. delta[i] =
 * <out_i, dout_i>. Overwrites dq, dk, dv (stride ld_kv). */
void attention_backward(const struct attention *head, const float *log_sum, const float *delta,
                        const float *dout, float *dq, float *dk, float *dv);

#endif
