/*
 * The networks f_o and g_d, the schedules, the loss terms, the decision rows and the ablations of
 * BudgetFormer; see budgetformer_shared.h.
 *
 * f_o owns the first four policy tensors of a layer, g_d the next two; an ablation that asks one of
 * them less often declares fewer. With `global_budget`, s lives in gate_call.shared for one pass
 * over the layers, and so does the sum of dL/ds that f_o gets in the first layer.
 */
#include "models/policies/budgetformer_shared.h"
#include "models/cpu/gemm.h"

#include <math.h>
#include <string.h>

enum { W1, B1, W2, B2, BUDGET_TENSORS }; /* of f_o */
enum { WD, BD, SCORE_TENSORS };          /* of g_d, after those of f_o where it is asked */
enum { SHARED_S, SHARED_DS, SHARED_FLOATS };

static const double hinge_low = 0.1, hinge_high = 0.9;
static const double ceil_margin = 1e-4; /* k = ceil(s H - this) */

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

/* Where the tensors of g_d start in gate_call.param. */
static int scores_at(const struct model_config *config, int layer) {
    return asks_budget(config, layer) ? BUDGET_TENSORS : 0;
}

static int hidden_width(const struct model_config *config) {
    int asked = options_of(config)->hidden;
    if (asked > 0) return asked;
    return config->dim / 4 > 16 ? config->dim / 4 : 16;
}

int budget_tensors(const struct model_config *config, int layer, struct policy_tensor *out) {
    int dim = config->dim, hidden = hidden_width(config), heads = config->heads.value[layer], n = 0;
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
    uint64_t dim = (uint64_t)config->dim, hidden = (uint64_t)hidden_width(config);
    uint64_t heads = (uint64_t)config->heads.value[layer], flops = 0;
    if (asks_budget(config, layer)) flops += 2 * dim * hidden + hidden + 2 * hidden;
    if (options_of(config)->scores == SCORES_LEARNED) flops += 2 * dim * heads;
    return flops > 0 ? flops + (uint64_t)n_tokens * dim : 0;
}

/* ---- what is kept between the passes ---- */

/* Per row: hidden [h_o], what the gate keeps [H], the clean scores z [H], and s. */
int budget_saved_floats(const struct model_config *config, int layer) {
    return hidden_width(config) + 2 * config->heads.value[layer] + 1;
}

int budget_shared_floats(const struct model_config *config) {
    return options_of(config)->global_budget ? SHARED_FLOATS : 0;
}

struct saved {
    float *hidden, *kept, *z, *s; /* [rows][h_o], [rows][H], [rows][H], [rows] */
};

static struct saved saved_parts(const struct gate_call *call) {
    size_t rows = (size_t)call->rows, heads = (size_t)call->heads;
    struct saved parts = {.hidden = call->saved};
    parts.kept = parts.hidden + rows * (size_t)hidden_width(call->config);
    parts.z = parts.kept + rows * heads;
    parts.s = parts.z + rows * heads;
    return parts;
}

/* ---- budget and scores ---- */

/* f_o: hidden[rows][h_o] and s[rows] from x[rows][D]. */
static void ask_budget(const struct gate_call *call, float *hidden, float *s) {
    int rows = call->rows, dim = call->config->dim, width = hidden_width(call->config);
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
    for (int r = 0; r < rows; r++)
        s[r] = (float)(1.0 / (1.0 + exp(-((double)s[r] + (double)call->param[B2][0]))));
}

/* s[rows], from wherever this layer has its budget. */
static void find_budget(const struct gate_call *call, float *hidden, float *s) {
    const struct budget_options *o = options_of(call->config);
    bool asks = asks_budget(call->config, call->layer);
    if (asks) ask_budget(call, hidden, s);
    for (int r = 0; r < call->rows; r++) {
        if (o->budget > 0.0) s[r] = (float)o->budget;
        if (!o->global_budget) continue;
        float *shared = call->shared + (size_t)r * SHARED_FLOATS;
        if (asks) {
            shared[SHARED_S] = s[r];
            shared[SHARED_DS] = 0.0f;
        }
        s[r] = shared[SHARED_S];
    }
}

/* g_d: z[rows][heads] from x[rows][D]. */
static void ask_scores(const struct gate_call *call, float *z) {
    int rows = call->rows, dim = call->config->dim, heads = call->heads;
    float *const *param = call->param + scores_at(call->config, call->layer);
    gemm(call->work, FLOP_GATE, rows, heads, dim, 1.0f, plain(call->x, dim),
         transposed(param[WD], dim), 0.0f, z, heads);
    for (int r = 0; r < rows; r++)
        for (int h = 0; h < heads; h++) z[r * heads + h] += param[BD][h];
}

/* Counters of head h of row r in this layer: a function of the input, not of its batch. */
static uint64_t counter_low(const struct gate_call *call, int r, int h) {
    return (uint64_t)call->ids[r] * OPTION_LIST_MAX + (uint64_t)h;
}

/* z[rows][heads] standard normal: new ones each step in training, one draw per input at test. */
static void draw_scores(const struct gate_call *call, const struct rng *rng, uint64_t step,
                        float *z) {
    uint64_t high = step * MODEL_LAYERS_MAX + (uint64_t)call->layer;
    for (int r = 0; r < call->rows; r++)
        for (int h = 0; h < call->heads; h++)
            z[r * call->heads + h] = (float)rng_normal(rng, high, counter_low(call, r, h));
}

int budget_heads(double s, int heads) {
    int k = (int)ceil(s * heads - ceil_margin);
    return k < 1 ? 1 : k > heads ? heads : k;
}

void budget_top_k(const float *z, double s, int heads, float *a) {
    int k = budget_heads(s, heads);
    for (int h = 0; h < heads; h++) {
        int better = 0;
        for (int j = 0; j < heads; j++) better += z[j] > z[h] || (z[j] == z[h] && j < h);
        a[h] = better < k ? 1.0f : 0.0f;
    }
}

double budget_softmax(const float *z, double tau, int heads, double *p, double *log_p) {
    double max = z[0], sum = 0.0, entropy = 0.0;
    for (int h = 1; h < heads; h++) max = (double)z[h] > max ? (double)z[h] : max;
    for (int h = 0; h < heads; h++) sum += exp(((double)z[h] - max) / tau);
    for (int h = 0; h < heads; h++) {
        log_p[h] = ((double)z[h] - max) / tau - log(sum);
        p[h] = exp(log_p[h]);
        entropy -= p[h] * log_p[h];
    }
    return heads > 1 ? entropy / log(heads) : 0.0;
}

/* ---- training ---- */

/* Where the schedules stand. */
struct schedule {
    double sigma, tau, entropy, cost;
    double share; /* of one sample in one layer in the means of the loss terms */
};

static struct schedule schedule_of(const struct gate_call *call) {
    const struct budget_options *o = options_of(call->config);
    double p = call->step->progress;
    double falling = p < o->tau_until ? p / o->tau_until : 1.0;
    double ramp = o->ramp_until > o->ramp_from ? (p - o->ramp_from) / (o->ramp_until - o->ramp_from)
                                               : (p >= o->ramp_from ? 1.0 : 0.0);
    ramp = ramp < 0.0 ? 0.0 : ramp > 1.0 ? 1.0 : ramp;
    return (struct schedule){
        .sigma = p < o->noise_until ? o->noise * (1.0 - p / o->noise_until) : 0.0,
        .tau = o->tau_start * pow(o->tau_end / o->tau_start, falling),
        .entropy = o->entropy_start + p * (o->entropy_end - o->entropy_start),
        .cost = o->cost * ramp,
        .share = 1.0 / ((double)call->step->n_samples * call->config->layers),
    };
}

static struct budget_row row_of(const struct gate_call *call, const struct schedule *now,
                                const struct saved *keep, int r) {
    return (struct budget_row){.config = call->config,
                               .heads = call->heads,
                               .s = (double)keep->s[r],
                               .progress = call->step->progress,
                               .tau = now->tau,
                               .kept = keep->kept + (size_t)r * (size_t)call->heads};
}

/* The entropy of one row's clean scores over ln H, added to what the step reports. Drawn scores and
 * a single head have none. */
static double take_entropy(const struct gate_call *call, const struct schedule *now,
                           const float *z) {
    double p[OPTION_LIST_MAX], log_p[OPTION_LIST_MAX];
    if (!trains_scores(call->config) || call->heads == 1) return 0.0;
    double entropy = budget_softmax(z, now->tau, call->heads, p, log_p);
    call->step->sum_entropy += entropy;
    call->step->n_entropy++;
    return entropy;
}

/* The loss terms of one row. A fixed budget and drawn scores have none: nothing could follow
 * them. */
static double regulariser(const struct gate_call *call, const struct schedule *now, double s,
                          double entropy) {
    const struct budget_options *o = options_of(call->config);
    double executed = (double)budget_heads(s, call->heads) / call->heads;
    double sum = now->entropy * entropy;
    if (o->budget > 0.0) return sum;
    return sum + o->hinge * (fmax(0.0, hinge_low - s) + fmax(0.0, s - hinge_high)) +
           now->cost * (o->cost_on == COST_ON_S ? s : executed);
}

/* Its derivative by s. Straight-through passes the ceiling of k as if it were the identity, but not
 * the clamp at k = 1: below one head there is nothing left to save (ours). */
static double regulariser_ds(const struct gate_call *call, const struct schedule *now, double s) {
    const struct budget_options *o = options_of(call->config);
    bool flat = o->cost_on == COST_ON_EXECUTED && budget_heads(s, call->heads) == 1;
    double ds = flat ? 0.0 : now->cost;
    if (s < hinge_low) ds -= o->hinge;
    if (s > hinge_high) ds += o->hinge;
    return ds;
}

void budget_gates_train(const struct gate_call *call, const struct budget_gate *gate, float *a) {
    struct policy_step *step = call->step;
    struct schedule now = schedule_of(call);
    struct saved keep = saved_parts(call);
    int heads = call->heads;
    uint64_t high = step->step * MODEL_LAYERS_MAX + (uint64_t)call->layer;
    bool learned = trains_scores(call->config);
    find_budget(call, keep.hidden, keep.s);
    if (learned)
        ask_scores(call, keep.z);
    else
        draw_scores(call, &step->noise, step->step, keep.z);
    for (int r = 0; r < call->rows; r++) {
        const float *z = keep.z + (size_t)r * (size_t)heads;
        struct budget_row row = row_of(call, &now, &keep, r);
        float noisy[OPTION_LIST_MAX] = {0};
        for (int h = 0; h < heads; h++) {
            noisy[h] = z[h];
            if (learned && now.sigma > 0.0)
                noisy[h] +=
                    (float)(now.sigma * gate->noise(&step->noise, high, counter_low(call, r, h)));
        }
        gate->forward(&row, noisy, a + (size_t)r * (size_t)heads);
        step->regulariser +=
            now.share * regulariser(call, &now, row.s, take_entropy(call, &now, z));
        step->sum_budget += row.s;
        step->n_budget++;
    }
}

/* dL/dz of one row, task and entropy, over z itself; returns dL/ds, task and its loss terms. */
static double row_backward(const struct gate_call *call, const struct budget_gate *gate,
                           const struct schedule *now, const struct budget_row *row,
                           const float *da, float *z) {
    int heads = row->heads;
    double task[OPTION_LIST_MAX], p[OPTION_LIST_MAX], log_p[OPTION_LIST_MAX];
    double ds = gate->backward(row, da, task);
    double entropy = budget_softmax(z, now->tau, heads, p, log_p);
    for (int h = 0; h < heads; h++) {
        double raw = heads > 1 ? -p[h] * (log_p[h] / log(heads) + entropy) / now->tau : 0.0;
        z[h] = (float)(task[h] + now->share * now->entropy * raw);
    }
    return ds + now->share * regulariser_ds(call, now, row->s);
}

/* Gradients of f_o from dL/ds of one row, up to `hidden`, which becomes its own gradient. */
static void budget_backward(const struct gate_call *call, double s, double ds, float *hidden) {
    int width = hidden_width(call->config);
    float dlogit = (float)(ds * s * (1.0 - s));
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
    const struct model_config *config = call->config;
    struct schedule now = schedule_of(call);
    struct saved keep = saved_parts(call);
    int heads = call->heads, width = hidden_width(config), at = scores_at(config, call->layer);
    bool asks = asks_budget(config, call->layer), learned = trains_scores(config);
    for (int r = 0; r < call->rows; r++) {
        struct budget_row row = row_of(call, &now, &keep, r);
        size_t first = (size_t)r * (size_t)heads;
        float *dz = keep.z + first;
        double ds = row_backward(call, gate, &now, &row, da + first, dz);
        if (options_of(config)->global_budget) /* all layers' gradients meet in the first */
            ds = (double)(call->shared[r * SHARED_FLOATS + SHARED_DS] += (float)ds);
        if (asks) budget_backward(call, row.s, ds, keep.hidden + (size_t)r * (size_t)width);
        for (int h = 0; learned && h < heads; h++) call->grad[at + BD][h] += dz[h];
    }
    if (asks) linear_backward(call, width, keep.hidden, call->param[W1], call->grad[W1], dx);
    if (learned)
        linear_backward(call, heads, keep.z, call->param[at + WD], call->grad[at + WD], dx);
}

/* ---- inference ---- */

int budget_decision_floats(const struct model_config *config, int layer) {
    return 1 + config->heads.value[layer];
}

void budget_decide(const struct gate_call *call, float *decision) {
    struct saved keep = saved_parts(call);
    int heads = call->heads;
    find_budget(call, keep.hidden, keep.s);
    if (options_of(call->config)->scores == SCORES_LEARNED) {
        ask_scores(call, keep.z);
    } else {
        struct rng rng = rng_stream(call->seed, RNG_CONTROL);
        draw_scores(call, &rng, 0, keep.z);
    }
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
    double least = (k - 1 + 2 * ceil_margin) / heads, most = (double)k / heads;
    decision[0] = (float)fmin(fmax((double)decision[0], least), most);
}
