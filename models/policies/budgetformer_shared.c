/*
 * The networks f_o and g_d, the schedules, the decision rows and the ablations of BudgetFormer; see
 * budgetformer_shared.h, and budgetformer_row.h for the arithmetic of one row.
 *
 * f_o owns the first four policy tensors of a layer, g_d the next two; an ablation that asks one of
 * them less often declares fewer. With `global_budget`, s lives in gate_call.shared for one pass
 * over the layers, and so does the sum of dL/ds that f_o gets in the first layer.
 */
#include "models/policies/budgetformer_shared.h"
#include "models/cpu/gemm.h"

#include <math.h>
#include <string.h>

static const struct budget_options *options_of(const struct model_config *config) {
    return (const void *)config->policy_options;
}

bool budget_check_options(struct model_config *config, struct error *error) {
    const struct budget_options *o = options_of(config);
    bool fixed = o->budget > 0.0;
    if (fixed && o->global_budget)
        return error_set(error,
                         "budget %g is the same in all layers already; leave out "
                         "global_budget, or budget",
                         o->budget);
    if (fixed && o->cost > 0.0)
        return error_set(error,
                         "a cost cannot change the fixed budget %g; set cost to 0, or leave "
                         "out budget",
                         o->budget);
    return true;
}

/* ---- who is asked ---- */

/* Where a global budget is decided: the first layer with heads. */
static int first_layer(const struct model_config *config) {
    int l = 0;
    while (l < config->layers && config->heads.value[l] == 0) l++;
    return l;
}

static bool asks_budget(const struct model_config *config, int layer) {
    const struct budget_options *o = options_of(config);
    if (o->budget > 0.0) return false;
    return !o->global_budget || layer == first_layer(config);
}

static bool trains_scores(const struct model_config *config) {
    return options_of(config)->scores != SCORES_RANDOM;
}

int budget_scores_at(const struct gate_call *call) {
    return asks_budget(call->config, call->layer) ? BUDGET_TENSORS : 0;
}

int budget_hidden_width(const struct model_config *config) {
    int asked = options_of(config)->hidden;
    if (asked > 0) return asked;
    return config->dim / 4 > 16 ? config->dim / 4 : 16;
}

int budget_tensors(const struct model_config *config, int layer, struct policy_tensor *out) {
    int dim = config->dim, hidden = budget_hidden_width(config), heads = config->heads.value[layer],
        n = 0;
    double s = options_of(config)->initial_budget;
    float spread = (float)(1.0 / sqrt(3.0 * dim)); /* the usual linear-layer scale */
    if (asks_budget(config, layer)) {
        float logit = (float)log(s / (1 - s));
        out[n++] = (struct policy_tensor){"budget.0.weight", 2, hidden, dim, spread, 0, true, 0};
        out[n++] = (struct policy_tensor){"budget.0.bias", 1, 1, hidden, 0, 0, false, 0};
        out[n++] = (struct policy_tensor){"budget.2.weight", 2, 1, hidden, 0.02f, 0, true, 0};
        out[n++] = (struct policy_tensor){"budget.2.bias", 1, 1, 1, 0, logit, false, 0};
    }
    if (trains_scores(config)) {
        out[n++] = (struct policy_tensor){"score.weight", 2, heads, dim, spread, 0, true, 0};
        out[n++] = (struct policy_tensor){"score.bias", 1, 1, heads, 0, 0, false, 0};
    }
    return n;
}

/* BFC-1: N D for the pool, (2 D h_o + h_o) + 2 h_o for f_o, 2 D H for g_d, each where inference
 * asks it; scalars are not counted. */
uint64_t budget_gate_flops(const struct model_config *config, int layer, int n_tokens) {
    uint64_t dim = (uint64_t)config->dim, hidden = (uint64_t)budget_hidden_width(config);
    uint64_t heads = (uint64_t)config->heads.value[layer], flops = 0;
    if (asks_budget(config, layer)) flops += 2 * dim * hidden + hidden + 2 * hidden;
    if (options_of(config)->scores == SCORES_LEARNED) flops += 2 * dim * heads;
    return flops > 0 ? flops + (uint64_t)n_tokens * dim : 0;
}

/* ---- what is kept between the passes ---- */

int budget_saved_floats(const struct model_config *config, int layer) {
    return budget_hidden_width(config) + 2 * config->heads.value[layer] + 1;
}

int budget_shared_floats(const struct model_config *config) {
    return options_of(config)->global_budget ? SHARED_FLOATS : 0;
}

struct budget_saved budget_saved_of(const struct gate_call *call) {
    size_t rows = (size_t)call->rows, heads = (size_t)call->heads;
    struct budget_saved parts = {.hidden = call->saved};
    parts.kept = parts.hidden + rows * (size_t)budget_hidden_width(call->config);
    parts.z = parts.kept + rows * heads;
    parts.s = parts.z + rows * heads;
    return parts;
}

/* The input's floats of a global budget, if there is one. */
static float *shared_of(const struct gate_call *call, int r) {
    return call->shared ? call->shared + (size_t)r * SHARED_FLOATS : NULL;
}

/* ---- where a layer stands ---- */

struct budget_layer budget_layer_of(const struct gate_call *call, bool hard) {
    const struct budget_options *o = options_of(call->config);
    struct budget_layer layer = {.heads = call->heads,
                                 .asks = asks_budget(call->config, call->layer),
                                 .global = o->global_budget,
                                 .learned = o->scores == SCORES_LEARNED,
                                 .hard = hard,
                                 .fixed = o->budget};
    if (!call->step) return layer;
    double p = call->step->progress;
    double falling = p < o->tau_until ? p / o->tau_until : 1.0;
    double ramp = o->ramp_until > o->ramp_from ? (p - o->ramp_from) / (o->ramp_until - o->ramp_from)
                                               : (p >= o->ramp_from ? 1.0 : 0.0);
    ramp = ramp < 0.0 ? 0.0 : ramp > 1.0 ? 1.0 : ramp;
    layer.learned = trains_scores(call->config);
    layer.cost_on = o->cost_on;
    layer.hinge = o->hinge;
    layer.sigma = p < o->noise_until ? o->noise * (1.0 - p / o->noise_until) : 0.0;
    layer.tau = o->tau_start * pow(o->tau_end / o->tau_start, falling);
    layer.entropy = o->entropy_start + p * (o->entropy_end - o->entropy_start);
    layer.cost = o->cost * ramp;
    layer.share = 1.0 / ((double)call->step->n_samples * call->config->layers);
    return layer;
}

/* New draws each step in training, one draw per input at test. */
struct rng budget_draws(const struct gate_call *call) {
    return call->step ? call->step->noise : rng_stream(call->seed, RNG_CONTROL);
}

uint64_t budget_counter_high(const struct gate_call *call) {
    return (call->step ? call->step->step : 0) * MODEL_LAYERS_MAX + (uint64_t)call->layer;
}

/* ---- budget and scores ---- */

/* f_o: hidden[rows][h_o] and s[rows] from x[rows][D]. */
static void ask_budget(const struct gate_call *call, float *hidden, float *s) {
    int rows = call->rows, dim = call->config->dim, width = budget_hidden_width(call->config);
    gemm(call->work, FLOP_GATE, rows, width, dim, 1.0f, plain(call->x, dim),
         transposed(call->param[W1], dim), 0.0f, hidden, width);
    work_add(call->work, FLOP_GATE, (uint64_t)rows * (uint64_t)width);
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < width; i++) {
            float *value = &hidden[r * width + i];
            *value += call->param[B1][i];
            *value = *value > 0.0f ? *value : 0.0f;
        }
    gemm(call->work, FLOP_GATE, rows, 1, width, 1.0f, plain(hidden, width),
         transposed(call->param[W2], width), 0.0f, s, 1);
    for (int r = 0; r < rows; r++) s[r] = budget_of_logit(s[r], call->param[B2][0]);
}

/* s[rows], from wherever this layer has its budget. */
static void find_budget(const struct gate_call *call, const struct budget_layer *layer,
                        float *hidden, float *s) {
    if (layer->asks) ask_budget(call, hidden, s);
    for (int r = 0; r < call->rows; r++)
        s[r] = budget_found(layer, layer->asks ? s[r] : 0.0f, shared_of(call, r));
}

/* g_d: z[rows][heads] from x[rows][D]. */
static void ask_scores(const struct gate_call *call, float *z) {
    int rows = call->rows, dim = call->config->dim, heads = call->heads;
    float *const *param = call->param + budget_scores_at(call);
    gemm(call->work, FLOP_GATE, rows, heads, dim, 1.0f, plain(call->x, dim),
         transposed(param[WD], dim), 0.0f, z, heads);
    for (int r = 0; r < rows; r++)
        for (int h = 0; h < heads; h++) z[r * heads + h] += param[BD][h];
}

/* z[rows][heads] standard normal. */
static void draw_scores(const struct gate_call *call, float *z) {
    struct rng rng = budget_draws(call);
    uint64_t high = budget_counter_high(call);
    for (int r = 0; r < call->rows; r++)
        for (int h = 0; h < call->heads; h++)
            z[r * call->heads + h] = (float)rng_normal(&rng, high, budget_counter(call->ids[r], h));
}

static void find_scores(const struct gate_call *call, const struct budget_layer *layer, float *z) {
    if (layer->learned)
        ask_scores(call, z);
    else
        draw_scores(call, z);
}

/* ---- training ---- */

static struct budget_row row_of(const struct budget_layer *layer, const struct budget_saved *keep,
                                int r) {
    return (struct budget_row){.layer = layer,
                               .s = (double)keep->s[r],
                               .kept = keep->kept + (size_t)r * (size_t)layer->heads};
}

/* The entropy of one row's clean scores over ln H, added to what the step reports. */
static double take_entropy(struct policy_step *step, const struct budget_layer *layer,
                           const float *z) {
    double p[OPTION_LIST_MAX], log_p[OPTION_LIST_MAX];
    if (!budget_has_entropy(layer)) return 0.0;
    double entropy = budget_softmax(z, layer->tau, layer->heads, p, log_p);
    step->sum_entropy += entropy;
    step->n_entropy++;
    return entropy;
}

void budget_gates_train(const struct gate_call *call, const struct budget_gate *gate, bool hard,
                        float *a) {
    struct policy_step *step = call->step;
    struct budget_layer layer = budget_layer_of(call, hard);
    struct budget_saved keep = budget_saved_of(call);
    double space[BUDGET_SPACE];
    int heads = call->heads;
    uint64_t high = budget_counter_high(call);
    find_budget(call, &layer, keep.hidden, keep.s);
    find_scores(call, &layer, keep.z);
    for (int r = 0; r < call->rows; r++) {
        const float *z = keep.z + (size_t)r * (size_t)heads;
        struct budget_row row = row_of(&layer, &keep, r);
        float noisy[OPTION_LIST_MAX] = {0};
        for (int h = 0; h < heads; h++) {
            noisy[h] = z[h];
            if (layer.learned && layer.sigma > 0.0)
                noisy[h] += (float)(layer.sigma * gate->noise(&step->noise, high,
                                                              budget_counter(call->ids[r], h)));
        }
        gate->forward(&row, noisy, a + (size_t)r * (size_t)heads, space);
        step->regulariser +=
            layer.share * budget_regulariser(&layer, row.s, take_entropy(step, &layer, z));
        step->sum_budget += row.s;
        step->n_budget++;
    }
}

/* Gradients of f_o from dL/dlogit of one row, up to `hidden`, which becomes its own gradient. */
static void budget_backward(const struct gate_call *call, float dlogit, float *hidden) {
    int width = budget_hidden_width(call->config);
    call->grad[B2][0] += dlogit;
    for (int i = 0; i < width; i++) {
        call->grad[W2][i] += dlogit * hidden[i];
        hidden[i] = hidden[i] > 0.0f ? dlogit * call->param[W2][i] : 0.0f; /* the ReLU */
        call->grad[B1][i] += hidden[i];
    }
}

/* A linear map y = W x of all rows: dW += dy^T x, dx += dy W. */
static void linear_backward(const struct gate_call *call, int out, const float *dy,
                            const float *weight, float *dweight, float *dx) {
    int rows = call->rows, dim = call->config->dim;
    gemm(NULL, FLOP_GATE, out, dim, rows, 1.0f, transposed(dy, out), plain(call->x, dim), 1.0f,
         dweight, dim);
    gemm(NULL, FLOP_GATE, rows, dim, out, 1.0f, plain(dy, out), plain(weight, dim), 1.0f, dx, dim);
}

void budget_gates_backward(const struct gate_call *call, const struct budget_gate *gate,
                           const float *da, float *dx) {
    struct budget_layer layer = budget_layer_of(call, false);
    struct budget_saved keep = budget_saved_of(call);
    double space[BUDGET_SPACE], task[OPTION_LIST_MAX], p[OPTION_LIST_MAX], log_p[OPTION_LIST_MAX];
    int heads = call->heads, width = budget_hidden_width(call->config), at = budget_scores_at(call);
    for (int r = 0; r < call->rows; r++) {
        struct budget_row row = row_of(&layer, &keep, r);
        size_t first = (size_t)r * (size_t)heads;
        float *dz = keep.z + first;
        double ds = gate->backward(&row, da + first, task, space);
        budget_scores_gradient(&layer, task, dz, p, log_p);
        float dlogit = budget_logit_gradient(
            &layer, row.s, ds + layer.share * budget_regulariser_ds(&layer, row.s),
            shared_of(call, r));
        if (layer.asks) budget_backward(call, dlogit, keep.hidden + (size_t)r * (size_t)width);
        for (int h = 0; layer.learned && h < heads; h++) call->grad[at + BD][h] += dz[h];
    }
    if (layer.asks) linear_backward(call, width, keep.hidden, call->param[W1], call->grad[W1], dx);
    if (layer.learned)
        linear_backward(call, heads, keep.z, call->param[at + WD], call->grad[at + WD], dx);
}

/* ---- inference ---- */

int budget_decision_floats(const struct model_config *config, int layer) {
    return 1 + config->heads.value[layer];
}

void budget_decide(const struct gate_call *call, float *decision) {
    struct budget_layer layer = budget_layer_of(call, false);
    struct budget_saved keep = budget_saved_of(call);
    int heads = call->heads;
    find_budget(call, &layer, keep.hidden, keep.s);
    find_scores(call, &layer, keep.z);
    for (int r = 0; r < call->rows; r++) {
        float *row = decision + (size_t)r * (size_t)(1 + heads);
        row[0] = keep.s[r];
        memcpy(row + 1, keep.z + (size_t)r * (size_t)heads, (size_t)heads * sizeof *row);
    }
}

void budget_select(const struct gate_call *call, const float *decision, float *a) {
    for (int r = 0; r < call->rows; r++) {
        const float *row = decision + (size_t)r * (size_t)(1 + call->heads);
        budget_top_k(row + 1, (double)row[0], call->heads, a + (size_t)r * (size_t)call->heads);
    }
}

double budget_of_decision(const float *decision) {
    return (double)decision[0];
}

/* The nearest s that runs k heads: where s itself weighs the heads, it should stay what it was. */
void budget_set_heads(float *decision, int heads, int k) {
    double least = (k - 1 + 2 * budget_ceil_margin) / heads, most = (double)k / heads;
    decision[0] = (float)fmin(fmax((double)decision[0], least), most);
}
