/*
 * Forward and backward of the MoH router; moh_router.h has the equations. W_s, W_r and W_h are the
 * rows of one tensor, so that a row's H + 2 logits are one product.
 */
#include "models/policies/moh_router.h"
#include "models/cpu/gemm.h"

#include <math.h>

struct options {
    int shared, routed;
    double balance;
};

#define FIELD(name) offsetof(struct options, name)

const struct option moh_options[MOH_OPTIONS] = {
    {"shared", OPTION_INT, FIELD(shared), "2", 1, OPTION_LIST_MAX, NULL,
     "shared heads h_s, which always run"},
    {"routed", OPTION_INT, FIELD(routed), "2", 1, OPTION_LIST_MAX, NULL,
     "routed heads K that run beside them, chosen among the others"},
    {"balance", OPTION_FLOAT, FIELD(balance), "0.01", 0, 100, NULL, "weight of the load balance"},
};

static const struct options *options_of(const struct gate_call *call) {
    return (const void *)call->config->policy_options;
}

bool moh_shape(struct model_config *config, struct error *error) {
    const struct options *o = (const void *)config->policy_options;
    if (o->shared + o->routed <= config->base_heads) return true;
    return error_set(error, "shared %d and routed %d ask for more than the model's %d heads",
                     o->shared, o->routed, config->base_heads);
}

/* Rows of the weight, and numbers of a row of logits: shared [h_s], routed [E], mix (alpha) [2]. */
static int logits_of(int heads) {
    return heads + 2;
}

int moh_tensors(const struct model_config *config, int layer, struct policy_tensor *out) {
    float spread = (float)(1.0 / sqrt(3.0 * config->dim)); /* the usual linear-layer scale */
    out[0] = (struct policy_tensor){
        "router.weight", 2, logits_of(config->heads.value[layer]), config->dim, spread, 0, true, 0};
    return 1;
}

/* Kept per row: the probabilities of its shared heads, of its routed heads, and alpha. */
int moh_saved_floats(const struct model_config *config, int layer) {
    return logits_of(config->heads.value[layer]);
}

uint64_t moh_router_flops(const struct model_config *config, int layer, int rows) {
    uint64_t width = (uint64_t)logits_of(config->heads.value[layer]);
    return 2 * (uint64_t)rows * (uint64_t)config->dim * width;
}

static void softmax(float *z, int n) {
    double max = (double)z[0], sum = 0.0;
    for (int i = 1; i < n; i++) max = (double)z[i] > max ? (double)z[i] : max;
    for (int i = 0; i < n; i++) sum += exp((double)z[i] - max);
    for (int i = 0; i < n; i++) z[i] = (float)(exp((double)z[i] - max) / sum);
}

/* Marks the k largest of p[n], ties to the lower index; returns their sum. */
static double choose(const float *p, int n, int k, bool *chosen) {
    double sum = 0.0;
    for (int i = 0; i < n; i++) {
        int better = 0;
        for (int j = 0; j < n; j++) better += p[j] > p[i] || (p[j] == p[i] && j < i);
        chosen[i] = better < k;
        if (chosen[i]) sum += (double)p[i];
    }
    return sum;
}

/* Fills call->saved with every row's probabilities and a[rows][H] with its gates. */
void moh_decide(const struct gate_call *call, float *a) {
    const struct options *o = options_of(call);
    int heads = call->heads, width = logits_of(heads), experts = heads - o->shared;
    gemm(call->work, FLOP_GATE, call->rows, width, call->config->dim, 1.0f,
         plain(call->x, call->config->dim), transposed(call->param[0], call->config->dim), 0.0f,
         call->saved, width);
    for (int r = 0; r < call->rows; r++, a += heads) {
        float *shared = call->saved + (size_t)r * (size_t)width, *routed = shared + o->shared;
        float *mix = shared + heads;
        bool chosen[OPTION_LIST_MAX];
        softmax(shared, o->shared);
        softmax(routed, experts);
        softmax(mix, 2);
        double sum = choose(routed, experts, o->routed, chosen);
        for (int i = 0; i < o->shared; i++)
            a[i] = (float)(2.0 * (double)mix[0] * o->shared * (double)shared[i]);
        for (int j = 0; j < experts; j++)
            a[o->shared + j] =
                chosen[j] ? (float)(2.0 * (double)mix[1] * o->routed * (double)routed[j] / sum)
                          : 0.0f;
    }
}

/* Of the chunk: load[E], the share of rows that chose each routed head; returns mean(P f) E^2. */
static double balance_of(const struct gate_call *call, double *load) {
    const struct options *o = options_of(call);
    int experts = call->heads - o->shared, width = logits_of(call->heads);
    double mean[OPTION_LIST_MAX] = {0}, product = 0.0;
    for (int j = 0; j < experts; j++) load[j] = 0.0;
    for (int r = 0; r < call->rows; r++) {
        const float *routed = call->saved + (size_t)r * (size_t)width + o->shared;
        bool chosen[OPTION_LIST_MAX];
        choose(routed, experts, o->routed, chosen);
        for (int j = 0; j < experts; j++) {
            mean[j] += (double)routed[j] / call->rows;
            load[j] += (double)chosen[j] / call->rows;
        }
    }
    for (int j = 0; j < experts; j++) product += mean[j] * load[j];
    return product * experts;
}

/* What the chunk's balance counts in the loss. */
static double balance_weight(const struct gate_call *call) {
    return options_of(call)->balance * call->n_samples / call->step->n_samples /
           call->config->layers;
}

/* Adds the entropy of every row's routed probabilities over ln E to what the step reports. */
static void take_entropy(const struct gate_call *call) {
    int shared = options_of(call)->shared, experts = call->heads - shared;
    if (experts == 1) return; /* nothing to choose */
    for (int r = 0; r < call->rows; r++) {
        const float *routed = call->saved + (size_t)r * (size_t)logits_of(call->heads) + shared;
        double entropy = 0.0;
        for (int j = 0; j < experts; j++)
            if (routed[j] > 0.0f) entropy -= (double)routed[j] * log((double)routed[j]);
        call->step->sum_entropy += entropy / log(experts);
        call->step->n_entropy++;
    }
}

void moh_gates_train(const struct gate_call *call, float *a) {
    double load[OPTION_LIST_MAX];
    moh_decide(call, a);
    take_entropy(call);
    call->step->regulariser += balance_weight(call) * balance_of(call, load);
}

/* p[n] becomes scale times dL/dlogits, p_i (dp_i - <p, dp>), given dp = dL/dp; returns <p, dp>. */
static double softmax_backward(float *p, const double *dp, double scale, int n) {
    double mean = 0.0;
    for (int i = 0; i < n; i++) mean += (double)p[i] * dp[i];
    for (int i = 0; i < n; i++) p[i] = (float)(scale * (double)p[i] * (dp[i] - mean));
    return mean;
}

/* One row of probabilities becomes dL/dlogits. dload[E]: gradient of the balance to each p_j. */
static void row_backward(const struct options *o, int heads, const float *da, const double *dload,
                         float *shared) {
    float *routed = shared + o->shared, *mix = shared + heads;
    int experts = heads - o->shared;
    double dp[OPTION_LIST_MAX], dmix[2], chosen_mean = 0.0;
    bool chosen[OPTION_LIST_MAX];
    double sum = choose(routed, experts, o->routed, chosen);
    for (int j = 0; j < experts; j++)
        if (chosen[j]) chosen_mean += (double)routed[j] / sum * (double)da[o->shared + j];
    for (int i = 0; i < o->shared; i++) dp[i] = 2.0 * o->shared * (double)da[i];
    dmix[0] = softmax_backward(shared, dp, (double)mix[0], o->shared);
    dmix[1] = 2.0 * o->routed * chosen_mean;
    for (int j = 0; j < experts; j++) { /* p_j over the sum of the chosen, and the balance */
        double gate = chosen[j] ? ((double)da[o->shared + j] - chosen_mean) / sum : 0.0;
        dp[j] = 2.0 * o->routed * (double)mix[1] * gate + dload[j];
    }
    softmax_backward(routed, dp, 1.0, experts);
    softmax_backward(mix, dmix, 1.0, 2);
}

void moh_gates_backward(const struct gate_call *call, const float *da, float *dx) {
    const struct options *o = options_of(call);
    int heads = call->heads, width = logits_of(heads), dim = call->config->dim;
    double load[OPTION_LIST_MAX] = {0};
    balance_of(call, load);
    for (int j = 0; j < heads - o->shared; j++)
        load[j] *= balance_weight(call) * (heads - o->shared) / call->rows;
    for (int r = 0; r < call->rows; r++)
        row_backward(o, heads, da + (size_t)r * (size_t)heads, load,
                     call->saved + (size_t)r * (size_t)width);
    gemm(NULL, FLOP_GATE, width, dim, call->rows, 1.0f, transposed(call->saved, width),
         plain(call->x, dim), 1.0f, call->grad[0], dim);
    gemm(NULL, FLOP_GATE, call->rows, dim, width, 1.0f, plain(call->saved, width),
         plain(call->param[0], dim), 1.0f, dx, dim);
}
