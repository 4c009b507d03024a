/*
 * BudgetFormer's gates on a card: the order of kernels, as budgetformer_shared.c has it for the
 * processor. Products are float32 in every precision, and made by kernels of their own; they are
 * told to cuda_observe like all others, and FLOPs are booked as they are there.
 */
#include "models/policies/budgetformer_cuda.h"
#include "models/cuda/cuda_device.h"
#include "models/policies/budgetformer_kernels.h"
#include "models/work.h"

static const struct budget_options *options_of(const struct gate_call *call) {
    return (const void *)call->config->policy_options;
}

/* The networks of a layer; what is learned is asked. */
static struct budget_networks networks_of(const struct gate_call *call,
                                          const struct budget_layer *layer) {
    struct budget_saved keep = budget_saved_of(call);
    struct budget_networks net = {.rows = call->rows,
                                  .dim = call->config->dim,
                                  .x = call->x,
                                  .hidden = keep.hidden,
                                  .z = keep.z,
                                  .s = keep.s};
    if (layer->asks) {
        net.width = budget_hidden_width(call->config);
        net.w1 = call->param[W1];
        net.b1 = call->param[B1];
        net.w2 = call->param[W2];
        net.b2 = call->param[B2];
    }
    if (layer->learned) {
        float *const *param = call->param + budget_scores_at(call);
        net.heads = call->heads;
        net.wd = param[WD];
        net.bd = param[BD];
    }
    return net;
}

/* And where their gradients go. */
static struct budget_networks gradients_of(const struct gate_call *call,
                                           const struct budget_layer *layer, float *dx) {
    struct budget_networks net = networks_of(call, layer);
    net.dx = dx;
    if (layer->asks) {
        net.dw1 = call->grad[W1];
        net.db1 = call->grad[B1];
        net.dw2 = call->grad[W2];
        net.db2 = call->grad[B2];
    }
    if (layer->learned) {
        float *const *grad = call->grad + budget_scores_at(call);
        net.dwd = grad[WD];
        net.dbd = grad[BD];
    }
    return net;
}

static struct budget_rows rows_of(const struct gate_call *call) {
    return (struct budget_rows){.ids = call->ids,
                                .draws = budget_draws(call),
                                .kept = budget_saved_of(call).kept,
                                .shared = call->shared};
}

/* A product of the forward pass. */
static void book(const struct gate_call *call, int m, int n, int k) {
    work_product(call->work, FLOP_GATE, m, n, k, false);
    cuda_observed(call->device, m, n, k);
}

/* What comes before the rows' own arithmetic; f_o's last layer is in that. */
static void ask(const struct gate_call *call, const struct budget_networks *net) {
    const struct device *d = call->device;
    if (net->width > 0) {
        book(call, net->rows, net->width, net->dim);
        work_add(call->work, FLOP_GATE, (uint64_t)net->rows * (uint64_t)net->width);
        book(call, net->rows, 1, net->width);
    }
    if (net->heads > 0) book(call, net->rows, net->heads, net->dim);
    cuda_check(d, budget_ask_launch(net, cuda_stream_of(d)), "the networks of gates");
}

static struct budget_told told_of(const struct gate_call *call, bool hard) {
    return (struct budget_told){budget_layer_of(call, hard), budget_counter_high(call)};
}

static void tell(const struct gate_call *call, bool hard, void *told) {
    _Static_assert(sizeof(struct budget_told) <= POLICY_TOLD_BYTES, "it has to fit");
    *(struct budget_told *)told = told_of(call, hard);
}

static void train(const struct gate_call *call, enum budget_kind kind, float *a) {
    const struct device *d = call->device;
    struct budget_layer layer = budget_layer_of(call, false);
    struct budget_networks net = networks_of(call, &layer);
    struct budget_rows rows = rows_of(call);
    struct gate_sums *sums = call->sums;
    struct budget_sums to = {&sums->regulariser, &sums->budget, &sums->entropy, &sums->n_budget,
                             &sums->n_entropy};
    ask(call, &net);
    cuda_check(d,
               budget_train_launch(kind, &layer, call->told, &net, &rows, a,
                                   cuda_state_of(d)->scratch, &to, cuda_stream_of(d)),
               "gates in training");
}

static void backward(const struct gate_call *call, enum budget_kind kind, const float *da,
                     float *dx) {
    const struct device *d = call->device;
    struct budget_layer layer = budget_layer_of(call, false);
    struct budget_networks net = gradients_of(call, &layer, dx);
    struct budget_rows rows = rows_of(call);
    cuda_check(d,
               budget_backward_launch(kind, &layer, call->told, &net, &rows, da, cuda_stream_of(d)),
               "the gradient of gates");
    if (net.width > 0) {
        cuda_observed(d, 1, net.width, net.rows);
        cuda_observed(d, net.width, net.dim, net.rows);
        cuda_observed(d, net.rows, net.dim, net.width);
    }
    if (net.heads > 0) {
        cuda_observed(d, net.heads, net.dim, net.rows);
        cuda_observed(d, net.rows, net.dim, net.heads);
    }
    cuda_check(d, budget_gradient_launch(&net, cuda_stream_of(d)),
               "the gradient of the networks of gates");
}

static void decide(const struct gate_call *call, enum paper_mode mode, float *decision, float *a) {
    const struct device *d = call->device;
    struct budget_told told = told_of(call, false);
    struct budget_networks net = networks_of(call, &told.layer);
    struct budget_rows rows = rows_of(call);
    ask(call, &net);
    cuda_check(d,
               budget_decide_launch(mode, options_of(call)->tau_end, &told, &net, &rows, decision,
                                    a, cuda_stream_of(d)),
               "decisions");
}

/* ---- the variants ---- */

static enum budget_kind kind_of(const struct gate_call *call) {
    return budgetformer_is_gumbel(call) ? BUDGET_GUMBEL : BUDGET_SOFT;
}

static void consistent_tell(const struct gate_call *call, void *told) {
    tell(call, budgetformer_is_hard(call), told);
}

static void consistent_train(const struct gate_call *call, float *a) {
    train(call, kind_of(call), a);
}

static void consistent_backward(const struct gate_call *call, const float *da, float *dx) {
    backward(call, kind_of(call), da, dx);
}

static void consistent_decide(const struct gate_call *call, float *decision, float *a) {
    decide(call, MODE_PLAIN, decision, a);
}

const struct policy_device_form budgetformer_cuda = {consistent_tell, consistent_train,
                                                     consistent_backward, consistent_decide};

static void paper_tell(const struct gate_call *call, void *told) {
    tell(call, false, told);
}

static void paper_train(const struct gate_call *call, float *a) {
    train(call, BUDGET_SOFTMAX, a);
}

static void paper_backward(const struct gate_call *call, const float *da, float *dx) {
    backward(call, BUDGET_SOFTMAX, da, dx);
}

static void paper_decide(const struct gate_call *call, float *decision, float *a) {
    decide(call, (enum paper_mode)budgetformer_paper_mode(call), decision, a);
}

const struct policy_device_form budgetformer_paper_cuda = {paper_tell, paper_train, paper_backward,
                                                           paper_decide};
