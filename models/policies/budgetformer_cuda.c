/*
 * BudgetFormer's gates on a card: the order of products and kernels, as budgetformer_shared.c has
 * it for the processor. Products are float32 in every precision; FLOPs are booked as they are
 * there.
 */
#include "models/policies/budgetformer_cuda.h"
#include "models/cuda/cuda_device.h"
#include "models/policies/budgetformer_kernels.h"
#include "models/work.h"

static const struct budget_options *options_of(const struct gate_call *call) {
    return (const void *)call->config->policy_options;
}

static struct budget_rows rows_of(const struct gate_call *call, const struct budget_layer *layer) {
    struct budget_saved keep = budget_saved_of(call);
    return (struct budget_rows){
        .n = call->rows,
        .ids = call->ids,
        .draws = budget_draws(call),
        .high = budget_counter_high(call),
        .b2 = layer->asks ? call->param[B2] : NULL,
        .bd = layer->learned ? call->param[budget_scores_at(call) + BD] : NULL,
        .s = keep.s,
        .z = keep.z,
        .kept = keep.kept,
        .shared = call->shared,
    };
}

static struct device_matrix plain(const float *data, int ld) {
    return (struct device_matrix){data, ld, false, NUMBERS};
}

static struct device_matrix transposed(const float *data, int ld) {
    return (struct device_matrix){data, ld, true, NUMBERS};
}

static struct device_product product(int m, int n, int k, struct device_matrix a,
                                     struct device_matrix b, float *c, bool adds) {
    return (struct device_product){m, n, k, a, b, c, n, NUMBERS, adds};
}

/* The products of f_o and g_d where they are asked: hidden, s and z before their last biases. */
static void ask(const struct gate_call *call, const struct budget_layer *layer) {
    const struct device *d = call->device;
    struct budget_saved keep = budget_saved_of(call);
    int rows = call->rows, dim = call->config->dim, width = budget_hidden_width(call->config),
        n = 0;
    struct device_product first[2];
    if (layer->asks)
        first[n++] = product(rows, width, dim, plain(call->x, dim),
                             transposed(call->param[W1], dim), keep.hidden, false);
    if (layer->learned)
        first[n++] =
            product(rows, call->heads, dim, plain(call->x, dim),
                    transposed(call->param[budget_scores_at(call) + WD], dim), keep.z, false);
    for (int i = 0; i < n; i++)
        work_product(call->work, FLOP_GATE, first[i].m, first[i].n, first[i].k, false);
    if (n > 0) d->ops->multiply(d, n, first);
    if (!layer->asks) return;
    struct device_product last = product(rows, 1, width, plain(keep.hidden, width),
                                         transposed(call->param[W2], width), keep.s, false);
    work_add(call->work, FLOP_GATE, (uint64_t)rows * (uint64_t)width);
    work_product(call->work, FLOP_GATE, rows, 1, width, false);
    cuda_check(d,
               budget_hidden_launch(rows, width, call->param[B1], keep.hidden, cuda_stream_of(d)),
               "the budget network");
    d->ops->multiply(d, 1, &last);
}

static void train(const struct gate_call *call, enum budget_kind kind, bool hard, float *a) {
    const struct device *d = call->device;
    struct budget_layer layer = budget_layer_of(call, hard);
    struct budget_rows rows = rows_of(call, &layer);
    struct gate_sums *sums = call->sums;
    struct budget_sums to = {&sums->regulariser, &sums->budget, &sums->entropy, &sums->n_budget,
                             &sums->n_entropy};
    ask(call, &layer);
    cuda_check(d,
               budget_train_launch(kind, &layer, &rows, a, cuda_state_of(d)->scratch, &to,
                                   cuda_stream_of(d)),
               "gates in training");
}

/* A linear map y = W x of all rows: dW += dy^T x, and dx += dy W. */
static struct device_product weight_gradient(const struct gate_call *call, int out, const float *dy,
                                             float *dweight) {
    int dim = call->config->dim;
    return product(out, dim, call->rows, transposed(dy, out), plain(call->x, dim), dweight, true);
}

static struct device_product input_gradient(const struct gate_call *call, int out, const float *dy,
                                            const float *weight, float *dx) {
    int dim = call->config->dim;
    return product(call->rows, dim, out, plain(dy, out), plain(weight, dim), dx, true);
}

/* Gradients of f_o from dL/dlogit of its rows in keep.s. */
static void budget_backward(const struct gate_call *call, float *dx) {
    const struct device *d = call->device;
    struct budget_saved keep = budget_saved_of(call);
    int rows = call->rows, width = budget_hidden_width(call->config);
    struct device_product last = product(1, width, rows, transposed(keep.s, 1),
                                         plain(keep.hidden, width), call->grad[W2], true);
    d->ops->multiply(d, 1, &last);
    cuda_check(d,
               budget_hidden_gradient_launch(rows, width, keep.s, call->param[W2], keep.hidden,
                                             cuda_stream_of(d)),
               "the gradient of the budget network");
    d->ops->bias_gradient(d, rows, 1, keep.s, NUMBERS, call->grad[B2]);
    d->ops->bias_gradient(d, rows, width, keep.hidden, NUMBERS, call->grad[B1]);
    struct device_product first[] = {
        weight_gradient(call, width, keep.hidden, call->grad[W1]),
        input_gradient(call, width, keep.hidden, call->param[W1], dx),
    };
    d->ops->multiply(d, 2, first);
}

static void backward(const struct gate_call *call, enum budget_kind kind, const float *da,
                     float *dx) {
    const struct device *d = call->device;
    struct budget_layer layer = budget_layer_of(call, false);
    struct budget_rows rows = rows_of(call, &layer);
    int at = budget_scores_at(call);
    cuda_check(d, budget_backward_launch(kind, &layer, &rows, da, cuda_stream_of(d)),
               "the gradient of gates");
    if (layer.asks) budget_backward(call, dx);
    if (!layer.learned) return;
    d->ops->bias_gradient(d, call->rows, call->heads, rows.z, NUMBERS, call->grad[at + BD]);
    struct device_product products[] = {
        weight_gradient(call, call->heads, rows.z, call->grad[at + WD]),
        input_gradient(call, call->heads, rows.z, call->param[at + WD], dx),
    };
    d->ops->multiply(d, 2, products);
}

static void decide(const struct gate_call *call, float *decision) {
    const struct device *d = call->device;
    struct budget_layer layer = budget_layer_of(call, false);
    struct budget_rows rows = rows_of(call, &layer);
    ask(call, &layer);
    cuda_check(d, budget_decide_launch(&layer, &rows, decision, cuda_stream_of(d)), "decisions");
}

static void select_heads(const struct gate_call *call, enum paper_mode mode, const float *decision,
                         float *a) {
    const struct device *d = call->device;
    cuda_check(d,
               budget_select_launch(mode, options_of(call)->tau_end, call->rows, call->heads,
                                    decision, a, cuda_stream_of(d)),
               "gates");
}

/* ---- the variants ---- */

static enum budget_kind kind_of(const struct gate_call *call) {
    return budgetformer_is_gumbel(call) ? BUDGET_GUMBEL : BUDGET_SOFT;
}

static void consistent_train(const struct gate_call *call, float *a) {
    train(call, kind_of(call), budgetformer_is_hard(call), a);
}

static void consistent_backward(const struct gate_call *call, const float *da, float *dx) {
    backward(call, kind_of(call), da, dx);
}

static void consistent_select(const struct gate_call *call, const float *decision, float *a) {
    select_heads(call, MODE_PLAIN, decision, a);
}

const struct policy_device_form budgetformer_cuda = {consistent_train, consistent_backward, decide,
                                                     consistent_select};

static void paper_train(const struct gate_call *call, float *a) {
    train(call, BUDGET_SOFTMAX, false, a);
}

static void paper_backward(const struct gate_call *call, const float *da, float *dx) {
    backward(call, BUDGET_SOFTMAX, da, dx);
}

static void paper_select(const struct gate_call *call, const float *decision, float *a) {
    select_heads(call, (enum paper_mode)budgetformer_paper_mode(call), decision, a);
}

const struct policy_device_form budgetformer_paper_cuda = {paper_train, paper_backward, decide,
                                                           paper_select};
